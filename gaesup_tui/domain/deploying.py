"""How a deploy begins: from what is asked for, and what runs, to a rollout with its plan."""

from __future__ import annotations

from gaesup_tui.domain import commands as cmd
from gaesup_tui.domain import events as ev
from gaesup_tui.domain import strategy
from gaesup_tui.domain.abtest import spec as abtest
from gaesup_tui.domain.abtest.wanting import check_conversion
from gaesup_tui.domain.creating import create
from gaesup_tui.domain.errors import Refused
from gaesup_tui.domain.rolling import rolling
from gaesup_tui.domain.rollout import Actor
from gaesup_tui.domain.steps import RolloutSpec
from gaesup_tui.domain.world import World

INITIAL_BAKE_S = 0.0


def begin_deploy(world: World, command: cmd.Deploy, by: Actor, now: float) -> ev.RolloutCreated:
    """The rollout a deploy asks for, from what runs there now.

    Raises:
        Refused: it runs there already.
        Invalid: an A/B test of a unit that says no conversion.
    """
    state = world.deployments.get(command.deployment)
    base = state.stable if state else None
    if base is not None and base.id == command.revision.id:
        raise Refused(f"{command.deployment} runs {base.version} already, byte for byte")
    replicas = command.replicas or (state.replicas if state else 0) or 1
    spec = command.spec
    if base is None:
        name, plan = (
            "initial",
            strategy.initial(
                replicas, command.checks, spec.canary.progress_deadline, INITIAL_BAKE_S
            ),
        )
    elif command.strategy == "canary":
        name, plan = "canary", strategy.canary(spec.canary, replicas, command.checks)
    elif command.strategy == "abTest":
        check_conversion(command)
        spec = spec.model_copy(update={"sticky": spec.ab_test.key})
        name, plan = "abTest", abtest.plan(spec.ab_test, replicas, command.checks)
    elif command.strategy == "blueGreen":
        name, plan = "blueGreen", strategy.blue_green(spec.blue_green, replicas, command.checks)
    else:
        there = state.replicas if state else 0
        name, plan = "rolling", rolling(spec.rolling, replicas, command.checks, there)
    rollout_spec = RolloutSpec(
        strategy=name,
        plan=plan,
        guards=spec.guards,
        error_tolerance=spec.error_tolerance / 100,
        p95_tolerance=spec.p95_tolerance / 100,
        auto_abort=spec.auto_abort,
        sticky=spec.sticky,
        gradual_abort_s=spec.gradual_abort,
        conversion=command.conversion,
        while_moving=spec.while_moving,
        colours=command.strategy == "blueGreen",
        rollback_bake_s=spec.rollback_bake,
    )
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
