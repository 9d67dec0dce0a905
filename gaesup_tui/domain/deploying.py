"""How a deploy begins: from what is asked for, and what runs, to a rollout with its plan."""

from __future__ import annotations

from gaesup_tui.domain import commands as cmd
from gaesup_tui.domain import events as ev
from gaesup_tui.domain.abtest.wanting import key_of
from gaesup_tui.domain.creating import create
from gaesup_tui.domain.errors import Refused
from gaesup_tui.domain.planning import plan_of
from gaesup_tui.domain.rollout import Actor
from gaesup_tui.domain.steps import RolloutSpec
from gaesup_tui.domain.world import World


def begin_deploy(world: World, command: cmd.Deploy, by: Actor, now: float) -> ev.RolloutCreated:
    """The rollout a deploy asks for, from what runs there now.

    Raises:
        Refused: it runs there already.
        Invalid: its strategy is none, or cannot run here.
    """
    state = world.deployments.get(command.deployment)
    base = state.stable if state else None
    if base is not None and base.id == command.revision.id:
        raise Refused(f"{command.deployment} runs {base.version} already, byte for byte")
    replicas = command.replicas or (state.replicas if state else 0) or 1
    # A base that was scaled to nothing is started again, as ``create`` counts it.
    there = None if base is None or state is None else state.replicas or replicas
    rollout_spec = rollout_spec_of(command, replicas, there)
    return create(
        command.deployment,
        state,
        command.revision,
        rollout_spec,
        replicas,
        by,
        now,
        command.why,
        command.backend,
        command.project,
        command.depends_on,
    )


def rollout_spec_of(command: cmd.Deploy, replicas: int, there: int | None) -> RolloutSpec:
    """What a deploy asks for, as a rollout is created with it. ``there``: replicas of the base;
    None without one.

    Raises:
        Invalid: its strategy is none, or cannot run here.
    """
    spec = command.spec
    name, plan = plan_of(command, replicas, there)
    if there is not None and (key := key_of(command)):
        spec = spec.model_copy(update={"sticky": key})
    return RolloutSpec(
        strategy=name,
        plan=plan,
        guards=spec.guards,
        error_tolerance=spec.error_tolerance / 100,
        p95_tolerance=spec.p95_tolerance / 100,
        auto_abort=spec.auto_abort,
        sticky=spec.sticky,
        fresh_baseline=_is_fresh(name, command),
        gradual_abort_s=spec.gradual_abort,
        conversion=command.conversion,
        checks=spec.checks,
        judge=spec.judge,
        while_moving=spec.while_moving,
        colours=command.strategy == "blueGreen",
        rollback_bake_s=spec.rollback_bake,
        rolling=spec.rolling if name == "rolling" else None,
    )


def _is_fresh(name: str, command: cmd.Deploy) -> bool:
    """Whether the candidate is compared with a fresh copy of the base."""
    if name == "canary":
        return command.spec.canary.fresh_baseline
    return name != "initial" and any(step.fresh_baseline for step in command.steps)
