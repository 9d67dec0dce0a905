"""Whether an action is possible now, and if not, why: the one answer for keys, palette and CLI."""

from __future__ import annotations

from gaesup_tui.domain.deployment import Deployment
from gaesup_tui.domain.holding import held_before
from gaesup_tui.domain.locks import lock_of, locked_for
from gaesup_tui.domain.rollout import Actor
from gaesup_tui.domain.stepping_back import share_before
from gaesup_tui.domain.steps import Analyse, Bake, Compare, Pause
from gaesup_tui.domain.stop_views import STOP_WORDS
from gaesup_tui.domain.waiting import expires_at
from gaesup_tui.domain.world import World

DEPLOYMENT_ACTIONS = (
    "promote",
    "promote_full",
    "pause",
    "resume",
    "extend",
    "step_back",
    "abort",
    "retry",
    "rollback",
    "deploy",
    "scale",
    "unhold",
    "hold",
    "lock",
    "unlock",
)


def why_not(world: World, action: str, key: str, now: float, by: Actor | None = None) -> str | None:
    """None when ``action`` is possible on deployment ``key`` now; else one line that says why not.

    ``deploy`` is also asked about deployments that do not exist yet. ``by`` None: whether it is
    possible for anybody; a lock may still keep it from one who asks.
    """
    state = world.deployments.get(key)
    if state is None:
        return _stopped(world, key) if action == "deploy" else f"there is no deployment {key}"
    return _why_not(world, action, state, now) or locked_for(state, action, by, now)


def _why_not(world: World, action: str, state: Deployment, now: float) -> str | None:
    key = state.key
    match action:
        case "promote" | "promote_full":
            return _stopped(world, key) or _no_promote(state, full=action == "promote_full")
        case "pause":
            return _no_pause(state)
        case "resume":
            if state.active is None or state.active.paused is None:
                return "nothing is paused"
            if state.active.paused.held and state.hold:
                return "its automation is held: promote takes this share, release lets all go on"
            if state.active.spec.strategy == "rollback" and not world.frozen(key):
                return None  # a stop leaves this way to safety open
            return _stopped(world, key)
        case "extend":
            return _no_extend(state)
        case "step_back":
            return _stopped(world, key) or _no_step_back(state)
        case "abort":
            return _no_abort(state)
        case "retry":
            return _stopped(world, key) or _no_retry(state)
        case "rollback":
            return _no_rollback(world, state)
        case "deploy":
            return _stopped(world, key) or (_moving(state) if state.active else None)
        case "scale":
            return None if state.stable or state.active else "nothing runs here to scale"
        case "unhold":
            return None if state.hold else "its automation is not held"
        case "hold":
            return f"held already, by {state.hold.by.name}: release it" if state.hold else None
        case "lock":
            lock = lock_of(state, now)
            return f"locked already, by {lock.by.name}" if lock else None
        case "unlock":
            return None if lock_of(state, now) else "it is not locked"
    return f"unknown action {action}"


def _stopped(world: World, key: str) -> str | None:
    stop = world.stop_for(key)
    if stop is None:
        return None
    return f"{STOP_WORDS[stop.mode]} by {stop.by.name}: release it first, with a reason"


def _moving(state: Deployment) -> str:
    rollout = state.active
    assert rollout is not None
    return f"{rollout.candidate.version} is on its way: promote or abort it first"


def _no_promote(state: Deployment, *, full: bool) -> str | None:
    rollout = state.active
    if rollout is None:
        return "no rollout is moving"
    if rollout.phase == "back":
        return "it is on the way back"
    if rollout.paused and not rollout.paused.engine:
        return f"paused by {rollout.paused.by.name}: resume it first"
    if full:
        return "it is being promoted fully already" if rollout.full else None
    if isinstance(rollout.step, Pause | Analyse | Compare | Bake) or held_before(state) is not None:
        return None
    title = rollout.step.title() if rollout.step else "finishing"
    # No "since 12 s" here: reasons are kept in views and would stand still there.
    return f"step {rollout.index + 1} of {len(rollout.plan)} is still at work: {title}"


def _no_pause(state: Deployment) -> str | None:
    rollout = state.active
    if rollout is None:
        return "no rollout is moving"
    if rollout.phase == "back":
        return "it is on the way back, which nothing pauses"
    if rollout.paused:
        return f"paused already by {rollout.paused.by.name}"
    return None


def _no_extend(state: Deployment) -> str | None:
    rollout = state.active
    if rollout is None:
        return "no rollout is moving"
    if rollout.phase == "back":
        return "it is on the way back"
    return None if expires_at(rollout) is not None else "nothing expires at this step"


def _no_step_back(state: Deployment) -> str | None:
    rollout = state.active
    if rollout is None:
        return "no rollout is moving"
    if rollout.phase == "back":
        return "it is on the way back"
    found = share_before(rollout)
    return found if isinstance(found, str) else None


def _no_abort(state: Deployment) -> str | None:
    rollout = state.active
    if rollout is None:
        return "no rollout is moving"
    return "it is on the way back already" if rollout.phase == "back" else None


def _no_retry(state: Deployment) -> str | None:
    if state.active:
        return _moving(state)
    if state.rollout is None or state.rollout.outcome == "promoted":
        return "the last rollout did not fail"
    return None


def _no_rollback(world: World, state: Deployment) -> str | None:
    if state.active:
        return "it is on the way back already" if state.active.phase == "back" else None
    if world.frozen(state.key):
        # A stop leaves this way to safety open; under a freeze it would begin and then stand.
        return _stopped(world, state.key)
    if state.last_good() is None:
        return "no stable version to go back to: none finished its bake here before this one"
    return None
