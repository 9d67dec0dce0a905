"""Events as sentences a tired person reads."""

from __future__ import annotations

from gaesup_tui.domain import events as ev
from gaesup_tui.domain.claim_events import ClaimEvent
from gaesup_tui.domain.claim_sentences import claim_sentence
from gaesup_tui.domain.rollout import Rollout
from gaesup_tui.domain.steps import Pause, SetTraffic
from gaesup_tui.domain.stop_sentences import StopEvent, stop_sentence
from gaesup_tui.domain.text import duration
from gaesup_tui.domain.train_fold import TrainEvent
from gaesup_tui.domain.train_sentences import train_sentence
from gaesup_tui.domain.views import EventView, Level

_AB_LEVELS: dict[str, Level] = {
    "better": "ok",
    "worse": "bad",
    "broken split": "bad",
    "no data": "warn",
    "undecided": "warn",
}


def sentence(event: ev.Event, rollout: Rollout | None) -> tuple[str, Level]:
    """What happened, without the who and the where. ``rollout``: the deployment's rollout as it
    was when the event happened, if there was one."""
    match event:
        case ev.RolloutCreated(rollout=new):
            begun = (
                f"{new.base.version}→{new.candidate.version}" if new.base else new.candidate.version
            )
            alone = "" if new.base else ": no baseline, nothing runs here to compare with"
            return f"{new.spec.strategy} {begun} begun{alone}", "info"
        case ev.DeployQueued(deploy=deploy, replaces=replaces):
            return _queued(deploy.revision.version, replaces, rollout), "info"
        case ev.QueueDropped(version=version):
            return f"{version or 'what was queued'} is no longer queued", "warn"
        case ev.StepCompleted(index=index, result=result, note=note):
            step = rollout.plan[index] if rollout and index < len(rollout.plan) else None
            if rollout and isinstance(step, SetTraffic) and result != "skipped":
                return f"{step.title()} of the traffic on {rollout.candidate.version}", "info"
            title = step.title() if step else f"step {index + 1}"
            done = "passed" if result == "skipped" else "done"
            return f"{title} {done}{': ' + note if note else ''}", "info"
        case ev.DecisionMade(index=index, share=True):
            step = rollout.plan[index + 1] if rollout and index + 1 < len(rollout.plan) else None
            return f"let it take {step.title() if step else 'the next share'}", "ok"
        case ev.DecisionMade(full=full, approved_by=others):
            both = f", with {', '.join(others)}" if others else ""
            return f"{'promoted fully' if full else 'promoted one step'}{both}", "ok"
        case ev.RolloutPaused():
            return "paused", "warn"
        case ev.RolloutResumed():
            return "resumed", "info"
        case ev.RolloutExtended(by_s=by_s):
            return f"extended by {duration(by_s)}", "info"
        case ev.SteppedBack(index=index):
            step = rollout.plan[index] if rollout and index < len(rollout.plan) else None
            return f"stepped back to {step.title() if step else 'the share before'}", "warn"
        case ev.VerdictGiven(verdict=verdict):
            level: Level = "bad" if verdict.kind == "ABORT" else "info"
            return f"verdict {verdict.kind}: {verdict.reason}", level
        case ev.ABAnswered(answer=answer):
            return f"A/B {answer.kind}: {answer.reason}", _AB_LEVELS.get(answer.kind, "info")
        case ev.RetreatStarted(cause=cause, plan=plan):
            base = rollout.base.version if rollout and rollout.base else "nothing"
            slowly = " gradually" if any(isinstance(step, Pause) for step in plan) else ""
            return f"back to {base}{slowly}: {cause.reason}", "bad"
        case ev.RolloutFinished(outcome=outcome):
            return _finished(outcome, rollout)
        case ev.CheckIgnored(check=check):
            return f"{check} ignored at this step", "warn"
        case ev.WayBackVerified(healthy=healthy, note=note):
            return note, "ok" if healthy else "bad"
        case ev.Acknowledged():
            return "rollback acknowledged", "info"
        case ev.DeploymentScaled(replicas=replicas, waves=waves):
            return f"scaled to {replicas}{', waves planned anew' if waves else ''}", "info"
        case ev.DeploymentDeleted():
            return "deleted", "warn"
        case _ if isinstance(event, ClaimEvent):
            return claim_sentence(event)
        case _ if isinstance(event, StopEvent):
            return stop_sentence(event)
        case _ if isinstance(event, TrainEvent):
            return train_sentence(event)
        case ev.EngineStarted(version=version, lost=lost) if lost:
            return f"engine {version} started: {lost}; what is not in it is forgotten", "bad"
        case ev.EngineStarted(version=version, after_crash=after_crash):
            how = " after it was killed" if after_crash else ""
            return f"engine {version} started{how}", "warn" if after_crash else "info"
        case ev.BackendRestarted(backend=backend):
            return f"the {backend} backend ended and was started again: all replicas anew", "warn"
        case ev.EngineStopped():
            return "engine stopped", "info"


def _queued(version: str, replaces: bool, rollout: Rollout | None) -> str:
    moving = rollout.candidate.version if rollout else "what moves"
    if replaces:
        return f"{version} takes the place of {moving}, which goes back first"
    return f"{version} queued: begins once {moving} came to rest"


def _finished(outcome: str, rollout: Rollout | None) -> tuple[str, Level]:
    if rollout is None:
        return outcome, "info"
    if outcome == "promoted":
        return f"{rollout.candidate.version} is stable", "ok"
    if rollout.base is None:
        return f"{rollout.candidate.version} failed; nothing serves", "bad"
    return f"aborted: 100 % on {rollout.base.version}", "warn"


def event_view(recorded: ev.Recorded, rollout: Rollout | None) -> EventView:
    """A journaled event as the screens show it."""
    event = recorded.event
    text, level = sentence(event, rollout)
    begun = event.rollout.why if isinstance(event, ev.RolloutCreated) else ""
    who = event.who if isinstance(event, ev.GlassBroken) else None
    return EventView(
        seq=recorded.seq,
        at=recorded.at,
        by=(who or recorded.by).name,
        kind=event.kind,
        deployment=recorded.deployment,
        text=text,
        why=begun or getattr(event, "why", ""),
        level=level,
    )
