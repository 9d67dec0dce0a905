"""Plans whose replicas come or go in parts, and the ones that can be made for another number."""

from __future__ import annotations

from gaesup_tui.domain.steps import Plan, Scale


def in_waves(plan: Plan) -> bool:
    """Whether replicas of either side come or go in parts."""
    counts = {(s.side, s.replicas) for s in plan if isinstance(s, Scale) and s.replicas}
    return len(counts) > 1


def resized(plan: Plan, replicas: int) -> Plan:
    """The plan with the candidate whole at so many. One in waves stays as it is."""
    if in_waves(plan):
        return plan
    return tuple(
        step.model_copy(update={"replicas": replicas})
        if isinstance(step, Scale) and step.side == "candidate" and step.replicas
        else step
        for step in plan
    )
