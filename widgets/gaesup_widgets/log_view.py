"""A live log: renders only what is in sight, follows or stays, searches, says what it dropped.

While it follows, the view moves on by half a page at a time: a line is then painted twice in its
life and not once per line that comes after it, which is what makes a log readable over a slow
connection (and to the eye).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from time import monotonic
from typing import ClassVar, Literal

from rich.cells import cell_len
from textual.binding import Binding, BindingType

from gaesup_widgets.cells import Cell, count, fit
from gaesup_widgets.drawn import DrawnLines
from gaesup_widgets.log_buffer import Level, LogBuffer, LogLine
from gaesup_widgets.paint import Runs
from gaesup_widgets.symbols import UNICODE, Symbols

__all__ = ["Level", "LogLine", "LogView"]

_STYLES: dict[Level, str] = {"debug": "dim", "info": "", "warn": "warn", "error": "bad"}
_SHIFT_CELLS = 20


class LogView(DrawnLines, can_focus=True):
    """Lines of a log above one line that tells the state of the view."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j", "scroll_by(1)", "Down", show=False, id="log.down"),
        Binding("up,k", "scroll_by(-1)", "Up", show=False, id="log.up"),
        Binding("pagedown,ctrl+f", "page(1)", "Page down", show=False, id="log.page_down"),
        Binding("pageup", "page(-1)", "Page up", show=False, id="log.page_up"),
        Binding("ctrl+d", "page(0.5)", "Half a page down", show=False, id="log.half_down"),
        Binding("ctrl+u", "page(-0.5)", "Half a page up", show=False, id="log.half_up"),
        Binding("home,g", "first", "Oldest", show=False, id="log.first"),
        Binding("end,G", "follow", "Follow", show=False, id="log.follow"),
        Binding("right", "shift(1)", "Right", show=False, id="log.right"),
        Binding("left", "shift(-1)", "Left", show=False, id="log.left"),
        Binding("n", "find(1)", "Next match", show=False, id="log.next"),
        Binding("N", "find(-1)", "Match before", show=False, id="log.previous"),
    ]
    DEFAULT_CSS = "LogView { height: 1fr; width: 1fr; }"

    def __init__(
        self,
        *,
        capacity: int = 10_000,
        interval_s: float = 0.25,
        symbols: Symbols = UNICODE,
        name: str | None = None,
        id: str | None = None,  # noqa: A002 - Textual's own parameter name
        classes: str | None = None,
    ) -> None:
        """Keep `capacity` lines; paint new ones at most every `interval_s` seconds."""
        super().__init__(symbols=symbols, name=name, id=id, classes=classes)
        self._buffer = LogBuffer(capacity)
        self._interval_s = interval_s
        self._top = 0
        self._left = 0
        self._is_following = True
        self._needle = ""
        self._match: int | None = None
        self._n_matches = 0
        self._drawn_at = 0.0
        self._is_draw_due = False

    @property
    def buffer(self) -> LogBuffer:
        """The lines held."""
        return self._buffer

    @property
    def is_following(self) -> bool:
        """Whether the newest line is kept in sight."""
        return self._is_following

    def append(self, lines: Iterable[LogLine], *, n_lost: int = 0) -> None:
        """Add `lines`; `n_lost` is how many the deliverer had to leave out before them."""
        self._buffer.add(lines)
        self._buffer.note_lost(n_lost)
        if self._is_draw_due or not self.is_attached:
            return
        wait_s = self._drawn_at + self._interval_s - monotonic()
        if wait_s <= 0:
            self._deliver()
        else:
            self._is_draw_due = True
            self.set_timer(wait_s, self._deliver)

    def clear(self) -> None:
        """Forget all lines, as when another source is shown."""
        self._buffer = LogBuffer(self._buffer.capacity)
        self._top, self._match, self._n_matches, self._is_following = 0, None, 0, True
        self.redraw()

    def set_least_level(self, level: Level) -> None:
        """Show only lines of `level` and worse."""
        self._buffer.set_least_level(level)
        self._match, self._n_matches = None, self._buffer.count(self._needle)
        self.action_follow()

    def search(self, needle: str) -> int:
        """Go to the newest line with `needle`; returns how many lines have it (0: stay)."""
        self._needle, self._match = needle, None
        self._n_matches = self._buffer.count(needle)
        self._go_to(self._buffer.find(needle, self._buffer.end - 1, -1))
        return self._n_matches

    def set_following(self, is_following: bool) -> None:
        """Follow the newest line, or stay where the view is."""
        self._is_following = is_following
        if is_following:
            self._top = max(self._buffer.first, self._buffer.end - self._page_height)
        self.redraw()

    def action_scroll_by(self, by: int) -> None:
        page, end = self._page_height, self._buffer.end
        top = self._top + by
        if by > 0:
            top = min(top, max(self._top, end - page))
        self._top = max(self._buffer.first, top)
        self._is_following = by > 0 and self._top + page >= end
        self.redraw()

    def action_page(self, pages: float) -> None:
        self.action_scroll_by(int(pages * self._page_height))

    def action_first(self) -> None:
        self._top, self._is_following = self._buffer.first, False
        self.redraw()

    def action_follow(self) -> None:
        self.set_following(True)

    def action_shift(self, by: int) -> None:
        self._left = max(0, self._left + by * _SHIFT_CELLS)
        self.redraw()

    def action_find(self, step: Literal[1, -1]) -> None:
        start = self._top if self._match is None else self._match + step
        self._n_matches = self._buffer.count(self._needle)
        self._go_to(self._buffer.find(self._needle, start, step))

    @property
    def _page_height(self) -> int:
        return max(0, self.content_size.height - 1)

    def _go_to(self, number: int | None) -> None:
        if number is not None:
            self._match, self._is_following = number, False
            if not self._top <= number < self._top + self._page_height:
                self._top = max(self._buffer.first, number - self._page_height // 2)
        self.redraw()

    def _deliver(self) -> None:
        self._is_draw_due = False
        self._drawn_at = monotonic()
        self.redraw()

    def lines_for(self, width: int) -> Sequence[Runs]:
        page = self._page_height
        if not page:
            return self.lines  # no room for a line of the log: what was shown stays
        end = self._buffer.end
        self._top = max(self._top, self._buffer.first)
        if self._is_following and not end - page <= self._top <= max(self._buffer.first, end - 1):
            self._top = max(self._buffer.first, end - page + page // 2)
        lines: list[Runs] = [
            self._line_runs(number, line) for number, line in self._buffer.window(self._top, page)
        ]
        lines += [()] * (page - len(lines))
        return [*lines, self._state_runs(width)]

    def _line_runs(self, number: int, line: LogLine) -> Runs:
        text = line.text[self._left :] if self._left else line.text
        style = _STYLES[line.level]
        if number == self._match:
            return [Cell(text, "cursor")]
        if self._needle and LogBuffer.matches(line, self._needle):
            return self._highlighted(text, style)
        return [Cell(text, style)]

    def _highlighted(self, text: str, style: str) -> Runs:
        folded = text if self._needle != self._needle.lower() else text.lower()
        at = folded.find(self._needle)
        # Lower-casing may lengthen a text; then the place found is not the place shown.
        if at < 0 or len(folded) != len(text):
            return [Cell(text, style)]
        end = at + len(self._needle)
        return [Cell(text[:at], style), Cell(text[at:end], "cursor"), Cell(text[end:], style)]

    def _state_runs(self, width: int) -> Runs:
        buffer = self._buffer
        below = buffer.end - self._top - self._page_height
        state = "following" if self._is_following else f"paused, {count(max(0, below))} below"
        parts = [state, f"{count(buffer.end - buffer.first)} lines"]
        if buffer.dropped:
            parts.append(f"{count(buffer.dropped)} dropped")
        if self._needle:
            parts.append(f"/{self._needle}: {count(self._n_matches)} lines")
        if self._left:
            parts.append(f"from column {self._left + 1}")
        text = f" {self._symbols.rule} " + ", ".join(parts)
        style = "warn" if buffer.dropped else "dim"
        return [Cell(fit(text, min(width, cell_len(text))), style)]
