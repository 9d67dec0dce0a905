"""What a hold keeps from happening: no gate is passed, no wait ends and no share grows by itself.

A way back, and a rollback, which is one, are never held.
"""

from __future__ import annotations

from gaesup_tui.domain.deployment import Deployment
from gaesup_tui.domain.rollout import Rollout
from gaesup_tui.domain.steps import SetMatch, SetMirror, SetTraffic


def is_held(state: Deployment) -> bool:
    """Whether the present rollout stands at every gate and before every larger share."""
    rollout = state.active
    return (
        state.hold is not None
        and rollout is not None
        and rollout.phase == "forward"
        and rollout.spec.strategy != "rollback"
        and not rollout.full
    )


def held_before(state: Deployment) -> int | None:
    """The share, in percent, that a held rollout does not take by itself once its present step is
    over; None when it is not held, or comes to no larger share next."""
    rollout = state.active
    if rollout is None or not is_held(state) or rollout.cleared:
        return None
    return next_share(rollout)


def next_share(rollout: Rollout) -> int | None:
    """The larger share that begins with the next step; None when none does."""
    step = rollout.plan[rollout.index + 1] if rollout.index + 1 < len(rollout.plan) else None
    if isinstance(step, SetTraffic) and step.weight_percent > rollout.weight_percent:
        return step.weight_percent
    if isinstance(step, SetMatch | SetMirror):
        return rollout.weight_percent  # and what the step adds to it
    return None
