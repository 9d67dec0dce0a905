"""What the checks of a rollout say: a sentence each, and whether it holds, fails, or nobody knows.

They are plain comparisons over a window, for those who want them; the judge beside them is the
one that stays right however often it looks. Too few requests, or a window that is not full yet,
are no evidence: a check then neither passes nor fails.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

from gaesup_tui.domain.drops import Comparisons
from gaesup_tui.domain.expressions import Expression, parse_expression
from gaesup_tui.domain.ignored import ANALYSIS, JUDGE, is_ignored
from gaesup_tui.domain.observation import DeploymentSeen, RevisionSeen
from gaesup_tui.domain.rollout import Rollout
from gaesup_tui.domain.steps import Analyse, Cause, SetTraffic, Watch
from gaesup_tui.domain.telemetry import Delta, Window, window_of
from gaesup_tui.domain.text import milliseconds, percent, quantity
from gaesup_tui.domain.verdict import Verdict

_FULL = 0.9
"""So much of its window has to be covered before a check speaks."""
_OPERATORS = {
    "<=": lambda value, limit: value <= limit,
    "<": lambda value, limit: value < limit,
    ">=": lambda value, limit: value >= limit,
    ">": lambda value, limit: value > limit,
}


class Outcome(NamedTuple):
    """What one check says now."""

    state: Literal["ok", "failed", "unknown"]
    text: str
    """``p95 240 ms <= 250 ms``."""


def judge_acts(rollout: Rollout) -> bool:
    """Whether the judge's ABORT acts by itself yet: from the first ``background`` step on, or from
    the beginning where there is none."""
    if rollout.phase != "forward":
        return True
    starts = [i for i, step in enumerate(rollout.plan) if isinstance(step, Watch)]
    return not starts or rollout.index > starts[0]


def is_unheeded(rollout: Rollout, verdict: Verdict | None) -> bool:
    """Whether the judge says ABORT, that does not act by itself, and a larger share is next: it
    does not grow by itself either, a person decides."""
    if rollout.phase != "forward" or not rollout.weight_percent or rollout.full:
        return False
    if verdict is None or verdict.kind != "ABORT" or is_ignored(rollout, JUDGE):
        return False
    for step in rollout.plan[rollout.index + 1 :]:
        if isinstance(step, Watch):
            return False  # from there on it acts
        if isinstance(step, SetTraffic):
            acts = rollout.spec.auto_abort and judge_acts(rollout)
            return step.weight_percent > rollout.weight_percent and not acts
    return False


def asks_person(rollout: Rollout, verdict: Verdict | None) -> bool:
    """Whether the judge objects to what comes next and only a person can overrule it: an ABORT that
    does not act, or, where it was asked, sure harm in a metric that is not critical."""
    if is_unheeded(rollout, verdict):
        return True
    asked = isinstance(rollout.step, Analyse) and rollout.step.judge and not rollout.full
    return asked and verdict is not None and verdict.asks


def in_background(rollout: Rollout) -> tuple[str, ...]:
    """The checks that are looked at beside whatever step it stands at."""
    plan = rollout.plan[: rollout.index] if rollout.phase == "forward" else ()
    begun = [text for step in plan if isinstance(step, Watch) for text in step.checks]
    return (*rollout.spec.checks, *begun)


def windows_of_checks(rollout: Rollout) -> set[float]:
    """The window lengths, in seconds, its checks look over now."""
    step = rollout.step
    here = step.checks if isinstance(step, Analyse) else ()
    return {parse_expression(text).window_s for text in (*in_background(rollout), *here)}


def outcomes(
    checks: Sequence[str], rollout: Rollout, seen: DeploymentSeen, compared: Comparisons
) -> list[Outcome]:
    """What each says now."""
    return [_look(parse_expression(text), rollout, seen, compared) for text in checks]


def failed_check(
    rollout: Rollout, seen: DeploymentSeen, compared: Comparisons, now: float
) -> Cause | None:
    """The first check that leads back: one in the background, or of the step that is over."""
    beside = in_background(rollout) if rollout.weight_percent else ()
    beside = tuple(text for text in beside if not is_ignored(rollout, text))
    for text, outcome in zip(beside, outcomes(beside, rollout, seen, compared), strict=True):
        if outcome.state == "failed":
            return _cause(rollout, outcome, text)
    step = rollout.step
    if not isinstance(step, Analyse) or not step.checks or is_ignored(rollout, ANALYSIS):
        return None
    if now - rollout.step_began < step.duration_s:
        return None
    for outcome in outcomes(step.checks, rollout, seen, compared):
        if outcome.state == "failed":
            return _cause(rollout, outcome, ANALYSIS)
    return None


def passed(
    step: Analyse, rollout: Rollout, seen: DeploymentSeen, compared: Comparisons
) -> str | None:
    """What all checks of the step say when all hold; None while one does not."""
    found = outcomes(step.checks, rollout, seen, compared)
    if all(outcome.state == "ok" for outcome in found):
        return "; ".join(outcome.text for outcome in found)[:500]
    return None


def _cause(rollout: Rollout, outcome: Outcome, check: str) -> Cause:
    reason = f"{rollout.candidate.version} {outcome.text}"
    return Cause(kind="check", reason=reason[:500], check=check)


def _look(
    check: Expression, rollout: Rollout, seen: DeploymentSeen, compared: Comparisons
) -> Outcome:
    both = compared.get(check.window_s)
    ours = seen.revision(rollout.candidate.id)
    theirs = seen.revision(rollout.base.id) if rollout.base else None
    value = _value(check, both.candidate if both else None, ours)
    if value is None:
        return Outcome("unknown", f"{check.metric}: not enough seen yet for {check.text}")
    limit = check.limit
    if check.of_limit:
        limit *= rollout.candidate.limits.memory_bytes
    if check.against_base:
        base = _value(check, both.base if both else None, theirs)
        if base is None:
            return Outcome("unknown", f"{check.metric}: not enough seen of the base")
        limit = base + limit if check.metric == "errorRate" else base * (1 + limit)
    holds = _OPERATORS[check.operator](value, limit)
    said = f"{check.metric} {_shown(check, value)} {'' if holds else 'is not '}{check.operator}"
    return Outcome("ok" if holds else "failed", f"{said} {_shown(check, limit)}{_why(check)}")


def _why(check: Expression) -> str:
    if check.of_limit:
        return f" ({percent(check.limit)} of what it may use)"
    if not check.against_base:
        return ""
    if check.metric == "errorRate":
        return f" (the base {100 * check.limit:+g} points)"
    return f" (the base {100 * check.limit:+g} %)"


def _value(check: Expression, delta: Delta | None, there: RevisionSeen | None) -> float | None:
    if check.metric == "restarts":
        return float(there.restarts) if there else None
    if check.metric == "memory":
        known = [r.memory_bytes for r in there.replicas] if there else []
        used = [count for count in known if count is not None]
        return float(max(used)) if used else None
    window = window_of((delta,)) if delta else None
    if window is None or window.seconds < _FULL * check.window_s:
        return None
    return _of_window(check, window)


def _of_window(check: Expression, window: Window) -> float | None:
    if check.metric == "rps":
        return window.rate
    if window.requests < max(1, check.min_requests):
        return None
    values: Mapping[str, float | None] = {
        "errorRate": window.error_ratio,
        "p50": window.p50_s,
        "p95": window.p95_s,
    }
    return values[check.metric]


def _shown(check: Expression, value: float) -> str:
    match check.metric:
        case "errorRate":
            return percent(value)
        case "p50" | "p95":
            return milliseconds(value)
        case "memory":
            return quantity(round(value))
        case "rps":
            return f"{value:.1f}"
    return f"{value:g}"
