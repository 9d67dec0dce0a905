"""In which order the units of a train go, and the stops it puts into their plans."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from gaesup_tui.domain.dependencies import dependents_first
from gaesup_tui.domain.steps import AwaitTrain, Pause, Plan, Scale, Step

Needs = Mapping[str, Sequence[str]]


def dependencies_first(needs: Needs, chosen: Iterable[str]) -> tuple[tuple[str, ...], ...]:
    """The chosen names in groups: whatever a name needs, also by way of names that are not
    chosen, is in a group before it."""
    reach = {name: _within(needs, name, set(chosen)) for name in chosen}
    needed: dict[str, list[str]] = {name: [] for name in reach}
    for name, others in reach.items():
        for other in others:
            needed[other].append(name)
    return dependents_first(needed)


def dependents(needs: Needs, chosen: Iterable[str], name: str) -> tuple[str, ...]:
    """Those of the chosen that need ``name``, directly or by way of others."""
    among = set(chosen)
    return tuple(
        sorted(each for each in among if each != name and name in _within(needs, each, among))
    )


def _within(needs: Needs, name: str, chosen: set[str]) -> set[str]:
    found: set[str] = set()
    ahead = list(needs.get(name, ()))
    while ahead:
        other = ahead.pop()
        if other not in found:
            found.add(other)
            ahead += needs.get(other, ())
    return (found & chosen) - {name}


def with_stops(plan: Plan, train: str) -> Plan:
    """The plan with the train's stops: where it would wait for a person it stands at the train's
    gate, and it does not let go of its base before the train has arrived."""
    steps: list[Step] = [
        AwaitTrain(train=train) if isinstance(step, Pause) and step.duration_s is None else step
        for step in plan
    ]
    last = AwaitTrain(train=train, last=True)
    lets_go = bool(steps) and steps[-1] == Scale(side="base", replicas=0)
    return (*steps[:-1], last, steps[-1]) if lets_go else (*steps, last)


def without_stops(plan: Plan) -> Plan:
    """The plan as it would be without a train: its gates wait for a person again."""
    gate = Pause(expiry_s=1800.0)
    return tuple(
        gate if isinstance(step, AwaitTrain) else step
        for step in plan
        if not (isinstance(step, AwaitTrain) and step.last)
    )
