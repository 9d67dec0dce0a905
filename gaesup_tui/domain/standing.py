"""After a time in which nothing was allowed to move: timers are put off by it."""

from __future__ import annotations

from gaesup_tui.domain.deployment import Deployment
from gaesup_tui.domain.rollout import stood_still


def thawed(state: Deployment, since: float, until: float) -> Deployment:
    """The deployment after a freeze: the timers of a moving rollout are put off by it. Those of a
    paused one are when it is resumed."""
    rollout = state.active
    if rollout is None or rollout.phase != "forward" or rollout.paused:
        return state
    return state.model_copy(update={"rollout": stood_still(rollout, since, until)})


def put_off(state: Deployment, since: float, until: float) -> Deployment:
    """The deployment after a freeze window. The timers of what was paused in it are put off up to
    there, and by the pause when it is resumed."""
    rollout = state.active
    if rollout is None or rollout.phase != "forward":
        return state
    if rollout.paused:
        until = max(since, min(until, rollout.paused.at))
    return state.model_copy(update={"rollout": stood_still(rollout, since, until)})


def stood_in_window(state: Deployment, since: float) -> bool:
    """Whether its rollout stood still in a freeze window that began at ``since``: a rollback does
    not, nor does one for which somebody broke the glass of that one."""
    rollout = state.active
    if rollout is None or rollout.spec.strategy == "rollback":
        return False
    glass = rollout.glass
    return glass is None or glass.one_step or glass.until <= since
