"""What moves a release train: from how its units stand, and the clock, to what follows.

It is level-triggered: a new life of the engine goes on where the last one stopped. Failures are
looked at first, and time alone only leads back. A train begins nothing that ``allowed.why_not``
would refuse a person, so whatever stops, freezes, locks or holds a deployment stops a train there.
"""

from __future__ import annotations

from gaesup_tui.domain import events as ev
from gaesup_tui.domain.allowed import why_not
from gaesup_tui.domain.deploying import begin_deploy
from gaesup_tui.domain.deployment import Deployment
from gaesup_tui.domain.errors import GaesupError
from gaesup_tui.domain.freezing import break_glass, standing_in, window_for
from gaesup_tui.domain.rollout_rules import retreat
from gaesup_tui.domain.second_person import begins_at_gate
from gaesup_tui.domain.steps import Cause
from gaesup_tui.domain.text import duration
from gaesup_tui.domain.train import Car, Standing, Train
from gaesup_tui.domain.train_back import finish, go_back
from gaesup_tui.domain.train_cars import (
    GOES_BACK,
    THERE,
    needs_of_train,
    place_of,
    rollout_of,
    somebody_moved,
)
from gaesup_tui.domain.train_glass import glass_of
from gaesup_tui.domain.train_order import dependents, with_stops
from gaesup_tui.domain.turns import GROUP_DEADLINE_S
from gaesup_tui.domain.world import World


def decide_trains(world: World, now: float, *, back_only: bool = False) -> list[ev.Event]:
    """The next that follows for a train. Ask again until it is empty: then all of them wait.
    ``back_only``: only of those on their way back."""
    for train in world.trains:
        if train.phase == "back":
            events = go_back(world, train, now)
        elif train.phase in ("forward", "gate") and not back_only:
            events = _forward(world, train, now)
        else:
            events = []
        if events:
            return events
    return []


def trains_due(world: World) -> float | None:
    """The next moment at which time alone changes something for a train; None when none does."""
    whens = [
        train.since + train.expiry_s
        for train in world.trains
        if train.phase == "gate" and train.expiry_s is not None
    ]
    whens += [t.turn_began + GROUP_DEADLINE_S for t in world.trains if t.phase == "back"]
    return min(whens, default=None)


def _forward(world: World, train: Train, now: float) -> list[ev.Event]:
    if events := _trouble(world, train):
        return events
    if train.phase == "gate":
        return _at_gate(world, train, now)
    places = {car.key: place_of(world, car) for car in _with_us(train.at_work)}
    if any(place not in THERE for place in places.values()):
        return _group_at_work(world, train, now)
    if train.group + 1 < len(train.groups):
        return _next_group(world, train, now)
    return _arrive(world, train, now)


def _with_us(cars: tuple[Car, ...]) -> list[Car]:
    return [car for car in cars if not car.aside]


# When something goes wrong.


def _trouble(world: World, train: Train) -> list[ev.Event]:
    """What follows from a unit that went back, or that somebody else moved."""
    for car in _with_us(train.cars):
        place = place_of(world, car)
        if place in GOES_BACK:
            return _failed(world, train, car)
        if place == "elsewhere":
            cause = f"{car.key} was moved by hand since"
            return [ev.TrainTurned(train=train.name, to="held", cause=cause)]
    return []


def why_back(world: World, car: Car) -> str:
    """Why a unit went back, in its own rollout's words."""
    rollout = rollout_of(world, car)
    cause = rollout.cause.reason if rollout and rollout.cause else "it went back"
    return f"{car.key} {car.order.revision.version}: {cause}"[:500]


def _failed(world: World, train: Train, car: Car) -> list[ev.Event]:
    why = why_back(world, car)
    if train.on_failure == "rollback":
        return [ev.TrainTurned(train=train.name, to="back", cause=why)]
    if train.on_failure == "hold":
        return [ev.TrainTurned(train=train.name, to="held", cause=why)]
    return leave_behind(world, train, [car], why)


def leave_behind(world: World, train: Train, cars: list[Car], why: str) -> list[ev.Event]:
    """The train goes on without these units, and without what needs them: a unit never runs ahead
    of what it asks."""
    keys = [car.key for car in cars]
    behind = needing(world, train, keys)
    units = (*keys, *(car.key for car in behind))
    aside = ev.TrainSetAside(train=train.name, units=units, why=why)
    return [aside, *take_back(world, train, behind, why)]


