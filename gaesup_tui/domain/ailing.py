"""Why what serves at rest is not whole: in the words a rollout would wait with."""

from __future__ import annotations

from gaesup_tui.domain.deployment import Deployment
from gaesup_tui.domain.observation import DeploymentSeen
from gaesup_tui.domain.waiting import worst


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
