"""What is missing of what serves, in the words a rollout would wait with."""

from __future__ import annotations

from dataclasses import replace

from gaesup_tui.domain.deployment import Deployment
from gaesup_tui.domain.observation import DeploymentSeen
from gaesup_tui.domain.steps import Analyse, Bake, Compare, Pause
from gaesup_tui.domain.waiting import Waiting, not_ready, worst


def ailing(state: Deployment, seen: DeploymentSeen | None) -> str:
    """``2 of 2 replicas not ready: v26-1 restarts, exit 137 (memory limit)``; empty when they all
    are, or nobody knows."""
    if seen is None or state.stable is None:
        return ""
    there = seen.revision(state.stable.id)
    missing = state.replicas - (there.ready if there else 0)
    if missing <= 0:
        return ""
    line = f"{missing} of {state.replicas} replicas not ready"
    why = worst(there) if there else ""
    return f"{line}: {why}" if why else line


def while_ailing(
    state: Deployment, seen: DeploymentSeen | None, why: Waiting | None
) -> Waiting | None:
    """A wait in which nobody looks whether replicas are ready, with what is missing of either
    revision: whoever decides has to know."""
    rollout = state.active
    if why is None or seen is None or rollout is None or rollout.phase != "forward":
        return why
    if not isinstance(rollout.step, Pause | Analyse | Compare | Bake):
        return why
    what = why.what
    there = seen.revision(rollout.candidate.id)
    if (there.ready if there else 0) < rollout.candidate_replicas:
        what = f"{what}; {not_ready(rollout, seen, 'candidate')}"
    base = seen.revision(rollout.base.id) if rollout.base else None
    if rollout.base and (base.ready if base else 0) < rollout.base_replicas:
        what = (
            f"{what}; of {rollout.base.version}, the way back, {not_ready(rollout, seen, 'base')}"
        )
    return why if what == why.what else replace(why, what=what)
