"""No replica of the base is taken away while too few would be ready without it.

A plan counts replicas; the world loses some, and an engine that was killed may wish again for what
it wished long before. So before any is taken, what is ready now is looked at: not what was when its
successors came. A replica that is not ready serves nobody and may go in any case.
"""

from __future__ import annotations

from gaesup_tui.domain.observation import DeploymentSeen
from gaesup_tui.domain.pacing import is_paced, least_ready
from gaesup_tui.domain.rollout import Rollout
from gaesup_tui.domain.steps import Scale


def too_few_left(rollout: Rollout, seen: DeploymentSeen) -> str | None:
    """Why the next step, which takes from the base, may not begin yet; None when it may, or when
    it takes nothing."""
    step = rollout.plan[rollout.index + 1] if rollout.index + 1 < len(rollout.plan) else None
    if not isinstance(step, Scale) or step.side != "base":
        return None
    if step.replicas >= rollout.base_replicas:
        return None
    return _short(rollout, seen, rollout.base_replicas, step.replicas, step.unavailable)


def held_back(rollout: Rollout, seen: DeploymentSeen, replicas: int) -> str | None:
    """Why the base may not be brought to ``replicas`` now, although that is wished."""
    there = seen.revision(rollout.base.id if rollout.base else None)
    if there is None or there.wanted <= replicas:
        return None
    if rollout.phase == "back" and replicas < rollout.base_wanted:
        return "the base stays: all of it is wanted back"
    done = [step for step in rollout.plan[: rollout.index + 1] if isinstance(step, Scale)]
    allowed = next((step.unavailable for step in reversed(done) if step.side == "base"), 0)
    if is_paced(rollout):
        allowed = rollout.replicas - least_ready(rollout)
    return _short(rollout, seen, there.wanted, replicas, allowed)


def _short(
    rollout: Rollout, seen: DeploymentSeen, has: int, gets: int, unavailable: int
) -> str | None:
    base = rollout.base
    if rollout.phase != "forward" or base is None:
        return None
    theirs, ours = seen.revision(base.id), seen.revision(rollout.candidate.id)
    ready = theirs.ready if theirs else 0
    goes = max(0, min(ready, has) - gets)
    left = ready - goes + (ours.ready if ours else 0)
    least = min(rollout.replicas, rollout.base_wanted) - unavailable
    if not goes or left >= least:
        return None
    return f"the base stays: {left} of {least} replicas would be ready without it"
