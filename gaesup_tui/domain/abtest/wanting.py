"""What an A/B test needs of a unit, said before one begins."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gaesup_tui.domain.errors import Invalid

if TYPE_CHECKING:
    from gaesup_tui.domain.commands import Deploy
    from gaesup_tui.domain.config import ProjectFile

_DO = "say which request is one: conversion: {method: POST, path: /orders}"


def check_conversion(command: Deploy) -> None:
    """Raises ``Invalid`` when nothing would be compared."""
    if command.conversion is None:
        unit = command.deployment.partition("@")[0]
        raise Invalid(
            f"an A/B test compares conversions, and {unit} says none", hint=f"in gaesup.yaml, {_DO}"
        )


def conversion_fault(project: ProjectFile) -> tuple[tuple[str | int, ...], str, str] | None:
    """The first unit of a file whose strategy is an A/B test and that says no conversion: where,
    what is wrong, what to do."""
    for name, unit in project.units.items():
        if unit.conversion is not None:
            continue
        if unit.strategy == "abTest":
            return ("units", name, "strategy"), f"an A/B test of {name} has no conversion", _DO
        for place, environment in project.environments.items():
            if environment.strategy == "abTest":
                where = ("environments", place, "strategy")
                return where, f"an A/B test of {name} has no conversion", _DO
    return None
