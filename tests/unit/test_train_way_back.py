"""Release trains: what goes wrong with a unit, and how the whole train goes back."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from gaesup_tui.domain import commands as cmd

from .train_yard import GATED, KIM, SHOP, Yard, graphs, key_of, order, places


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
    yard.let_finish("catalog")
    assert yard.runs("catalog") == "v2"
    yard.later(60)
    yard.rest()
    assert yard.train.outcome == "returned"
    assert [yard.runs(unit) for unit in SHOP] == ["v1", "v1", "v1"]


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
    yard.let_finish("catalog")
    yard.ask(cmd.Rollback(deployment=key_of("catalog")))
    yard.rest()
    assert (yard.train.phase, yard.train.cause) == (
        "held",
        "catalog@production was moved by hand since",
    )
    yard.ask(cmd.TrainAbort(train="spring"))
    yard.rest()
    assert yard.train.outcome == "returned"


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
