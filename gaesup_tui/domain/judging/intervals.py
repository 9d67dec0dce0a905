"""The interval to show: it holds at every moment somebody looks, for the whole time at once.

Solved by bisection when a line is painted, never per tick. The lower end agrees with key 1: when
the whole band lies beyond kappa tolerances, that metric's bets alone would reach 1 / alpha. The
upper end agrees with the promotion: below the tolerance means sure enough.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

from gaesup_tui.domain.judging import traffic
from gaesup_tui.domain.judging.bets import GUESS_WEIGHTS, Bets, mixture
from gaesup_tui.domain.judging.deciding import weights
from gaesup_tui.domain.judging.effects import Effect
from gaesup_tui.domain.judging.law import log_quantile
from gaesup_tui.domain.judging.onsets import FROM_START
from gaesup_tui.domain.judging.safety import EVEN, SafetyBets
from gaesup_tui.domain.judging.settings import Metric
from gaesup_tui.domain.judging.state import SCORES, State
from gaesup_tui.domain.judging.usual import tolerance_of, usual_of

_STEPS = 40
_MIXING = 500.0
"""Variance, in canary requests, at which the traffic's band is tightest: about a minute's."""


class Interval(NamedTuple):
    """Harm in the terms of the metric's tolerance, positive when worse."""

    low: float
    high: float


def interval(state: State, metric: Metric) -> Interval | None:
    """None where nothing was counted."""
    if metric == "traffic":
        return _traffic(state)
    bets, safety, share = _parts(state, metric)
    if not bets.requests or not safety.requests:
        return None
    alpha = state.start.alpha_abort * share * FROM_START
    low = _lower(bets, 1 / alpha)
    high = _upper(safety, 1 / (1 - state.start.confidence_promote))
    if metric == "errors":
        return Interval(low, high)
    if metric == "conversion":
        usual = state.known.conversions / max(state.known.conversion_requests, 1.0)
        return Interval(low / usual, high / usual) if usual > 0 else None
    return _latency(state, low, high)


def interval_since(state: State, metric: Metric, effect: Effect) -> Interval | None:
    """Around an estimate that begins at an onset: a normal mixture, so about right, from the usual
    variance and the noise seen."""
    if metric == "traffic":
        return _traffic(state)
    usual, harm = usual_of(state, metric), effect.size(metric)
    requests, baseline = effect.requests, effect.baseline_requests
    if usual is None or harm is None or requests <= 0 or baseline <= 0:
        return None
    one = usual.variance
    if metric == "errors" and effect.canary_errors is not None:
        one = max(one, effect.canary_errors * (1 - effect.canary_errors))
    each = one * usual.phi * (1 + requests / baseline)
    per_score = tolerance_of(state, metric) / usual.tolerance
    start, variance = state.start, each * (requests + _MIXING)
    odds = math.log(1 + requests / _MIXING)

    def reach(risk: float) -> float:
        return per_score * math.sqrt(variance * (odds + 2 * math.log(1 / risk))) / requests

    return Interval(harm - reach(start.alpha_abort), harm + reach(1 - start.confidence_promote))


def error_interval(state: State, alpha: float, beta: float) -> Interval:
    """The excess error ratio: low wrong with at most ``alpha``, high with at most ``beta``."""
    return Interval(_lower(state.harm[0], 1 / alpha), _upper(state.safety[0], 1 / beta))


def mixture_reach(variance: float, mixing: float, risk: float) -> float:
    """Robbins' normal mixture: how far a fair walk of this variance, ``mixing`` included, strays
    at any time with a chance of at most ``risk``."""
    return math.sqrt(variance * (math.log(variance / mixing) + 2 * math.log(1 / risk)))


def _parts(state: State, metric: Metric) -> tuple[Bets, SafetyBets, float]:
    name, place = {"errors": ("errors", 0), "conversion": ("conversion", 1)}.get(metric, ("p95", 2))
    k = SCORES.index(name)
    # A metric that is switched off is still shown.
    return state.harm[k], state.safety[place], weights(state.start.metrics)[k] or 1.0


def _lower(bets: Bets, limit: float) -> float:
    def fortune(excess: float) -> float:
        return _mixture(bets.logs, bets.stakes, GUESS_WEIGHTS, bets.noise.phi, excess)

    return _crossing(lambda excess: fortune(excess) > limit)


def _upper(safety: SafetyBets, limit: float) -> float:
    def fortune(excess: float) -> float:
        return _mixture(safety.logs, safety.stakes, EVEN, safety.noise.phi, excess)

    return _crossing(lambda excess: fortune(excess) <= limit)


def _mixture(
    logs: Sequence[float],
    stakes: Sequence[float],
    shares: Sequence[float],
    phi: float,
    excess: float,
) -> float:
    exponents = [(log - excess * stake) / phi for log, stake in zip(logs, stakes, strict=True)]
    return mixture(shares, exponents)


def _crossing(left_of: Callable[[float], bool]) -> float:
    """Where ``left_of`` stops to hold, between -1 and 1."""
    low, high = -1.0, 1.0
    for _ in range(_STEPS):
        middle = (low + high) / 2
        if left_of(middle):
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _latency(state: State, low: float, high: float) -> Interval | None:
    """From excess beyond a bound to how much slower the p95 is, read off the recent law."""
    scores = state.latency_scores()
    bound, usual = state.scale.logs[scores.tails[1]], scores.centres[1]
    law, shift = list(state.law), scores.shift

    def slower(excess: float, at: float) -> float:
        share = min(max(usual + excess, 1e-6), 1 - 1e-6)
        return math.expm1(at - (log_quantile(law, state.scale, 1 - share) or at))

    return Interval(slower(low, bound), slower(high, bound + shift))


def _traffic(state: State) -> Interval | None:
    """Robbins' normal mixture over the share of the traffic that did not come."""
    bets, start = state.traffic, state.start
    if bets.expected <= 0:
        return None
    variance = bets.variance * bets.noise.phi + _MIXING

    def reach(risk: float) -> float:
        return mixture_reach(variance, _MIXING, risk) / bets.expected

    drop = 1 - bets.seen / bets.expected
    high = min(drop + reach(1 - start.confidence_promote), 1.0)
    if traffic.certainty(bets) >= 1 / (1 - start.confidence_promote):
        # The promotion's own bets are surer of the tolerance than the mixture is, and as valid.
        high = min(high, max(start.metrics.traffic.tolerance, drop))
    return Interval(drop - reach(start.alpha_abort), high)
