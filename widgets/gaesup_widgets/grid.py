"""A grid for live data: one line per row, and only lines that changed are painted again.

The grid keeps, for each line of the screen, the strip it painted last. Whatever happens (new
rows, a moved cursor, another order) it draws the visible lines anew from a cache and refreshes
those that differ. Rows out of sight cost one dictionary entry each.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar, NamedTuple

from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from gaesup_widgets.cells import Cell
from gaesup_widgets.grid_lines import header_runs, heading_runs, row_runs
from gaesup_widgets.grid_rows import Column, Row, Sort, arrange, place_columns
from gaesup_widgets.paint import changed_width, strip_of
from gaesup_widgets.symbols import UNICODE, Symbols
from gaesup_widgets.theme import level_styles

__all__ = ["Column", "Grid", "Row", "Sort"]

_WHEEL_LINES = 3


class _Drawn(NamedTuple):
    row: Row
    has_cursor: bool
    is_marked: bool
    strip: Strip


class _GridMessage(Message):
    def __init__(self, grid: Grid) -> None:
        super().__init__()
        self.grid = grid

    @property
    def control(self) -> Grid:
        return self.grid


class Grid(Widget, can_focus=True):
    """Keyed rows with a cursor and marks that survive sorting, filtering and refreshing."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j", "move(1)", "Down", show=False, id="grid.down"),
        Binding("up,k", "move(-1)", "Up", show=False, id="grid.up"),
        Binding("home,g", "first", "First", show=False, id="grid.first"),
        Binding("end,G", "last", "Last", show=False, id="grid.last"),
        Binding("pagedown,ctrl+f", "page(1)", "Page down", show=False, id="grid.page_down"),
        Binding("pageup", "page(-1)", "Page up", show=False, id="grid.page_up"),
        Binding("ctrl+d", "page(0.5)", "Half a page down", show=False, id="grid.half_down"),
        Binding("ctrl+u", "page(-0.5)", "Half a page up", show=False, id="grid.half_up"),
        Binding("right", "shift(1)", "More columns", show=False, id="grid.right"),
        Binding("left", "shift(-1)", "Columns back", show=False, id="grid.left"),
        Binding("enter", "select", "Open", show=False, id="grid.select"),
    ]
    DEFAULT_CSS = "Grid { height: 1fr; width: 1fr; }"

    class Highlighted(_GridMessage):
        """The cursor came to another row (`None`: there is no row any more)."""

        def __init__(self, grid: Grid, key: str | None) -> None:
            super().__init__(grid)
            self.key = key

    class Selected(_GridMessage):
        """A person pressed Enter on a row."""

        def __init__(self, grid: Grid, key: str) -> None:
            super().__init__(grid)
            self.key = key

    class MarksChanged(_GridMessage):
        """A person marked rows or took marks away; `keys` are all that are marked now."""

        def __init__(self, grid: Grid, keys: frozenset[str]) -> None:
            super().__init__(grid)
            self.keys = keys

    def __init__(
        self,
        columns: Sequence[Column],
        *,
        layouts: Mapping[str, Sequence[Column]] | None = None,
        empty_text: str = "Nothing here.",
        symbols: Symbols = UNICODE,
        name: str | None = None,
        id: str | None = None,  # noqa: A002 - Textual's own parameter name
        classes: str | None = None,
    ) -> None:
        """A grid of `columns`; rows that name a layout are drawn in the columns of that one.

        The header is shown when a column has a title.
        """
        super().__init__(name=name, id=id, classes=classes)
        self._layouts: dict[str, Sequence[Column]] = {**(layouts or {}), "": tuple(columns)}
        self._symbols = symbols
        self._empty_text = empty_text
        self._all_rows: Sequence[Row] = ()
        self._rows: list[Row] = []
        self._index: dict[str, int] = {}
        self._cursor = 0
        self._cursor_key: str | None = None
        self.is_moved = False
        """Whether a person moved the cursor since it was put on the first row."""
        self._top = 0
        self._skip = 0
        self._sort: Sort | None = None
        self._keep: Callable[[Row], bool] | None = None
        self._marked: frozenset[str] = frozenset()
        self._is_stale = False
        self._placed: dict[str, tuple[list[tuple[Column, int]], int]] = {}
        self._drawn: dict[str, _Drawn] = {}
        self._painted: dict[int, Strip] = {}

    # What the owner asks and sets ---------------------------------------------------------

    @property
    def rows(self) -> Sequence[Row]:
        """The rows shown, in the order shown."""
        return self._rows

    @property
    def cursor_key(self) -> str | None:
        """Key of the row under the cursor."""
        return self._cursor_key

    @property
    def marked(self) -> frozenset[str]:
        """Keys of the marked rows, also of those a filter hides."""
        return self._marked

    @property
    def sort(self) -> Sort | None:
        """The order in use; `None` is the order the rows came in."""
        return self._sort

    def set_rows(self, rows: Sequence[Row]) -> None:
        """Show `rows` (keys are unique). Cursor, marks and scroll position follow their keys."""
        self._all_rows = rows
        if self._marked:
            self._marked &= {row.key for row in rows}
        self._arrange()

    def set_sort(self, sort: Sort | None) -> None:
        """Order the rows within their headings."""
        self._sort = sort
        self._arrange()

    def set_filter(self, keep: Callable[[Row], bool] | None) -> None:
        """Show only the rows `keep` is true for."""
        self._keep = keep
        self._arrange()

    def set_columns(
        self, columns: Sequence[Column], layouts: Mapping[str, Sequence[Column]] | None = None
    ) -> None:
        """Draw in other columns."""
        self._layouts = {**(layouts or {}), "": tuple(columns)}
        self._forget_drawings()
        self._repaint()

    def set_empty_text(self, text: str) -> None:
        """What is said where no rows are."""
        self._empty_text = text
        self._repaint()

    def set_stale(self, is_stale: bool) -> None:
        """Dim everything: what is shown is old."""
        if is_stale != self._is_stale:
            self._is_stale = is_stale
            self._drawn.clear()
            self._repaint()

    def move_to(self, key: str) -> bool:
        """Put the cursor on the row `key`; false when it is not shown or is a heading."""
        at = self._index.get(key)
        if at is None or self._rows[at].is_heading:
            return False
        self._move_cursor(at)
        return True

    # Keys and mouse -----------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "shift":
            overflow = self._columns_of("")[1]
            return overflow > 0 if parameters == (1,) else self._skip > 0
        return True

    def action_move(self, by: int) -> None:
        self._move_cursor(self._near(self._cursor + by, 1 if by > 0 else -1), by_hand=True)

    def action_page(self, pages: float) -> None:
        by = int(pages * max(1, self._page_height))
        self._move_cursor(self._near(self._cursor + by, -1 if by > 0 else 1), by_hand=True)

    def action_first(self) -> None:
        self.is_moved, self._top = False, 0
        self._move_cursor(self._near(0, 1))

    def action_last(self) -> None:
        self._move_cursor(self._near(len(self._rows) - 1, -1), by_hand=True)

    def action_shift(self, by: int) -> None:
        self._skip += by
        self._forget_drawings()
        self._repaint()

    def action_select(self) -> None:
        if self._cursor_key is not None:
            self.post_message(self.Selected(self, self._cursor_key))

    def action_mark(self) -> None:
        """Bound to a key by whoever does something with marked rows."""
        if self._cursor_key is None:
            return
        self._marked ^= {self._cursor_key}
        self.post_message(self.MarksChanged(self, self._marked))
        self.action_move(1)
        self._repaint()

    def on_click(self, event: events.Click) -> None:
        line = event.get_content_offset_capture(self).y - self._header_height
        at = self._top + line
        if line >= 0 and at < len(self._rows):
            self.is_moved |= self.move_to(self._rows[at].key)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        self.action_move(_WHEEL_LINES)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        self.action_move(-_WHEEL_LINES)

    def on_resize(self) -> None:
        self._skip = 0
        self._forget_drawings()
        self._painted.clear()
        self._scroll_to_cursor()

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._drawn.clear()
        self._painted.clear()

    # Cursor and window --------------------------------------------------------------------

    def _arrange(self) -> None:
        on_screen = self._cursor - self._top
        self._rows = arrange(self._all_rows, self._sort, self._keep)
        self._index = {row.key: at for at, row in enumerate(self._rows)}
        at = self._index.get(self._cursor_key or "")
        if at is None:
            at = self._near(self._cursor, 1)
        elif self._top > 0:
            # The eye rests on the cursor's line: rows that come and go above do not move it.
            self._top = at - on_screen
        self._move_cursor(at)

    def _near(self, at: int, step: int) -> int:
        """The row nearest to `at` that can hold the cursor, looking in the direction first."""
        rows = self._rows
        at = max(0, min(len(rows) - 1, at))
        for direction in (step, -step):
            found = at
            while 0 <= found < len(rows):
                if not rows[found].is_heading:
                    return found
                found += direction
        return at

    def _move_cursor(self, at: int, *, by_hand: bool = False) -> None:
        rows = self._rows
        key = rows[at].key if at < len(rows) and not rows[at].is_heading else None
        self._cursor = at
        self.is_moved |= by_hand
        if key != self._cursor_key:
            self._cursor_key = key
            self.post_message(self.Highlighted(self, key))
        self._scroll_to_cursor()
        self._repaint()

    def _scroll_to_cursor(self) -> None:
        height = self._page_height
        if height <= 0:
            return
        above = self._cursor
        if above and self._rows[above - 1].is_heading:
            above -= 1  # a heading is read together with its first row
        self._top = max(min(self._top, above), self._cursor - height + 1)
        self._top = max(0, min(self._top, len(self._rows) - height))

    @property
    def _header_height(self) -> int:
        return 1 if any(column.title for column in self._layouts[""]) else 0

    @property
    def _page_height(self) -> int:
        return self.content_size.height - self._header_height

    # Painting -----------------------------------------------------------------------------

    def render_line(self, y: int) -> Strip:
        strip = self._painted.get(y)
        if strip is None:
            strip = self._painted[y] = self._draw_line(y)
        return strip

    def _repaint(self) -> None:
        """Refresh the lines that no longer look as they were painted."""
        height = self.content_size.height
        if not height or not self.is_attached:
            return
        before, self._drawn = self._drawn, {}
        self._painted, old = {}, self._painted
        dirty: list[Region] = []
        for y in range(height):
            strip = self._draw_line(y, before)
            width = changed_width(old.get(y), strip)
            if width:
                dirty.append(Region(0, y, width, 1))
            self._painted[y] = strip
        if dirty:
            self.refresh(*dirty)

    def _forget_drawings(self) -> None:
        self._placed.clear()
        self._drawn.clear()

    def _columns_of(self, layout: str) -> tuple[list[tuple[Column, int]], int]:
        placed = self._placed.get(layout)
        if placed is None:
            columns = self._layouts.get(layout, self._layouts[""])
            room = self.content_size.width - 1  # the gutter of cursor and marks
            placed = self._placed[layout] = place_columns(
                columns, room, 0 if layout else self._skip
            )
        return placed

    def _draw_line(self, y: int, before: Mapping[str, _Drawn] | None = None) -> Strip:
        header = self._header_height
        if y < header:
            return self._strip(header_runs(self._columns_of("")[0], self._sort, self._symbols))
        at = self._top + y - header
        if at < len(self._rows):
            return self._draw_row(at, before or {})
        if not self._rows and y == header:
            return self._strip([Cell(f" {self._empty_text}", "dim")])
        return self._strip([])

    def _draw_row(self, at: int, before: Mapping[str, _Drawn]) -> Strip:
        row = self._rows[at]
        has_cursor = row.key == self._cursor_key
        is_marked = row.key in self._marked
        drawn = before.get(row.key) or self._drawn.get(row.key)
        if (
            drawn is None
            or drawn.has_cursor != has_cursor
            or drawn.is_marked != is_marked
            or (drawn.row is not row and drawn.row != row)
        ):
            if row.is_heading:
                runs = heading_runs(row, self.content_size.width, self._symbols)
            else:
                runs = row_runs(
                    row,
                    self._columns_of(row.layout)[0],
                    self._symbols,
                    has_cursor=has_cursor,
                    is_marked=is_marked,
                )
            drawn = _Drawn(row, has_cursor, is_marked, self._strip(runs, row.style, has_cursor))
        self._drawn[row.key] = drawn
        return drawn.strip

    def _strip(self, runs: Sequence[Cell], style: str = "", has_cursor: bool = False) -> Strip:
        styles = level_styles(self.app.theme_variables)
        if self._is_stale:
            runs, style = [Cell(cell.text) for cell in runs], "dim"
        base = self.rich_style
        if style in styles:
            base += styles[style]
        over = "cursor" if has_cursor else ""
        return strip_of(runs, self.content_size.width, base, styles, over)
