"""The fold of one rollout: what each event makes of it while it is active."""

from __future__ import annotations

from gaesup_tui.domain import events as ev
from gaesup_tui.domain.gradual import is_gradual
from gaesup_tui.domain.rollout import (
    Actor,
    Approval,
    Glass,
    Ignored,
    Paused,
    Rollout,
    StepRecord,
    enter,
    stood_still,
)


def moved(rollout: Rollout, recorded: ev.Recorded) -> Rollout:
    """The active rollout after an event of its own; one that does not fit changes nothing."""
    at, event = recorded.at, recorded.event
    match event:
        case ev.StepCompleted(index=index) if index == rollout.index:
            return _next_step(rollout, at, event)
        case ev.DecisionMade(full=True):
            return rollout.model_copy(update={"full": True})
        case ev.DecisionMade(index=index, share=True) if index == rollout.index:
            return rollout.model_copy(update={"cleared": True})
        case ev.RolloutPaused(why=why, engine=engine, held=held):
            paused = Paused(by=recorded.by, at=at, why=why, engine=engine, held=held)
            return rollout.model_copy(update={"paused": paused})
        case ev.RolloutResumed():
            since = rollout.paused.at if rollout.paused else at
            return stood_still(rollout.model_copy(update={"paused": None}), since, at)
        case ev.RolloutExtended(index=index, by_s=by_s) if index == rollout.index:
            return rollout.model_copy(update={"extended_s": rollout.extended_s + by_s})
        case ev.SteppedBack(index=index, why=why) if rollout.phase == "forward":
            return _stepped_back(rollout, index, at, why)
        case ev.ApprovalGiven(index=index, full=full, why=why) if index == rollout.index:
            word = Approval(by=recorded.by, at=at, full=full, why=why)
            return rollout.model_copy(update={"approvals": (*rollout.approvals, word)})
        case ev.GlassBroken(window=window, until=until, why=why, one_step=one_step, who=who):
            glass = Glass(
                by=who or recorded.by, at=at, why=why, window=window, until=until, one_step=one_step
            )
            return rollout.model_copy(update={"glass": glass})
        case ev.VerdictGiven(verdict=verdict):
            return rollout.model_copy(update={"verdict": verdict, "verdict_at": at})
        case ev.ABAnswered(answer=answer):
            return rollout.model_copy(update={"answer": answer})
        case ev.CheckIgnored(index=index, check=check, why=why):
            one = Ignored(index=index, check=check, by=recorded.by, at=at, why=why)
            return rollout.model_copy(update={"ignored": (*rollout.ignored, one)})
        case ev.RetreatStarted() if rollout.phase == "forward" or is_gradual(rollout):
            return _turned(rollout, recorded.by, at, event)
    return rollout


def _next_step(rollout: Rollout, at: float, event: ev.StepCompleted) -> Rollout:
    if rollout.phase == "forward":
        record = StepRecord(
            began=rollout.step_began, ended=at, result=event.result, note=event.note
        )
        rollout = rollout.model_copy(update={"records": (*rollout.records, record)})
    return enter(rollout, event.index + 1, at)


def _stepped_back(rollout: Rollout, index: int, at: float, why: str) -> Rollout:
    """The share of ``index`` is in force, and the step after it begins anew."""
    weight = enter(rollout, index, at).weight_percent
    again = StepRecord(began=at, ended=at, result="done", note=f"stepped back{': ' + why}"[:500])
    back = rollout.model_copy(
        update={
            "records": (*rollout.records[:index], again),
            "weight_percent": weight,
            "full": False,
        }
    )
    return enter(back, index + 1, at)


def _turned(rollout: Rollout, by: Actor, at: float, event: ev.RetreatStarted) -> Rollout:
    failed = StepRecord(
        began=rollout.step_began, ended=at, result="failed", note=event.cause.reason
    )
    # One that overtakes a gradual way back fails no step of the plan.
    records = (*rollout.records, failed) if rollout.phase == "forward" else rollout.records
    turned = rollout.model_copy(
        update={
            "phase": "back",
            "plan": event.plan,
            "paused": None,
            "records": records,
            "cause": event.cause,
            "cause_at": at,
            "cause_by": by,
        }
    )
    return enter(turned, 0, at)
