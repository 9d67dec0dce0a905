"""The recent latency law, and the scores that requests get under it.

The law is a histogram of both arms that forgets by half in ``HALF_LIFE`` ticks. Under it each
request has a rank (its bucket's mid-rank) and is, or is not, slower than three bounds near the
p90, p95 and p99. Scores come from ticks BEFORE the one they judge.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from itertools import accumulate, pairwise
from typing import NamedTuple

HALF_LIFE = 24
DECAY: float = 0.5 ** (1 / HALF_LIFE)
TAIL_SHARES = (0.10, 0.05, 0.01)


class Ruler(NamedTuple):
    """The bucket bounds in logs, so that milliseconds and seconds judge alike."""

    logs: tuple[float, ...]
    widths: tuple[float, ...]


class LatencyScores(NamedTuple):
    """How the latencies of the next tick will be scored."""

    survival: list[float]
    """Share of requests slower than each bound."""
    ranks: list[float]
    """Per bucket, mid-rank minus one half."""
    rank_variance: float
    rank_tolerance: float
    tails: tuple[int, int, int]
    """Index of the bounds nearest to the p90, p95 and p99."""
    centres: tuple[float, float, float]
    tolerances: tuple[float, float, float]
    tolerance: float
    """The p95 may be slower by this, relative."""

    @property
    def shift(self) -> float:
        """The tolerance in logs."""
        return math.log1p(self.tolerance)


def ruler(bounds_s: tuple[float, ...]) -> Ruler:
    """Buckets with these upper bounds, in logs; the open ends are as wide as their neighbours."""
    logs = tuple(map(math.log, bounds_s))
    steps = [b - a for a, b in pairwise(logs)]
    return Ruler(logs, (steps[0], *steps, steps[-1]))


def remember(law: tuple[float, ...], pooled: list[int]) -> tuple[float, ...]:
    """The law after one more tick; ``()`` is no law yet."""
    if not law:
        return tuple(count + 1e-9 for count in pooled)
    return tuple([old * DECAY + new for old, new in zip(law, pooled, strict=True)])


def latency_scores(
    law: tuple[float, ...], scale: Ruler, tolerance: float, felt_s: float
) -> LatencyScores:
    """``tolerance`` is relative: 0.1 tolerates a p95 one tenth slower, and at least ``felt_s``
    seconds slower."""
    cumulated = list(accumulate(law))
    total = cumulated[-1]
    survival = [(total - below) / total for below in cumulated[:-1]]
    ranks = [
        (below - 0.5 * count) / total - 0.5 for below, count in zip(cumulated, law, strict=True)
    ]
    tails = (
        _nearest(cumulated, TAIL_SHARES[0]),
        _nearest(cumulated, TAIL_SHARES[1]),
        _nearest(cumulated, TAIL_SHARES[2]),
    )
    tolerance = max(tolerance, felt_s / math.exp(scale.logs[tails[1]]))
    shift = math.log1p(tolerance)
    variance = sum([count * y * y for count, y in zip(law, ranks, strict=True)]) / total
    steepness = _steepness(law, scale) / (total * total)
    p90, p95, p99 = (
        max(survival_at(survival, scale, scale.logs[j] - shift)[0] - survival[j], 1e-5)
        for j in tails
    )
    return LatencyScores(
        survival=survival,
        ranks=ranks,
        rank_variance=max(variance, 1e-4),
        rank_tolerance=max(steepness * shift, 1e-4),
        tails=tails,
        centres=(survival[tails[0]], survival[tails[1]], survival[tails[2]]),
        tolerances=(p90, p95, p99),
        tolerance=tolerance,
    )


def _steepness(law: tuple[float, ...], scale: Ruler) -> float:
    """Mean growth of the rank per log of latency, times the square of the law's total. Between two
    mid-ranks lie half of either bucket; at the ends the line goes on as it came."""
    widths = scale.widths
    inside = [
        here * (before + 2 * here + after) / width
        for before, here, after, width in zip(law, law[1:], law[2:], widths[1:], strict=False)
    ]
    first = law[0] * (law[0] + law[1]) / widths[0]
    last = law[-1] * (law[-1] + law[-2]) / widths[-1]
    return (2 * first + sum(inside) + 2 * last) / 4


def _nearest(cumulated: list[float], share: float) -> int:
    """The bound beyond which the share of requests is nearest to ``share`` by ratio."""
    total, bounds = cumulated[-1], len(cumulated) - 1
    after = bisect_left(cumulated, total * (1 - share), 0, bounds)
    if after == 0:
        return 0
    before = bisect_left(cumulated, cumulated[after - 1])
    if after == bounds:
        return before
    above = math.log((1 - cumulated[before] / total + 1e-9) / share)
    below = -math.log((1 - cumulated[after] / total + 1e-9) / share)
    return before if above <= below else after


def survival_at(survival: list[float], scale: Ruler, x: float) -> tuple[float, int]:
    """Survival at log-latency ``x``, log-log between bounds, and the bound below ``x``."""
    logs = scale.logs
    j = min(max(bisect_right(logs, x) - 1, 0), len(logs) - 2)
    f = min(max((x - logs[j]) / (logs[j + 1] - logs[j]), 0.0), 1.0)
    a, b = survival[j], survival[j + 1]
    if a > 0 and b > 0:
        return math.exp((1 - f) * math.log(a) + f * math.log(b)), j
    return a + f * (b - a), j


def log_quantile(counts: list[float], scale: Ruler, q: float) -> float | None:
    """Log of the q-quantile, log-log between bounds; None without counts.

    Above the last bound the answer is that bound: "at least".
    """
    total = sum(counts)
    if total <= 0:
        return None
    logs = (scale.logs[0] - 0.7, *scale.logs)
    share = 1 - q
    above, gone = 1.0, 0.0
    for j, count in enumerate(counts[:-1]):
        gone += count
        below = max((total - gone) / total, 0.0)
        if below <= share:
            if above <= below:
                return logs[j + 1]
            if below > 0:
                f = math.log(above / share) / math.log(above / below)
            else:
                f = (above - share) / (above - below)
            return logs[j] + f * (logs[j + 1] - logs[j])
        above = below
    return logs[-1]
