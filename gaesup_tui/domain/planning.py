"""Which steps a deploy would take, for as many replicas as there are to be."""

from __future__ import annotations

from gaesup_tui.domain import commands as cmd
from gaesup_tui.domain import strategy
from gaesup_tui.domain.abtest import spec as abtest
from gaesup_tui.domain.abtest.wanting import key_of
from gaesup_tui.domain.compiling import own_plan
from gaesup_tui.domain.errors import Invalid
from gaesup_tui.domain.rolling import rolling
from gaesup_tui.domain.step_rules import strategy_fault
from gaesup_tui.domain.steps import Plan

INITIAL_BAKE_S = 0.0
BUILT_IN = ("rolling", "canary", "blueGreen", "abTest")
RESERVED = ("initial", "rollback")
"""What the engine calls rollouts of its own."""


def plan_of(command: cmd.Deploy, replicas: int, base: int | None) -> tuple[str, Plan]:
    """The strategy's name and its steps. ``base``: replicas of what runs; None: nothing does, so
    there is no baseline and the first revision gets everything once it is ready.

    Raises:
        Invalid: there is no such strategy, its list of steps cannot run, or it has an A/B test and
            the unit says no conversion.
    """
    spec, checks, name = command.spec, command.checks, command.strategy
    own = command.steps
    if own or name not in BUILT_IN:
        _check(command)
    if base is None:
        deadline_s = spec.canary.progress_deadline
        return "initial", strategy.initial(replicas, checks, deadline_s, INITIAL_BAKE_S)
    key_of(command)
    match name:
        case "canary":
            return name, strategy.canary(spec.canary, replicas, checks)
        case "abTest":
            return name, abtest.plan(spec.ab_test, replicas, checks)
        case "blueGreen":
            return name, strategy.blue_green(spec.blue_green, replicas, checks)
        case "rolling":
            return name, rolling(spec.rolling, replicas, checks, base)
    return name, own_plan(own, replicas, checks, base)


def _check(command: cmd.Deploy) -> None:
    name = command.strategy
    if name in BUILT_IN or name in RESERVED:
        raise Invalid(f"strategy {name}: a list of your own cannot be called so")
    if not command.steps:
        raise Invalid(
            f"there is no strategy {name}",
            hint=f"built in: {', '.join(BUILT_IN)}; others come with their steps",
        )
    if fault := strategy_fault(command.steps):
        raise Invalid(f"strategy {name}: {fault.message}", hint=fault.hint)
