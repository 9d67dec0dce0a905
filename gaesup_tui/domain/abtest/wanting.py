"""What an A/B test needs of a unit, said before one begins."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from gaesup_tui.domain.errors import Invalid

if TYPE_CHECKING:
    from gaesup_tui.domain.commands import Deploy
    from gaesup_tui.domain.config import ProjectFile
    from gaesup_tui.domain.route_spec import KeySpec
    from gaesup_tui.domain.step_spec import StrategyStep

NAME = "abTest"
_DO = "say which request is one: conversion: {method: POST, path: /orders}"


def key_of(command: Deploy) -> KeySpec | None:
    """What tells the users of its A/B test apart; None when it is no test, nor has one among its
    steps.

    Raises:
        Invalid: nothing would be compared.
    """
    tests = _tests(command.steps)
    if command.strategy != NAME and not tests:
        return None
    if command.conversion is None:
        unit = command.deployment.partition("@")[0]
        raise Invalid(
            f"an A/B test compares conversions, and {unit} says none", hint=f"in gaesup.yaml, {_DO}"
        )
    return tests[0] if tests else command.spec.ab_test.key


def _tests(steps: Sequence[StrategyStep]) -> list[KeySpec]:
    return [step.compare.key for step in steps if step.compare is not None]


def conversion_fault(project: ProjectFile) -> tuple[tuple[str | int, ...], str, str] | None:
    """The first unit of a file whose strategy is an A/B test and that says no conversion: where,
    what is wrong, what to do."""
    tests = {NAME, *(name for name, steps in project.strategies.items() if _tests(steps))}
    for name, unit in project.units.items():
        if unit.conversion is not None:
            continue
        if unit.strategy in tests:
            return ("units", name, "strategy"), f"an A/B test of {name} has no conversion", _DO
        for place, environment in project.environments.items():
            if environment.strategy in tests:
                where = ("environments", place, "strategy")
                return where, f"an A/B test of {name} has no conversion", _DO
    return None
