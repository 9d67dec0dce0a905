"""Strategies that come with Python packages: entry points that give a list of steps.

A package names a function in the group ``gaesup.strategies``. It is called with keywords,
``replicas``, ``checks`` and ``options``, and returns the list as ``gaesup.yaml`` would have it.
Nothing is imported before one of them is used.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from pydantic import TypeAdapter, ValidationError

from gaesup_tui.domain.errors import Invalid, NotFound
from gaesup_tui.domain.step_rules import strategy_fault
from gaesup_tui.domain.step_spec import StrategyStep
from gaesup_tui.domain.steps import Check
from gaesup_tui.domain.text import printable_line

GROUP = "gaesup.strategies"
_STEPS: TypeAdapter[tuple[StrategyStep, ...]] = TypeAdapter(tuple[StrategyStep, ...])


def installed() -> dict[str, EntryPoint]:
    """By name; nothing is imported."""
    return {point.name: point for point in entry_points(group=GROUP)}


def package_of(point: EntryPoint) -> str:
    """``acme-strategies 1.2``, or the module where the package is not known."""
    return f"{point.dist.name} {point.dist.version}" if point.dist else point.module


def steps_of(
    name: str, replicas: int, checks: Sequence[Check], options: Mapping[str, Any]
) -> tuple[StrategyStep, ...]:
    """The steps an installed strategy gives.

    Raises:
        NotFound: none of that name is installed.
        Invalid: it cannot be loaded, failed, or gave what cannot run.
    """
    point = installed().get(name)
    if point is None:
        raise NotFound(f"there is no strategy {name}", hint="`gaesup strategies` lists them")
    who = f"strategy {name} of {package_of(point)}"
    given = _call(who, point, replicas, checks, options)
    try:
        steps = _STEPS.validate_python(given)
    except ValidationError as error:
        raise Invalid(f"{who}: {_first(error)}", hint=_TELL) from None
    if fault := strategy_fault(steps):
        raise Invalid(f"{who}: {fault.message}: {fault.hint}", hint=_TELL)
    return steps


_TELL = "that is a fault of the package: its maker has to know, nothing was changed"


def _call(
    who: str,
    point: EntryPoint,
    replicas: int,
    checks: Sequence[Check],
    options: Mapping[str, Any],
) -> Any:
    asked = [check.model_dump(mode="json", by_alias=True) for check in checks]
    try:
        make = point.load()
    except Exception as fault:  # whatever a foreign module throws
        raise Invalid(f"{who} cannot be loaded: {_said(fault)}", hint=_TELL) from fault
    try:
        return make(replicas=replicas, checks=asked, options=dict(options))
    except ValueError as wrong:
        raise Invalid(f"{who}: {_said(wrong)}", hint="see `strategyOptions`") from wrong
    except Exception as fault:
        raise Invalid(f"{who} failed: {_said(fault)}", hint=_TELL) from fault


def _said(fault: Exception) -> str:
    if isinstance(fault, ValueError):
        return printable_line(str(fault), 300)
    return printable_line(f"{type(fault).__name__}: {fault}", 300)


def _first(error: ValidationError) -> str:
    detail = error.errors(include_url=False, include_context=False)[0]
    where = detail["loc"]
    message = detail["msg"].removeprefix("Value error, ")
    if where and isinstance(where[0], int):
        rest = ".".join(str(part) for part in where[1:])
        return printable_line(f"step {where[0] + 1}{': ' + rest if rest else ''}: {message}", 300)
    return printable_line(f"it has to give a list of steps: {message}", 300)
