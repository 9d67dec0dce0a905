"""From styled pieces of text to what Textual paints, and a widget that repaints only changes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import zip_longest

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from gaesup_widgets.cells import Cell, fit_runs, split_at, width_of
from gaesup_widgets.theme import level_styles

Runs = Sequence[Cell]


def strip_of(
    runs: Iterable[Cell], width: int, base: Style, styles: Mapping[str, Style], over: str = ""
) -> Strip:
    """One line of exactly `width` cells, neighbours of one style merged (each costs ~40 bytes).

    Args:
        runs: Pieces that already fit into `width`; a shorter line is filled with `base`.
        base: Style under everything, colours of the widget.
        styles: What each style name means; an unknown name means nothing.
        over: Name of a style laid over all (the cursor's).
    """
    top = styles.get(over)
    ground = base if top is None else base + top
    pieces: list[tuple[str, Style]] = []
    used = 0
    for text, name in runs:
        named = styles.get(name)
        style = ground if named is None else base + named if top is None else base + named + top
        pieces.append((text, style))
        used += cell_len(text)
    pieces.append((" " * (width - used), ground))
    return Strip([Segment(text, style) for text, style in _merged(pieces)], max(width, used))


def _merged(pieces: Iterable[tuple[str, Style]]) -> Iterable[tuple[str, Style]]:
    """Neighbours of one look as one piece; blanks look like whatever is before them."""
    text, style = "", Style.null()
    for more, its_style in pieces:
        if not more:
            continue
        if text and (its_style == style or (_is_blank(more, its_style, style))):
            text += more
            continue
        if text:
            yield text, style
        text, style = more, its_style
    if text:
        yield text, style


def _is_blank(text: str, its_style: Style, before: Style) -> bool:
    return (
        text.isspace()
        and its_style.bgcolor == before.bgcolor
        and not (before.underline or before.reverse or its_style.underline or its_style.reverse)
    )


def changed_width(old: Strip | None, new: Strip) -> int:
    """Cells from the left up to the last one that differs; 0 when nothing does.

    Textual paints a dirty span from the left edge of its widget, so only the end matters.
    """
    if old is None:
        return new.cell_length
    if old is new or old == new:
        return 0
    if old.cell_length != new.cell_length:
        return max(old.cell_length, new.cell_length)
    same = 0
    for before, after in zip(reversed(old), reversed(new), strict=False):
        if before == after:
            same += after.cell_length
            continue
        if before.style == after.style:
            same += _common_tail(before.text, after.text)
        break
    return new.cell_length - same


def _common_tail(one: str, other: str) -> int:
    """Cells of the ASCII end two texts share (wider characters are simply repainted)."""
    common = 0
    for a, b in zip(reversed(one), reversed(other), strict=False):
        if a != b or not a.isascii():
            break
        common += 1
    return common


def wrapped(runs: Sequence[Cell], width: int) -> list[Runs]:
    """Styled words on lines of ``width`` cells. A word longer than a line, as sentences in
    Chinese or Japanese are, goes on in the next one."""
    lines: list[list[Cell]] = [[]]
    used = 0
    for text, style in runs:
        for number, word in enumerate(text.split(" ")):
            piece = word if number == 0 else f" {word}"
            if used and used + width_of(piece) > width:
                lines.append([])
                used, piece = 0, word
            while width_of(piece) > width > 1:
                head, piece = split_at(piece, width)
                lines[-1].append(Cell(head, style))
                lines.append([])
            lines[-1].append(Cell(piece, style))
            used += width_of(piece)
    return list(lines)


class Lines(Widget):
    """Lines of styled text, of which only those that changed are painted again."""

    DEFAULT_CSS = "Lines { height: auto; width: 1fr; }"

    def __init__(
        self,
        lines: Sequence[Runs] = (),
        *,
        name: str | None = None,
        id: str | None = None,  # noqa: A002 - Textual's own parameter name
        classes: str | None = None,
    ) -> None:
        super().__init__(name=name, id=id, classes=classes)
        self._lines: tuple[Runs, ...] = tuple(lines)
        self._painted: dict[int, Strip] = {}

    @property
    def lines(self) -> tuple[Runs, ...]:
        """What is shown."""
        return self._lines

    @property
    def text(self) -> str:
        """What is shown, without styles (for tests, copying and plain output)."""
        return "\n".join("".join(cell.text for cell in line) for line in self._lines)

    def set_lines(self, lines: Sequence[Runs]) -> None:
        """Show `lines`; a line equal to the one before it costs nothing."""
        old, self._lines = self._lines, tuple(lines)
        if not self.is_attached:
            return
        if len(old) != len(self._lines) and self.styles.is_auto_height:
            self._painted.clear()
            self.refresh(layout=True)
            return
        dirty: list[Region] = []
        for y, (before, after) in enumerate(zip_longest(old, self._lines)):
            if before == after:
                continue
            width = changed_width(self._painted.pop(y, None), self._draw_line(y))
            if width:
                dirty.append(Region(0, y, width, 1))
        if dirty:
            self.refresh(*dirty)

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._painted.clear()

    def get_content_height(self, container: object, viewport: object, width: int) -> int:
        return len(self._lines)

    def get_content_width(self, container: object, viewport: object) -> int:
        return max((sum(cell_len(cell.text) for cell in line) for line in self._lines), default=0)

    def render_line(self, y: int) -> Strip:
        strip = self._painted[y] = self._draw_line(y)
        return strip

    def _draw_line(self, y: int) -> Strip:
        width = self.content_size.width
        runs = self._lines[y] if y < len(self._lines) else ()
        styles = level_styles(self.app.theme_variables)
        return strip_of(fit_runs(runs, width), width, self.rich_style, styles)
