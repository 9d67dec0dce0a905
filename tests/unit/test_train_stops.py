"""Release trains: what holds one up - stops, freezes, freeze windows, holds, a second person."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from gaesup_tui.domain import commands as cmd
from gaesup_tui.domain import events as ev
from gaesup_tui.domain.errors import Refused
from gaesup_tui.domain.policy import Policy
from gaesup_tui.domain.rollout import Actor
from gaesup_tui.domain.sentences import event_view
from gaesup_tui.domain.train_viewing import train_view
from gaesup_tui.domain.windows import FreezeWindow

from .train_yard import SHOP, Yard, key_of, places


def test_what_a_freeze_keeps_from_being_rolled_back_is_once_it_is_released() -> None:
    yard = Yard()
    yard.start(gate="between")
    yard.let_finish("catalog")
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