def take_back(world: World, train: Train, cars: list[Car], why: str) -> list[ev.Event]:
    """What is under way of units the train goes on without returns to its base."""
    reason = f"train {train.name} goes on without it: {why}"[:500]
    cause = Cause(kind="train", reason=reason)
    begun = [car for car in cars if car.rollout and car.key in world.deployments]
    return [
        event
        for car in begun
        if (rollout := rollout_of(world, car)) and rollout.phase == "forward"
        for event in retreat(world.deployments[car.key], cause)
    ]


def needing(world: World, train: Train, keys: list[str]) -> list[Car]:
    """The units of a train that need one of ``keys``, and are still with it."""
    needs = needs_of_train(world, train)
    among = [car.key for car in _with_us(train.cars)]
    found = {other for key in keys for other in dependents(needs, {*among, key}, key)}
    return [car for car in _with_us(train.cars) if car.key in found - set(keys)]


# Gates.


def _at_gate(world: World, train: Train, now: float) -> list[ev.Event]:
    frozen = any(
        world.frozen(car.key) or window_for(world, car.key, now) is not None for car in train.cars
    )
    if train.expiry_s is not None and now >= train.since + train.expiry_s and not frozen:
        cause = f"nobody decided within {duration(train.expiry_s)}"
        return [ev.TrainTurned(train=train.name, to="back", cause=cause)]
    passed = train.standing == "units" and not any(
        place_of(world, car) == "gate" for car in train.at_work
    )
    if passed:
        why = "its units were promoted one by one"
        return [ev.TrainPromoted(train=train.name, group=train.open_to, note=why)]
    if train.standing == "between" and not _with_us(train.groups[train.group + 1]):
        why = f"nothing of group {train.group + 2} goes on"
        return [ev.TrainPromoted(train=train.name, group=train.open_to, note=why)]
    return []


def _stand(train: Train, standing: Standing, what: str) -> list[ev.Event]:
    return [ev.TrainStood(train=train.name, standing=standing, what=what)]


# Forward.


def _group_at_work(world: World, train: Train, now: float) -> list[ev.Event]:
    if events := _begin(world, train, train.group, now):
        return events
    cars = _with_us(train.at_work)
    begun = [car for car in cars if car.rollout]
    waits = [car for car in begun if place_of(world, car) == "gate"]
    others = [car for car in begun if car not in waits]
    full = train.at_once is not None and len(waits) >= train.at_once
    if not waits or any(place_of(world, car) not in THERE for car in others):
        return []
    if len(begun) < len(cars) and not full:
        return []  # one that cannot begin yet comes to this gate too
    return _stand(train, "units", _shares(world, waits))


def _shares(world: World, cars: list[Car]) -> str:
    """``3 of 3 ready, at 25 %``."""
    weights = sorted({r.weight_percent for car in cars if (r := rollout_of(world, car))})
    shares = ", ".join(f"{weight} %" for weight in weights)
    return f"{len(cars)} of {len(cars)} ready, at {shares}"


def _next_group(world: World, train: Train, now: float) -> list[ev.Event]:
    number = train.group + 1
    total = len(train.groups)
    if number > train.open_to:
        if train.gate == "before" and number == 0:
            return _stand(train, "before", f"{len(train.cars)} units ready to go")
        # A gate that nobody would pass, or before which nothing moved, asks for no decision.
        ahead = _with_us(train.groups[number])
        moved = any(car.rollout for group in _since_gate(train) for car in group)
        if train.gate == "between" and ahead and moved:
            return _stand(train, "between", f"before group {number + 1} of {total}")
    return _begin(world, train, number, now) or [
        ev.TrainMoved(train=train.name, group=number, groups=total)
    ]


def _since_gate(train: Train) -> tuple[tuple[Car, ...], ...]:
    """The groups that began since a person last let the train go on."""
    return train.groups[max(train.open_to, 0) : train.group + 1]


