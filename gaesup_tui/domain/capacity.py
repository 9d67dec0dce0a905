"""No replica of the base is taken away while too few would be ready without it.

A plan counts replicas; the world loses some. So before each step that takes from the base, what is
ready now is looked at: not what was when its successors came. A replica that is not ready serves
nobody and may go in any case.
"""

from __future__ import annotations

from gaesup_tui.domain.observation import DeploymentSeen
from gaesup_tui.domain.rollout import Rollout
from gaesup_tui.domain.steps import Scale


def too_few_left(rollout: Rollout, seen: DeploymentSeen) -> str | None:
    """Why the next step, which takes from the base, may not begin yet; None when it may, or when
    it takes nothing."""
    step = rollout.plan[rollout.index + 1] if rollout.index + 1 < len(rollout.plan) else None
    base = rollout.base
    if rollout.phase != "forward" or base is None or not isinstance(step, Scale):
        return None
    if step.side != "base" or step.replicas >= rollout.base_replicas:
        return None
    theirs, ours = seen.revision(base.id), seen.revision(rollout.candidate.id)
    ready = theirs.ready if theirs else 0
    goes = max(0, min(ready, rollout.base_replicas) - step.replicas)
    left = ready - goes + (ours.ready if ours else 0)
    least = min(rollout.replicas, rollout.base_wanted) - step.unavailable
    if not goes or left >= least:
        return None
    return f"the base stays: {left} of {least} replicas would be ready without it"
