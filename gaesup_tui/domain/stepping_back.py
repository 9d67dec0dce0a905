"""One step back: the share before the present one, while the base can still carry the rest."""

from __future__ import annotations

from gaesup_tui.domain.rollout import Rollout
from gaesup_tui.domain.steps import Scale, SetTraffic


def share_before(rollout: Rollout) -> int | str:
    """The index of the step whose share holds after a step back, or why there is none."""
    shares = [
        index
        for index, step in enumerate(rollout.plan[: rollout.index + 1])
        if isinstance(step, SetTraffic) and step.weight_percent <= rollout.weight_percent
    ]
    # A share that another one follows at once is no place to stand: that one would be in force.
    earlier = [
        i
        for i in shares
        if weight_at(rollout, i) < rollout.weight_percent
        and not isinstance(rollout.plan[i + 1], SetTraffic)
    ]
    if not earlier:
        return "there is no smaller share before this one: abort returns all of it"
    index = earlier[-1]
    for step in rollout.plan[index : rollout.index + 1]:
        if isinstance(step, Scale):
            return "replicas changed since the share before: abort brings them back"
    return index


def weight_at(rollout: Rollout, index: int) -> int:
    """The share of the step at ``index``, which must be one of traffic."""
    step = rollout.plan[index]
    assert isinstance(step, SetTraffic)
    return step.weight_percent
