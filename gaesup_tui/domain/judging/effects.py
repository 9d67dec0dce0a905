"""How large the harm is: estimates since its likely onset, the second key of an ABORT.

The baseline is standardised tick by tick to the canary's traffic. Sums at past ticks are kept so
that an estimate can begin at any onset; the older, the fewer, never more than an eighth of their
age apart.
"""

from __future__ import annotations

import math
import struct
from typing import NamedTuple

from gaesup_tui.domain.judging.law import Ruler, log_quantile
from gaesup_tui.domain.judging.settings import Metric, Start

_FRESH = 8
_NAMES = 8


class Sums(NamedTuple):
    """Cumulative counts; those of the baseline times r = canary / baseline requests of the tick."""

    requests: float = 0.0
    errors: float = 0.0
    baseline_errors: float = 0.0
    conversions: float = 0.0
    baseline_conversions: float = 0.0
    seen: float = 0.0
    expected: float = 0.0
    baseline_requests: float = 0.0
    """The only one that is not standardised."""


class Mark(NamedTuple):
    """The sums after ``tick`` ticks, packed: they are many and seldom read."""

    tick: int
    end_s: float
    packed: bytes


class Counted(NamedTuple):
    """Everything that estimates are made of."""

    sums: Sums
    canary: tuple[float, ...]
    """Latency histogram."""
    baseline: tuple[float, ...]
    marks: tuple[Mark, ...]


class Effect(NamedTuple):
    """Estimates over a span of ticks; None where nothing was counted."""

    since_s: float
    requests: float
    """Of the canary."""
    baseline_requests: float
    errors: float | None
    """Error ratio of the canary minus the baseline's."""
    canary_errors: float | None
    p95: float | None
    """p95 of the canary over the baseline's, minus 1."""
    p99: float | None
    canary_p95_s: float | None
    baseline_p95_s: float | None
    conversion: float | None
    """Conversions of the canary over the baseline's, minus 1."""
    traffic: float | None
    """Requests seen over requests expected, minus 1."""

    def size(self, metric: Metric) -> float | None:
        """The harm in this metric, positive when worse, in the terms of its tolerance."""
        if metric == "errors":
            return self.errors
        if metric == "latency":
            return self.p95
        drop = self.conversion if metric == "conversion" else self.traffic
        return None if drop is None else -drop


def nothing_counted(buckets: int) -> Counted:
    """Before the first tick, for so many latency buckets."""
    none = (0.0,) * buckets
    return keep(Counted(Sums(), none, none, ()), 0, 0.0)


def keep(counted: Counted, tick: int, end_s: float) -> Counted:
    """Remember the present sums as those after ``tick`` ticks, and thin the older ones."""
    marks = counted.marks
    if tick % _FRESH == 0:
        marks = tuple(mark for mark in marks if _kept(mark.tick, tick - mark.tick))
    flat = (*counted.sums, *counted.canary, *counted.baseline)
    mark = Mark(tick, end_s, struct.pack(f"<{len(flat)}d", *flat))
    return counted._replace(marks=(*marks, mark))


def _kept(tick: int, age: int) -> bool:
    return age < 2 * _FRESH or tick % (1 << (age // _FRESH).bit_length() - 1) == 0


def effect_since(counted: Counted, scale: Ruler, tick: int) -> Effect:
    """Estimates from the last remembered tick at or before ``tick``."""
    mark, before = _unpacked(counted, tick)
    buckets = len(counted.canary)
    sums = Sums(*[a - b for a, b in zip(counted.sums, before[:_NAMES], strict=True)])
    canary = _minus(counted.canary, before[_NAMES : _NAMES + buckets])
    baseline = _minus(counted.baseline, before[_NAMES + buckets :])
    p95, p95_base = (log_quantile(counts, scale, 0.95) for counts in (canary, baseline))
    p99, p99_base = (log_quantile(counts, scale, 0.99) for counts in (canary, baseline))
    requests, lost = sums.requests, sums.expected > 0
    conversion = (
        sums.conversions / sums.baseline_conversions - 1 if sums.baseline_conversions > 0 else None
    )
    return Effect(
        since_s=mark.end_s,
        requests=requests,
        baseline_requests=sums.baseline_requests,
        errors=(sums.errors - sums.baseline_errors) / requests if requests > 0 else None,
        canary_errors=sums.errors / requests if requests > 0 else None,
        p95=None if p95 is None or p95_base is None else math.expm1(p95 - p95_base),
        p99=None if p99 is None or p99_base is None else math.expm1(p99 - p99_base),
        canary_p95_s=None if p95 is None else math.exp(p95),
        baseline_p95_s=None if p95_base is None else math.exp(p95_base),
        conversion=conversion,
        traffic=sums.seen / sums.expected - 1 if lost else None,
    )


def sums_before(counted: Counted, tick: int) -> tuple[Mark, Sums]:
    """The last remembered sums at or before ``tick``, and when they were taken."""
    mark, before = _unpacked(counted, tick)
    return mark, Sums(*before[:_NAMES])


def _unpacked(counted: Counted, tick: int) -> tuple[Mark, tuple[float, ...]]:
    mark = next(mark for mark in reversed(counted.marks) if mark.tick <= tick)
    return mark, struct.unpack(f"<{len(mark.packed) // 8}d", mark.packed)


def _minus(now: tuple[float, ...], before: tuple[float, ...]) -> list[float]:
    # Sums of floats: what was never counted must not come out as a trace below zero.
    return [max(a - b, 0.0) if a - b > 1e-6 else 0.0 for a, b in zip(now, before, strict=True)]


def matters(effect: Effect, score: str, start: Start, share: float = 1.0) -> bool:
    """Does the estimate reach ``share`` of the tolerance? ``score`` names what cried harm."""
    if score in ("rank", "p90", "p95", "p99"):
        usual_s = effect.baseline_p95_s
        felt = start.felt_s / usual_s if usual_s else 0.0
        tolerance = share * max(start.metrics.latency.tolerance, felt)
        slower = effect.p95 is not None and effect.p95 >= tolerance
        far = effect.p99 is not None and effect.p99 >= 2 * tolerance
        return slower or (score == "p99" and far)
    metrics = start.metrics
    size, policy = {
        "errors": (effect.errors, metrics.errors),
        "conversion": (effect.size("conversion"), metrics.conversion),
        "traffic": (effect.size("traffic"), metrics.traffic),
    }[score]
    return size is not None and size >= share * policy.tolerance
