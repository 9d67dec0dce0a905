"""How rollouts begin: their first event, from what is wished."""

from __future__ import annotations

from gaesup_tui.domain import events as ev
from gaesup_tui.domain import strategy
from gaesup_tui.domain.deployment import Deployment
from gaesup_tui.domain.revision import Revision
from gaesup_tui.domain.rollout import Actor, Colour, Rollout, other_colour
from gaesup_tui.domain.steps import ROLLBACK_BAKE_S, RolloutSpec

ROLLBACK_DEADLINE_S = 60.0


def create(
    key: str,
    state: Deployment | None,
    revision: Revision,
    spec: RolloutSpec,
    replicas: int,
    by: Actor,
    now: float,
    why: str,
    backend: str,
    project: str = "",
    depends_on: tuple[str, ...] | None = None,
) -> ev.RolloutCreated:
    """A rollout to ``revision`` from whatever is stable. ``state`` None: a first deployment."""
    base = state.stable if state else None
    base_count = (state.replicas or replicas) if state and base else 0
    rollout = Rollout(
        id=f"{key}#{(state.rollouts if state else 0) + 1}",
        deployment=key,
        spec=spec,
        base=base,
        candidate=revision,
        replicas=replicas,
        colour=_colour(state, base, spec),
        by=by,
        at=now,
        why=why,
        plan=spec.plan,
        step_began=now,
        base_replicas=base_count,
        base_wanted=base_count,
    )
    return ev.RolloutCreated(
        deployment=key, backend=backend, project=project, depends_on=depends_on, rollout=rollout
    )


def _colour(state: Deployment | None, base: Revision | None, spec: RolloutSpec) -> Colour:
    """The candidate's. A deployment has colours from its first blue-green rollout on, whatever
    moves it later: each revision takes the place of the one before the last."""
    colour = state.colour if state else ""
    if not colour and not spec.colours:
        return ""
    return other_colour(colour) if base else "blue"


def roll_back_to(
    state: Deployment, target: Revision, by: Actor, now: float, why: str
) -> ev.RolloutCreated:
    """Back to a revision that was good before; nothing may be moving."""
    replicas = max(1, state.replicas)
    last = state.rollout.spec if state.rollout else None
    bake_s = last.rollback_bake_s if last else ROLLBACK_BAKE_S
    spec = RolloutSpec(
        strategy="rollback",
        plan=strategy.rollback(replicas, ROLLBACK_DEADLINE_S, bake_s),
        auto_abort=False,
        rollback_bake_s=bake_s,
        # What a unit is for does not change with the way it is rolled out.
        conversion=state.rollout.spec.conversion if state.rollout else None,
        while_moving=last.while_moving if last else "refuse",
    )
    return create(state.key, state, target, spec, replicas, by, now, why, state.backend)
