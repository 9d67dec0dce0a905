"""How long until PROMOTE, if the canary is as good as the baseline, at the present traffic.

For ABORT nothing is promised. The same sum before the start says what a weight would cost: give
``forecast`` a state that has seen only the history.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from gaesup_tui.domain.judging.deciding import certainties
from gaesup_tui.domain.judging.effects import Sums, sums_before
from gaesup_tui.domain.judging.settings import METRICS, Metric
from gaesup_tui.domain.judging.state import State
from gaesup_tui.domain.judging.usual import usual_of

MARGIN = 1.2
"""Bets are spread over eight sizes; the best one alone would be this much faster."""
CHANCE = 2.0
"""How far luck may move the end, either way, in four rollouts of five."""
RECENT_TICKS = 24


class Rates(NamedTuple):
    """The present traffic."""

    canary_per_s: float
    baseline_per_s: float


class Forecast(NamedTuple):
    """What is still to come before PROMOTE."""

    metric: Metric
    """The slowest one."""
    seconds: float
    """From now; infinite where no requests come."""
    requests: float
    """Canary requests still needed, of ``total``."""
    total: float

    @property
    def early_s(self) -> float:
        """With ``late_s`` the span that four healthy rollouts of five keep to: evidence is a
        matter of luck as well, and no better forecast exists."""
        return self.seconds / CHANCE

    @property
    def late_s(self) -> float:
        return self.seconds * CHANCE


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
    target = math.log(1 / (1 - state.start.confidence_promote))
    slowest: Forecast | None = None
    for place, sure in enumerate(certainties(state)):
        gain = None if sure is None else growth(state, METRICS[place], rates)
        if sure is None or gain is None:
            continue
        left = MARGIN * max(target - math.log(max(sure, 1e-300)), 0.0) / gain
        seconds = left / rates.canary_per_s if rates.canary_per_s > 0 else math.inf
        total = MARGIN * target / gain
        if slowest is None or seconds > slowest.seconds:
            slowest = Forecast(METRICS[place], seconds, left, max(total, left))
    if slowest is None:
        return None
    wait_s = max(state.start.min_promote_s, state.start.soak_s) - state.end_s
    return slowest._replace(seconds=max(slowest.seconds, wait_s))


def growth(state: State, metric: Metric, rates: Rates) -> float | None:
    """Log evidence for safety per canary request; None where nothing is known of what is usual."""
    if rates.baseline_per_s <= 0:
        return None
    usual = usual_of(state, metric)
    if usual is None:
        return None
    ratio = rates.canary_per_s / rates.baseline_per_s
    return usual.tolerance**2 / (2 * usual.variance * (1 + ratio) * usual.phi)
