"""The global rollback: every deployment of a scope back to its last good revision.

It goes in groups, dependents first. A group is begun once the one before it came to rest, or had
its time. All of that is in the journal: the next group follows from what is seen and from the
clock, so a new life of the engine goes on where the last one stopped.
"""

from __future__ import annotations

from gaesup_tui.domain import events as ev
from gaesup_tui.domain.creating import roll_back_to
from gaesup_tui.domain.dependencies import dependents_first
from gaesup_tui.domain.deployment import Deployment
from gaesup_tui.domain.errors import Refused
from gaesup_tui.domain.rollout_rules import retreat
from gaesup_tui.domain.steps import Cause, SetTraffic
from gaesup_tui.domain.text import some
from gaesup_tui.domain.turns import GROUP_DEADLINE_S, Course, Turn
from gaesup_tui.domain.world import Stop, World, in_scope


def course_of(world: World, scope: str, now: float) -> Course:
    """What a global rollback of ``scope`` would do, from how the world is now."""
    keys = [key for key in world.deployments if in_scope(key, scope) and world.find(key)]
    turns = {key: _turn(world, world.deployments[key]) for key in keys}
    needs = {key: needs_of(world.deployments[key]) for key in keys}
    groups = (
        tuple(turns[key] for key in group if turns[key].act != "skip")
        for group in dependents_first(needs)
    )
    return Course(
        groups=tuple(group for group in groups if group),
        skipped=tuple(turn for turn in turns.values() if turn.act == "skip"),
        group_began=now,
    )


def needs_of(state: Deployment) -> tuple[str, ...]:
    """Keys of the deployments it asks while it serves."""
    return tuple(f"{unit}@{state.environment}" for unit in state.depends_on)


def _turn(world: World, state: Deployment) -> Turn:
    key = state.key
    if other := next((s for s in world.stops if s.course and s.covers(key)), None):
        name = other.scope or "everything"
        why = f"in the global rollback of {name} by {other.by.name} already"
        return Turn(deployment=key, act="skip", why=why)
    if rollout := state.active:
        base = rollout.base.version if rollout.base else ""
        if rollout.phase == "back":
            return Turn(deployment=key, act="wait", leaves=rollout.candidate.version, to=base)
        if rollout.spec.strategy == "rollback":
            return Turn(deployment=key, act="wait", leaves=base, to=rollout.candidate.version)
        return Turn(deployment=key, act="abort", leaves=rollout.candidate.version, to=base)
    good = state.last_good()
    if state.stable is None or good is None or not state.replicas:
        return Turn(deployment=key, act="skip", why=_why_skipped(state))
    return Turn(
        deployment=key,
        act="rollback",
        leaves=state.stable.version,
        to=good.revision.version,
        leaves_revision=state.stable.id,
        to_revision=good.revision.id,
    )


def _why_skipped(state: Deployment) -> str:
    if state.stable is None:
        return "nothing runs here: its first revision failed"
    if state.last_good() is None:
        return f"no stable version before {state.stable.version}"
    return "scaled to 0"


def begin(world: World, scope: str, why: str, now: float) -> list[ev.Event]:
    """The global rollback begins; its first group follows with ``decide_rollbacks``.

    Raises:
        Refused: nothing in scope can go back.
    """
    course = course_of(world, scope, now)
    if not course.groups:
        lines = [f"{turn.deployment}: {turn.why}" for turn in course.skipped]
        raise Refused(
            f"nothing in {scope or 'everything'} can go back: {some(lines) or 'it is empty'}",
            hint="`gaesup stop` stops what moves",
        )
    return [
        ev.GlobalRollbackStarted(scope=scope, why=why, groups=course.groups, skipped=course.skipped)
    ]


def decide_rollbacks(world: World, now: float) -> list[ev.Event]:
    """The next that follows for a global rollback in force: a group's turn, or its end. Ask again
    until it is empty: then all of them wait."""
    for stop in world.stops:
        if stop.course and not stop.course.over and (events := _go_on(world, stop, now)):
            return events
    return []


def _go_on(world: World, stop: Stop, now: float) -> list[ev.Event]:
    course = stop.course
    assert course is not None  # the caller looked
    late = tuple(
        turn.deployment
        for turn in course.at_work
        if not came_to_rest(world.deployments[turn.deployment])
    )
    if late and now < course.group_began + GROUP_DEADLINE_S:
        return _taken_again(world, stop)
    group = course.group + 1
    turn = ev.GlobalRollbackTurn(
        scope=stop.scope, group=group, groups=len(course.groups), late=late
    )
    turns = course.groups[group] if group < len(course.groups) else ()
    return [turn, *(event for each in turns for event in _take(world, stop, each, now))]


def _taken_again(world: World, stop: Stop) -> list[ev.Event]:
    """What goes forward again though its turn has begun: a rollback decided while the journal
    could not be written is forgotten when what it followed on was never recorded."""
    at_work = stop.course.at_work if stop.course else ()
    active = (world.deployments[turn.deployment].active for turn in at_work)
    forward = [r for r in active if r and r.phase == "forward" and r.spec.strategy != "rollback"]
    cause = Cause(kind="stop", reason=_why(stop))
    return [e for r in forward for e in retreat(world.deployments[r.deployment], cause)]


def _why(stop: Stop) -> str:
    return f"global rollback by {stop.by.name}{': ' + stop.why if stop.why else ''}"[:500]


def _take(world: World, stop: Stop, turn: Turn, now: float) -> list[ev.Event]:
    """A deployment's turn, as it stands now: somebody may have been faster."""
    state = world.deployments[turn.deployment]
    if rollout := state.active:
        if rollout.spec.strategy == "rollback":
            return []
        return retreat(state, Cause(kind="stop", reason=_why(stop)))
    target = next((r.revision for r in state.good if r.revision.id == turn.to_revision), None)
    if target is None or not state.replicas or _stable(state) != turn.leaves_revision:
        return []
    why = f"global rollback{': ' + stop.why if stop.why else ''}"[:500]
    return [roll_back_to(state, target, stop.by, now, why)]


def _stable(state: Deployment) -> str:
    return state.stable.id if state.stable else ""


def came_to_rest(state: Deployment) -> bool:
    """Whether users are served by what it went back to, as seen on the route. A rollback's bake
    need not be over: what comes after it waits for the traffic, not for the watch that follows."""
    rollout = state.active
    if rollout is None:
        return True
    if rollout.phase == "back" or rollout.spec.strategy != "rollback":
        return False
    return rollout.weight_percent == 100 and not isinstance(rollout.step, SetTraffic)


def failed(world: World, turn: Turn) -> str:
    """Why it is not where it should have gone; empty when it is, or may still come there."""
    state = world.deployments[turn.deployment]
    rollout = state.rollout
    if turn.act != "rollback" or rollout is None or rollout.candidate.id != turn.to_revision:
        return ""
    if rollout.cause is None:
        return ""
    return f"{turn.to} did not hold: {rollout.cause.reason}"


def rollbacks_due(world: World) -> float | None:
    """When the time of a group at work is over; None while none is."""
    began = (s.course.group_began for s in world.stops if s.course and s.course.at_work)
    return min((at + GROUP_DEADLINE_S for at in began), default=None)
