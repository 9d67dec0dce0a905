"""Release trains: order and gates, and what is refused."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gaesup_tui.domain import commands as cmd
from gaesup_tui.domain.errors import Invalid, Moved, NotFound, Refused
from gaesup_tui.domain.events import Recorded, StopReleased
from gaesup_tui.domain.train_rules import under_way
from gaesup_tui.engine.decisions import decide_order
from gaesup_tui.engine.draft import Draft, Order

from .train_yard import GATED, KIM, SHOP, Yard, due, graphs, key_of, order, places


@settings(max_examples=25, deadline=None)
@given(graphs(), st.integers(1, 4), st.data())
def test_nothing_moves_before_what_it_needs_and_all_of_it_arrives(
    needs: dict[str, tuple[str, ...]], at_once: int, data: st.DataObject
) -> None:
    yard = Yard(needs)
    chosen = data.draw(st.sets(st.sampled_from(list(needs)), min_size=1))
    yard.start(dict.fromkeys(chosen, "v2"), at_once=at_once)
    for _ in range(60):
        moving = [p for p in places(yard) if p in ("moving", "gate")]
        assert len(moving) <= at_once
        if not yard.round() and yard.train.phase == "finished":
            break
        yard.now += 5
        yard.reborn()
    assert yard.train.outcome == "arrived"
    assert {unit for unit in needs if yard.runs(unit) == "v2"} == chosen
    begun = yard.begun()
    for unit in chosen:
        for other in set(needs[unit]) & chosen:
            assert begun.index(other) < begun.index(unit)


def test_what_runs_its_version_already_is_left_out_and_does_not_count() -> None:
    yard = Yard()
    yard.ask(order("catalog", "v2", replicas=1))
    yard.rest()
    yard.sick = {"cart"}
    yard.start()
    yard.later(0)
    yard.later(61)
    yard.rest()
    assert yard.train.outcome == "returned"
    assert [yard.runs(unit) for unit in SHOP] == ["v2", "v1", "v1"]
    yard.sick = set()
    yard.ask(cmd.ReleaseHold(deployment=key_of("cart"), why="found it"))
    yard.start()
    yard.rest()
    assert all(yard.runs(unit) == "v2" for unit in SHOP)


def test_one_gate_for_all_that_wait_and_one_key_for_it() -> None:
    yard = Yard({"a": (), "b": (), "c": ("a",)})
    yard.start(strategy="canary", spec=GATED)
    yard.settle()
    assert yard.train.phase == "gate"
    assert yard.train.standing == "units"
    assert places(yard)[:2] == ["gate", "gate"]
    yard.promote()
    yard.settle()
    assert places(yard) == ["arrived", "arrived", "gate"]
    yard.promote()
    yard.rest()
    assert yard.train.outcome == "arrived"


def test_one_at_a_time_each_passes_its_gate_before_the_next_begins() -> None:
    yard = Yard({"a": (), "b": (), "c": ()})
    yard.start(strategy="canary", spec=GATED, at_once=1)
    for number in range(3):
        yard.settle()
        assert yard.train.standing == "units"
        assert len(yard.begun()) == number + 1
        yard.promote()
    yard.rest()
    assert yard.train.outcome == "arrived"


def test_the_last_few_are_remembered_and_those_under_way() -> None:
    yard = Yard({"a": (), "b": ()})
    orders = (order("b", "v2"),)
    yard.ask(cmd.TrainStart(train="slow", environment="production", orders=orders, gate="before"))
    for number in range(7):
        orders = (order("a", f"v{number + 2}"),)
        name = f"t{number}"
        yard.ask(cmd.TrainStart(train=name, environment="production", orders=orders, gate="none"))
        yard.rest()
        yard.settle()
    assert [train.name for train in yard.world.trains] == ["slow", "t2", "t3", "t4", "t5", "t6"]


def test_a_gate_is_reached_only_once_all_of_the_group_stand_there() -> None:
    yard = Yard({"a": (), "b": ()})
    yard.sick = {"b"}
    yard.start(strategy="canary", spec=GATED)
    yard.settle()
    assert yard.train.standing is None
    with pytest.raises(Refused, match="it stands at no gate: b@production on the way"):
        yard.promote()
    yard.sick = set()
    yard.settle()
    assert yard.train.standing == "units"


def test_it_waits_between_groups_when_it_is_told_to() -> None:
    yard = Yard()
    yard.start(gate="between")
    yard.settle()
    assert (yard.train.standing, yard.begun()) == ("between", ["catalog"])
    yard.later(60)
    assert yard.begun() == ["catalog"]
    yard.promote()
    yard.settle()
    assert yard.begun() == ["catalog", "cart"]
    yard.promote()
    yard.rest()
    assert yard.train.outcome == "arrived"


def test_before_the_first_group_when_it_is_told_to() -> None:
    yard = Yard()
    yard.start(gate="before")
    yard.settle()
    assert yard.begun() == []
    yard.promote()
    yard.rest()
    assert yard.train.outcome == "arrived"


def test_a_gate_nobody_passes_expires_and_a_freeze_puts_that_off() -> None:
    yard = Yard()
    yard.start(gate="between", expiry_s=100)
    yard.settle()
    reached = yard.now
    assert due(yard) == reached + 100
    yard.later(50)
    yard.ask(cmd.Stop(scope="production", mode="freeze"))
    yard.later(500)
    assert yard.train.phase == "gate"
    yard.ask(cmd.Release(scope="production", why="over"))
    assert due(yard) == yard.now + 50
    yard.later(60)
    yard.rest()
    assert yard.train.outcome == "returned"
    assert yard.train.cause == "nobody decided within 1m40"


def test_units_promoted_one_by_one_open_the_gate_too() -> None:
    yard = Yard({"a": (), "b": ()})
    yard.start(strategy="canary", spec=GATED)
    yard.settle()
    for unit in "ab":
        yard.ask(cmd.Promote(deployment=key_of(unit)))
    yard.settle()
    assert yard.train.phase == "forward"
    yard.rest()
    assert yard.train.outcome == "arrived"


@pytest.mark.parametrize(
    ("orders", "error", "what"),
    [
        ((order("a", "v2"), order("a", "v3")), Invalid, "a@production is named twice"),
        ((order("a", "v2", ["b"]), order("b", "v2", ["a"])), Invalid, "in a circle"),
        ((order("a", "v1"),), Refused, "every unit runs its version already"),
        ((order("a", "v2", expect_seq=1),), Moved, "moved since you looked"),
    ],
)
def test_what_cannot_work_is_refused_whole(orders: Any, error: type[Exception], what: str) -> None:
    yard = Yard({"a": (), "b": ()})
    before = yard.world.snapshot()
    with pytest.raises(error, match=what):
        yard.ask(cmd.TrainStart(train="spring", environment="production", orders=orders))
    assert yard.world.snapshot() == before


def test_every_unit_that_may_not_move_is_named_before_any_does() -> None:
    yard = Yard()
    yard.ask(cmd.Stop(scope="cart@production"))
    yard.ask(order("checkout", "v8", strategy="canary", spec=GATED))
    yard.settle()
    with pytest.raises(Refused) as refused:
        yard.start()
    assert "cart@production: stopped by kim" in str(refused.value)
    assert "checkout@production: v8 is on its way" in str(refused.value)


def test_a_unit_is_on_one_train_and_one_name_is_one_train() -> None:
    yard = Yard()
    yard.start(gate="before")
    yard.settle()
    with pytest.raises(Refused, match="under way already, by kim"):
        yard.start()
    with pytest.raises(Refused, match="on train spring already"):
        yard.ask(
            cmd.TrainStart(train="autumn", environment="production", orders=(order("cart", "v3"),))
        )
    with pytest.raises(NotFound, match="there is no train autumn"):
        yard.ask(cmd.TrainAbort(train="autumn"))
    yard.ask(cmd.TrainAbort(train="spring"))
    yard.settle()
    yard.start()
    yard.rest()
    assert yard.train.outcome == "arrived"


def test_a_decision_on_an_old_sight_is_refused() -> None:
    yard = Yard()
    yard.start(gate="between")
    yard.settle()
    seen = yard.train.seq
    yard.promote()
    yard.settle()
    with pytest.raises(Moved, match="train spring moved since you looked"):
        yard.ask(cmd.TrainPromote(train="spring", expect_seq=seen))


def test_a_train_with_an_order_nothing_can_be_made_of_does_not_start() -> None:
    yard = Yard({"a": (), "b": ("a",)})
    with pytest.raises(Refused, match="a@production: an A/B test compares conversions"):
        yard.start(strategy="abTest")
    assert yard.world.trains == ()


def test_a_unit_that_moves_is_not_put_on_a_train_even_if_a_deploy_would_be_queued() -> None:
    yard = Yard()
    queueing = {**GATED, "whileMoving": "queue"}
    yard.ask(order("cart", "v2", ("catalog",), strategy="canary", spec=queueing))
    train = cmd.TrainStart(
        train="friday", environment="production", orders=(order("cart", "v3", ("catalog",)),)
    )
    with pytest.raises(Refused, match="cart@production: v2 is on its way"):
        yard.ask(train)


async def test_a_stale_look_at_a_train_is_refused_and_the_engine_lives_on() -> None:
    yard = Yard()
    yard.start()
    stale = cmd.TrainPromote(train=yard.train.name, expect_seq=0)
    order = Order(stale, KIM, asyncio.get_running_loop().create_future())
    draft = Draft.on(yard.world)
    journal = [Recorded(seq=9, at=yard.now, by=KIM, event=StopReleased(why="over"))]
    decide_order(draft, order, yard.now, journal)
    ((_, refusal),) = draft.refusals
    assert isinstance(refusal, Moved)
    assert "moved since you looked" in str(refusal)


def test_a_train_takes_no_turn_of_what_is_queued() -> None:
    yard = Yard()
    queueing = {**GATED, "whileMoving": "queue"}
    for version in ("v3", "v4"):
        yard.ask(order("cart", version, ("catalog",), strategy="canary", spec=queueing))
    yard.ask(cmd.Abort(deployment=key_of("cart")))
    for _ in range(20):
        yard.round()
    assert yard.state("cart").active is None
    assert under_way(yard.state("cart")) == "v4 is queued there: its turn comes first"
