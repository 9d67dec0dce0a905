"""The gates between the groups of a train when one of its units went back."""

from __future__ import annotations

import pytest

from gaesup_tui.domain import commands as cmd
from gaesup_tui.domain.commands import OnFailure
from gaesup_tui.domain.train_viewing import train_view

from .train_yard import Yard


def partly(yard: Yard) -> None:
    assert (yard.train.phase, yard.train.outcome) == ("finished", "partly")
    assert [yard.runs(unit) for unit in "abc"] == ["v2", "v1", "v1"]
    assert yard.train.note.startswith("without b@production, c@production: b@production v2: ")


@pytest.mark.parametrize("policy", ["hold", "continue"])
def test_no_gate_is_asked_for_before_a_group_of_which_nothing_goes_on(policy: OnFailure) -> None:
    yard = Yard({"a": (), "b": ("a",), "c": ("b",)})
    yard.sick = {"b"}
    yard.start(gate="between", on_failure=policy)
    yard.settle()
    yard.promote()
    yard.settle()
    yard.later(70)
    if policy == "hold":
        yard.promote()
    yard.rest()
    partly(yard)


@pytest.mark.parametrize("policy", ["hold", "continue"])
def test_a_gate_ends_when_nothing_behind_it_goes_on_any_more(policy: OnFailure) -> None:
    yard = Yard({"a": (), "b": ("a",), "c": ("b",)})
    yard.start(gate="between", on_failure=policy)
    yard.settle()
    yard.promote()
    yard.settle()
    assert yard.train.standing == "between"
    yard.ask(cmd.Abort(deployment="b@production", why="bad"))
    yard.settle()
    if policy == "hold":
        yard.promote()
    yard.rest()
    partly(yard)


def test_the_gate_before_the_next_group_that_goes_on_is_kept() -> None:
    needs = {"a": (), "b": ("a",), "c": ("b",), "w": (), "x": ("w",), "y": ("x",), "z": ("y",)}
    versions = dict.fromkeys("abcz", "v2") | dict.fromkeys("wxy", "v1")
    yard = Yard(needs)
    yard.sick = {"b"}
    yard.start(versions, gate="between", on_failure="continue")
    yard.settle()
    yard.promote()
    yard.settle()
    yard.later(70)
    assert (yard.train.standing, yard.begun()) == ("between", ["a", "b"])
    yard.promote()
    yard.rest()
    assert [yard.runs(unit) for unit in "abcz"] == ["v2", "v1", "v1", "v2"]


def test_a_unit_that_was_stepped_back_is_waited_for_again_before_the_next_begins() -> None:
    spec = {"canary": {"steps": [{"weight": 25}, {"pause": "30s"}], "bake": "60s"}}
    yard = Yard({"a": (), "b": ("a",)})
    yard.start(gate="none", spec=spec, strategy="canary", at_once=1)
    yard.ask(cmd.Hold(deployment="b@production", why="the database moves"))
    yard.rest(60)
    assert (yard.train.group, yard.begun()) == (1, ["a"])
    yard.ask(cmd.StepBack(deployment="a@production", expect_seq=yard.state("a").seq))
    yard.ask(cmd.ReleaseHold(deployment="b@production", why="done"))
    yard.settle()
    assert yard.begun() == ["a"]
    said = train_view(yard.world, yard.train, yard.now)["groups"][1][0]["text"]
    assert said == "a@production does not get all traffic now: it goes first"
    yard.ask(cmd.Promote(deployment="a@production", expect_seq=yard.state("a").seq))
    yard.settle()
    assert yard.begun() == ["a", "b"]
