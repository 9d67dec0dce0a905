"""What a person may ask of a train, and what follows; refusals say why."""

from __future__ import annotations

from gaesup_tui.domain import commands as cmd
from gaesup_tui.domain import events as ev
from gaesup_tui.domain.allowed import why_not
from gaesup_tui.domain.calendar_rules import taken
from gaesup_tui.domain.dependencies import circle
from gaesup_tui.domain.deploying import begin_deploy
from gaesup_tui.domain.errors import Invalid, Moved, NotFound, Refused
from gaesup_tui.domain.freezing import break_glass
from gaesup_tui.domain.locks import same_person
from gaesup_tui.domain.rollout import Actor
from gaesup_tui.domain.second_person import asks_two
from gaesup_tui.domain.text import printable_line, some
from gaesup_tui.domain.train import Car, Train
from gaesup_tui.domain.train_cars import needs_in, place_of, rollout_of, somebody_moved
from gaesup_tui.domain.train_glass import broken, in_the_way
from gaesup_tui.domain.train_order import Needs, dependencies_first
from gaesup_tui.domain.train_rules import (
    blocked,
    needing,
    pass_stop,
    stands_still,
    take_back,
    under_way,
)
from gaesup_tui.domain.world import World

TRAIN_ACTIONS = ("train_promote", "train_abort")


def train_of(world: World, name: str) -> Train:
    """Raises ``NotFound`` with the names there are."""
    train = world.train(name)
    if train is None:
        known = ", ".join(train.name for train in world.trains) or "none"
        raise NotFound(f"there is no train {printable_line(name, 80)}", hint=f"trains: {known}")
    return train


def train_why_not(
    world: World, action: str, train: Train, now: float, by: Actor | None = None
) -> str | None:
    """None when the action is possible now, else one line that says why not. ``by`` None: whether
    it is for anybody. A freeze window in the way is one for ``train_glass``."""
    if train.phase == "finished":
        return f"it is over: {train.outcome}"
    if train.phase == "back":
        return "it is on the way back already"
    if action == "train_abort":
        return None
    if by and same_person(train.by, by) and asks_two(world, train.cars[0].key):
        return f"two persons have to agree here, and you began {train.name}: another has to promote"
    if train.phase == "held":
        return None
    if train.phase == "forward":
        return f"it stands at no gate: {at_work(world, train, now)}"
    shut = (_shut(world, car, now, by) for car in _waiting(world, train))
    return next((reason for reason in shut if reason), None)


def trains_why_not(world: World, action: str, now: float) -> str | None:
    """None when the action is possible for some train, else why not for the one under way."""
    reasons = [train_why_not(world, action, train, now) for train in world.trains if train.active]
    if None in reasons:
        return None
    return reasons[-1] if reasons else "no train is under way"


def _shut(world: World, car: Car, now: float, by: Actor | None) -> str | None:
    reason = why_not(world, "promote", car.key, now, by)
    return f"{car.key}: {reason}" if reason else None


def _waiting(world: World, train: Train) -> list[Car]:
    return [car for car in train.at_work if place_of(world, car) == "gate"]


def at_work(world: World, train: Train, now: float) -> str:
    """What a train that goes forward waits for, in words."""
    places = {car.key: place_of(world, car) for car in train.cars if not car.aside}
    moving = [key for key, place in places.items() if place == "moving"]
    if moving:
        return f"{some(moving, 3)} on the way"
    if waits := [key for key, place in places.items() if place == "gate"]:
        return f"{some(waits, 3)} at the gate, others are still to come there"
    shut = [
        f"{car.key}: {reason}"
        for car in train.at_work
        if places.get(car.key) == "to come" and (reason := blocked(world, train, car, now))
    ]
    if shut:
        return some(shut, 2)
    still = [
        f"{car.key}: {reason}"
        for car in train.cars
        if places.get(car.key) in ("arrived", "ready") and (reason := stands_still(world, car, now))
    ]
    if still:
        return some(still, 2)
    baking = [key for key, place in places.items() if place == "arrived"]
    return f"{some(baking, 3)} still bake" if baking else "about to go on"


def start_train(world: World, command: cmd.TrainStart, by: Actor, now: float) -> list[ev.Event]:
    """The train is put together; its first group follows with ``decide_trains``.

    Raises:
        Invalid: a unit is named twice or lies elsewhere, or they need each other in a circle.
        Refused: the train runs already, or one of its units may not move now: each says why.
        Moved: a unit changed since its ``expect_seq``.
    """
    cars, needs = _checked(world, command, by, now)
    groups = dependencies_first(needs, cars)
    return [
        *taken(world, command.orders[0].policy),
        ev.TrainStarted(
            train=command.train,
            environment=command.environment,
            groups=tuple(tuple(cars[key] for key in group) for group in groups),
            gate=command.gate,
            on_failure=command.on_failure,
            at_once=command.at_once,
            expiry_s=command.expiry_s,
            why=command.why,
        ),
    ]


