"""Release trains: order, gates, what goes wrong, and the way back."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gaesup_tui.domain import commands as cmd
from gaesup_tui.domain import events as ev
from gaesup_tui.domain.errors import Invalid, Moved, NotFound, Refused
from gaesup_tui.domain.events import Recorded, StopReleased
from gaesup_tui.domain.policy import Policy
from gaesup_tui.domain.rollout import Actor
from gaesup_tui.domain.sentences import event_view
from gaesup_tui.domain.train_cars import place_of
from gaesup_tui.domain.train_rules import under_way
from gaesup_tui.domain.train_viewing import train_view
from gaesup_tui.domain.windows import FreezeWindow
from gaesup_tui.engine.decisions import decide_order
from gaesup_tui.engine.draft import Draft, Order

from .train_yard import GATED, KIM, SHOP, Yard, due, key_of, order


def places(yard: Yard) -> list[str]:
    return [place_of(yard.world, car) for car in yard.train.cars]


@st.composite
def graphs(draw: st.DrawFn) -> dict[str, tuple[str, ...]]:
    """Units of which each needs some of those before it: no circles."""
    count = draw(st.integers(2, 7))
    names = [f"u{number}" for number in range(count)]
    return {
        name: tuple(draw(st.sets(st.sampled_from(names[:number]))) if number else ())
        for number, name in enumerate(names)
    }


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


@settings(max_examples=25, deadline=None)
@given(graphs(), st.data())
def test_when_one_goes_back_all_do_dependents_first(
    needs: dict[str, tuple[str, ...]], data: st.DataObject
) -> None:
    yard = Yard(needs)
    bad = data.draw(st.sampled_from(list(needs)))
    yard.sick = {bad}
    yard.start()
    yard.rest()
    yard.settle()
    assert yard.train.outcome == "returned", yard.train
    assert all(yard.runs(unit) == "v1" for unit in needs)
    back = yard.gone_back()
    assert back[0] == bad
    assert sorted(back) == sorted(yard.begun())
    rest = back[1:]
    for unit in rest:
        for other in set(needs[unit]) & set(rest):
            assert rest.index(unit) < rest.index(other)


@settings(max_examples=25, deadline=None)
@given(graphs(), st.integers(0, 40))
def test_aborted_at_any_moment_it_ends_where_it_began(
    needs: dict[str, tuple[str, ...]], rounds: int
) -> None:
    yard = Yard(needs)
    yard.start()
    for _ in range(rounds):
        yard.round()
        yard.now += 1
    if yard.train.active:
        yard.ask(cmd.TrainAbort(train="spring", why="no"))
        yard.rest()
        yard.settle()
        assert yard.train.outcome == "returned"
    wanted = "v2" if yard.train.outcome == "arrived" else "v1"
    assert all(yard.runs(unit) == wanted for unit in needs)


def test_until_all_have_arrived_every_base_is_warm_and_nothing_is_final() -> None:
    yard = Yard()
    yard.sick = {"checkout"}
    yard.start()
    yard.later(0)
    yard.later(30)
    assert places(yard) == ["ready", "ready", "moving"]
    for unit in ("catalog", "cart"):
        state = yard.state(unit)
        assert state.stable is not None
        assert state.stable.version == "v1"
        assert all(count for _, count in state.replica_wishes().values())


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


def test_held_nothing_more_begins_until_a_person_lets_the_rest_go_on() -> None:
    yard = Yard({"a": (), "b": ("a",), "c": ()})
    yard.sick = {"a"}
    yard.start(on_failure="hold")
    yard.later(0)
    yard.later(70)
    assert yard.train.phase == "held"
    assert "a@production v2: not ready within 1m" in yard.train.cause
    yard.later(600)
    assert yard.train.phase == "held"
    yard.promote()
    yard.rest()
    assert yard.train.outcome == "partly"
    assert [yard.runs(unit) for unit in "abc"] == ["v1", "v1", "v2"]
    assert "b" not in yard.begun()


def test_the_others_go_on_but_nothing_that_needs_what_went_back() -> None:
    yard = Yard({"a": (), "b": ("a",), "c": ("b",), "d": ()})
    yard.start(on_failure="continue")
    yard.later(0)
    assert yard.begun() == ["a", "d", "b", "c"]
    yard.ask(cmd.Abort(deployment="b@production", why="bad"))
    yard.rest()
    assert yard.train.outcome == "partly"
    assert [yard.runs(unit) for unit in "abcd"] == ["v2", "v1", "v1", "v2"]
    assert "b@production v2: bad" in yard.train.note


def test_what_a_person_let_finish_before_the_train_arrived_is_rolled_back_too() -> None:
    yard = Yard()
    yard.sick = {"checkout"}
    yard.start()
    yard.later(0)
    yard.later(20)
    yard.ask(cmd.Promote(deployment=key_of("catalog")))
    yard.settle()
    assert yard.runs("catalog") == "v2"
    yard.later(60)
    yard.rest()
    assert yard.train.outcome == "returned"
    assert [yard.runs(unit) for unit in SHOP] == ["v1", "v1", "v1"]


def test_what_a_freeze_keeps_from_being_rolled_back_is_once_it_is_released() -> None:
    yard = Yard()
    yard.start(gate="between")
    yard.later(0)
    yard.later(20)
    yard.ask(cmd.Promote(deployment=key_of("catalog")))
    yard.settle()
    yard.ask(cmd.Stop(mode="freeze"))
    yard.ask(cmd.TrainAbort(train="spring"))
    yard.later(600)
    assert yard.train.phase == "back"
    assert yard.runs("catalog") == "v2"
    yard.ask(cmd.Release(why="over"))
    yard.rest()
    yard.settle()
    assert yard.train.outcome == "returned"
    assert yard.runs("catalog") == "v1"


def test_a_unit_somebody_deployed_meanwhile_is_told_and_not_fought() -> None:
    yard = Yard()
    yard.start(gate="between")
    yard.settle()
    yard.ask(order("cart", "v9", replicas=1))
    yard.settle()
    yard.promote()
    yard.settle()
    assert yard.begun() == ["catalog", "cart"]  # the second is the person's own
    yard.rest()
    assert yard.train.phase == "held"
    assert yard.train.cause == "cart@production runs v9 now, not v1 as when the train began"
    yard.promote()
    yard.rest()
    yard.promote()
    yard.rest()
    assert yard.train.outcome == "arrived"
    assert yard.runs("cart") == "v2"


def test_one_rolled_back_by_hand_after_it_finished_is_told_and_left() -> None:
    yard = Yard()
    yard.start(gate="between")
    yard.later(0)
    yard.later(20)
    yard.ask(cmd.Promote(deployment=key_of("catalog")))
    yard.settle()
    yard.ask(cmd.Rollback(deployment=key_of("catalog")))
    yard.rest()
    assert (yard.train.phase, yard.train.cause) == (
        "held",
        "catalog@production was moved by hand since",
    )
    yard.ask(cmd.TrainAbort(train="spring"))
    yard.rest()
    assert yard.train.outcome == "returned"


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


def test_a_train_never_begins_what_a_stop_covers_and_goes_back_through_one() -> None:
    yard = Yard()
    yard.start(gate="between")
    yard.settle()
    yard.ask(cmd.Stop(scope="cart@production"))
    yard.promote()
    yard.later(600)
    assert yard.begun() == ["catalog"]
    assert yard.train.phase == "forward"
    said = train_view(yard.world, yard.train, yard.now)["text"]
    assert said.startswith("group 2 of 3: cart@production: stopped by kim")
    yard.ask(cmd.TrainAbort(train="spring"))
    yard.rest()
    assert yard.train.outcome == "returned"
    assert yard.runs("catalog") == "v1"


def test_the_emergency_stop_wins_and_the_train_is_over() -> None:
    yard = Yard()
    yard.start(gate="between")
    yard.settle()
    yard.promote()
    yard.ask(cmd.Stop())
    yard.rest()
    assert yard.train.outcome == "returned"
    assert all(yard.runs(unit) == "v1" for unit in SHOP)


def test_a_freeze_holds_it_and_the_abort_of_a_person_goes_through_it() -> None:
    yard = Yard()
    yard.start(gate="between")
    yard.settle()
    yard.ask(cmd.Stop(mode="freeze"))
    yard.promote()
    yard.later(600)
    assert yard.begun() == ["catalog"]
    yard.ask(cmd.TrainAbort(train="spring"))
    yard.rest()
    assert yard.train.outcome == "returned"
    assert yard.runs("catalog") == "v1"


def window(yard: Yard, scope: str) -> None:
    at = datetime.fromtimestamp(yard.now, UTC)
    begins, ends = (f"{at + timedelta(minutes=m):%Y-%m-%dT%H:%M}" for m in (-5, 60))
    frozen = FreezeWindow(name="weekend", begins=begins, ends=ends)
    yard.ask(cmd.AddWindow(scope=scope, window=frozen, why="weekend"))


def test_in_a_freeze_window_it_begins_only_with_broken_glass() -> None:
    yard = Yard()
    window(yard, "cart@production")
    with pytest.raises(Refused, match="cart@production: freeze window weekend"):
        yard.start()
    yard.start({"catalog": "v2"}, gate="none")
    yard.rest()
    assert yard.train.outcome == "arrived"
    yard.start({"cart": "v2"}, glass="it burns")
    yard.rest()
    assert yard.runs("cart") == "v2"
    glass = [each for each in yard.journal if isinstance(each.event, ev.GlassBroken)]
    assert [event_view(each, None)["by"] for each in glass] == ["kim"], "not the engine"


def test_a_freeze_window_that_begins_meanwhile_holds_it_and_not_its_way_back() -> None:
    yard = Yard()
    yard.start(gate="between")
    yard.settle()
    window(yard, "production")
    with pytest.raises(Refused, match="freeze window weekend"):
        yard.promote()
    yard.ask(cmd.TrainAbort(train="spring"))
    yard.rest()
    assert yard.runs("catalog") == "v1"


def test_a_unit_that_is_held_at_the_end_keeps_all_of_them_and_is_named() -> None:
    yard = Yard()
    yard.start()
    yard.later(0)
    yard.ask(cmd.Hold(deployment=key_of("cart"), why="let me look"))
    yard.later(60)
    assert places(yard) == ["ready", "arrived", "ready"]
    said = train_view(yard.world, yard.train, yard.now)["text"]
    assert "cart@production: its automation is held (let me look)" in said
    yard.ask(cmd.ReleaseHold(deployment=key_of("cart"), why="seen"))
    yard.rest()
    assert yard.train.outcome == "arrived"


def test_where_two_persons_have_to_agree_another_one_lets_it_begin() -> None:
    yard = Yard()
    policy = Policy(environment="production", two_persons=True)
    yard.ask(cmd.TakePolicies(policies=(policy,)))
    yard.start(gate="none")
    yard.settle()
    for unit in SHOP:
        assert yard.train.standing == "units"
        rollout = yard.state(unit).active
        assert rollout is not None
        assert (rollout.index, rollout.weight_percent) == (0, 0)
        with pytest.raises(Refused, match="another has to promote"):
            yard.promote()
        yard.ask(cmd.TrainPromote(train="spring"), Actor(name="lee", uid=1001))
        yard.settle()
    yard.rest()
    assert yard.train.outcome == "arrived"


def test_a_global_rollback_takes_its_units_over() -> None:
    yard = Yard()
    for unit, others in SHOP.items():
        yard.ask(order(unit, "v2", others))
        yard.rest()
    yard.start(dict.fromkeys(SHOP, "v3"), gate="between")
    yard.settle()
    yard.ask(cmd.GlobalRollback(why="all wrong"))
    yard.rest()
    assert yard.train.phase == "finished"
    assert [yard.runs(unit) for unit in SHOP] == ["v2", "v1", "v1"]


def test_a_new_unit_is_taken_away_again_when_the_train_goes_back() -> None:
    yard = Yard({"a": (), "b": ()})
    orders = (order("new", "v2"), order("b", "v2", ["new"]))
    yard.sick = {"b"}
    yard.ask(cmd.TrainStart(train="spring", environment="production", orders=orders, gate="none"))
    yard.settle()
    assert yard.begun() == ["new", "b"]
    yard.later(61)
    yard.rest()
    assert yard.train.outcome == "returned"
    assert yard.state("new").weights() == {}


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


def test_a_retry_after_the_train_waits_for_no_train() -> None:
    yard = Yard()
    yard.start(strategy="canary", spec=GATED)
    yard.settle()
    yard.ask(cmd.TrainAbort(train="spring"))
    yard.rest()
    yard.ask(cmd.Retry(deployment=key_of("catalog")), KIM)
    yard.settle()
    rollout = yard.state("catalog").active
    assert rollout is not None
    assert [step.kind for step in rollout.plan].count("await_train") == 0
    yard.ask(cmd.Promote(deployment=key_of("catalog")))
    yard.rest()
    assert yard.runs("catalog") == "v2"


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
