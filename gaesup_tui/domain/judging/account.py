"""Everything a person may want to see behind a verdict, worked out when it is looked at."""

from __future__ import annotations

import math
from typing import Literal, NamedTuple

from gaesup_tui.domain.judging.deciding import certainties
from gaesup_tui.domain.judging.effects import Effect, effect_since
from gaesup_tui.domain.judging.forecast import Forecast, forecast, recent_rates
from gaesup_tui.domain.judging.intervals import Interval, interval
from gaesup_tui.domain.judging.settings import METRICS, Metric
from gaesup_tui.domain.judging.state import State
from gaesup_tui.domain.judging.usual import tolerance_of

LineState = Literal["ok", "unsure", "harm", "no data", "off"]


class Line(NamedTuple):
    """One metric of the canary against the baseline, since the start."""

    metric: Metric
    canary: float | None
    baseline: float | None
    """Error ratio; p95 in seconds; conversion ratio; requests seen and expected."""
    estimate: float | None
    """The harm in the terms of ``tolerance``, positive when worse."""
    interval: Interval | None
    tolerance: float
    canary_requests: int
    baseline_requests: int
    harm: float
    """What it adds to the fortune of the bets on harm."""
    certainty: float | None
    """Fortune of the bets on "within the tolerance"; None: not asked for."""
    phi: float
    """Requests come in clumps: counted as one in phi."""
    state: LineState


class Account(NamedTuple):
    """What stands behind a verdict."""

    lines: tuple[Line, ...]
    toward_abort: float
    """How far key 1 has turned, 0 to 1; evidence grows linearly here. Not a probability."""
    toward_promote: float
    """The same for the slowest metric of the promotion."""
    forecast: Forecast | None


def explain(state: State) -> Account:
    """The account of the last verdict; a few milliseconds, so only when somebody looks."""
    start, verdict = state.start, state.verdict
    effect = effect_since(state.counted, state.scale, 0)
    asked = [sure for sure in certainties(state) if sure is not None]
    rates = recent_rates(state)
    return Account(
        lines=tuple(_line(state, place, effect) for place in range(len(METRICS))),
        toward_abort=_meter(verdict.evidence, 1 / start.alpha_abort),
        toward_promote=_meter(min(asked, default=0.0), 1 / (1 - start.confidence_promote)),
        forecast=None if rates is None else forecast(state, rates),
    )


def _meter(fortune: float, target: float) -> float:
    if fortune <= 1:
        return 0.0
    return min(math.log(fortune) / math.log(target), 1.0)


def _line(state: State, place: int, effect: Effect) -> Line:
    metric, sums = METRICS[place], state.counted.sums
    requests = max(sums.requests, 1e-9)
    canary, baseline = {
        "errors": (effect.canary_errors, sums.baseline_errors / requests),
        "latency": (effect.canary_p95_s, effect.baseline_p95_s),
        "conversion": (sums.conversions / requests, sums.baseline_conversions / requests),
        "traffic": (sums.seen, sums.expected),
    }[metric]
    noise = (
        state.safety[0].noise,
        state.safety[2].noise,
        state.safety[1].noise,
        state.traffic.noise,
    )[place]
    estimate = effect.size(metric)
    known = estimate is not None
    return Line(
        metric=metric,
        canary=canary if known else None,
        baseline=baseline if known else None,
        estimate=estimate,
        interval=_around(estimate, interval(state, metric)),
        tolerance=tolerance_of(state, metric),
        canary_requests=round(sums.requests),
        baseline_requests=round(sums.baseline_requests),
        harm=state.verdict.harm[place],
        certainty=certainties(state)[place],
        phi=noise.phi,
        state=_state(state, place, known),
    )


def _around(estimate: float | None, band: Interval | None) -> Interval | None:
    """The estimate is part of its band, also where the band was read off an older law."""
    if estimate is None or band is None:
        return band
    return Interval(min(band.low, estimate), max(band.high, estimate))


def _state(state: State, place: int, known: bool) -> LineState:
    if not state.start.metrics[place].enabled:
        return "off"
    if not known:
        return "no data"
    harmful = state.verdict.kind == "ABORT" or state.verdict.cause == "not critical"
    if harmful and state.verdict.metric == METRICS[place]:
        return "harm"
    sure = certainties(state)[place]
    target = 1 / (1 - state.start.confidence_promote)
    return "ok" if sure is not None and sure >= target else "unsure"
