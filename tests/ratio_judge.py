"""A judge for worlds whose traffic is clear-cut: it decides within seconds of virtual time.

Ratios with minimum counts and wide intervals, behind the port of the engine.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import inf, sqrt

from gaesup_tui.domain.deployment import Deployment
from gaesup_tui.domain.judged_record import Record
from gaesup_tui.domain.rollout import Rollout
from gaesup_tui.domain.steps import RolloutSpec, SetTraffic
from gaesup_tui.domain.telemetry import Window
from gaesup_tui.domain.text import milliseconds, percent
from gaesup_tui.domain.verdict import Finding, Verdict
from gaesup_tui.engine.sight import Sight

MIN_REQUESTS = 50
MIN_FOR_P95 = 200
"""Requests before a p95 is harm."""
_FELT_S = 0.025
_HARM_ERRORS = 4.0
_CLEAR_ERRORS = 2.0
YOUNG_S = 2.0
"""Less than this is too short to say that no requests come."""


class RatioJudge:
    """Compares error ratios and p95 of both sides since the present share took effect."""

    def __init__(self) -> None:
        self._sight: dict[str, Sight] = {}

    def seen(self, sight: Sight, states: Iterable[Deployment]) -> None:
        self._sight.update({state.key: sight for state in states})

    def decision(self, rollout: Rollout, now: float) -> Verdict | None:
        return self.verdict(rollout, now)

    def verdict(self, rollout: Rollout, now: float) -> Verdict | None:
        since, sight = weight_since(rollout), self._sight.get(rollout.deployment)
        if since is None or rollout.base is None or sight is None:
            return None
        base, candidate = (
            sight.window(rollout.deployment, side.id, now, inf, since)
            for side in (rollout.base, rollout.candidate)
        )
        if any(window is None or window.seconds < YOUNG_S for window in (base, candidate)):
            return None
        return self.judge(rollout.spec, base, candidate)

    def record(self, rollout: str) -> Record | None:
        return None

    def close(self) -> None:
        pass

    def judge(self, spec: RolloutSpec, base: Window | None, candidate: Window | None) -> Verdict:
        if candidate is None or candidate.requests == 0:
            return Verdict(kind="NO EVIDENCE", reason="no requests reach the candidate")
        if base is None or base.requests == 0:
            return Verdict(kind="NO EVIDENCE", reason="no requests reach the base to compare with")
        findings = (_errors(spec, base, candidate), _p95(spec, base, candidate))
        harm = [finding for finding in findings if finding.state == "harm"]
        if harm:
            return Verdict(kind="ABORT", reason=_harm_reason(harm[0]), findings=findings)
        few = min(base.requests, candidate.requests)
        if few < MIN_REQUESTS:
            reason = f"too few requests to compare: {few} of {MIN_REQUESTS}"
            return Verdict(kind="CONTINUE", reason=reason, findings=findings)
        if all(finding.state == "ok" for finding in findings):
            return Verdict(
                kind="PROMOTE", reason="no harm seen, and sure enough of it", findings=findings
            )
        return Verdict(kind="CONTINUE", reason="no harm seen; not yet sure", findings=findings)


def _errors(spec: RolloutSpec, base: Window, candidate: Window) -> Finding:
    """Difference of two proportions (Agresti and Caffo 2000: one success and one failure added to
    each arm keeps the interval honest at small counts)."""
    n0, n1 = base.requests + 2, candidate.requests + 2
    p0, p1 = (base.errors + 1) / n0, (candidate.errors + 1) / n1
    error = sqrt(p0 * (1 - p0) / n0 + p1 * (1 - p1) / n1)
    difference = p1 - p0
    tolerance = spec.error_tolerance
    enough = min(base.requests, candidate.requests) >= MIN_REQUESTS
    state = "unsure"
    if enough and difference - _HARM_ERRORS * error > tolerance:
        state = "harm"
    elif enough and difference + _CLEAR_ERRORS * error < tolerance:
        state = "ok"
    return Finding(
        metric="errors",
        base=base.error_ratio,
        candidate=candidate.error_ratio,
        difference=difference,
        low=difference - _CLEAR_ERRORS * error,
        high=difference + _CLEAR_ERRORS * error,
        tolerance=tolerance,
        base_requests=base.requests,
        candidate_requests=candidate.requests,
        state=state,
    )


def _p95(spec: RolloutSpec, base: Window, candidate: Window) -> Finding:
    """Relative difference of the p95s. Its error is taken from the counts alone (the standard
    error of a quantile of an exponential tail, 4.4/sqrt(n) of the p95 at n requests): coarse,
    and on the wide side."""
    tolerance = spec.p95_tolerance
    enough = min(base.requests, candidate.requests) >= MIN_REQUESTS
    if not enough or not base.p95_s or candidate.p95_s is None:
        difference = low = high = None
        state = "no data" if candidate.p95_s is None or base.p95_s is None else "unsure"
    else:
        difference = candidate.p95_s / base.p95_s - 1
        error = 1.5 * sqrt(1 / base.requests + 1 / candidate.requests)
        low, high = difference - _CLEAR_ERRORS * error, difference + _CLEAR_ERRORS * error
        state = "unsure"
        # On a loaded machine a few requests wait 20 ms for a core, all at once: that is not harm
        # by the candidate. The p95 must be felt, and have ten requests beyond it.
        felt = candidate.p95_s - base.p95_s > _FELT_S and candidate.requests >= MIN_FOR_P95
        if felt and difference - _HARM_ERRORS * error > tolerance:
            state = "harm"
        elif difference < tolerance or candidate.p95_s - base.p95_s < 0.005:
            state = "ok"
    return Finding(
        metric="p95",
        base=base.p95_s,
        candidate=candidate.p95_s,
        difference=difference,
        low=low,
        high=high,
        tolerance=tolerance,
        base_requests=base.requests,
        candidate_requests=candidate.requests,
        state=state,
    )


def _harm_reason(finding: Finding) -> str:
    if finding.metric == "errors":
        return f"errors {percent(finding.candidate)} against {percent(finding.base)} on the base"
    return f"p95 {milliseconds(finding.candidate)} against {milliseconds(finding.base)} on the base"


def weight_since(rollout: Rollout) -> float | None:
    """When the present share took effect on the route; None when there is nothing to compare:
    one side gets everything, or the share is just being changed."""
    if rollout.phase != "forward" or not 0 < rollout.weight_percent < 100:
        return None
    if isinstance(rollout.step, SetTraffic):
        return None
    for step, record in zip(
        reversed(rollout.plan[: len(rollout.records)]), reversed(rollout.records), strict=True
    ):
        if isinstance(step, SetTraffic):
            return record.ended
    return None
