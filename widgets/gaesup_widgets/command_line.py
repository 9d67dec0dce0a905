"""A line to type a command or a filter into, with completion and history."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.widgets import Input

from gaesup_widgets.cells import Cell, width_of
from gaesup_widgets.paint import Lines, Runs
from gaesup_widgets.symbols import UNICODE, Symbols

Complete = Callable[[str], Sequence[str]]
"""Given the text so far, the whole texts it may become, the most likely first."""


def shared_start(candidates: Sequence[str]) -> str:
    """The longest text all `candidates` begin with."""
    return os.path.commonprefix(list(candidates))  # noqa: RUF071 - texts, not paths


def candidate_runs(candidates: Sequence[str], chosen: int | None, width: int) -> list[Cell]:
    """The last word of each candidate in a row, the chosen one marked and in sight."""
    words = [text.rstrip().rpartition(" ")[2] for text in candidates]
    start = 0
    if chosen is not None:
        while start < chosen and sum(width_of(w) + 2 for w in words[start : chosen + 1]) > width:
            start += 1
    return [
        Cell(f" {word} ", "cursor" if at == chosen else "dim")
        for at, word in enumerate(words[start:], start)
    ]


class _LineMessage(Message):
    def __init__(self, line: CommandLine, text: str = "") -> None:
        super().__init__()
        self.line = line
        self.text = text

    @property
    def control(self) -> CommandLine:
        return self.line


class CommandLine(Vertical):
    """A prompt, the text, and above it what the text may become.

    Hidden until `open`ed. Enter submits, Esc closes, Tab completes and then goes round the
    candidates, up and down go through the history.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "complete(1)", "Complete", show=False, priority=True, id="line.complete"),
        Binding("shift+tab", "complete(-1)", "Back", show=False, priority=True, id="line.back"),
        Binding("up", "recall(-1)", "Earlier", show=False, id="line.earlier"),
        Binding("down", "recall(1)", "Later", show=False, id="line.later"),
        Binding("escape", "close", "Close", show=False, id="line.close"),
    ]
    DEFAULT_CSS = """
    CommandLine { height: auto; dock: bottom; display: none; background: $background; }
    CommandLine > Lines { height: 1; }
    CommandLine > Horizontal { height: 1; }
    CommandLine > Horizontal > Lines { width: 2; height: 1; }
    CommandLine Input, CommandLine Input:focus {
        height: 1; border: none; padding: 0; width: 1fr; background: $background;
    }
    """

    class Submitted(_LineMessage):
        """A person pressed Enter on `text`."""

    class Changed(_LineMessage):
        """The text is another one (for a filter that acts while one types)."""

    class Closed(_LineMessage):
        """The line was closed without submitting."""

    def __init__(
        self,
        complete: Complete,
        *,
        prompt: str = ":",
        history: Sequence[str] = (),
        symbols: Symbols = UNICODE,
        name: str | None = None,
        id: str | None = None,  # noqa: A002 - Textual's own parameter name
        classes: str | None = None,
    ) -> None:
        super().__init__(name=name, id=id, classes=classes)
        self._complete = complete
        self._prompt = prompt
        self._history = list(history)
        self._symbols = symbols
        self._recalled = len(self._history)
        self._draft = ""
        self._candidates: Sequence[str] = ()
        self._chosen: int | None = None
        self._candidates_view = Lines([()])
        self._input = Input(compact=True, select_on_focus=False)
        self._input.cursor_blink = False

    def compose(self) -> ComposeResult:
        yield self._candidates_view
        with Horizontal():
            yield Lines([[Cell(f" {self._prompt}", "accent")]])
            yield self._input

    @property
    def is_open(self) -> bool:
        """Whether a person is typing here."""
        return bool(self.display)

    @property
    def history(self) -> Sequence[str]:
        """What was submitted, oldest first."""
        return self._history

    @property
    def text(self) -> str:
        """What is typed."""
        return self._input.value

    def open(self, text: str = "") -> None:
        """Show the line with `text` in it and take the keys."""
        self.display = True
        self._recalled, self._draft = len(self._history), ""
        self._put(text)
        self._offer(self._complete(text))
        self._input.focus()

    def insert(self, text: str) -> None:
        """Type `text` where the cursor is."""
        self._input.insert_text_at_cursor(text)

    def close(self) -> None:
        """Hide the line; the keys go back to what had them (the owner focuses it)."""
        self.display = False
        self._offer(())

    def action_close(self) -> None:
        self.close()
        self.post_message(self.Closed(self))

    def action_complete(self, step: int) -> None:
        candidates = self._candidates
        if not candidates:
            return
        start = shared_start(candidates)
        if self._chosen is None and len(start) > len(self.text) and start.startswith(self.text):
            self._put(start)
            if len(candidates) == 1:
                self._offer(self._complete(start))
            return
        at = -1 if self._chosen is None and step > 0 else self._chosen or 0
        self._chosen = (at + step) % len(candidates)
        self._put(candidates[self._chosen])
        self._show_candidates()

    def action_recall(self, step: int) -> None:
        if self._recalled == len(self._history):
            self._draft = self.text
        at = max(0, min(self._recalled + step, len(self._history)))
        if at != self._recalled:
            self._recalled = at
            self._put(self._history[at] if at < len(self._history) else self._draft)
            self._offer(self._complete(self.text))

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        if not self.is_open:
            return
        # Texts we put there ourselves must not take the candidates away we are going round.
        if self._chosen is None or event.value != self._candidates[self._chosen]:
            self._offer(self._complete(event.value))
        self.post_message(self.Changed(self, event.value))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        text = event.value.strip()
        self.close()
        if text and (not self._history or self._history[-1] != text):
            self._history.append(text)
        self.post_message(self.Submitted(self, text))

    def on_resize(self, event: events.Resize) -> None:
        self._show_candidates()

    def _put(self, text: str) -> None:
        self._input.value = text
        self._input.cursor_position = len(text)

    def _offer(self, candidates: Sequence[str]) -> None:
        self._candidates, self._chosen = candidates, None
        self._show_candidates()

    def _show_candidates(self) -> None:
        width = self.content_size.width or self.app.size.width
        line: Runs = candidate_runs(self._candidates, self._chosen, width)
        self._candidates_view.set_lines([line])
