"""Passing a check by hand, once: which one, whether it is possible, and what follows.

What is ignored is one named check of one step of one rollout, with a reason. A smoke test or an
analysis that blocks is passed. A guard, or the judge, does not act while the rollout stands at
this step. When the check has taken the rollout back already, it is begun again from the step that
failed, where the same check does not count.
"""

from __future__ import annotations

from collections.abc import Sequence

from gaesup_tui.domain import events as ev
from gaesup_tui.domain.checking import in_background
from gaesup_tui.domain.creating import create
from gaesup_tui.domain.deployment import Deployment
from gaesup_tui.domain.errors import Invalid, Refused
from gaesup_tui.domain.guards import guard_name
from gaesup_tui.domain.ignored import ANALYSIS, JUDGE, SMOKE
from gaesup_tui.domain.retrying import from_failed, no_again, replicas_again, waves_changed
from gaesup_tui.domain.rollout import Actor, Ignored, Rollout
from gaesup_tui.domain.steps import Analyse, SmokeTest
from gaesup_tui.domain.text import printable_line
from gaesup_tui.domain.waves import resized


def no_ignore(state: Deployment) -> str | None:
    """Why nothing can be ignored now; None when something can."""
    if state.rollout is None:
        return "there is no check: no rollout was here"
    if reason := no_ignore_of(state.rollout):
        return reason
    if state.active or not waves_changed(state, state.rollout):
        return None
    return no_again(state, state.rollout) or (
        "replicas were scaled since, so its waves are planned anew: retry it, and ignore the "
        "check there"
    )


def no_ignore_of(rollout: Rollout) -> str | None:
    """The same of one rollout, whatever else holds."""
    if rollout.phase == "forward":
        return None
    if rollout.active:
        return "it is on the way back: once it is there, the check that failed can be ignored"
    if rollout.outcome == "promoted" or rollout.cause is None or not rollout.cause.check:
        return "no check failed in the last rollout"
    return None


def check_at_hand(rollout: Rollout) -> str:
    """The check that stands in the way now, by its name; empty when none does."""
    if not rollout.active:
        return rollout.cause.check if rollout.cause else ""
    match rollout.step:
        case SmokeTest():
            return SMOKE
        case Analyse():
            return ANALYSIS
    return ""


def checks_of(rollout: Rollout) -> list[str]:
    """The names of all that can be ignored at the step it stands at."""
    step = check_at_hand(rollout)
    if not rollout.active:
        return [step]
    guards = rollout.spec.guards
    names = [guard_name(guards, number) for number in range(len(guards))]
    judge = [JUDGE] if rollout.base else []
    return [*([step] if step else []), *names, *in_background(rollout), *judge]


def meant(rollout: Rollout, check: str, brewing: Sequence[tuple[str, str]]) -> str:
    """The check named, or the guard that is about to act, or what stands in the way; empty when
    nothing does.

    Raises:
        Invalid: there is none of the name.
    """
    if check:
        return chosen(rollout, check)
    return brewing[0][0] if brewing else check_at_hand(rollout)


def chosen(rollout: Rollout, check: str) -> str:
    """The check that is meant.

    Raises:
        Refused: none was named and none stands in the way.
        Invalid: there is none of that name.
    """
    names = checks_of(rollout)
    said = f"name one with --check: {', '.join(names)}"
    if not check and not (check := check_at_hand(rollout)):
        raise Refused(f"{rollout.deployment}: no check stands in the way at this step", hint=said)
    if check not in names:
        raise Invalid(f"there is no check {printable_line(check, 40)!r} at this step", hint=said)
    return check


def ignore(state: Deployment, check: str, why: str, by: Actor, now: float) -> list[ev.Event]:
    """What follows from ignoring ``check``; empty: the one that stands in the way."""
    rollout = state.rollout
    assert rollout is not None  # why_not looked
    check = chosen(rollout, check)
    key = state.key
    if not rollout.active:
        plan, index = from_failed(rollout)
        one = Ignored(index=index, check=check, by=by, at=now, why=why)
        replicas = replicas_again(state, rollout)
        spec = rollout.spec.model_copy(update={"plan": resized(plan, replicas)})
        again = create(key, state, rollout.candidate, spec, replicas, by, now, why, state.backend)
        return [again.model_copy(update={"rollout": _with(again.rollout, one)})]
    return [ev.CheckIgnored(deployment=key, index=rollout.index, check=check, why=why)]


def _with(rollout: Rollout, one: Ignored) -> Rollout:
    return rollout.model_copy(update={"ignored": (one,)})


def ignore_lines(rollout: Rollout, check: str) -> list[tuple[str, str]]:
    """What the dialog says of it."""
    if not check:
        names = ", ".join(checks_of(rollout))
        return [("Check", f"none stands in the way; name one: {names}")]
    if not rollout.active:
        failed = rollout.cause.reason if rollout.cause else ""
        again = f"{rollout.candidate.version} again from the step that failed, without this check"
        return [("Check", f"{check}: {failed}"), ("Then", again)]
    title = rollout.step.title() if rollout.step else "this step"
    if check == check_at_hand(rollout):
        return [("Check", check), ("Then", f"{title} is passed as if it had succeeded")]
    return [
        ("Check", check),
        ("Then", f"it does not act while the rollout stands at: {title}"),
        ("After it", "at the next step it acts again"),
    ]
