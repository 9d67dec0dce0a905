"""A release train as people are shown it while it is under way."""

from __future__ import annotations

from gaesup_tui.domain.rollout import Rollout
from gaesup_tui.domain.text import some
from gaesup_tui.domain.train import Car, Train
from gaesup_tui.domain.train_back import is_our_rollback
from gaesup_tui.domain.train_cars import THERE, place_of, rollout_of
from gaesup_tui.domain.train_commands import TRAIN_ACTIONS, at_work, train_why_not
from gaesup_tui.domain.train_glass import in_the_way
from gaesup_tui.domain.train_rules import blocked, needing
from gaesup_tui.domain.train_views import CarView, TrainView
from gaesup_tui.domain.world import World


def train_view(world: World, train: Train, now: float) -> TrainView:
    """Where a train stands."""
    waits = train.phase in ("gate", "held")
    window = in_the_way(world, train, now) if waits else None
    expires = train.phase == "gate" and train.expiry_s is not None
    return TrainView(
        name=train.name,
        environment=train.environment,
        by=train.by.name,
        at=train.at,
        why=train.why,
        seq=train.seq,
        phase=train.phase,
        outcome=train.outcome,
        text=_text(world, train, now),
        since=train.since,
        person=waits,
        until=train.since + (train.expiry_s or 0.0) if expires else None,
        group=train.group,
        groups=[[_car(world, train, car, now) for car in group] for group in train.groups],
        gate=train.gate,
        on_failure=train.on_failure,
        at_once=train.at_once,
        cause=train.cause,
        note=train.note,
        finished_at=train.finished_at,
        on_promote=_on_promote(world, train),
        glass=window.words if window else "",
        way_back=way_back(world, train),
        actions={action: train_why_not(world, action, train, now) for action in TRAIN_ACTIONS},
    )


def _text(world: World, train: Train, now: float) -> str:
    total = len(train.groups)
    here = f"group {max(train.group, 0) + 1} of {total}"
    match train.phase:
        case "finished":
            return f"{train.outcome}{': ' + train.note if train.note else ''}"
        case "back":
            return f"goes back: {_still(world, train)}{train.cause}"
        case "held":
            return f"held: {train.cause}"
        case "gate" if train.standing == "before":
            return f"{len(train.cars)} units ready to go, waits for you"
        case "gate" if train.standing == "between":
            return f"before group {train.group + 2} of {total}, waits for you"
        case "gate":
            return f"{_ready(world, train)}, waits for you ({here})"
    return f"{here}: {at_work(world, train, now)}"


def _ready(world: World, train: Train) -> str:
    waits = [rollout_of(world, car) for car in train.at_work if place_of(world, car) == "gate"]
    shares = ", ".join(f"{weight} %" for weight in sorted({r.weight_percent for r in waits if r}))
    with_us = sum(1 for car in train.at_work if not car.aside)
    return f"{len(waits)} of {with_us} ready, at {shares}"


def _still(world: World, train: Train) -> str:
    begun = [car for car in train.cars if car.rollout]
    back = sum(1 for car in begun if place_of(world, car) == "back" or _rolled_back(world, car))
    return f"{back} of {len(begun)} back; "


def _rolled_back(world: World, car: Car) -> bool:
    own, state = rollout_of(world, car), world.deployments.get(car.key)
    return bool(own and own.base and state and is_our_rollback(state, car, own.base.id))


def _car(world: World, train: Train, car: Car, now: float) -> CarView:
    rollout = rollout_of(world, car)
    place = place_of(world, car)
    is_aside = bool(car.aside) and place not in ("going back", "back")
    return CarView(
        deployment=car.key,
        leaves=car.leaves,
        to=car.order.revision.version,
        place="aside" if is_aside else place,
        text=car.aside if is_aside else _words(world, train, car, rollout, now),
        weight=rollout.weight_percent if rollout and rollout.active else 0,
    )


def _words(world: World, train: Train, car: Car, rollout: Rollout | None, now: float) -> str:
    base = car.leaves or "nothing"
    share = f"{rollout.weight_percent} %" if rollout else ""
    match place_of(world, car):
        case "to come":
            if not train.active or train.phase == "back":
                return "was not begun"
            its_turn = any(car.key == each.key for each in train.at_work)
            reason = blocked(world, train, car, now) if its_turn else None
            return reason or "its turn is to come"
        case "moving":
            step = rollout.step if rollout else None
            paused = rollout.paused if rollout else None
            what = f"paused by {paused.by.name}" if paused else step.title() if step else ""
            return f"{share}, {what}"
        case "gate":
            return f"{share}, at the gate"
        case "arrived":
            return f"{share}, bakes; {base} stays warm"
        case "ready":
            return f"{share}, ready; {base} stays warm"
        case "leaving":
            return f"{share}, lets go of {base}"
        case "through":
            return "100 %, stable"
        case "going back":
            return f"goes back to {base}: {_why(rollout)}"
        case "back":
            return f"back on {base}: {_why(rollout)}"
    if _rolled_back(world, car):
        return f"rolled back to {base}"
    stable = world.deployments[car.key].stable
    return f"moved by hand since: runs {stable.version if stable else 'nothing'}"


def _why(rollout: Rollout | None) -> str:
    return rollout.cause.reason if rollout and rollout.cause else ""


def _on_promote(world: World, train: Train) -> str:
    if train.phase == "held":
        lost = [
            car.key
            for car in train.cars
            if not car.aside and place_of(world, car) in ("going back", "back", "elsewhere")
        ]
        behind = [car.key for car in needing(world, train, lost)]
        if not lost:
            return "goes on from what runs now"
        more = f"; also without what needs it: {some(behind)}" if behind else ""
        return f"goes on without {some(lost)}{more}"
    if train.phase != "gate":
        return ""
    if train.standing == "units":
        waits = [car.key for car in train.at_work if place_of(world, car) == "gate"]
        return f"passes the gate of {some(waits)}"
    ahead = train.groups[train.group + 1]
    return f"begins group {train.group + 2}: {some([car.key for car in ahead if not car.aside])}"


def way_back(world: World, train: Train) -> str:
    """What goes back, in its order: ``checkout, then cart, catalog``."""
    groups = []
    for group in reversed(train.groups):
        names = [
            car.order.deployment.partition("@")[0]
            for car in group
            if place_of(world, car) in ("moving", "gate", *THERE)
        ]
        if names:
            groups.append(", ".join(names))
    return ", then ".join(groups) if groups else "nothing has moved"
