"""Trains among people who do anything at any moment: stops, hands on single units, new lives."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from gaesup_tui.domain import commands as cmd
from gaesup_tui.domain import events as ev
from gaesup_tui.domain.errors import GaesupError
from gaesup_tui.domain.rollout import Actor
from gaesup_tui.domain.train_back import is_our_rollback
from gaesup_tui.domain.train_cars import THERE, place_of, rollout_of
from gaesup_tui.domain.train_viewing import train_view

from .train_yard import GATED, QUICK, Yard, key_of, order

NEEDS = {"a": (), "b": ("a",), "c": ("a",), "d": ("b", "c")}
UNITS = tuple(NEEDS)


class Chaos(Yard):
    """A yard that looks at every event of a train before it is folded in."""

    def record(self, events: Sequence[ev.Event], by: Actor) -> Sequence[ev.Event]:
        for event in events:
            if isinstance(event, ev.TrainMoved):
                self._begins(event)
            super().record([event], by)
        return events

    def _begins(self, event: ev.TrainMoved) -> None:
        train = self.world.train(event.train)
        assert train is not None
        assert train.phase == "forward"
        for rollout in event.begins:
            key = rollout.partition("#")[0]
            assert self.world.stop_for(key) is None, f"{key} begins though it is stopped"
            for unit in NEEDS[key.partition("@")[0]]:
                [needed] = [car for car in train.cars if car.key == key_of(unit)]
                runs = self.world.deployments[needed.key].stable
                there = runs is not None and runs.version == "v2"
                assert place_of(self.world, needed) in THERE or there, f"{key} begins before {unit}"

    def do(self, command: cmd.Command) -> None:
        """Asks; a refusal changes nothing."""
        before = self.world.snapshot()
        try:
            self.ask(command)
        except GaesupError:
            if self.world.snapshot() != before:
                raise


def on_unit(make: Callable[[str], cmd.Command]) -> list[Callable[[Chaos], None]]:
    return [lambda yard, unit=unit: yard.do(make(unit)) for unit in UNITS]  # type: ignore[misc]


def started(yard: Chaos, policy: str, gate: str, gated: bool) -> None:
    orders = tuple(
        order(
            unit,
            "v2",
            needs,
            strategy="canary" if gated else "rolling",
            spec=GATED if gated else QUICK,
        )
        for unit, needs in NEEDS.items()
    )
    yard.do(
        cmd.TrainStart.model_validate(
            {
                "train": "spring",
                "environment": "production",
                "orders": orders,
                "on_failure": policy,
                "gate": gate,
                "expiry_s": 300,
            }
        )
    )


def slept(seconds: float) -> Callable[[Chaos], None]:
    return lambda yard: yard.later(seconds)


DEEDS: list[Callable[[Chaos], None]] = [
    *on_unit(lambda unit: cmd.Promote(deployment=key_of(unit))),
    *on_unit(lambda unit: cmd.Abort(deployment=key_of(unit))),
    *on_unit(lambda unit: cmd.Rollback(deployment=key_of(unit))),
    *on_unit(lambda unit: cmd.Retry(deployment=key_of(unit))),
    *on_unit(lambda unit: cmd.Pause(deployment=key_of(unit))),
    *on_unit(lambda unit: cmd.Resume(deployment=key_of(unit))),
    *on_unit(lambda unit: order(unit, "v9", NEEDS[unit])),
    *on_unit(lambda unit: cmd.Stop(scope=key_of(unit))),
    *on_unit(lambda unit: cmd.Stop(scope=key_of(unit), mode="freeze")),
    *on_unit(lambda unit: cmd.Release(scope=key_of(unit), why="over")),
    lambda yard: yard.do(cmd.Stop()),
    lambda yard: yard.do(cmd.GlobalRollback(why="all wrong")),
    lambda yard: yard.do(cmd.Release(why="over")),
    lambda yard: yard.do(cmd.TrainAbort(train="spring")),
    *[lambda yard: yard.do(cmd.TrainPromote(train="spring"))] * 6,
    *[lambda yard: yard.reborn()] * 2,
    *[lambda yard: yard.sick.update({"b"}), lambda yard: yard.sick.clear()],
    *[slept(0), slept(0), slept(5), slept(20), slept(90)],
]


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(["rollback", "hold", "continue"]),
    st.sampled_from(["before", "between", "none"]),
    st.booleans(),
    st.lists(st.sampled_from(DEEDS), max_size=30),
)
def test_whatever_people_do_a_train_keeps_its_order_and_comes_to_an_end(
    policy: str, gate: str, gated: bool, deeds: list[Callable[[Chaos], None]]
) -> None:
    yard = Chaos(NEEDS)
    started(yard, policy, gate, gated)
    for deed in deeds:
        deed(yard)
        yard.round()
        for train in yard.world.trains:
            view = train_view(yard.world, train, yard.now)
            assert view["text"]
            assert all(car["text"] for group in view["groups"] for car in group)
    _let_go(yard)
    [train] = yard.world.trains
    assert train.phase == "finished", train
    if train.outcome == "returned":
        for car in train.cars:
            own, state = rollout_of(yard.world, car), yard.world.deployments[car.key]
            ours = own and state.rollout and state.rollout.id == own.id
            if own and (ours or is_our_rollback(state, car, own.base.id if own.base else "")):
                assert state.stable is None or state.stable.version != "v2"


def _let_go(yard: Chaos) -> None:
    """People release what they stopped, resume what they paused, and let the train go on."""
    yard.sick.clear()
    for stop in yard.world.stops:
        yard.do(cmd.Release(scope=stop.scope, why="over"))
    for _ in range(40):
        ours = {car.rollout for car in yard.train.cars}
        for unit in UNITS:
            state = yard.state(unit)
            if state.hold:
                yard.do(cmd.ReleaseHold(deployment=state.key, why="looked at it"))
            if state.active and state.active.paused:
                yard.do(cmd.Resume(deployment=state.key))
            if state.active and state.active.id not in ours:
                yard.do(cmd.Promote(deployment=state.key))
        yard.do(cmd.TrainPromote(train="spring"))
        yard.later(30)
        if yard.train.phase == "finished":
            return
