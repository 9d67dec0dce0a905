"""An A/B test on the whole system: real users with cookies, a real node, an engine that dies."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest

from gaesup_backends.local.client import NodeClient
from gaesup_tui.domain.abtest.views import ABView
from gaesup_tui.domain.views import StatusRow

from .shoppers import Shoppers
from .stack import Stack, gone, kill, running_stack, waits_for_person

pytestmark = pytest.mark.real

CHECKOUT = "checkout@production"
TEST: dict[str, Any] = {
    "share": 50,
    "key": {"cookie": "shopper"},
    "minRun": "1s",
    "minUsers": 250,
    "minEffect": 20,
    "bake": "1s",
}


@pytest.fixture
def stack() -> Iterator[Stack]:
    with running_stack() as stack:
        stack.write_project({"checkout": {"strategy": "abTest", "abTest": TEST}})
        stack.serve("checkout", "v12")
        yield stack


def begin(stack: Stack) -> Shoppers:
    """v13, with free shipping from 100.00, is tested against v12."""
    stack.deploy("checkout", "v13")
    stack.until(CHECKOUT, comparing, "comparing")
    return Shoppers(stack.port)


def comparing(row: StatusRow) -> bool:
    rollout = row["rollout"]
    return rollout is not None and rollout["step_title"] == "compare conversion"


def answer(stack: Stack) -> ABView:
    row = stack.row(CHECKOUT)
    assert row["rollout"] is not None
    view = stack.client.rollout(row["rollout"]["id"])["ab"]
    assert view is not None
    return view


def counted(stack: Stack, users: int) -> ABView:
    """The test once so many users are counted."""
    stack.until(CHECKOUT, lambda _: _users(answer(stack)) >= users, f"{users} users counted")
    return answer(stack)


def _users(view: ABView) -> int:
    return view["base"]["users"] + view["candidate"]["users"]


def set_the_same_route_again(stack: Stack) -> None:
    """As somebody's ``SetTraffic`` of the present weights and rules does."""

    async def ask() -> None:
        node = await NodeClient.connect(stack.places.runtime / "local" / "node.sock")
        try:
            there = (await node.request("state"))["state"]["deployments"][CHECKOUT]
            await node.request(
                "set_traffic", deployment=CHECKOUT, weights=there["weights"], rules=there["rules"]
            )
        finally:
            await node.close()

    asyncio.run(ask())


def test_the_better_arm_is_found_by_users_who_stay_where_they_are(stack: Stack) -> None:
    shoppers = begin(stack)
    shoppers.come(0, 300)
    assert counted(stack, 300)["kind"] == "measuring"
    set_the_same_route_again(stack)
    shoppers.come(0, 300)
    engine = stack.kill_engine()
    shoppers.come(200, 200)
    assert stack.start() != engine
    shoppers.come(0, 800)

    row = stack.until(CHECKOUT, waits_for_person, "answered")
    assert row["waiting"] is not None
    assert row["waiting"]["what"].startswith("A/B better, +")
    assert shoppers.failed == []
    flipped = {user: there for user, there in shoppers.seen.items() if len(there) > 1}
    assert flipped == {}, "a user keeps its arm"
    view = answer(stack)
    for arm in ("base", "candidate"):
        users = set(shoppers.arm(view[arm]["version"]))
        assert len(users) >= view[arm]["users"], "nobody is counted twice"
        assert view[arm]["converted"] <= len(users & shoppers.ordered)
    assert view["candidate"]["version"] == "v13"
    assert view["low"] is not None
    assert view["low"] > 0

    said = stack.run("ab", "checkout")
    assert said.returncode == 0, said.stderr
    assert "better: waits for you" in said.stdout
    assert "of v12's conversion" in said.stdout
    assert json.loads(stack.run("ab", "checkout", "--json").stdout)["kind"] == "better"
    assert any(event["kind"] == "ab_answered" for event in stack.history(CHECKOUT))

    stack.ask("promote", CHECKOUT, why="sells more")
    stack.until(CHECKOUT, lambda row: row["version"] == "v13", "promoted")
    shoppers.come(2000, 20)
    assert len(shoppers.arm("v13")) > 20


def test_every_user_is_counted_once_on_its_own_arm(stack: Stack) -> None:
    shoppers = begin(stack)
    for _ in range(3):
        shoppers.come(0, 200)
    view = counted(stack, 200)
    assert view["base"]["users"] == len(shoppers.arm("v12"))
    assert view["candidate"]["users"] == len(shoppers.arm("v13"))
    converted = view["base"]["converted"] + view["candidate"]["converted"]
    assert converted == len(shoppers.ordered)


def test_a_node_that_dies_loses_its_users_and_the_test_says_so(stack: Stack) -> None:
    shoppers = begin(stack)
    shoppers.buys = (0.2, 0.2)
    shoppers.come(0, 1100)
    assert counted(stack, 1100)["lost_users"] == 0
    orphans = stack.workers()
    kill(stack.node_pid)
    for pid in orphans:
        gone(pid)
    stack.until(CHECKOUT, lambda row: answer(stack)["lost_users"] and split(row), "split again")
    shoppers.come(0, 40)
    view = counted(stack, 40)
    assert view["kind"] == "measuring"
    assert _users(view) == 40
    assert view["lost_users"] >= 1000, "as many as the journal knows of"
    assert "counted anew" in view["reason"]
    assert {user: there for user, there in shoppers.seen.items() if len(there) > 1} == {}


def split(row: StatusRow) -> bool:
    rollout = row["rollout"]
    return rollout is not None and rollout["weight_seen"] == 50 and row["ready"] == row["replicas"]
