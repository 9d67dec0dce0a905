"""Small charts in text: one style for the whole chart, gaps stay gaps."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from gaesup_widgets.cells import NO_DATA, Cell, fit, short, width_of
from gaesup_widgets.drawn import DrawnLines
from gaesup_widgets.paint import Runs
from gaesup_widgets.symbols import UNICODE, Symbols

Samples = Sequence[float | None]


def spark(
    values: Samples,
    width: int,
    symbols: Symbols = UNICODE,
    *,
    low: float | None = None,
    high: float | None = None,
) -> str:
    """The last `width` values as bars, newest at the right, in exactly `width` cells.

    `None` and NaN are drawn as a gap; cells before the first value stay blank. The scale runs
    from `low` (0, or the least value if that is negative) to `high` (the greatest value); give
    both to draw two charts to one scale.
    """
    if width <= 0:
        return ""
    shown = [_finite(value) for value in values[-width:]]
    known = [value for value in shown if value is not None]
    bottom = min([0.0, *known]) if low is None else low
    top = max(known, default=0.0) if high is None else high
    steps = len(symbols.bars) - 1
    span = top - bottom

    def bar(value: float | None) -> str:
        if value is None:
            return symbols.gap
        share = (value - bottom) / span if span > 0 else 0.0
        return symbols.bars[round(max(0.0, min(1.0, share)) * steps)]

    return "".join(map(bar, shown)).rjust(width)


def _finite(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else float(value)


def extent(values: Samples, text: Callable[[float | None], str] = short) -> tuple[str, str, str]:
    """Least, greatest and last value as text; `–` where there is none."""
    known = [value for value in map(_finite, values) if value is not None]
    if not known:
        return NO_DATA, NO_DATA, NO_DATA
    return text(min(known)), text(max(known)), text(_finite(values[-1]))


class Sparkline(DrawnLines):
    """One line: label, bars, and least, greatest and last value as text."""

    DEFAULT_CSS = "Sparkline { height: 1; width: 1fr; }"

    def __init__(
        self,
        label: str = "",
        *,
        label_width: int = 10,
        number: Callable[[float | None], str] = short,
        symbols: Symbols = UNICODE,
        name: str | None = None,
        id: str | None = None,  # noqa: A002 - Textual's own parameter name
        classes: str | None = None,
    ) -> None:
        """`number` turns a value into text (see `cells`: `percent`, `millis`, `rate`)."""
        super().__init__(symbols=symbols, name=name, id=id, classes=classes)
        self._label = fit(label, label_width, ellipsis=symbols.ellipsis) if label else ""
        self._number = number
        self._values: Samples = ()
        self._style = ""

    def show(self, values: Samples, style: str = "accent") -> None:
        """Show `values`, oldest first, the whole chart in one style."""
        self._values, self._style = values, style
        self.redraw()

    def lines_for(self, width: int) -> Sequence[Runs]:
        least, most, last = extent(self._values, self._number)
        text = f" {least}..{most}  {last}"
        # Room for numbers to grow, so that the bars do not jump when one gets longer.
        text = fit(text, max(20, width_of(text)))
        room = width - width_of(self._label) - width_of(text)
        bars = spark(self._values, room, self._symbols)
        return [[Cell(self._label), Cell(bars, self._style), Cell(text)]]
