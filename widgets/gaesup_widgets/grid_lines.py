"""The lines of a grid as runs of cells. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from gaesup_widgets.cells import Cell, fit, fit_runs, runs_of, truncate, width_of
from gaesup_widgets.grid_rows import Column, Row, Sort
from gaesup_widgets.symbols import Symbols

Placed = Sequence[tuple[Column, int]]


def header_runs(placed: Placed, sort: Sort | None, symbols: Symbols) -> list[Cell]:
    """The titles, with an arrow at the column rows are sorted by."""
    titles = []
    for column, width in placed:
        title = column.title
        if sort is not None and sort.column == column.key:
            arrow = symbols.descending if sort.descending else symbols.ascending
            title = truncate(title, width - 1, symbols.ellipsis) + arrow
        titles.append(fit(title, width, column.align, symbols.ellipsis))
    return [Cell(" " + " ".join(titles), "heading")]


def row_runs(
    row: Row, placed: Placed, symbols: Symbols, *, has_cursor: bool, is_marked: bool
) -> list[Cell]:
    """One row: the gutter of marks and cursor, then its values."""
    if is_marked:
        runs = [Cell(symbols.mark, "mark")]
    else:
        runs = [Cell(symbols.cursor if has_cursor else " ")]
    for column, width in placed:
        value = row.cells.get(column.key, "")
        runs += fit_runs(runs_of(value), width, column.align, symbols.ellipsis)
        runs.append(Cell(" "))
    runs.pop()
    return runs


def heading_runs(row: Row, width: int, symbols: Symbols) -> list[Cell]:
    """`─ Needs you ───────────── oldest 6m ─`."""
    title, note = (
        "".join(cell.text for cell in runs_of(row.cells.get(part, "")))
        for part in ("title", "note")
    )
    left = f"{symbols.rule} {title} "
    right = f" {note} {symbols.rule}" if note else ""
    middle = symbols.rule * max(0, width - width_of(left) - width_of(right))
    return [Cell(truncate(left + middle + right, width, symbols.ellipsis), "heading")]
