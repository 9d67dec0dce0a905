"""A revision that comes while another one moves: refused, queued behind it, or instead of it.

At most one is queued, the newest. What is queued is an event like any other: it survives a
restart, is seen by everybody, and a stop, a global rollback or a rollback by hand clears it.
"""

from __future__ import annotations

from gaesup_tui.domain import commands as cmd
from gaesup_tui.domain import events as ev
from gaesup_tui.domain.abtest.wanting import key_of
from gaesup_tui.domain.allowed import why_not
from gaesup_tui.domain.deploying import begin_deploy
from gaesup_tui.domain.deployment import Deployment
from gaesup_tui.domain.errors import GaesupError, Refused
from gaesup_tui.domain.freezing import break_glass, window_for
from gaesup_tui.domain.notice_views import QueuedView
from gaesup_tui.domain.rollout import Rollout
from gaesup_tui.domain.rollout_rules import retreat
from gaesup_tui.domain.second_person import begins_at_gate
from gaesup_tui.domain.steps import AwaitTrain, Cause
from gaesup_tui.domain.waiting import Waiting
from gaesup_tui.domain.world import World, in_scope


def queue_deploy(state: Deployment, moving: Rollout, command: cmd.Deploy) -> list[ev.Event]:
    """What a deploy leads to while ``moving`` moves: its place in the queue, and with ``replace``
    the way back of what moves.

    Raises:
        Refused: the config says so, or it is the revision that moves.
        Invalid: it is an A/B test of a unit that says no conversion.
    """
    version, policy = moving.candidate.version, command.spec.while_moving
    if policy == "refuse":
        raise Refused(
            f"deploy {state.key}: {version} is on its way: promote or abort it first",
            hint="`whileMoving: queue` or `replace` in gaesup.yaml lets a new revision wait, "
            "or take its place",
        )
    if moving.phase == "forward" and moving.candidate.id == command.revision.id:
        raise Refused(f"{state.key}: {version} is on its way already, byte for byte")
    key_of(command)  # an A/B test that could not begin is said now
    if policy == "replace" and (train := _train_of(moving)):
        raise Refused(
            f"deploy {state.key}: {version} moves in train {train}, which would go back with it",
            hint=f"`gaesup train abort {train}` first, or wait until it arrived",
        )
    # A rollback leads to safety: turning it round would lead back to what was left.
    turns = policy == "replace" and moving.spec.strategy != "rollback"
    queued = ev.DeployQueued(
        deployment=state.key,
        deploy=command.model_copy(update={"expect_seq": None}),
        replaces=turns,
        why=command.why,
    )
    if not turns:
        return [queued]
    cause = Cause(kind="replaced", reason=f"{command.revision.version} takes its place")
    return [queued, *retreat(state, cause)]


def _train_of(rollout: Rollout) -> str:
    """The release train it moves in; empty: none."""
    return next((step.train for step in rollout.spec.plan if isinstance(step, AwaitTrain)), "")


def blocked_by(world: World, state: Deployment, now: float) -> str | None:
    """Why what is queued does not begin although nothing moves; None when it may."""
    assert state.queued is not None  # the caller looked
    for train in world.trains:
        # One that has not begun there yet waits for what is queued: not both for each other.
        if train.active and any(car.key == state.key and car.rollout for car in train.cars):
            return f"train {train.name} is under way"
    if state.hold:
        return f"its automation is held by {state.hold.by.name}: release it, with a reason"
    window = window_for(world, state.key, now)
    if window and not state.queued.deploy.break_glass.strip():
        return window.words
    return why_not(world, "deploy", state.key, now, state.queued.by)


def waiting_queued(world: World, state: Deployment, now: float) -> Waiting | None:
    """Why what is queued stands, while nothing moves; None when nothing is, or it is about to
    begin."""
    if state.queued is None or state.active is not None:
        return None
    why = blocked_by(world, state, now)
    version = state.queued.deploy.revision.version
    return Waiting(f"{version} is queued: {why}", state.queued.at, person=True) if why else None


def queue_lines(state: Deployment, action: str, version: str = "") -> list[tuple[str, str]]:
    """Label and text of what an action means for what is queued; empty: nothing."""
    moving, queued = state.active, state.queued
    new = queued.deploy.revision.version if queued else ""
    match action:
        case "unqueue":
            return [
                ("Queued", f"{new} by {queued.by.name}" if queued else "nothing"),
                ("Then", f"{new} does not begin; deploy it again to have it back"),
            ]
        case "deploy" if moving:
            return [
                ("Moving", f"{moving.candidate.version} at {moving.weight_percent} %"),
                ("Then", _policy(moving, version or "the version you say")),
                *([("Forgets", f"{new}, queued by {queued.by.name}")] if queued else []),
            ]
        case "abort" | "rollback" if moving and queued:
            return [("After", f"{new} begins, queued by {queued.by.name}: drop it first if not")]
    return []


def _policy(moving: Rollout, version: str) -> str:
    if moving.spec.while_moving == "replace" and moving.spec.strategy != "rollback":
        return f"{moving.candidate.version} goes back first, then {version} begins"
    return f"{version} waits and begins once {moving.candidate.version} came to rest"


def queued_view(state: Deployment) -> QueuedView | None:
    """What is queued, as it is shown."""
    queued = state.queued
    if queued is None:
        return None
    return QueuedView(
        version=queued.deploy.revision.version,
        strategy=queued.deploy.strategy,
        by=queued.by.name,
        at=queued.at,
        why=queued.deploy.why,
        replaces=queued.replaces,
    )


def begin_queued(world: World, key: str, now: float) -> list[ev.Event]:
    """The rollout of what is queued, once nothing moves and nothing holds it back."""
    state = world.deployments[key]
    queued = state.queued
    if queued is None or state.active or blocked_by(world, state, now):
        return []
    try:
        glass = break_glass(world, queued.deploy, key, now, who=queued.by)
        begun = begin_deploy(world, queued.deploy, queued.by, now)
        return [begins_at_gate(world, begun, queued.deploy.policy), *glass]
    except GaesupError as error:
        version = queued.deploy.revision.version
        return [ev.QueueDropped(deployment=key, version=version, why=error.message[:500])]


def drop(state: Deployment, why: str) -> list[ev.Event]:
    """Takes what is queued out again."""
    if state.queued is None:
        return []
    version = state.queued.deploy.revision.version
    return [ev.QueueDropped(deployment=state.key, version=version, why=why[:500])]


def drop_all(world: World, scope: str, why: str) -> list[ev.Event]:
    """What follows for the queues of a scope from a stop or a global rollback."""
    return [
        event
        for key in sorted(world.queued)
        if in_scope(key, scope)
        for event in drop(world.deployments[key], why)
    ]
