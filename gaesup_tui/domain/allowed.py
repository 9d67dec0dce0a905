"""Whether an action is possible now, and if not, why: the one answer for keys, palette and CLI."""

from __future__ import annotations

from gaesup_tui.domain.deleting import no_delete
from gaesup_tui.domain.deployment import Deployment
from gaesup_tui.domain.gradual import is_gradual, shares_back
from gaesup_tui.domain.holding import held_before
from gaesup_tui.domain.ignoring import no_ignore
from gaesup_tui.domain.locks import lock_of, locked_for
from gaesup_tui.domain.retrying import no_again
from gaesup_tui.domain.rewaving import no_scale_in_waves
from gaesup_tui.domain.rollout import Actor, Rollout
from gaesup_tui.domain.second_person import needs_another
from gaesup_tui.domain.stepping_back import share_before
from gaesup_tui.domain.steps import Analyse, AwaitTrain, Bake, Compare, Pause
from gaesup_tui.domain.stop_views import STOP_WORDS
from gaesup_tui.domain.waiting import runs_out_at
from gaesup_tui.domain.world import World

DEPLOYMENT_ACTIONS = (
    "promote",
    "promote_full",
    "pause",
    "resume",
    "extend",
    "step_back",
    "abort",
    "abort_gradual",
    "ignore",
    "ack",
    "retry",
    "rollback",
    "deploy",
    "scale",
    "unhold",
    "hold",
    "lock",
    "unlock",
    "unqueue",
    "delete",
)


def why_not(world: World, action: str, key: str, now: float, by: Actor | None = None) -> str | None:
    """None when ``action`` is possible on deployment ``key`` now; else one line that says why not.

    ``deploy`` is also asked about deployments that do not exist yet. ``by`` None: whether it is
    possible for anybody; a lock may still keep it from one who asks.
    """
    state, stopped = world.find(key), _stopped(world, key)
    if state is None:
        return stopped if action == "deploy" else f"there is no deployment {key}"
    return _refusal(world, action, state, stopped, now, by)


def why_nots(world: World, key: str, now: float) -> dict[str, str | None]:
    """``why_not`` of every action, for anybody."""
    state, stopped = world.find(key), _stopped(world, key)
    if state is None:
        return {action: why_not(world, action, key, now) for action in DEPLOYMENT_ACTIONS}
    return {a: _refusal(world, a, state, stopped, now, None) for a in DEPLOYMENT_ACTIONS}


def _refusal(
    world: World, action: str, state: Deployment, stopped: str | None, now: float, by: Actor | None
) -> str | None:
    return (
        _why_not(world, action, state, stopped, now)
        or locked_for(state, action, by, now)
        or needs_another(world, state, action, by)
    )


def _why_not(
    world: World, action: str, state: Deployment, stopped: str | None, now: float
) -> str | None:
    key = state.key
    match action:
        case "promote" | "promote_full":
            return stopped or _no_promote(state, full=action == "promote_full")
        case "pause":
            return _no_pause(state)
        case "resume":
            if state.active is None or state.active.paused is None:
                return "nothing is paused"
            if state.active.paused.held and state.hold:
                return "its automation is held: promote takes this share, release lets all go on"
            if state.active.spec.strategy == "rollback" and not world.frozen(key):
                return None  # a stop leaves this way to safety open
            return stopped
        case "extend":
            return _no_extend(state)
        case "step_back":
            return stopped or _no_step_back(state)
        case "abort":
            return _no_abort(state)
        case "abort_gradual":
            return _no_abort(state) or _no_gradual(state)
        case "ignore":
            return stopped or no_ignore(state)
        case "ack":
            return None if state.notice else "nothing went back by itself that nobody has seen"
        case "retry":
            return stopped or _no_retry(state)
        case "rollback":
            return _no_rollback(world, state, stopped)
        case "deploy":
            return stopped or _no_deploy(state)
        case "queue":  # a deploy while another one moves: the config of what comes decides
            return stopped
        case "unqueue":
            return None if state.queued else "no revision is queued here"
        case "delete":
            return stopped or no_delete(world, state)
        case "scale":
            return _no_scale(state)
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
    where = f"-e {stop.scope}" if stop.scope and "@" not in stop.scope else stop.scope or "--all"
    how = f"`gaesup release {where} --reason WHY`"
    return f"{STOP_WORDS[stop.mode]} by {stop.by.name}: release it first, with a reason: {how}"


def _no_deploy(state: Deployment) -> str | None:
    rollout = state.active
    return _moving(state) if rollout and rollout.spec.while_moving == "refuse" else None


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
    stands = Pause | Analyse | Compare | AwaitTrain | Bake
    if isinstance(rollout.step, stands) or held_before(state) is not None:
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
    if runs_out_at(rollout) is not None:
        return None
    return "nothing expires at this step: pause holds it where it stands"


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
    return _returns_at_once(rollout)


def _returns_at_once(rollout: Rollout) -> str | None:
    """A gradual way back can still be overtaken; one at once cannot."""
    if rollout.phase == "back" and not is_gradual(rollout):
        return "it is on the way back already"
    return None


def _no_gradual(state: Deployment) -> str | None:
    rollout = state.active
    assert rollout is not None  # _no_abort looked
    if rollout.phase == "back":
        return "it goes back gradually already: abort takes the rest at once"
    if rollout.base is None:
        return "there is no revision to go back to: abort takes this one away"
    if not shares_back(rollout):
        return f"{rollout.weight_percent} % is little enough to abort at once"
    return None


def _no_scale(state: Deployment) -> str | None:
    rollout = state.active
    if rollout is None:
        return None if state.stable else "nothing runs here to scale"
    return no_scale_in_waves(rollout) if rollout.phase == "forward" else None


def _no_retry(state: Deployment) -> str | None:
    if state.active:
        return _moving(state)
    if state.rollout is None or state.rollout.outcome == "promoted":
        return "the last rollout did not fail"
    return no_again(state, state.rollout)


def _no_rollback(world: World, state: Deployment, stopped: str | None) -> str | None:
    if state.active:
        return _returns_at_once(state.active)
    if world.frozen(state.key):
        # A stop leaves this way to safety open; under a freeze it would begin and then stand.
        return stopped
    if state.last_good() is None:
        return (
            "no stable version to go back to: none finished its bake here before this one; "
            "deploy a version that is well, or stop the traffic with scale 0"
        )
    return None
