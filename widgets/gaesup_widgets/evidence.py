"""What the judge knows about one metric, as a line: both values, the difference, the tolerance.

The band is drawn in units of harm: zero and the tolerance stand at the same place in every
line, the tolerance always to the right, so that metrics can be compared at a glance whatever
their unit and whichever direction is bad.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gaesup_widgets.cells import Cell, fit, fit_runs
from gaesup_widgets.drawn import DrawnLines
from gaesup_widgets.paint import Runs
from gaesup_widgets.symbols import UNICODE, Symbols

_ZERO_AT, _LIMIT_AT = 0.25, 0.72


@dataclass(frozen=True, slots=True)
class Evidence:
    """One metric of a candidate against its baseline.

    `difference`, its interval `low`..`high`, the narrower `likely_low`..`likely_high` and
    `tolerance` are in one unit; the sign of `tolerance` says which direction is harm. `None`
    is not known. The texts are shown as they are; `level` names the style of the point.
    """

    name: str
    baseline: str
    candidate: str
    difference: float | None
    low: float | None
    high: float | None
    tolerance: float
    tolerance_text: str
    likely_low: float | None = None
    likely_high: float | None = None
    level: str = ""


def band(evidence: Evidence, width: int, symbols: Symbols = UNICODE) -> str:
    """`[··─┼▬●▬─··│····]` in exactly `width` cells (at least 9).

    An end that reaches beyond the scale turns its bracket into an arrow head.
    """
    inner = max(7, width - 2)
    zero, limit = round(inner * _ZERO_AT), round(inner * _LIMIT_AT)

    def place(value: float) -> int:
        return zero + round(value / evidence.tolerance * (limit - zero))

    track = [symbols.band_track] * inner
    track[zero], track[limit] = symbols.band_zero, symbols.band_limit
    if evidence.difference is None or not evidence.tolerance:
        return _framed(_without_data(track), symbols)
    spans = (
        (evidence.low, evidence.high, symbols.rule),
        (evidence.likely_low, evidence.likely_high, symbols.band_interval),
    )
    point = place(evidence.difference)
    ends = [point]
    for low, high, mark in spans:
        if low is None or high is None:
            continue
        first, last = sorted((place(low), place(high)))
        ends += first, last
        for at in range(max(0, first), min(inner, last + 1)):
            if at not in (zero, limit):
                track[at] = mark
    if 0 <= point < inner:
        track[point] = symbols.band_point
    return _framed(track, symbols, is_under=min(ends) < 0, is_over=max(ends) >= inner)


def _without_data(track: list[str]) -> list[str]:
    text = " no data "[: len(track)]
    at = (len(track) - len(text)) // 2
    return [*track[:at], *text, *track[at + len(text) :]]


def _framed(
    track: Sequence[str], symbols: Symbols, *, is_under: bool = False, is_over: bool = False
) -> str:
    left = "<" if is_under else symbols.band_edge_left
    right = ">" if is_over else symbols.band_edge_right
    return left + "".join(track) + right


def evidence_runs(evidence: Evidence, width: int, symbols: Symbols = UNICODE) -> list[Cell]:
    """One line: name, both values, band, tolerance; the band takes what is left of `width`."""
    room = max(9, min(31, width - 9 - 7 - 7 - 2 - 9))
    runs = [
        Cell(fit(evidence.name, 9, ellipsis=symbols.ellipsis)),
        Cell(fit(evidence.baseline, 6, "right", symbols.ellipsis) + " "),
        Cell(fit(evidence.candidate, 6, "right", symbols.ellipsis) + "  "),
        Cell(band(evidence, room, symbols), evidence.level),
        Cell(f" {evidence.tolerance_text}"),
    ]
    return fit_runs(runs, width, ellipsis=symbols.ellipsis)


class EvidenceTable(DrawnLines):
    """One band per metric, under a line that names the two revisions."""

    DEFAULT_CSS = "EvidenceTable { height: auto; width: 1fr; }"

    _shown: tuple[str, str, tuple[Evidence, ...]] = ("", "", ())

    def show(self, baseline: str, candidate: str, metrics: Sequence[Evidence]) -> None:
        """Show `metrics` of `candidate` against `baseline` (names of revisions)."""
        self._shown = (baseline, candidate, tuple(metrics))
        self.redraw()

    def lines_for(self, width: int) -> Sequence[Runs]:
        baseline, candidate, metrics = self._shown
        head = f"{'':9}{fit(baseline, 6, 'right')} {fit(candidate, 6, 'right')}  difference"
        lines = [evidence_runs(metric, width, self._symbols) for metric in metrics]
        return [fit_runs([Cell(head, "heading")], width), *lines]