def _begin(world: World, train: Train, number: int, now: float) -> list[ev.Event]:
    """The units of a group that may begin now, begin."""
    cars = _with_us(train.groups[number]) if number >= 0 else []
    under_way = sum(1 for car in cars if place_of(world, car) in ("moving", "gate"))
    room = (train.at_once or len(cars)) - under_way
    found: list[ev.RolloutCreated] = []
    glass: list[ev.Event] = []
    for car in cars:
        if car.rollout or len(found) >= room or blocked(world, train, car, now):
            continue
        state = world.deployments.get(car.key)
        if state and state.stable and state.stable.id == car.order.revision.id:
            why = f"runs {state.stable.version} already"
            return [ev.TrainSetAside(train=train.name, units=(car.key,), why=why)]
        if cause := somebody_moved(state, car):
            return [ev.TrainTurned(train=train.name, to="held", cause=cause)]
        try:
            found.append(_depart(world, train, car, now))
        except GaesupError as error:
            cause = f"{car.key} cannot begin: {error.message}"[:500]
            return [ev.TrainTurned(train=train.name, to="held", cause=cause)]
        why, who = glass_of(train, car, now)
        order = car.order.model_copy(update={"break_glass": why})
        glass += break_glass(world, order, car.key, now, who=who)
    if not found:
        return []
    begins = tuple(created.rollout.id for created in found)
    moved = ev.TrainMoved(train=train.name, group=number, groups=len(train.groups), begins=begins)
    return [moved, *found, *glass]


def blocked(world: World, train: Train, car: Car, now: float) -> str | None:
    """Why a unit whose turn has come may not begin now; None when it may."""
    state = world.deployments.get(car.key)
    if state and state.hold:
        return f"its automation is held ({state.hold.why}): release it first, with a reason"
    window = window_for(world, car.key, now)
    if window and not glass_of(train, car, now)[0]:
        return window.words
    return (
        _behind(world, train, car)
        or under_way(state)
        or why_not(world, "deploy", car.key, now, train.by)
    )


def _behind(world: World, train: Train, car: Car) -> str | None:
    """A unit of an earlier group that was stepped back since its turn: it is waited for again."""
    for group in train.groups:
        if any(each.key == car.key for each in group):
            return None
        for earlier in _with_us(group):
            if place_of(world, earlier) not in THERE:
                return f"{earlier.key} does not get all traffic now: it goes first"
    return None


def under_way(state: Deployment | None) -> str | None:
    """What moves there, or is queued: a deploy by hand might be queued too, a train is not, and
    takes nobody's turn."""
    if state and state.active:
        return f"{state.active.candidate.version} is on its way: promote or abort it first"
    if state and state.queued:
        return f"{state.queued.deploy.revision.version} is queued there: its turn comes first"
    return None


def stands_still(world: World, car: Car, now: float) -> str | None:
    """Why a unit under way may not let go of its base now; None when it may."""
    state = world.deployments[car.key]
    if stop := world.stop_for(car.key):
        return f"stopped by {stop.by.name}: release it first, with a reason"
    if state.hold:
        return f"its automation is held ({state.hold.why}): release it first, with a reason"
    window = standing_in(world, state, now)
    return window.words if window else None


def _depart(world: World, train: Train, car: Car, now: float) -> ev.RolloutCreated:
    why = f"train {train.name}{': ' + train.why if train.why else ''}"[:500]
    order = car.order.model_copy(update={"why": why})
    created = begins_at_gate(world, begin_deploy(world, order, train.by, now), order.policy)
    rollout = created.rollout
    plan = with_stops(rollout.plan, train.name)
    spec = rollout.spec.model_copy(update={"plan": plan})
    on_train = rollout.model_copy(update={"spec": spec, "plan": plan})
    return created.model_copy(update={"rollout": on_train})


def _arrive(world: World, train: Train, now: float) -> list[ev.Event]:
    """Once all have baked, all of them let go of what they came from; then it is over."""
    cars = _with_us(train.cars)
    places = [place_of(world, car) for car in cars]
    if all(place == "through" for place in places):
        going = any(place_of(world, car) == "going back" for car in train.cars)
        return [] if going else [finish(world, train)]
    if any(place not in ("ready", "leaving", "through") for place in places):
        return []
    ready = [car for car, place in zip(cars, places, strict=True) if place == "ready"]
    if any(stands_still(world, car, now) for car in ready):
        return []
    note = f"train {train.name} arrived"
    return [event for car in ready for event in pass_stop(world, car, note)]


def pass_stop(world: World, car: Car, note: str) -> list[ev.Event]:
    """A unit that stands at a stop of the train goes on."""
    rollout = rollout_of(world, car)
    assert rollout is not None  # it stands at one
    key = car.key
    passed = ev.StepCompleted(deployment=key, index=rollout.index, result="skipped", note=note)
    if rollout.index + 1 < len(rollout.plan):
        return [passed]
    return [passed, ev.RolloutFinished(deployment=key, outcome="promoted")]
