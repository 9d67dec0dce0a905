"""Release trains as they are written in ``gaesup.yaml``."""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import Annotated, Literal

from pydantic import Field

from gaesup_tui.domain.commands import OnFailure, TrainGate
from gaesup_tui.domain.model import Duration, Name, Spec, Version

Fault = tuple[tuple[str | int, ...], str, str]


class TrainSpec(Spec):
    """Several units as one release. Their order follows from ``dependsOn``."""

    units: Annotated[dict[Name, Version], Field(min_length=1, max_length=100)]
    """Unit to the version it goes to."""
    environment: Name
    """Where it goes."""
    gate: TrainGate = "between"
    """Where the train itself waits for a person: ``before`` its first group, ``between`` its groups
    or nowhere, ``none``. Where its units would wait, it waits in any case, once for all of them."""
    on_failure: OnFailure = "rollback"
    """When one unit goes back: ``rollback`` all of them, ``hold`` until a person decides, or
    ``continue`` without it and without what needs it."""
    at_once: Annotated[int, Field(ge=1)] | None = None
    """How many units of a group move side by side; all of them when nothing is said."""
    expiry: Duration | None = 1800.0
    """How long a gate waits before the train goes back; ``null`` waits for ever."""
    strategy: Literal["rolling", "canary", "blueGreen"] | None = None
    """Instead of the strategy each unit has in the environment."""


def train_fault(
    trains: Mapping[str, TrainSpec],
    units: Mapping[str, Container[str]],
    environments: Container[str],
) -> Fault | None:
    """Where a train is wrong, what is, and what to do; None when all are right. ``units``: each
    with the versions it has."""
    for name, train in trains.items():
        at: tuple[str | int, ...] = ("trains", name)
        if train.environment not in environments:
            message = f"there is no environment {train.environment!r}"
            return (*at, "environment"), message, "say one of `environments`"
        for unit, version in train.units.items():
            where = (*at, "units", unit)
            if unit not in units:
                return where, f"there is no unit {unit!r}", f"say one of {', '.join(units)}"
            if version not in units[unit]:
                known = f"say one of its `versions`, or add it to units.{unit}"
                return where, f"{unit} has no version {version!r}", known
    return None
