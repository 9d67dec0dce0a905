"""What a person may set about the judge; every default stands for itself.

``Start`` is written down once per rollout and never changes while it runs: with the ticks it is
all that a replay needs.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Literal, NamedTuple

Metric = Literal["errors", "latency", "conversion", "traffic"]
METRICS: tuple[Metric, ...] = ("errors", "latency", "conversion", "traffic")

NoData = Literal["hold", "fail", "ignore"]
"""What a metric without data means: promotion waits; ABORT after ``no_data_limit_s``; nothing."""


class MetricPolicy(NamedTuple):
    """How one metric is judged."""

    tolerance: float
    """The harm that is too much: points as a ratio for errors, relative for the others."""
    weight: float
    """Share of the evidence this metric may bring; shares are made to sum to 1."""
    critical: bool = True
    """Harm in it aborts. Otherwise harm in it only holds the promotion, for a person."""
    no_data: NoData = "hold"
    enabled: bool = True


class Metrics(NamedTuple):
    """The policy of each metric."""

    errors: MetricPolicy = MetricPolicy(0.005, 0.45)
    latency: MetricPolicy = MetricPolicy(0.10, 0.40)
    conversion: MetricPolicy = MetricPolicy(0.10, 0.08, no_data="ignore")
    traffic: MetricPolicy = MetricPolicy(0.25, 0.07)


FINE_BOUNDS_S: tuple[float, ...] = tuple(0.002 * 1.2**i for i in range(48))
"""Upper bounds of the latency buckets, 2 ms to 10.5 s; one more, without end, follows."""


class Start(NamedTuple):
    """The settings of one judgement."""

    tick_s: float = 5.0
    bounds_s: tuple[float, ...] = FINE_BOUNDS_S
    max_duration_s: float = 3600.0
    """After this long without a decision the verdict says that it is inconclusive."""
    soak_s: float = 0.0
    """No promotion before, however clear it is."""
    warmup_s: float = 0.0
    """Latency before this is a cold start and not counted."""
    min_promote_s: float = 60.0
    """Some harm takes a minute to appear."""
    no_data_limit_s: float = 300.0
    alpha_abort: float = 0.01
    """The share of healthy rollouts that may be aborted, all metrics and looks together."""
    confidence_promote: float = 0.95
    kappa: float = 0.17
    """Harm below this many tolerances is not held against the canary."""
    felt_s: float = 0.005
    """A p95 slower by less than this is no harm, however many percent of a fast unit it is."""
    metrics: Metrics = Metrics()


def check_start(start: Start) -> str | None:
    """What is wrong with the settings, in words, or None."""
    numbers = (start.tick_s, start.max_duration_s, start.soak_s, start.warmup_s, start.felt_s)
    if not all(map(math.isfinite, (*numbers, start.min_promote_s, start.no_data_limit_s))):
        return "every duration must be a finite number of seconds"
    if start.tick_s <= 0 or start.max_duration_s < start.tick_s:
        return "the tick must be longer than 0 s and the judgement at least one tick"
    waits = (start.soak_s, start.warmup_s, start.min_promote_s, start.no_data_limit_s)
    if min(*waits, start.felt_s) < 0:
        return "a duration cannot be negative"
    if not RAREST <= start.alpha_abort < 1 or not 0 < start.confidence_promote <= 1 - RAREST:
        return f"alpha_abort and confidence_promote lie between 0 and 1, {RAREST:g} away from never"
    if not 0 <= start.kappa < MIN_GUESS:
        return f"kappa lies between 0 and {MIN_GUESS}"
    return _check_bounds(start.bounds_s) or _check_metrics(start.metrics)


RAREST = 1e-9
"""Nobody can promise less than this."""
MIN_GUESS = 1.0
"""The smallest harm that is bet on, in tolerances."""


def _check_bounds(bounds_s: tuple[float, ...]) -> str | None:
    rising = all(a < b for a, b in pairwise(bounds_s))
    if len(bounds_s) < 3 or not rising or bounds_s[0] <= 0 or not math.isfinite(bounds_s[-1]):
        return "latency buckets need at least three bounds in seconds, positive and rising"
    return None


def _check_metrics(metrics: Metrics) -> str | None:
    for name, policy in zip(METRICS, metrics, strict=True):
        # A drop of the whole traffic or of all conversions is the most there can be.
        most = math.inf if name == "latency" else 1.0
        if not 0 < policy.tolerance < most or not math.isfinite(policy.tolerance):
            return f"the tolerance of {name} must lie between 0 and {most:g}"
        if not policy.weight > 0 or not math.isfinite(policy.weight):
            return f"the weight of {name} must be positive"
    if not any(policy.enabled and policy.critical for policy in metrics):
        return "at least one metric must be enabled and critical"
    return None
