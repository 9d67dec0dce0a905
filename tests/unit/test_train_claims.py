"""Release trains where windows freeze, locks bind, or two persons have to agree."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from gaesup_tui.domain import commands as cmd
from gaesup_tui.domain import events as ev
from gaesup_tui.domain.errors import Refused
from gaesup_tui.domain.policy import Policy
from gaesup_tui.domain.rollout import Actor
from gaesup_tui.domain.sentences import event_view
from gaesup_tui.domain.train_cars import place_of
from gaesup_tui.domain.train_viewing import train_view
from gaesup_tui.domain.windows import FreezeWindow

from .train_yard import GATED, KIM, SHOP, Yard, key_of

MARA = Actor(name="mara", uid=1001)
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC).timestamp()


def window(scope: str, begins: str, ends: str) -> cmd.AddWindow:
    day = "2026-11-20T"
    frozen = FreezeWindow(name="audit", begins=f"{day}{begins}", ends=f"{day}{ends}")
    return cmd.AddWindow(scope=scope, window=frozen, why="audit")


@pytest.fixture
def yard() -> Yard:
    told = Yard()
    told.now = NOON
    return told


def places(yard: Yard) -> list[str]:
    return [place_of(yard.world, car) for car in yard.train.cars]


def test_no_train_starts_in_a_window_of_one_of_its_units(yard: Yard) -> None:
    yard.ask(window(key_of("checkout"), "12:00", "13:00"))
    with pytest.raises(Refused, match="checkout@production: freeze window audit until"):
        yard.start()
    yard.later(3600)
    yard.start()


def test_a_train_stands_in_a_window_and_goes_on_after_it(yard: Yard) -> None:
    yard.start()
    yard.settle()
    yard.ask(window("production", "12:00", "14:00"))
    yard.settle()
    before = places(yard)
    for _ in range(20):
        yard.later(300)
        assert places(yard) == before
        assert all(yard.runs(unit) != "v2" for unit in SHOP)
    yard.later(1500)
    yard.rest()
    assert yard.train.outcome == "arrived"
    assert all(yard.runs(unit) == "v2" for unit in SHOP)


def test_no_gate_of_a_train_is_passed_or_expires_in_a_window(yard: Yard) -> None:
    yard.start(strategy="canary", spec=GATED, expiry_s=600)
    yard.settle()
    assert yard.train.phase == "gate"
    yard.ask(window("production", "12:00", "14:00"))
    yard.later(1)
    with pytest.raises(Refused, match="freeze window audit until"):
        yard.promote()
    yard.later(7000)
    assert yard.train.phase == "gate"
    yard.later(300)
    assert yard.train.phase == "gate", "it had ten minutes, and the window took none of them"
    yard.promote()


def break_glass(yard: Yard) -> None:
    yard.ask(cmd.TrainPromote(train="spring", break_glass="it cannot wait"))


def test_broken_glass_takes_what_waits_to_its_next_gate_and_no_further(yard: Yard) -> None:
    steps = [{"weight": 10}, {"pause": None}, {"weight": 50}, {"pause": None}]
    yard.start({"catalog": "v2"}, strategy="canary", spec={"canary": {"steps": steps}})
    yard.settle()
    yard.ask(window("production", "12:00", "14:00"))
    yard.later(1)
    with pytest.raises(Refused, match="freeze window audit until") as told:
        yard.promote()
    assert "--break-glass" in told.value.hint
    assert train_view(yard.world, yard.train, yard.now)["glass"].startswith("freeze window audit")
    break_glass(yard)
    yard.settle()
    rollout = yard.world.deployments[key_of("catalog")].active
    assert rollout is not None
    assert rollout.weight_percent == 50
    assert rollout.glass is not None
    assert (rollout.glass.why, rollout.glass.one_step) == ("it cannot wait", True)
    yard.later(600)
    assert places(yard) == ["gate"]
    with pytest.raises(Refused, match="freeze window audit until"):
        yard.promote()


def test_broken_glass_begins_the_next_group_and_not_the_one_after_it(yard: Yard) -> None:
    yard.start(gate="before")
    yard.settle()
    assert (yard.train.phase, yard.train.standing) == ("gate", "before")
    yard.ask(window("production", "12:00", "14:00"))
    yard.later(1)
    break_glass(yard)
    yard.later(600)
    begun = [car.key for car in yard.train.groups[0] if car.rollout]
    assert begun
    assert not [car.key for group in yard.train.groups[1:] for car in group if car.rollout]
    yard.later(7200)
    yard.rest()
    assert yard.train.outcome == "arrived"


def test_glass_of_a_train_names_who_broke_it_in_each_unit_it_begins(yard: Yard) -> None:
    yard.start(gate="before")
    yard.settle()
    yard.ask(window("production", "12:00", "14:00"))
    yard.later(1)
    yard.ask(cmd.TrainPromote(train="spring", break_glass="it cannot wait"), by=MARA)
    yard.later(10)
    told = [event_view(each, None) for each in yard.journal if each.event.kind == "glass_broken"]
    assert [(each["deployment"], each["by"], each["why"]) for each in told] == [
        (key_of("catalog"), "mara", "it cannot wait")
    ]
    rollout = yard.state("catalog").active
    assert rollout is not None
    assert rollout.glass is not None
    assert rollout.glass.by == MARA, "whoever broke it, not the one who started the train"


def test_glass_in_a_journal_from_before_names_whoever_did_the_event() -> None:
    older = (
        '{"seq": 7, "at": 1, "by": {"name": "kim"}, "event": {"kind": "glass_broken", '
        '"deployment": "cart@production", "window": "w", "until": 9, "why": "it burns"}}'
    )
    assert event_view(ev.Recorded.model_validate_json(older), None)["by"] == "kim"


def test_broken_glass_is_no_second_person(yard: Yard) -> None:
    policy = Policy(environment="production", two_persons=True)
    yard.ask(cmd.TakePolicies(policies=(policy,)))
    yard.start(gate="before")
    yard.settle()
    yard.ask(window("production", "12:00", "14:00"))
    yard.later(1)
    with pytest.raises(Refused, match="two persons have to agree"):
        break_glass(yard)


def test_a_train_goes_back_in_a_window(yard: Yard) -> None:
    yard.start(strategy="canary", spec=GATED)
    yard.settle()
    yard.ask(window("production", "12:00", "14:00"))
    yard.later(1)
    yard.ask(cmd.TrainAbort(train="spring", why="no"))
    yard.rest()
    assert yard.train.outcome == "returned"
    assert all(yard.runs(unit) == "v1" for unit in SHOP)


def test_somebody_else_has_to_let_a_train_begin_and_pass_its_gates(yard: Yard) -> None:
    policy = Policy(environment="production", two_persons=True)
    yard.ask(cmd.TakePolicies(policies=(policy,)))
    yard.start({"catalog": "v2"}, strategy="canary", spec=GATED)
    yard.settle()
    assert yard.train.phase == "gate"
    assert yard.state("catalog").weights() == {yard.state("catalog").stable.id: 100}  # type: ignore[union-attr]
    with pytest.raises(Refused, match="two persons have to agree here, and you began spring"):
        yard.promote()
    yard.ask(cmd.TrainPromote(train="spring"), MARA)
    yard.settle()
    assert sorted(yard.state("catalog").weights().values()) == [25, 75]
    with pytest.raises(Refused, match="two persons"):
        yard.ask(cmd.TrainPromote(train="spring"), KIM)
    yard.ask(cmd.TrainAbort(train="spring"), KIM)
    yard.rest()
    assert yard.runs("catalog") == "v1"


def test_a_lock_keeps_a_train_of_somebody_else_away(yard: Yard) -> None:
    yard.ask(cmd.Lock(deployment=key_of("cart"), why="mine"), MARA)
    with pytest.raises(Refused, match="cart@production: locked by mara"):
        yard.start()
