"""What a thing waits for, since when, for whom, and what happens if nobody acts: one line."""

from __future__ import annotations

from dataclasses import dataclass

from gaesup_tui.domain.abtest.rules import then as ab_then
from gaesup_tui.domain.abtest.words import in_short
from gaesup_tui.domain.capacity import held_back, too_few_left
from gaesup_tui.domain.checking import asks_person
from gaesup_tui.domain.deployment import Deployment
from gaesup_tui.domain.freezing import InForce
from gaesup_tui.domain.fresh import copies_missing
from gaesup_tui.domain.holding import is_held
from gaesup_tui.domain.observation import DeploymentSeen, RevisionSeen
from gaesup_tui.domain.rollout import Rollout
from gaesup_tui.domain.second_person import waits_for_second
from gaesup_tui.domain.steps import (
    Analyse,
    AwaitReady,
    AwaitTrain,
    Bake,
    Compare,
    Pause,
    Scale,
    SetMatch,
    SetMirror,
    SetTraffic,
    SmokeTest,
)
from gaesup_tui.domain.text import duration
from gaesup_tui.domain.world import Stop

WHEN_CLEAR = "goes on when clear"
"""What an analysis does once it has lasted as long as it has to."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """Times are Unix seconds; ``until`` None is no end."""

    what: str
    since: float
    person: bool
    """Whether it waits for a person: then it belongs in the attention queue."""
    until: float | None = None
    then: str = ""
    """What happens at ``until`` when nobody acts: ``aborts``, ``goes on``."""


def waiting(
    state: Deployment,
    seen: DeploymentSeen | None,
    stop: Stop | None,
    window: InForce | None = None,
) -> Waiting | None:
    """Why the deployment's rollout stands where it stands; None when nothing moves. ``window``:
    the freeze window it stands in.

    ``seen`` None: its backend has not been seen (or not for long); that is the reason then.
    """
    rollout = state.active
    if rollout is None:
        return None
    since = rollout.step_began
    if seen is None:
        goal = (
            f"going back to {rollout.base.version}: "
            if rollout.phase == "back" and rollout.base
            else ""
        )
        return Waiting(f"{goal}the {state.backend} backend does not answer", since, person=False)
    if rollout.phase == "back":
        if isinstance(rollout.step, Pause):
            return _gradually(rollout)
        return Waiting(_way_back(rollout, seen), rollout.cause_at or since, person=False)
    if stop and stop.mode == "freeze":
        return Waiting(f"frozen by {stop.by.name}", stop.at, person=True)
    if stop and stop.course and rollout.spec.strategy != "rollback":
        what = f"held for its turn in the global rollback by {stop.by.name}"
        return Waiting(what, stop.at, person=False)
    if rollout.paused and rollout.paused.held:
        by = f"held by {state.hold.by.name}, " if state.hold else ""
        return Waiting(f"{by}{rollout.paused.why}", rollout.paused.at, person=True)
    if rollout.paused:
        why = f": {rollout.paused.why}" if rollout.paused.why else ""
        return Waiting(f"paused by {rollout.paused.by.name}{why}", rollout.paused.at, person=True)
    if window:
        began = max(since, window.since)
        return Waiting(window.words, began, True, window.until, "goes on")
    return _forward(state, rollout, seen)


def _gradually(rollout: Rollout) -> Waiting:
    step = rollout.step
    wait = step.duration_s if isinstance(step, Pause) else None
    what = f"going back gradually: {rollout.weight_percent} % still on {rollout.candidate.version}"
    return Waiting(what, rollout.step_began, False, rollout.step_began + (wait or 0), "less")


def expires_at(rollout: Rollout) -> float | None:
    """When a wait for a person, or for the judge, ends by itself; None when it never does."""
    step = rollout.step
    holds = isinstance(step, Pause | Analyse) and step.on_expiry == "hold"
    return None if holds else runs_out_at(rollout)


def runs_out_at(rollout: Rollout) -> float | None:
    """When a wait is over its time, whatever follows; None when it has none."""
    match rollout.step:
        case Pause(duration_s=None, expiry_s=expiry) if expiry is not None:
            return rollout.step_began + expiry + rollout.extended_s
        case Analyse(expiry_s=expiry):
            return rollout.step_began + expiry + rollout.extended_s
        case Compare(max_run_s=expiry) if rollout.answer is None or not rollout.answer.final:
            return rollout.step_began + expiry + rollout.extended_s
    return None


def _forward(state: Deployment, rollout: Rollout, seen: DeploymentSeen) -> Waiting:
    since = rollout.step_began
    step = rollout.step
    match step:
        case Pause() | Analyse() | Bake() if is_held(state):
            return _held(state, since, expires_at(rollout))
        case Pause() | Analyse() if asks_person(rollout, rollout.verdict):
            return _unheeded(rollout, step.on_expiry)
        case Pause(duration_s=None, on_expiry=then):
            until = expires_at(rollout)
            outcome = {"abort": "aborts", "promote": "promotes", "hold": ""}[then]
            what = waits_for_second(rollout) or "waits for you"
            return Waiting(what, since, True, until, outcome if until else "")
        case Pause(duration_s=wait):
            return Waiting("stabilising", since, False, since + (wait or 0), "goes on")
        case Analyse(duration_s=wait):
            verdict = rollout.verdict
            said = f"analysing: {verdict.kind}" if verdict else "analysing"
            if not step.judge:
                said = f"checks {', '.join(step.checks)}"
            return Waiting(said, since, False, since + wait, WHEN_CLEAR)
        case Compare() if is_held(state) and ab_then(rollout) == "promote":
            return _held(state, since, None)
        case Compare():
            return _comparing(rollout, step)
        case AwaitTrain(train=train, last=last):
            what = f"waits until train {train} arrives" if last else f"at the gate of train {train}"
            return Waiting(what, since, False)
        case Bake(duration_s=wait):
            kept = too_few_left(rollout, seen)
            return Waiting(
                f"baking, {kept or 'the base stays warm'}", since, False, since + wait, "finishes"
            )
        case AwaitReady(side=side, timeout_s=wait):
            what = not_ready(rollout, seen, side)
            return Waiting(what, since, False, since + wait, "aborts")
        case SmokeTest(timeout_s=wait):
            return Waiting("smoke test runs", since, False, since + wait, "aborts")
        case SetTraffic() if dict(seen.weights) == rollout.weights() and (
            kept := too_few_left(rollout, seen)
        ):
            return Waiting(kept, since, False)
        case SetTraffic(weight_percent=weight):
            live = seen.weights.get(rollout.candidate.id, 0)
            return Waiting(f"traffic {live} % of {weight} % on the route", since, False)
        case SetMatch() | SetMirror() if seen.rules is None:
            what = f"{step.title()}: its backend splits by weight only, abort it"
            return Waiting(what, since, person=True)
        case SetMatch() | SetMirror():
            return Waiting(f"{step.title()} on the route", since, False)
        case Scale(side=side, replicas=count):
            kept = held_back(rollout, seen, count) if side == "base" else None
            return Waiting(kept or f"{side} to {count} replicas", since, False)
    return Waiting("finishing", since, False)


def _unheeded(rollout: Rollout, on_expiry: str) -> Waiting:
    """The judge objects and does not act. It goes back by itself where silence means that; silence
    that would mean a promotion means nothing then."""
    said, second = rollout.verdict, waits_for_second(rollout)
    assert said is not None  # the caller looked
    objects = "ABORT" if said.kind == "ABORT" else "harm in what is not critical"
    since = max(rollout.step_began, rollout.verdict_at or rollout.step_began)
    until = expires_at(rollout) if on_expiry == "abort" else None
    what = f"judge: {objects}, {second or 'waits for you'}"
    return Waiting(what, since, True, until, "aborts" if until else "")


def _held(state: Deployment, since: float, until: float | None) -> Waiting:
    assert state.hold is not None  # the caller looked
    rollout = state.active
    ends = {"abort": "aborts", "promote": "", "hold": ""}
    step = rollout.step if rollout else None
    then = ends[step.on_expiry] if until and isinstance(step, Pause | Analyse) else ""
    second = waits_for_second(rollout) if rollout else ""
    what = f"held by {state.hold.by.name}: {second or 'waits for you'}"
    return Waiting(what, max(since, state.hold.at), True, until if then else None, then)


def _comparing(rollout: Rollout, step: Compare) -> Waiting:
    """Until there is an answer nothing is asked of anybody; then what the step says about it."""
    since, answer, until = rollout.step_began, rollout.answer, expires_at(rollout)
    follows = ab_then(rollout)
    ends = {"abort": "aborts", "promote": "promotes", "hold": "asks you"}
    if answer is not None and follows == "hold":
        return Waiting(f"A/B {in_short(answer)}: waits for you", since, person=True)
    if answer is not None and follows is not None:
        return Waiting(f"A/B {in_short(answer)}: {ends[follows]}", since, person=False)
    if answer is not None and answer.kind == "no data":
        return Waiting("A/B test: nobody counts its users", since, True, until, "is undecided")
    what = f"compares {step.metric} of both sides' users"
    return Waiting(what, since, False, until, ends[step.on_undecided])


def _way_back(rollout: Rollout, seen: DeploymentSeen) -> str:
    match rollout.step:
        case SetTraffic():
            live = seen.weights.get(rollout.candidate.id, 0)
            return f"returning traffic: {live} % still on {rollout.candidate.version}"
        case AwaitReady() if rollout.weight_percent:
            return "bringing the base back first; " + not_ready(rollout, seen, "base")
        case Scale(side="base") if rollout.weight_percent:
            return "bringing the base back first"
        case AwaitReady():
            return "returned; " + not_ready(rollout, seen, "base")
        case _:
            return f"returned; taking {rollout.candidate.version} away"


def not_ready(rollout: Rollout, seen: DeploymentSeen, side: str) -> str:
    """``2 of 4 replicas not ready: v42-3 restarts, exit 137 (memory limit)``."""
    revision = rollout.candidate if side == "candidate" else rollout.base
    there = seen.revision(revision.id if revision else None)
    wanted = rollout.candidate_replicas if side == "candidate" else rollout.base_replicas
    ready = there.ready if there else 0
    if side == "candidate" and ready >= wanted and (missing := copies_missing(rollout, seen)):
        return f"{missing} of {wanted} replicas of the fresh baseline not ready"
    if ready >= wanted and isinstance(rollout.step, AwaitReady) and rollout.step.steady_s:
        return f"{wanted} replicas ready, each has to be for {duration(rollout.step.steady_s)}"
    if ready >= wanted:
        return f"{wanted} of {wanted} replicas ready"
    line = f"{wanted - ready} of {wanted} replicas not ready"
    return f"{line}: {worst(there)}" if there and worst(there) else line


def worst(there: RevisionSeen) -> str:
    """The replica that tells most about why, as ``v42-3 restarts, exit 137 (memory limit)``."""
    if there.error:
        return there.error
    for replica in there.replicas:
        if replica.state == "backoff":
            return f"{replica.id} restarts, {replica.last_exit or 'no reason known'}"
    for replica in there.replicas:
        if replica.state != "ready":
            why = f": {replica.problem}" if replica.problem else ""
            return f"{replica.id} {replica.state}{why}"
    return ""
