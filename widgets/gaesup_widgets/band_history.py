"""A band over time: between which values something lay, and where its limit is.

Values are in units of the limit: 0 is no difference, 1 the limit. The chart has three storeys of
the same height: over the limit, within it, and better than no difference; so that it can be read
on three lines, without colour, and two charts beside each other mean the same.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from gaesup_widgets.symbols import UNICODE, Symbols

Band = Sequence[float]
"""Low end, estimate, high end."""
STOREYS = ("over", "within", "better")
_TOP, _BOTTOM = 2.0, -1.0


def band_rows(
    bands: Sequence[Band | None], width: int, lines: int = 1, symbols: Symbols = UNICODE
) -> list[str]:
    """The chart as ``3 * lines`` rows of exactly ``width`` cells, newest at the right.

    More bands than cells share cells, which then show the widest band and the newest estimate;
    None stays a gap. What lies beyond the chart is drawn at its edge.
    """
    rows = 3 * max(1, lines)
    columns = [_column(group, rows, symbols) for group in _groups(bands, width)]
    blank = " " * (width - len(columns))
    return [blank + "".join(column[row] for column in columns) for row in range(rows)]


def _groups(bands: Sequence[Band | None], width: int) -> list[list[Band | None]]:
    if not bands or width <= 0:
        return []
    size = math.ceil(len(bands) / width)
    # From the newest back: the last column is whole, the first may hold less.
    edges = range(len(bands), 0, -size)
    return [list(bands[max(0, end - size) : end]) for end in edges][::-1]


def _column(group: Sequence[Band | None], rows: int, symbols: Symbols) -> list[str]:
    known = [band for band in group if band is not None]
    column = [" "] * rows
    if not known:
        column[rows // 2] = symbols.gap
        return column
    top = _row(max(band[2] for band in known), rows)
    bottom = _row(min(band[0] for band in known), rows)
    for row in range(top, bottom + 1):
        column[row] = symbols.band_limit
    column[_row(known[-1][1], rows)] = symbols.band_point
    return column


def _row(value: float, rows: int) -> int:
    share = (_TOP - value) / (_TOP - _BOTTOM)
    # The limit itself is over it, as is what has reached it; no difference is within.
    return min(max(math.ceil(share * rows - 1e-9) - 1, 0), rows - 1)
