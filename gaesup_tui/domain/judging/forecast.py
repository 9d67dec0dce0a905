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
EARLY, LATE = 0.3, 2.3
"""Between which shares of the forecast four rollouts of five end, seen from any moment before."""
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
    """From now; infinite where no requests come."""
    requests: float
    """Canary requests still needed, of ``total``."""
    total: float

    @property
    def early_s(self) -> float:
        """With ``late_s`` the span that four healthy rollouts of five keep to: evidence is a
        matter of luck as well."""
        return self.seconds * EARLY

    @property
    def late_s(self) -> float:
        return self.seconds * LATE


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
    waits: list[Forecast] = []
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
    wait_s = max(state.start.min_promote_s, state.start.soak_s) - state.end_s
    return slowest._replace(seconds=max(seconds, wait_s))


def _alone(state: State, place: int, sure: float, gain: float, per_s: float) -> Forecast:
    """One metric by itself."""
    target = math.log(1 / (1 - state.start.confidence_promote))
    if METRICS[place] == "traffic":
        left = MARGIN * max(target - math.log(max(sure, 1e-300)), 0.0) / gain
        total = MARGIN * target / gain
    else:
        fortunes = exponents(state.safety[_SAFETY[place]])
        left = requests_until(fortunes, gain, target)
        total = requests_until([0.0] * len(fortunes), gain, target)
    left, total = LUCK * left, LUCK * total
    return Forecast(METRICS[place], left / per_s if per_s > 0 else math.inf, left, max(total, left))


def growth(state: State, metric: Metric, rates: Rates) -> float | None:
    """Log evidence for safety per canary request; None where nothing is known of what is usual."""
    if rates.baseline_per_s <= 0:
        return None
    usual = usual_of(state, metric)
    if usual is None:
        return None
    ratio = rates.canary_per_s / rates.baseline_per_s
    return usual.tolerance**2 / (2 * usual.variance * (1 + ratio) * usual.phi)
