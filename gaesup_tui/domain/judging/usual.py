"""What is usual in each metric's main score: how much requests vary, and what is tolerated."""

from __future__ import annotations

from typing import NamedTuple

from gaesup_tui.domain.judging.settings import METRICS, Metric
from gaesup_tui.domain.judging.state import State


class Usual(NamedTuple):
    """One score of 0 to 1 per request, as the past has it."""

    variance: float
    """Per request."""
    tolerance: float
    """In units of the score."""
    phi: float
    """Over-dispersion."""


def usual_of(state: State, metric: Metric) -> Usual | None:
    """None where the past says nothing yet."""
    metrics, known = state.start.metrics, state.known
    if metric == "errors":
        if not known.requests:
            return None
        half = 0.5 * metrics.errors.tolerance
        ratio = (known.errors + half * 200) / (known.requests + 200)
        phi = state.safety[0].noise.phi
        return Usual(ratio * (1 - ratio), metrics.errors.tolerance, phi)
    if metric == "conversion":
        if not known.conversions:
            return None
        ratio = known.conversions / known.conversion_requests
        tolerance = metrics.conversion.tolerance * ratio
        return Usual(ratio * (1 - ratio), tolerance, state.safety[1].noise.phi)
    if metric == "traffic":
        return Usual(1.0, metrics.traffic.tolerance, state.traffic.noise.phi)
    if not state.law:
        return None
    scores = state.latency_scores()
    centre = scores.centres[1]
    return Usual(centre * (1 - centre), scores.tolerances[1], state.safety[2].noise.phi)


def tolerance_of(state: State, metric: Metric) -> float:
    """The harm that is too much now: of a fast unit's latency, what is felt at all."""
    if metric == "latency" and state.law:
        return state.latency_scores().tolerance
    return state.start.metrics[METRICS.index(metric)].tolerance
