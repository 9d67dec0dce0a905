"""A release train before it starts: groups, steps, gates, how long it takes, the way back."""

from __future__ import annotations

from gaesup_tui.domain import commands as cmd
from gaesup_tui.domain import events as ev
from gaesup_tui.domain.deploying import begin_deploy
from gaesup_tui.domain.errors import GaesupError
from gaesup_tui.domain.rollout import Actor
from gaesup_tui.domain.steps import Analyse, AwaitTrain, Bake, Pause, Step
from gaesup_tui.domain.text import duration
from gaesup_tui.domain.train import Car
from gaesup_tui.domain.train_commands import start_train
from gaesup_tui.domain.train_order import with_stops
from gaesup_tui.domain.train_views import CarPlan, TrainPlan
from gaesup_tui.domain.world import World

_GATES = {
    "before": "waits for you before the first group",
    "between": "waits for you between groups",
    "none": "waits for nobody between groups",
}
_FAILURES = {
    "rollback": "one goes back: all go back, dependents first",
    "hold": "one goes back: nothing more begins until you decide",
    "continue": "one goes back: the others go on without it and without what needs it",
}


def train_plan(
    world: World, command: cmd.TrainStart, by: Actor, now: float, switch_s: float | None
) -> TrainPlan:
    """What the train would do from how the world is now. ``switch_s``: how long a traffic change
    takes here; None: not measured."""
    many = len(command.orders)
    title = f"Train {command.train}: {many} {'unit' if many == 1 else 'units'}"
    try:
        started = start_train(world, command, by, now)[-1]
    except GaesupError as error:
        plan = _empty(command, f"{title} to {command.environment}")
        return {**plan, "refused": str(error)}
    assert isinstance(started, ev.TrainStarted)
    steps = {
        car.key: _steps(world, command, car, by, now)
        for group in started.groups
        for car in group
        if not car.aside
    }
    groups = len(started.groups)
    shown = f" in {groups} groups" if groups > 1 else ""
    plan = _empty(command, f"{title}{shown} to {command.environment}")
    plan["groups"] = [
        [_car(car, steps.get(car.key, ())) for car in group] for group in started.groups
    ]
    plan["lines"] = _lines(command, started, steps, switch_s)
    return plan


def _empty(command: cmd.TrainStart, title: str) -> TrainPlan:
    return TrainPlan(
        name=command.train,
        environment=command.environment,
        title=title,
        groups=[],
        lines=[],
        refused=None,
    )


def _steps(
    world: World, command: cmd.TrainStart, car: Car, by: Actor, now: float
) -> tuple[Step, ...]:
    return with_stops(begin_deploy(world, car.order, by, now).rollout.plan, command.train)


def _car(car: Car, steps: tuple[Step, ...]) -> CarPlan:
    to, strategy = car.order.revision.version, car.order.strategy if car.leaves else "initial"
    text = car.aside or f"{car.leaves or '·'} → {to}, {strategy}"
    return CarPlan(
        deployment=car.key,
        leaves=car.leaves,
        to=to,
        strategy=strategy,
        steps=[step.title() for step in steps],
        text=text,
    )


def _lines(
    command: cmd.TrainStart,
    started: ev.TrainStarted,
    steps: dict[str, tuple[Step, ...]],
    switch_s: float | None,
) -> list[tuple[str, str]]:
    gate = _GATES[command.gate]
    if command.expiry_s is not None:
        gate += f"; nobody within {duration(command.expiry_s)}: goes back"
    return [
        ("Gate", gate),
        ("Fails", _FAILURES[command.on_failure]),
        ("Takes", _takes(started, steps)),
        ("Way back", _way_back(started, switch_s)),
    ]


def _takes(started: ev.TrainStarted, steps: dict[str, tuple[Step, ...]]) -> str:
    """The planned waits, side by side within a group, and the longest bake at the end."""
    forward = sum(
        max((_planned_s(steps.get(car.key, ()), Pause | Analyse) for car in group), default=0.0)
        for group in started.groups
    )
    bake = max((_planned_s(plan, Bake) for plan in steps.values()), default=0.0)
    stops = [step for plan in steps.values() for step in plan if isinstance(step, AwaitTrain)]
    gates = any(not step.last for step in stops)
    after = "and as long as you take at its gates" if gates or started.gate != "none" else ""
    waits = f"{duration(forward)} of planned waits, {duration(bake)} of bake"
    return f"at least {waits}, starting replicas{', ' + after if after else ''}"


def _planned_s(steps: tuple[Step, ...], kinds: object) -> float:
    found = [step for step in steps if isinstance(step, kinds)]  # type: ignore[arg-type]
    return sum(getattr(step, "duration_s", None) or 0.0 for step in found)


def _way_back(started: ev.TrainStarted, switch_s: float | None) -> str:
    names = [
        ", ".join(car.key.partition("@")[0] for car in group if not car.aside)
        for group in reversed(started.groups)
    ]
    order = ", then ".join(each for each in names if each)
    if switch_s is None:
        return f"{order}; bases stay warm until all have arrived"
    each_s = f"about {duration(switch_s)}" if switch_s >= 0.1 else "under 0.1 s"
    return f"{order}; bases stay warm until all have arrived: {each_s} a group"
