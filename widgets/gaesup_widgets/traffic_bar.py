"""How traffic is split between two revisions: what was wished, and what the route really does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gaesup_widgets.cells import Cell, fit_runs, truncate, width_of
from gaesup_widgets.drawn import DrawnLines
from gaesup_widgets.paint import Runs
from gaesup_widgets.symbols import UNICODE, Symbols

_LEAST_BAR = 10
_LEAST_NAME = 3


@dataclass(frozen=True, slots=True)
class Traffic:
    """The split of one deployment; percents are the candidate's share of all traffic.

    `seen_percent` is read back from the route, `None` when nobody knows. Wished and seen agree
    when they are at most `tolerance_points` apart.
    """

    stable: str
    candidate: str
    wished_percent: float
    seen_percent: float | None
    tolerance_points: float = 1.0

    @property
    def agrees(self) -> bool | None:
        """Whether the route does what was wished; `None` when it was not read."""
        if self.seen_percent is None:
            return None
        return abs(self.seen_percent - self.wished_percent) <= self.tolerance_points


def share_cells(percent: float, width: int) -> int:
    """Cells of `width` for `percent`; a little is never none, nearly all is never all."""
    cells = round(width * max(0.0, min(100.0, percent)) / 100)
    if percent > 0 and width > 1:
        cells = max(1, cells)
    if percent < 100:
        cells = min(width - 1, cells) if width > 1 else cells
    return cells


def share_bar(percent: float | None, width: int, symbols: Symbols = UNICODE) -> str:
    """`███░░░░░░░` for 25 %, in exactly `width` cells; all gaps when nobody knows."""
    if percent is None:
        return symbols.gap * width
    full = share_cells(percent, width)
    return symbols.fill * full + symbols.rest * (width - full)


def traffic_runs(traffic: Traffic, width: int, symbols: Symbols = UNICODE) -> list[Cell]:
    """` v41 █████░░ v42   75 / 25  seen 74.6 / 25.4 ok` in exactly `width` cells."""
    wished = f"{_pair(traffic.wished_percent, 0)}"
    seen, word, style = "not seen", "?", "warn"
    if traffic.seen_percent is not None:
        seen = f"seen {_pair(traffic.seen_percent, 1)}"
        word, style = ("ok", "ok") if traffic.agrees else ("off plan", "bad")
    tail = [Cell(f"   {wished}  {seen} "), Cell(word, style)]
    taken = sum(width_of(cell.text) for cell in tail)
    # Long names give way: how much goes where is what the line is for.
    each = max(_LEAST_NAME, (width - taken - _LEAST_BAR - 2) // 2)
    stable, candidate = (
        truncate(name, each, symbols.ellipsis) for name in (traffic.stable, traffic.candidate)
    )
    names = width_of(stable) + width_of(candidate) + 2
    room = max(_LEAST_BAR, width - taken - names)
    # The bar is drawn from what is seen: a wish is not yet traffic.
    percent = traffic.wished_percent if traffic.seen_percent is None else traffic.seen_percent
    new = share_cells(percent, room)
    bar_style = "dim" if traffic.seen_percent is None else ""
    runs = [
        Cell(f"{stable} {symbols.fill * (room - new)}", bar_style),
        Cell(symbols.rest * new, bar_style or "accent"),
        Cell(f" {candidate}"),
        *tail,
    ]
    return fit_runs(runs, width, ellipsis=symbols.ellipsis)


def _pair(candidate_percent: float, digits: int) -> str:
    return f"{100 - candidate_percent:.{digits}f} / {candidate_percent:.{digits}f}"


class TrafficBar(DrawnLines):
    """The split as one line."""

    DEFAULT_CSS = "TrafficBar { height: 1; width: 1fr; }"

    _traffic: Traffic | None = None

    def show(self, traffic: Traffic | None) -> None:
        """Show a split, or an empty line."""
        self._traffic = traffic
        self.redraw()

    def lines_for(self, width: int) -> Sequence[Runs]:
        traffic = self._traffic
        return [traffic_runs(traffic, width, self._symbols) if traffic else ()]
