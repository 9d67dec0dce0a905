"""The gates between the groups of a train when one of its units went back."""

from __future__ import annotations

import pytest

from gaesup_tui.domain import commands as cmd
from gaesup_tui.domain.commands import OnFailure

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
