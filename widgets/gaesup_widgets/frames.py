"""Sends only the cells that differ from what the terminal already shows.

Textual repaints what was *marked* as changed: a whole screen when a dialog opens, a line from the
left edge of its widget when one number in it moved. `FrameDiff` keeps the cells last sent and
reduces every update to the cells that really differ, and lets the terminal move lines that only
scrolled, as curses does. It is a mixin for an app
and leans on two types of Textual's compositor; an update it does not know is passed on whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from rich.cells import split_graphemes
from rich.color import ColorSystem
from rich.console import Console, RenderableType
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual._compositor import ChopsUpdate, CompositorUpdate, LayoutUpdate
from textual.app import App
from textual.strip import Strip

from gaesup_widgets.frame_shift import find_shift, find_slide
from gaesup_widgets.plain import PLAIN
from gaesup_widgets.sgr import change

if TYPE_CHECKING:
    from textual.screen import Screen

    _Base: TypeAlias = App[Any]
else:
    _Base = object

CellPair = tuple[str, str]
"""What stands in a cell, and the SGR parameters it was sent with. The second cell of a wide
character holds an empty text."""

_UNKNOWN: CellPair = ("\0", "")
# Below this many unchanged cells, sending them again is cheaper than moving over them.
_SHORT_GAP = 8
# With fewer lines written, none can have been scrolled.
_LEAST_SHIFTED = 4


# SGR parameters to those of a space that looks the same under them.
_BLANKS: dict[str, str] = {"": ""}


def _sgr_of(style: Style | None, colors: ColorSystem) -> str:
    """The parameters of a style, with what a space under it looks like noted in `_BLANKS`."""
    if style is None:
        return ""
    sgr = Strip.render_ansi(style, colors)
    if sgr not in _BLANKS:
        _BLANKS[sgr] = sgr
        is_inked = style.underline or style.reverse or style.strike or style.overline
        is_inked = is_inked or style.underline2 or style.frame or style.encircle
        ground = style.bgcolor
        plain = (
            "" if ground is None or ground.is_default else _sgr_of(Style(bgcolor=ground), colors)
        )
        _BLANKS[sgr] = sgr if is_inked else plain
    return sgr


def cells_of(
    segments: Iterable[Segment], colors: ColorSystem, *, plain: bool = False
) -> list[CellPair]:
    """One pair per cell of a line; with `plain`, typography in ASCII. Of a space only the ground is
    kept: one that differs in the colour of letters it does not have looks the same."""
    cells: list[CellPair] = []
    for text, style, control in segments:
        if control:
            continue
        sgr = _sgr_of(style, colors)
        blank = (" ", _BLANKS[sgr])
        if plain and not text.isascii():
            text = text.translate(PLAIN)
        if text.isascii():
            cells += [blank if char == " " else (char, sgr) for char in text]
            continue
        for start, end, width in split_graphemes(text)[0]:
            grapheme = text[start:end]
            cells.append(blank if grapheme == " " else (grapheme, sgr))
            cells += [("", sgr)] * (width - 1)
    return cells


def changed_runs(old: Sequence[CellPair], new: Sequence[CellPair]) -> list[tuple[int, int]]:
    """Where two lines of one length differ, as (from, to), near ones joined and no wide
    character cut in two."""
    runs: list[tuple[int, int]] = []
    for at, (before, after) in enumerate(zip(old, new, strict=True)):
        if before == after:
            continue
        if runs and at - runs[-1][1] <= _SHORT_GAP:
            runs[-1] = (runs[-1][0], at + 1)
        else:
            runs.append((at, at + 1))
    return [_whole(new, start, end) for start, end in runs]


def _whole(cells: Sequence[CellPair], start: int, end: int) -> tuple[int, int]:
    while start > 0 and not cells[start][0]:
        start -= 1
    while end < len(cells) and not cells[end][0]:
        end += 1
    return start, end


class Frame:
    """The cells a terminal shows, as far as we know."""

    def __init__(self) -> None:
        self._lines: list[list[CellPair]] = []
        self._width = 0
        self._was_written = False

    def forget(self) -> None:
        """Know nothing any more: after a resize, a suspend, or somebody else's writing."""
        self._lines = []
        self._width = 0

    def fit(self, width: int, height: int) -> None:
        """Stand for a terminal of this size; another size than before is a new terminal."""
        if (width, height) != (self._width, len(self._lines)):
            # A program begins on a screen it has just switched to: that one is empty.
            before = _UNKNOWN if self._was_written else (" ", "")
            self._width = width
            self._lines = [[before] * width for _ in range(height)]

    def write(self, pieces: Iterable[tuple[int, int, Sequence[CellPair]]]) -> str:
        """Put each piece (line, column, cells) in its place; returns the sequences that do so."""
        self._was_written = True
        wanted: dict[int, list[CellPair]] = {}
        for y, x, cells in pieces:
            # What lies outside comes from before a resize; the whole screen follows.
            if y < len(self._lines) and x < self._width:
                line = wanted.setdefault(y, self._lines[y].copy())
                fitting = cells[: self._width - x]
                line[x : x + len(fitting)] = fitting
        sent = [self._shift(wanted)]
        sent += [self._write_line(y, line) for y, line in wanted.items()]
        return "".join(sent)

    def _shift(self, wanted: dict[int, list[CellPair]]) -> str:
        """Let the terminal move the lines that only moved."""
        if len(wanted) < _LEAST_SHIFTED:
            return ""
        lines = self._lines
        shift = find_shift(
            [tuple(line) for line in lines], {y: tuple(line) for y, line in wanted.items()}
        )
        if shift is None:
            return ""
        first, last, by = shift
        for y in range(first, last + 1):
            wanted.setdefault(y, lines[y])  # is right where it is, and will be moved away
        freed: list[list[CellPair]] = [[_UNKNOWN] * self._width for _ in range(abs(by))]
        if by < 0:
            lines[first : last + 1] = lines[first - by : last + 1] + freed
        else:
            lines[first : last + 1] = freed + lines[first : last + 1 - by]
        # The margins keep the rest of the screen where it is; setting them homes the cursor.
        action = f"{-by}M" if by < 0 else f"{by}L"
        return f"\x1b[{first + 1};{last + 1}r\x1b[{first + 1};1H\x1b[{action}\x1b[r"

    def _slide(self, y: int, old: list[CellPair], line: Sequence[CellPair]) -> str:
        """Let the terminal move the bars of a chart along; `old` is then what it shows."""
        slide = find_slide(old, line)
        # Terminals differ in what they do to a wide character cut by such a move.
        if slide is None or any(not text for text, _ in (*old, *line)):
            return ""
        start, end, by = slide
        old[start : end + by] = old[start + by : end + by] + [_UNKNOWN] * by
        return f"\x1b[{y + 1};{start + 1}H\x1b[{by}P\x1b[{y + 1};{end + 1}H\x1b[{by}@"

    def _write_line(self, y: int, line: list[CellPair]) -> str:
        old, self._lines[y] = self._lines[y], line
        if old == line:
            return ""
        sent = [self._slide(y, old, line)]
        sgr = ""
        for start, end in changed_runs(old, line):
            sent.append(f"\x1b[{y + 1};{start + 1}H")
            for text, wanted in line[start:end]:
                if wanted != sgr and not (text == " " and _BLANKS.get(sgr) == wanted):
                    sent.append(change(sgr, wanted))
                    sgr = wanted
                sent.append(text)
        if sgr:
            sent.append("\x1b[0m")
        return "".join(sent)


