"""A release train on a real node: in order, through a killed engine, and back."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest

from gaesup_tui.domain.errors import Unavailable
from gaesup_tui.domain.train_views import TrainView

from .stack import DEADLINE_S, GAESUP, Stack, running_stack
from .terminal import person
from .traffic import flowing, wrong

pytestmark = pytest.mark.real
BEFORE = {"catalog": "v21", "cart": "v41", "checkout": "v12"}
AFTER = {"catalog": "v22", "cart": "v42", "checkout": "v13"}
ROLLING: dict[str, Any] = {"strategy": "rolling", "rolling": {"bake": "2s"}}


@pytest.fixture
def stack() -> Iterator[Stack]:
    """The shop with the versions before the train: checkout asks cart, which asks catalog."""
    with running_stack() as stack:
        stack.write_project(dict.fromkeys(BEFORE, ROLLING))
        for unit, version in BEFORE.items():
            stack.deploy(unit, version)
        for unit, version in BEFORE.items():
            serves(stack, unit, version)
        yield stack


def serves(stack: Stack, unit: str, version: str) -> None:
    stack.until(
        f"{unit}@production",
        lambda row: row["version"] == version and row["status"] in ("healthy", "aborted"),
        f"on {version}",
    )


def train_that(stack: Stack, holds: Callable[[TrainView], object], what: str) -> TrainView:
    """Waits until the train is so; an engine that is away is waited for."""
    last: Any = None
    give_up = time.monotonic() + DEADLINE_S
    while time.monotonic() < give_up:
        with suppress(Unavailable, IndexError):
            last = stack.client.status()["engine"]["trains"][0]
            if holds(last):
                found: TrainView = last
                return found
        time.sleep(0.02)
    raise AssertionError(f"the train is not {what}; last: {last}")


def began(stack: Stack, text: str) -> list[str]:
    """Units in the order in which an event that begins with ``text`` came last."""
    seqs = {
        unit: max(
            event["seq"]
            for event in stack.history(f"{unit}@production")
            if event["text"].startswith(text)
        )
        for unit in BEFORE
    }
    return sorted(seqs, key=lambda unit: seqs[unit])


def test_planned_then_started_it_arrives_in_order_through_a_killed_engine(stack: Stack) -> None:
    plan = stack.run("train", "start", "spring", "--gate", "none", "--plan")
    assert plan.returncode == 0, plan.stderr
    assert re.search(r"1 +catalog@production +v21 → v22, rolling", plan.stdout)
    assert re.search(r"3 +checkout@production +v12 → v13, rolling", plan.stdout)
    assert "checkout, then cart, then catalog" in plan.stdout
    assert stack.client.status()["engine"]["trains"] == []

    with flowing(stack.port, "cart", 100.0) as traffic:
        begun = stack.run("train", "start", "spring", "--gate", "none", "--reason", "spring")
        assert begun.returncode == 0, begun.stderr
        train_that(stack, lambda train: train["group"] >= 1, "at its second group")
        stack.kill_engine()
        stack.start()
        waited = stack.run("train", "status", "spring", "--wait")
    assert wrong(traffic.end()) == {}
    assert waited.returncode == 0, waited.stdout + waited.stderr
    assert "spring  arrived" in waited.stdout
    for unit, version in AFTER.items():
        serves(stack, unit, version)
    assert began(stack, "rolling ") == ["catalog", "cart", "checkout"]
    again = stack.run("train", "start", "spring")
    assert again.returncode == 4
    assert "every unit runs its version already" in again.stderr


def test_aborted_it_goes_back_in_reverse_order_through_a_killed_engine(stack: Stack) -> None:
    begun = stack.run("train", "start", "spring", "--reason", "spring")
    assert begun.returncode == 0, begun.stderr
    for group in (1, 2):
        train_that(stack, lambda train: train["phase"] == "gate", "at its gate")
        promoted = stack.run("train", "promote", "--reason", "looks good")
        assert promoted.returncode == 0, promoted.stderr
        assert f"begins group {group + 1}" in promoted.stdout
        train_that(stack, lambda train, group=group: train["group"] == group, "on")  # type: ignore[misc]
    train_that(stack, lambda train: train["groups"][2][0]["weight"] == 100, "all on the new ones")
    with flowing(stack.port, "cart", 100.0) as traffic:
        aborted = stack.run("train", "abort", "--reason", "not today", "--no-wait")
        assert aborted.returncode == 0, aborted.stderr
        stack.kill_engine()
        stack.start()
        over = train_that(stack, lambda train: train["outcome"], "over")
    assert over["outcome"] == "returned"
    assert wrong(traffic.end()) == {}
    for unit, version in BEFORE.items():
        serves(stack, unit, version)
    assert began(stack, "back to ") == ["checkout", "cart", "catalog"]
    shown = json.loads(stack.run("train", "status", "spring", "--json").stdout)
    assert shown["note"].startswith("asked for by")


def test_one_bad_unit_and_all_of_them_are_where_they_were(stack: Stack) -> None:
    units = ("--unit", "catalog=v22", "--unit", "cart=v47")  # never ready
    where = ("-e", "production", "--gate", "none", "--json")
    begun = stack.run("train", "start", "bad", *units, *where)
    assert begun.returncode == 0, begun.stderr
    assert json.loads(begun.stdout)["text"] == "train bad: 2 units in 2 groups to production"
    train_that(stack, lambda train: train["group"] == 1, "at its second group")
    listed = json.loads(stack.run("train", "list", "--json").stdout)
    assert [train["name"] for train in listed] == ["bad"]
    assert stack.run("--read-only", "train", "list").returncode == 0
    assert stack.run("--read-only", "train", "abort").returncode == 4
    assert stack.run("abort", "cart", "--reason", "never ready").returncode == 0
    over = train_that(stack, lambda train: train["outcome"], "over")
    assert (over["outcome"], over["cause"]) == ("returned", "cart@production v47: never ready")
    for unit, version in BEFORE.items():
        serves(stack, unit, version)


def test_a_person_promotes_the_set_with_two_keys_and_waiting_costs_little(stack: Stack) -> None:
    assert stack.run("train", "start", "spring", "--reason", "spring").returncode == 0
    train_that(stack, lambda train: train["phase"] == "gate", "at its gate")
    assert "train spring: before group 2 of 3, waits" in stack.run("status").stdout
    with person(GAESUP, stack.environment, stack.project.parent, (80, 24)) as someone:
        someone.sees("before group 2 of 3")
        someone.press("T")
        someone.sees("TRAIN", "at a gate")
        someone.press("\r")
        someone.sees("Group 3 of 3", "begins group 2: cart@production")
        someone.watches(3.0)
        took = someone.watches(5.0)
        assert took < 5 * 400, f"{took} bytes in five seconds in which nothing happened"
        someone.press("p")
        someone.sees("Promote train spring")
        someone.confirms("y", "promote the train")
        someone.sees("before group 3 of 3")
        someone.press("x")
        someone.sees("Abort train spring", "cart, then catalog")
        someone.confirms("y", "abort the train")
        someone.sees("returned")
    for unit, version in BEFORE.items():
        serves(stack, unit, version)


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["start", "summer"], 2, "has no train 'summer'"),
        (["start", "--unit", "cart"], 2, "is not a unit with its version"),
        (["start", "--unit", "cart=v42", "--unit", "cart=v43"], 2, "cart is named twice"),
        (["start", "--unit", "cart=v99", "-e", "production"], 2, "there is no cart version 'v99'"),
        (["start", "Big", "--unit", "cart=v42", "-e", "production"], 2, "is not a name"),
        (["promote"], 2, "no train was started yet"),
        (["abort", "autumn"], 2, "there is no train autumn"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_changes(
    stack_of_nothing: Stack, words: list[str], code: int, said: str
) -> None:
    done = stack_of_nothing.run("train", *words)
    assert (done.returncode, done.stdout) == (code, "")
    assert said in done.stderr
    assert "Traceback" not in done.stderr


@pytest.fixture(scope="module")
def stack_of_nothing() -> Iterator[Stack]:
    with running_stack() as stack:
        yield stack