def _checked(
    world: World, command: cmd.TrainStart, by: Actor, now: float
) -> tuple[dict[str, Car], Needs]:
    name, place = command.train, command.environment
    running = world.train(name)
    if running and running.active:
        raise Refused(
            f"train {name} is under way already, by {running.by.name}",
            hint=f"`gaesup train status {name}`, or give this one another --name",
        )
    for number, order in enumerate(command.orders):
        if order.deployment.partition("@")[2] != place:
            raise Invalid(f"train {name}: {order.deployment} is not in {place}")
        if order.deployment in {other.deployment for other in command.orders[:number]}:
            raise Invalid(f"train {name}: {order.deployment} is named twice")
    orders = {
        order.deployment: tuple(f"{unit}@{place}" for unit in order.depends_on)
        for order in command.orders
    }
    needs = dict(needs_in(world, place, orders))
    if found := circle({key: needs[key] for key in orders}):
        raise Invalid(f"train {name}: units need each other in a circle: {' → '.join(found)}")
    problems = [
        f"{order.deployment}: {problem}"
        for order in command.orders
        if (problem := _cannot_go(world, order, by, now))
    ]
    if problems:
        raise Refused(f"train {name} cannot start: {some(problems, 4)}")
    cars = {order.deployment: _car(world, order) for order in command.orders}
    if all(car.aside for car in cars.values()):
        raise Refused(f"train {name}: every unit runs its version already")
    return cars, needs


def _cannot_go(world: World, order: cmd.Deploy, by: Actor, now: float) -> str | None:
    key = order.deployment
    state = world.deployments.get(key)
    if order.expect_seq is not None and order.expect_seq != (state.seq if state else 0):
        raise Moved(f"{key} moved since you looked", hint="look again, then decide")
    other = next((t for t in world.trains if t.active and key in {c.key for c in t.cars}), None)
    if other:
        return f"it is on train {other.name} already"
    if state and state.hold:
        return f"its automation is held ({state.hold.why}): release it first, with a reason"
    if reason := under_way(state) or why_not(world, "deploy", key, now, by):
        return reason
    try:
        break_glass(world, order, key, now, *(order.policy.windows if order.policy else ()))
    except Refused as refusal:
        return refusal.message.partition(": ")[2]
    return _no_plan(world, order, by, now)


def _no_plan(world: World, order: cmd.Deploy, by: Actor, now: float) -> str | None:
    """Why nothing can be made of an order; None when something can."""
    try:
        begin_deploy(world, order, by, now)
    except Invalid as error:
        return error.message
    except Refused:
        pass  # it runs there already, and is set aside
    return None


def _car(world: World, order: cmd.Deploy) -> Car:
    order = order.model_copy(update={"policy": None, "expect_seq": None})
    state = world.deployments.get(order.deployment)
    stable = state.stable if state else None
    if stable is None:
        return Car(order=order)
    runs = f"runs {stable.version} already" if stable.id == order.revision.id else ""
    return Car(order=order, leaves=stable.version, leaves_revision=stable.id, aside=runs)


def _asked(
    world: World, action: str, name: str, by: Actor, now: float, expect_seq: int | None = None
) -> Train:
    train = train_of(world, name)
    if expect_seq is not None and train.seq != expect_seq:
        raise Moved(f"train {name} moved since you looked", hint="look again, then decide")
    if reason := train_why_not(world, action, train, now, by):
        raise Refused(f"{action.replace('_', ' ')} {name}: {reason}")
    return train


def promote_train(world: World, command: cmd.TrainPromote, by: Actor, now: float) -> list[ev.Event]:
    """The gate is passed, for all units at it; or what is left of a held train goes on."""
    train = _asked(world, "train_promote", command.train, by, now, command.expect_seq)
    window, why = in_the_way(world, train, now), command.break_glass.strip()
    if window is None:
        return _promoted(world, train, command.why)
    if not why:
        raise Refused(
            f"train promote {train.name}: {window.words}: nothing goes forward",
            hint="`train abort` and stop act; `--break-glass REASON` goes on all the same",
        )
    first, *rest = _promoted(world, train, command.why)
    told = first.model_copy(update={"glass": why, "glass_until": window.until})
    return [told, *broken(world, train, window, why, now), *rest]


def _promoted(world: World, train: Train, why: str) -> list[ev.Event]:
    if train.phase == "held":
        return _go_on(world, train, why)
    group = train.open_to if train.standing == "units" else train.group + 1
    events: list[ev.Event] = [ev.TrainPromoted(train=train.name, group=group, why=why)]
    for car in _waiting(world, train) if train.standing == "units" else ():
        rollout = rollout_of(world, car)
        assert rollout is not None  # it waits
        events.append(
            ev.DecisionMade(deployment=car.key, index=rollout.index, why=f"train {train.name}")
        )
        events += pass_stop(world, car, f"train {train.name} promoted")
    return events


def _go_on(world: World, train: Train, why: str) -> list[ev.Event]:
    """What went back or was moved by hand stays behind, and what needs it with it."""
    lost = [
        car
        for car in train.cars
        if not car.aside and place_of(world, car) in ("going back", "back", "elsewhere")
    ]
    behind = needing(world, train, [car.key for car in lost])
    states = world.deployments
    accepted = [
        car.key
        for car in train.cars
        if not car.rollout and not car.aside and somebody_moved(states.get(car.key), car)
    ]
    left = {car.key for car in behind}
    promoted = ev.TrainPromoted(
        train=train.name,
        group=train.open_to,
        aside=(*(car.key for car in lost), *(car.key for car in behind)),
        accepted=tuple(key for key in accepted if key not in left),
        note=train.cause,
        why=why,
    )
    return [promoted, *take_back(world, train, behind, train.cause)]


def abort_train(world: World, command: cmd.TrainAbort, by: Actor, now: float) -> list[ev.Event]:
    """Everything goes back; the first group's turn follows with ``decide_trains``."""
    train = _asked(world, "train_abort", command.train, by, now)
    cause = f"asked for by {by.name}{': ' + command.why if command.why else ''}"[:500]
    return [ev.TrainTurned(train=train.name, to="back", cause=cause)]
