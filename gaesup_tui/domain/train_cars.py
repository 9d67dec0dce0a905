"""How each unit of a train stands, from its rollout: nothing else decides what a train does."""

from __future__ import annotations

from typing import Literal

from gaesup_tui.domain.deployment import Deployment
from gaesup_tui.domain.global_rollback import needs_of
from gaesup_tui.domain.rollout import Rollout
from gaesup_tui.domain.steps import AwaitTrain, Bake, Scale, SetTraffic
from gaesup_tui.domain.train import Car, Train
from gaesup_tui.domain.train_order import Needs
from gaesup_tui.domain.world import World

Place = Literal[
    "to come",  # its turn has not come
    "moving",
    "gate",  # at the train's gate
    "arrived",  # all traffic is on it, and its bake is not over
    "ready",  # its bake is over; it stands until the train has arrived
    "leaving",  # the train has arrived; its base is taken away
    "through",  # it is the stable revision
    "going back",
    "back",
    "elsewhere",  # somebody moved it since
]
GOES_BACK = ("going back", "back")
THERE = ("arrived", "ready", "leaving", "through")


def rollout_of(world: World, car: Car) -> Rollout | None:
    """The car's own rollout, also one that others followed."""
    state = world.deployments.get(car.key)
    if state is None or not car.rollout:
        return None
    if state.rollout and state.rollout.id == car.rollout:
        return state.rollout
    return next((past for past in state.past if past.id == car.rollout), None)


def place_of(world: World, car: Car) -> Place:
    """Where a unit stands."""
    if not car.rollout:
        return "to come"
    rollout = rollout_of(world, car)
    if rollout is None:
        return "elsewhere"
    if rollout.phase == "back":
        return "going back"
    if rollout.phase == "finished":
        if rollout.outcome != "promoted":
            return "back"
        state = world.deployments[car.key]
        is_last = state.rollout is not None and state.rollout.id == rollout.id
        return "through" if is_last else "elsewhere"
    return _under_way(rollout)


def _under_way(rollout: Rollout) -> Place:
    step, ahead = rollout.step, rollout.plan[rollout.index :]
    if isinstance(step, AwaitTrain) and not rollout.paused:
        return "ready" if step.last else "gate"
    if rollout.weight_percent < 100 or isinstance(step, SetTraffic):
        return "moving"
    if not any(isinstance(each, AwaitTrain) for each in ahead):
        return "leaving"
    # Only the bake and the train's end may be ahead: another gate or wait is not arrival.
    rest = (Bake, Scale)
    arrived = all(isinstance(s, rest) or (isinstance(s, AwaitTrain) and s.last) for s in ahead)
    return "arrived" if arrived else "moving"


def needs_in(world: World, train_environment: str, orders: Needs) -> Needs:
    """Which deployment of an environment needs which, with what a train's units will need."""
    found: dict[str, tuple[str, ...]] = {
        key: needs_of(state)
        for key, state in world.deployments.items()
        if state.environment == train_environment
    }
    return {**found, **orders}


def needs_of_train(world: World, train: Train) -> Needs:
    """Which deployment there needs which, with what its own units will need."""
    orders = {
        car.key: tuple(f"{unit}@{train.environment}" for unit in car.order.depends_on)
        for car in train.cars
    }
    return needs_in(world, train.environment, orders)


def somebody_moved(state: Deployment | None, car: Car) -> str:
    """What runs where a car is to come, when it is not what ran when the train began."""
    stable = state.stable if state else None
    if car.accepted or (stable.id if stable else "") == car.leaves_revision:
        return ""
    runs = stable.version if stable else "nothing"
    return f"{car.key} runs {runs} now, not {car.leaves or 'nothing'} as when the train began"
