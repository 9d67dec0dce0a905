"""Plans whose replicas come or go in parts, and what a scale makes of a rollout on its way."""

from __future__ import annotations

from pydantic import Field

from gaesup_tui.domain.model import Frozen
from gaesup_tui.domain.rollout import Rollout, enter, wished
from gaesup_tui.domain.steps import Plan, Scale


class Replanned(Frozen):
    """A rollout in waves, planned for another number of replicas from its present step on."""

    candidate: int = Field(ge=0, le=1000)
    """Replicas of the candidate wished from now on."""
    base: int = Field(ge=0, le=1000)
    """Replicas of the base wished from now on."""
    rest: Plan
    """The present step, or what takes its place, and all after it."""


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


def scaled(rollout: Rollout, replicas: int, at: float, waves: Replanned | None) -> Rollout:
    """The rollout on its way with another number of replicas wished in the end. ``waves`` None:
    both sides are whole at once, as far as there is anything of them."""
    more: dict[str, object] = {"replicas": replicas, "base_wanted": replicas}
    more["scaled"] = rollout.scaled or replicas != rollout.base_wanted or waves is not None
    if waves is not None and rollout.phase == "forward":
        return _replanned(rollout.model_copy(update=more), waves, at)
    sides = {
        name: replicas for name in ("candidate_replicas", "base_replicas") if getattr(rollout, name)
    }
    if rollout.phase == "back":  # or its plan would ask for the base as it was before
        more["plan"] = tuple(
            step.model_copy(update={"replicas": replicas})
            if isinstance(step, Scale) and step.side == "base"
            else step
            for step in rollout.plan
        )
    else:  # or what is still to start would start as many as were wanted before
        more["plan"] = resized(rollout.plan, replicas)
    return rollout.model_copy(update=more | wished(rollout, at, **sides))


def _replanned(rollout: Rollout, waves: Replanned, at: float) -> Rollout:
    """What is over stays as it was; a step that stays keeps its time. One that asks for replicas
    asks anew, since what is wished changed."""
    plan = (*rollout.plan[: rollout.index], *waves.rest)
    sides = {"candidate_replicas": waves.candidate, "base_replicas": waves.base}
    changed = rollout.model_copy(
        update={
            "plan": plan,
            "spec": rollout.spec.model_copy(update={"plan": plan}),
            **wished(rollout, at, **sides),
        }
    )
    if waves.rest[:1] == (rollout.step,) and not isinstance(rollout.step, Scale):
        return changed
    return enter(changed, rollout.index, at)
