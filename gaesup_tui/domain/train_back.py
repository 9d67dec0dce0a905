"""The way back of a train: dependents first, each group once the one before it serves what it
served before. What is under way is aborted, and its base is warm; what a person let finish before
the train arrived is rolled back."""

from __future__ import annotations

from gaesup_tui.domain import events as ev
from gaesup_tui.domain.creating import roll_back_to
from gaesup_tui.domain.deployment import Deployment
from gaesup_tui.domain.global_rollback import came_to_rest
from gaesup_tui.domain.rollout_rules import retreat
from gaesup_tui.domain.steps import Cause, Scale
from gaesup_tui.domain.text import duration, some
from gaesup_tui.domain.train import Car, Train
from gaesup_tui.domain.train_cars import place_of, rollout_of
from gaesup_tui.domain.turns import GROUP_DEADLINE_S
from gaesup_tui.domain.world import World

WAY_BACK = (ev.TrainTurned, ev.TrainWentBack, ev.RetreatStarted, ev.HoldSet)
"""What may act before it is recorded."""


def go_back(world: World, train: Train, now: float) -> list[ev.Event]:
    """What follows now for a train on its way back; nothing while a group is at work."""
    # Also of the groups before: one that could not go back in its turn does as soon as it can.
    begun = [car for group in train.groups[train.turn :] for car in group]
    if events := _send_back(world, train, begun, now):
        return events
    late = tuple(car.key for car in _group(train, train.turn) if not _at_rest(world, car))
    if late and now < train.turn_began + GROUP_DEADLINE_S:
        return []
    turn = _next_turn(train)
    if turn < 0:
        # What only a freeze keeps from going back does once that is released.
        if any(world.frozen(car.key) and _to_roll_back(world, car) for car in train.cars):
            return []
        still = tuple(car.key for car in train.cars if not _at_rest(world, car))
        return [finish(world, train, still)]
    moved = ev.TrainWentBack(train=train.name, group=turn, groups=len(train.groups), late=late)
    return [moved, *_send_back(world, train, train.groups[turn], now)]


def _group(train: Train, number: int) -> tuple[Car, ...]:
    return train.groups[number] if 0 <= number < len(train.groups) else ()


def _next_turn(train: Train) -> int:
    """The next group on the way back of which something has moved; -1 when there is none."""
    turn = train.turn - 1
    while turn >= 0 and not any(car.rollout for car in train.groups[turn]):
        turn -= 1
    return turn


def _send_back(
    world: World, train: Train, cars: list[Car] | tuple[Car, ...], now: float
) -> list[ev.Event]:
    return [event for car in cars for event in _turn_round(world, train, car, now)]


def _turn_round(world: World, train: Train, car: Car, now: float) -> list[ev.Event]:
    """The way back of one unit begins, if it is the train's to begin it. Whatever somebody else
    moved since is left to them, and what is in a global rollback to that."""
    own = rollout_of(world, car)
    if own is None or world.back_only(car.key):
        return []
    state = world.deployments[car.key]
    why = f"train {train.name}: {train.cause}"[:500]
    if own.active:  # one that goes back gradually is overtaken
        return retreat(state, Cause(kind="train", reason=why))
    if own.base is not None and _to_roll_back(world, car) and not world.frozen(car.key):
        return [roll_back_to(state, own.base, train.by, now, why)]
    return []


def _to_roll_back(world: World, car: Car) -> bool:
    """Whether it finished before the train had arrived: its base has to be started again."""
    own = rollout_of(world, car)
    return own is not None and own.base is not None and place_of(world, car) == "through"


def _at_rest(world: World, car: Car) -> bool:
    """Whether users are served by what served them before, as far as it is the train's."""
    state, own = world.deployments.get(car.key), rollout_of(world, car)
    if state is None or own is None or world.back_only(car.key):
        return True
    if own.phase == "back":
        # Traffic and the base's capacity are back; only the candidate's replicas still go.
        return isinstance(own.step, Scale) and own.step.side == "candidate"
    if state.active and is_our_rollback(state, car, own.base.id if own.base else ""):
        return came_to_rest(state)
    return own.phase == "finished"


def is_our_rollback(state: Deployment, car: Car, base: str) -> bool:
    """Whether the deployment's last rollout takes back what the train had finished there."""
    rollout = state.rollout
    return (
        rollout is not None
        and rollout.spec.strategy == "rollback"
        and rollout.candidate.id == base
        and rollout.base is not None
        and rollout.base.id == car.order.revision.id
    )


def finish(world: World, train: Train, late: tuple[str, ...] = ()) -> ev.TrainFinished:
    """How it ended, from what runs now."""
    there = [car for car in train.cars if car.rollout and _serves(world, car)]
    rest = [car for car in train.cars if not _serves(world, car)]
    outcome = "arrived" if not rest else "partly" if there else "returned"
    notes = _left_behind(rest)
    if outcome == "partly" and train.phase == "back":
        notes += [f"{car.key} is on {car.order.revision.version}" for car in there]
    limit = duration(GROUP_DEADLINE_S)
    notes += [f"{key}: not at rest within {limit}" for key in dict.fromkeys(late)]
    note = some(notes) or (train.cause if outcome == "returned" else "")
    return ev.TrainFinished.model_validate(
        {"train": train.name, "outcome": outcome, "note": note[:500]}
    )


def _left_behind(cars: list[Car]) -> list[str]:
    """Those the train went on without, by the reason they share."""
    reasons = dict.fromkeys(car.aside for car in cars if car.aside)
    return [
        f"without {', '.join(car.key for car in cars if car.aside == why)}: {why}"
        for why in reasons
    ]


def _serves(world: World, car: Car) -> bool:
    """Whether the train's revision is what users get, or comes to be."""
    state = world.deployments.get(car.key)
    if state is None:
        return False
    wished = car.order.revision.id
    if state.active and state.active.phase == "forward":
        return state.active.candidate.id == wished
    return state.stable is not None and state.stable.id == wished
