"""What a stop would take, before it is pressed."""

from __future__ import annotations

from gaesup_tui.domain.command_rules import check_scope
from gaesup_tui.domain.rollback_views import rollback_preview
from gaesup_tui.domain.stop_views import RollbackPreview, StopPreview, StopScope
from gaesup_tui.engine.engine import Engine
from gaesup_tui.service.server.speeds import Speeds


def stop_preview(engine: Engine, speeds: Speeds, scope: str | None) -> StopPreview:
    """Everything, every environment, and every deployment that moves; or only ``scope``.

    Raises:
        NotFound: nothing is called ``scope``.
    """
    states = engine.world.deployments
    environments = sorted({state.environment for state in states.values()})
    if scope is not None:
        check_scope(engine.world, scope)
        chosen = [scope]
    else:
        moving = [state.key for state in states.values() if state.active]
        chosen = ["", *environments, *sorted(moving)]
    return StopPreview(scopes=[_scope(engine, each) for each in chosen], switch_s=speeds.switch_s)


def rollback(engine: Engine, scope: str) -> RollbackPreview:
    """What a global rollback of a scope would do.

    Raises:
        NotFound: nothing is called ``scope``.
    """
    check_scope(engine.world, scope)
    return rollback_preview(engine.world, scope, engine.now())


def _scope(engine: Engine, scope: str) -> StopScope:
    covered = [
        state
        for state in engine.world.deployments.values()
        if not scope or scope in (state.key, state.environment)
    ]
    moving = sorted(state.key for state in covered if state.active)
    many = f"{len(moving)} rollout{'' if len(moving) == 1 else 's'}"
    name = scope or "everything"
    return StopScope(
        scope=scope,
        title=name if scope in engine.world.deployments else f"{name} ({many})",
        rollouts=moving,
        deployments=len(covered),
    )
