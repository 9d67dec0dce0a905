"""How rollouts begin: their first event, from what is wished."""

from __future__ import annotations

from gaesup_tui.domain import events as ev
from gaesup_tui.domain import strategy
from gaesup_tui.domain.deployment import Deployment
from gaesup_tui.domain.revision import Revision
from gaesup_tui.domain.rollout import Actor, Rollout
from gaesup_tui.domain.steps import RolloutSpec

ROLLBACK_DEADLINE_S = 60.0
ROLLBACK_BAKE_S = 30.0


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


def roll_back_to(
    state: Deployment, target: Revision, by: Actor, now: float, why: str
) -> ev.RolloutCreated:
    """Back to a revision that was good before; nothing may be moving."""
    replicas = max(1, state.replicas)
    spec = RolloutSpec(
        strategy="rollback",
        plan=strategy.rollback(replicas, ROLLBACK_DEADLINE_S, ROLLBACK_BAKE_S),
        auto_abort=False,
    )
    return create(state.key, state, target, spec, replicas, by, now, why, state.backend)
