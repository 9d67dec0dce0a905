"""What a grid shows, before it is drawn: rows, columns, their order and their widths. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby, zip_longest

from gaesup_widgets.cells import Align, Value, runs_of

SortValue = float | int | str | None
_LEAST_TEXT = 8
"""Cells from which on a part of a text is shown, where not all of its column fits."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column: `min_width` cells, and a share of what is left in proportion to `weight`.

    Below a grid width of `hide_below` cells the column is not shown at all.
    """

    key: str
    title: str = ""
    min_width: int = 8
    weight: int = 0
    align: Align = "left"
    hide_below: int = 0


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a grid.

    `key` names it across refreshes. `cells` holds values by column key, `order` what to sort by
    where that is not the text. `layout` names the set of columns it is drawn in (a grid's own
    when empty), `style` the look of the whole line. A heading holds no cursor.
    """

    key: str
    cells: Mapping[str, Value]
    order: Mapping[str, SortValue] = field(default_factory=dict)
    layout: str = ""
    style: str = ""
    is_heading: bool = False

    @classmethod
    def heading(cls, key: str, title: str, note: str = "") -> Row:
        """A line that names the rows under it, with a note at its right end."""
        return cls(key, {"title": title, "note": note}, is_heading=True)


@dataclass(frozen=True, slots=True)
class Sort:
    """The column rows are sorted by, and the direction."""

    column: str
    descending: bool = False


def arrange(
    rows: Sequence[Row], sort: Sort | None = None, keep: Callable[[Row], bool] | None = None
) -> list[Row]:
    """`rows` filtered and sorted within their headings; rows without a value come last.

    A heading whose rows were all filtered out goes with them.
    """
    if sort is None and keep is None:
        return list(rows)
    shown: list[Row] = []
    for is_heading, group in groupby(rows, key=lambda row: row.is_heading):
        if is_heading:
            shown += group
            continue
        kept = [row for row in group if keep is None or keep(row)]
        shown += _sorted(kept, sort) if sort else kept
    if keep is not None:
        return [
            row
            for row, after in zip_longest(shown, shown[1:])
            if not row.is_heading or (after is not None and not after.is_heading)
        ]
    return shown


def _sorted(rows: list[Row], sort: Sort) -> list[Row]:
    keyed = [(_sort_key(row, sort.column), row) for row in rows]
    known = [pair for pair in keyed if pair[0] is not None]
    known.sort(key=lambda pair: pair[0] or (0, 0, ""), reverse=sort.descending)
    return [row for _, row in known] + [row for key, row in keyed if key is None]


def _sort_key(row: Row, column: str) -> tuple[int, float, str] | None:
    if column in row.order:
        value = row.order[column]
    else:
        value = "".join(cell.text for cell in runs_of(row.cells.get(column, "")))
    if value is None or value == "" or value != value:
        return None
    if isinstance(value, str):
        return (1, 0.0, value.casefold())
    return (0, float(value), "")


def place_columns(
    columns: Sequence[Column], width: int, skip: int = 0
) -> tuple[list[tuple[Column, int]], int]:
    """Which columns fit into `width` cells, how wide each is, and how many did not fit.

    Columns are one cell apart. The first always stays; `skip` of those after it are passed over.
    """
    wanted = [column for column in columns if column.hide_below <= width]
    wanted = wanted[:1] + wanted[1 + skip :]
    fitting: list[Column] = []
    used = -1
    for column in wanted:
        if fitting and used + 1 + column.min_width > width:
            # Of a text the beginning is worth more than a line without it.
            if column.weight and (room := width - used - 1) >= _LEAST_TEXT:
                fitting.append(replace(column, min_width=room))
                used = width
            break
        fitting.append(column)
        used += 1 + column.min_width
    left = max(0, width - used)
    shares = sum(column.weight for column in fitting)
    placed: list[tuple[Column, int]] = []
    for column in fitting:
        more = left * column.weight // shares if shares else 0
        left, shares = left - more, shares - column.weight
        placed.append((column, min(column.min_width + more, width)))
    return placed, len(wanted) - len(fitting)