class _Difference(CompositorUpdate):
    """An update that is reduced at the moment it is really sent."""

    def __init__(self, update: LayoutUpdate | ChopsUpdate, frame: Frame, *, plain: bool) -> None:
        self._update = update
        self._frame = frame
        self._plain = plain

    def render_segments(self, console: Console) -> str:
        colors = console._color_system or ColorSystem.TRUECOLOR
        return self._frame.write(
            (y, x, cells_of(strip, colors, plain=self._plain))
            for y, x, strip in _pieces(self._update)
        )


def _pieces(update: LayoutUpdate | ChopsUpdate) -> Iterable[tuple[int, int, Strip]]:
    """The update as strips and their places."""
    if isinstance(update, LayoutUpdate):
        for y, strips in enumerate(update.strips, update.region.y):
            yield y, update.region.x, Strip.join(strips)
        return
    for y, x1, x2 in update.spans:
        for end, (x, strip) in zip(update.chop_ends[y], update.chops[y].items(), strict=False):
            if strip is not None and x < x2 and end > x1:
                yield y, x, strip if end <= x2 else strip.crop(0, x2 - x)


class FrameDiff(_Base):
    """Mixin: `class Console(FrameDiff, App[None])`. The action `redraw` paints all
    anew: bind it to a key, since what others write over the screen is not known here."""

    plain_text = False
    """Send typography (frames, arrows, dashes) in ASCII."""

    _frame: Frame | None = None

    def action_redraw(self) -> None:
        self.redraw()

    def redraw(self) -> None:
        """Forget what the terminal shows and send the whole screen."""
        if self._frame is not None:
            self._frame.forget()
        self.screen.refresh()

    async def on_event(self, event: events.Event) -> None:
        if isinstance(event, events.Resize) and self._frame is not None:
            self._frame.forget()
        await super().on_event(event)

    def _display(self, screen: Screen[Any], renderable: RenderableType | None) -> None:
        if self._frame is None:
            self._frame = Frame()
            # After a suspend the shell has written where we had painted.
            self.app_resume_signal.subscribe(self, lambda _: self.redraw())
        if isinstance(renderable, LayoutUpdate | ChopsUpdate):
            self._frame.fit(self.size.width, self.size.height)
            update = _Difference(renderable, self._frame, plain=self.plain_text)
            super()._display(screen, cast("RenderableType", update))
            return
        super()._display(screen, renderable)
