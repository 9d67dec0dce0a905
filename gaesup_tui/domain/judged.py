"""From a rollout's wishes to the judge's settings, and from the judge's state to a verdict."""

from __future__ import annotations

import math

from gaesup_tui.domain.judge_spec import MetricSpec
from gaesup_tui.domain.judging import Metrics, Start, State
from gaesup_tui.domain.judging.account import Line, explain
from gaesup_tui.domain.judging.settings import FINE_BOUNDS_S, MetricPolicy
from gaesup_tui.domain.judging.words import sentence
from gaesup_tui.domain.remedies import remedy
from gaesup_tui.domain.steps import RolloutSpec, SetMatch, compares
from gaesup_tui.domain.verdict import Finding, Verdict

TICK_S = 5.0
_LEAST = 1e-4
"""A tolerance of nothing cannot be judged: no number of requests would be enough."""
_MIN_BOUNDS = 3
_LONGEST = 500


def start_of(spec: RolloutSpec, bounds_s: tuple[float, ...]) -> Start:
    """The settings for one rollout; ``bounds_s`` are those of the backend's latency buckets.

    Without buckets latency is not judged. With sticky clients traffic is not: their number is not
    the number of their requests, so a share of clients promises no share of requests. The same is
    so where some requests go to the candidate whatever its share. What an A/B test asks of users,
    the judge does not ask of their requests.
    """
    usual, has_latency, said = Metrics(), len(bounds_s) >= _MIN_BOUNDS, spec.judge
    errors = min(max(spec.error_tolerance, _LEAST), 1 - _LEAST)
    latency = max(spec.p95_tolerance, _LEAST)
    whole = not spec.sticky and not _steered(spec)
    return Start(
        tick_s=TICK_S,
        bounds_s=bounds_s if has_latency else FINE_BOUNDS_S,
        no_data_limit_s=said.no_data_after,
        metrics=_deciding(
            Metrics(
                errors=_policy(usual.errors._replace(tolerance=errors), said.errors),
                latency=_policy(usual.latency._replace(tolerance=latency), said.p95, has_latency),
                conversion=_policy(usual.conversion, said.conversion, not compares(spec)),
                traffic=_policy(usual.traffic, said.traffic, whole),
            )
        ),
    )


def _deciding(metrics: Metrics) -> Metrics:
    """With errors critical where all that was to be cannot be judged here: a judge that can never
    abort would be none."""
    if any(each.enabled and each.critical for each in metrics):
        return metrics
    return metrics._replace(errors=metrics.errors._replace(enabled=True, critical=True))


def _policy(usual: MetricPolicy, said: MetricSpec, possible: bool = True) -> MetricPolicy:
    """``possible`` False: it cannot be judged here, whatever is said."""
    return usual._replace(
        tolerance=usual.tolerance if said.tolerance is None else said.tolerance / 100,
        weight=usual.weight if said.weight is None else said.weight / 100,
        critical=said.critical,
        no_data=said.no_data or usual.no_data,
        enabled=said.enabled and possible,
    )


def _steered(spec: RolloutSpec) -> bool:
    """Whether requests beyond its share reach the candidate."""
    return any(isinstance(step, SetMatch) for step in spec.plan)


def verdict_of(state: State, trouble: str = "") -> Verdict:
    """What the judge says now, for people; about a millisecond. ``trouble`` is added to it."""
    account = explain(state)
    said = sentence(state, account)
    ahead = account.forecast
    if ahead is not None and not math.isfinite(ahead.late_s):
        ahead = None
    help_ = remedy(state.verdict.cause, ahead.seconds if ahead else None)
    return Verdict(
        kind=state.verdict.kind,
        reason=(f"{said} ({trouble})" if trouble else said)[:_LONGEST],
        findings=tuple(_finding(line) for line in account.lines if _worth_showing(line)),
        toward_abort=account.toward_abort,
        toward_promote=account.toward_promote,
        left_s=ahead.left_s if ahead else None,
        left_span_s=(ahead.early_s, ahead.late_s) if ahead else None,
        whole_s=ahead.whole_s if ahead else None,
        code=state.verdict.cause,
        fix=help_.fix,
        helps=help_.helps,
    )


def _worth_showing(line: Line) -> bool:
    """Few units have conversions: an empty row about them would stand on every screen."""
    return line.state != "off" and (line.metric != "conversion" or line.estimate is not None)


def _finding(line: Line) -> Finding:
    band = line.interval if line.estimate is not None else None
    return Finding(
        metric="p95" if line.metric == "latency" else line.metric,
        base=line.baseline,
        candidate=line.canary,
        difference=line.estimate,
        low=_finite(band.low) if band else None,
        high=_finite(band.high) if band else None,
        tolerance=line.tolerance,
        base_requests=line.baseline_requests,
        candidate_requests=line.canary_requests,
        state="unsure" if line.state == "off" else line.state,
    )


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
