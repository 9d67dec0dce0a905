"""What time and a lock add to why a thing waits: who it waits for, what ran out, what follows.

``waiting`` says what a state says; this says what it means to the people who read it now.
"""

from __future__ import annotations

from dataclasses import replace

from gaesup_tui.domain.deployment import Deployment
from gaesup_tui.domain.locks import lock_of
from gaesup_tui.domain.rollout import Rollout
from gaesup_tui.domain.steps import Analyse, Pause
from gaesup_tui.domain.text import duration
from gaesup_tui.domain.waiting import WHEN_CLEAR, Waiting, runs_out_at

FOR_YOU = "waits for you"


def attend(state: Deployment, why: Waiting | None, now: float) -> Waiting | None:
    """The same wait, for those who look at it now."""
    if why is None:
        return None
    rollout = state.active
    if rollout is not None and not rollout.paused and (late := ran_out_at(rollout, now)):
        why = _late(rollout, why, late)
    elif rollout is not None and why.then == WHEN_CLEAR and why.until and now >= why.until:
        why = _until_clear(rollout, why)
    if why.person and (lock := lock_of(state, now)):
        why = replace(why, what=why.what.replace(FOR_YOU, f"waits for {lock.by.name}, locked"))
    if why.person and why.until is None and not why.then:
        why = replace(why, then="stays so")
    return why


def ran_out_at(rollout: Rollout, now: float) -> float | None:
    """When a wait that then holds ran out; None while it has not, or something else follows."""
    step, at = rollout.step, runs_out_at(rollout)
    if rollout.phase != "forward" or not isinstance(step, Pause | Analyse):
        return None
    return at if at is not None and step.on_expiry == "hold" and now >= at else None


def overtime(rollout: Rollout, now: float) -> tuple[bool, bool]:
    """Changes whenever time alone changes what is said about its wait."""
    step = rollout.step
    short = isinstance(step, Analyse) and now < rollout.step_began + step.duration_s
    return ran_out_at(rollout, now) is not None, short


def _until_clear(rollout: Rollout, why: Waiting) -> Waiting:
    """It has lasted as long as it had to: what follows when the judge never says PROMOTE."""
    step = rollout.step
    then = {"abort": "aborts", "promote": "promotes", "hold": "asks you"}
    if not isinstance(step, Analyse):
        return why
    return replace(why, until=runs_out_at(rollout), then=f"{then[step.on_expiry]} if not clear")


def _late(rollout: Rollout, why: Waiting, at: float) -> Waiting:
    step = rollout.step
    asked = duration(at - rollout.step_began)
    if isinstance(step, Analyse) and not step.judge and why.then == WHEN_CLEAR:
        what = f"{why.what}: not enough seen within {asked}, {FOR_YOU}"
        return Waiting(what, at, person=True)
    if why.then == WHEN_CLEAR:
        return Waiting(f"no clear verdict within {asked}: {FOR_YOU}", at, person=True)
    if isinstance(step, Pause) and why.what == FOR_YOU:
        return replace(why, what=f"nobody decided within {asked}: {FOR_YOU}")
    return why
