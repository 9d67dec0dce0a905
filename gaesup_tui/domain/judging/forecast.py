"""How long until PROMOTE, if the canary is as good as the baseline, at the present traffic.

For ABORT nothing is promised. The same sum before the start says what a weight would cost: give
``forecast`` a state that has seen only the history.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from gaesup_tui.domain.judging.deciding import certainties
from gaesup_tui.domain.judging.effects import Sums, sums_before
from gaesup_tui.domain.judging.projection import requests_until
from gaesup_tui.domain.judging.safety import exponents
from gaesup_tui.domain.judging.settings import METRICS, Metric
from gaesup_tui.domain.judging.state import State
from gaesup_tui.domain.judging.usual import usual_of

MARGIN = 1.2
"""What bets of several sizes cost, where they are not projected one by one."""
LUCK = 0.75
"""Evidence wanders, and the first time it is enough counts: that is sooner than its mean is."""
TOGETHER = 4
"""All metrics must be clear. Of several that take about as long one is late: the longer ones count
as their power mean, not as the longest alone."""
EARLY, LATE = 0.25, 2.5
"""Between which shares of the middle four rollouts of five end, seen from any moment before."""
NARROW = 2.0
"""One number is said where the late end of a span is at most so many times the early one."""
RECENT_TICKS = 24
_SAFETY = (0, 2, 1)
"""Where the bets on each metric stand; traffic has its own."""


class Rates(NamedTuple):
    """The present traffic."""

    canary_per_s: float
    baseline_per_s: float


class Forecast(NamedTuple):
    """What is still to come before PROMOTE."""

    metric: Metric
    """The slowest one."""
    seconds: float
    """From now, the middle of what luck makes of it; infinite where no requests come."""
    early_s: float
    late_s: float
    """The span from now that four healthy rollouts of five keep to."""
    requests: float
    """Canary requests still needed, of ``total``."""
    total: float
    at_s: float
    """Seconds from the start at which this is said."""

    @property
    def left_s(self) -> float | None:
        """The time that is left as one number, 0 once all is clear; None where luck leaves too wide
        a span for one."""
        return _pinned(self.early_s, self.late_s)

    @property
    def whole_s(self) -> float | None:
        """The same of the whole time from the start: what has passed is certain, so of this one
        number can be said sooner. None too once nothing is left."""
        if self.late_s == 0:
            return None
        return _pinned(self.at_s + self.early_s, self.at_s + self.late_s)


def _pinned(early_s: float, late_s: float) -> float | None:
    """The number that is off by the same ratio at either end of a narrow span."""
    narrow = math.isfinite(late_s) and late_s <= NARROW * early_s
    return math.sqrt(early_s * late_s) if narrow else None


def recent_rates(state: State) -> Rates | None:
    """Mean of about the last two minutes; None before the first compared tick."""
    mark, before = sums_before(state.counted, max(state.tick - RECENT_TICKS, 0))
    now: Sums = state.counted.sums
    span_s = state.end_s - mark.end_s
    if span_s <= 0 or now.requests <= before.requests:
        return None
    return Rates(
        (now.requests - before.requests) / span_s,
        (now.baseline_requests - before.baseline_requests) / span_s,
    )


def forecast(state: State, rates: Rates) -> Forecast | None:
    """None where no metric can be forecast yet: nothing is known of what is usual."""
    waits: list[_Wait] = []
    for place, sure in enumerate(certainties(state)):
        gain = None if sure is None else growth(state, METRICS[place], rates)
        if sure is not None and gain is not None:
            waits.append(_alone(state, place, sure, gain, rates.canary_per_s))
    if not waits:
        return None
    slowest = max(waits, key=lambda each: each.seconds)
    seconds = slowest.seconds
    if 0 < seconds < math.inf:
        shares = [(each.seconds / seconds) ** TOGETHER for each in waits]
        seconds *= sum(shares) ** (1 / TOGETHER)
    # What the clock asks for is no matter of luck.
    clock_s = max(state.start.min_promote_s, state.start.soak_s) - state.end_s
    return Forecast(
        metric=slowest.metric,
        seconds=max(seconds, clock_s),
        early_s=max(EARLY * seconds, clock_s),
        late_s=max(LATE * seconds, clock_s),
        requests=slowest.requests,
        total=slowest.total,
        at_s=state.end_s,
    )


class _Wait(NamedTuple):
    """What one metric needs by itself: seconds, canary requests, and these from the start."""

    metric: Metric
    seconds: float
    requests: float
    total: float


def _alone(state: State, place: int, sure: float, gain: float, per_s: float) -> _Wait:
    target = math.log(1 / (1 - state.start.confidence_promote))
    if METRICS[place] == "traffic":
        left = MARGIN * max(target - math.log(max(sure, 1e-300)), 0.0) / gain
        total = MARGIN * target / gain
    else:
        fortunes = exponents(state.safety[_SAFETY[place]])
        left = requests_until(fortunes, gain, target)
        total = requests_until([0.0] * len(fortunes), gain, target)
    left, total = LUCK * left, LUCK * total
    return _Wait(METRICS[place], left / per_s if per_s > 0 else math.inf, left, max(total, left))


def growth(state: State, metric: Metric, rates: Rates) -> float | None:
    """Log evidence for safety per canary request; None where nothing is known of what is usual."""
    if rates.baseline_per_s <= 0:
        return None
    usual = usual_of(state, metric)
    if usual is None:
        return None
    ratio = rates.canary_per_s / rates.baseline_per_s
    return usual.tolerance**2 / (2 * usual.variance * (1 + ratio) * usual.phi)
