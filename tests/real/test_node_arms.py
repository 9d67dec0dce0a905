"""Arms, users and conversions at a real node, as a client and a scraper see them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from .node_rig import Rig, fetch, running_node
from .node_units import wat

pytestmark = pytest.mark.real

BY_COOKIE = {"sticky": {"cookie": "basket"}, "conversion": {"method": "POST", "path": "/orders"}}


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    async with running_node() as rig:
        await rig.deploy("v41-a", wat("old\n"))
        await rig.deploy("v42-b", wat("new\n"))
        yield rig


async def order(rig: Rig, user: int) -> str:
    cookie = {"cookie": f"basket=user-{user}"}
    return (await rig.get("/orders", method="POST", headers=cookie, body=b"{}")).revision


def business(state: dict[str, Any]) -> dict[str, tuple[Any, ...]]:
    names = ("users", "converted_users", "conversions")
    return {key: tuple(facts[n] for n in names) for key, facts in state["revisions"].items()}


async def test_users_keep_their_arm_and_are_counted_on_it(rig: Rig) -> None:
    await rig.traffic(v42_b=50, v41_a=50, rules={**BY_COOKIE, "salt": "cart@production#3"})
    arms = {user: await order(rig, user) for user in range(40)}
    assert {user: await order(rig, user) for user in range(40)} == arms
    new = sum(arm == "v42-b" for arm in arms.values())
    assert 5 < new < 35
    state = await rig.state()
    assert business(state) == {
        "v41-a": (40 - new,) * 2 + (80 - 2 * new,),
        "v42-b": (new, new, 2 * new),
    }
    scraped = (await fetch(rig.port, "/metrics")).body.decode()
    labels = '{deployment="cart@production",revision="v42-b"}'
    assert f"gaesup_users{labels} {new}\n" in scraped
    assert f"gaesup_converted_users{labels} {new}\n" in scraped
    assert f"gaesup_conversions_total{labels} {2 * new}\n" in scraped


async def test_a_new_revision_or_weight_keeps_the_rules_and_a_new_salt_counts_anew(
    rig: Rig,
) -> None:
    rules = {**BY_COOKIE, "salt": "one"}
    await rig.traffic(v41_a=100, rules=rules)
    await order(rig, 1)
    await rig.deploy("v43-c", wat("newer\n"))
    await order(rig, 2)
    await rig.traffic(v43_c=10, v41_a=90, rules=rules)
    state = await rig.state()
    assert state["rules"] == rules
    assert business(state)["v41-a"][0] == 2
    await rig.traffic(v43_c=10, v41_a=90, rules={**rules, "salt": "two"})
    assert business(await rig.state())["v41-a"] == (0, 0, 2)


async def test_without_rules_nothing_is_counted(rig: Rig) -> None:
    await rig.traffic(v41_a=100)
    await order(rig, 1)
    assert business(await rig.state())["v41-a"] == (None, None, None)
    assert "gaesup_users{" not in (await fetch(rig.port, "/metrics")).body.decode()


async def test_beta_testers_and_the_preview_reach_a_candidate_without_a_share(rig: Rig) -> None:
    beta = {"target": "v42-b", "match": [{"header": "x-beta", "equals": "1"}]}
    await rig.traffic(v41_a=100, rules=beta)
    assert (await rig.get(headers={"X-Beta": "1"})).revision == "v42-b"
    assert (await rig.get()).revision == "v41-a"
    hidden = await fetch(rig.port, "/", host="preview.cart.production.localhost")
    assert (hidden.status, hidden.body) == (200, b"new\n")
    assert (await fetch(rig.port, "/_/cart@production:preview/x")).revision == "v42-b"
    assert (await rig.state())["revisions"]["v42-b"]["requests"]["2xx"] == 1
    assert b"preview of v42-b" in (await fetch(rig.port, "/")).body
    await rig.traffic(v41_a=100)
    gone = await fetch(rig.port, "/_/cart@production:preview/")
    assert (gone.status, gone.body[:30]) == (404, b"cart@production has no candida")


async def test_a_candidate_that_never_answers_its_copies_costs_users_nothing(rig: Rig) -> None:
    await rig.deploy("v43-s", wat("slow\n", handle="(loop $l (br $l))"), deadline_ms=5000)
    await rig.traffic(v41_a=100, rules={"target": "v43-s", "mirror_percent": 100})
    began = time.monotonic()
    replies = [
        reply for _ in range(2) for reply in await asyncio.gather(*(rig.get() for _ in range(50)))
    ]
    assert {(reply.status, reply.revision) for reply in replies} == {(200, "v41-a")}
    assert time.monotonic() - began < 4.0  # the copies are still waiting for theirs
    slow = (await rig.state())["revisions"]["v43-s"]
    assert slow["mirrored"]["dropped"] == 92
    assert sum(slow["requests"].values()) == 0
    scraped = (await fetch(rig.port, "/metrics")).body.decode()
    labels = '{deployment="cart@production",revision="v43-s"}'
    assert f"gaesup_mirror_dropped_total{labels} 92\n" in scraped


async def test_copies_are_answered_and_counted_apart(rig: Rig) -> None:
    await rig.traffic(v41_a=100, rules={"target": "v42-b", "mirror_percent": 100})
    for _ in range(10):
        await rig.get()
    state = await rig.until(lambda s: s["revisions"]["v42-b"]["mirrored"]["requests"]["2xx"] == 10)
    assert state["revisions"]["v42-b"]["requests"]["2xx"] == 0
    assert state["revisions"]["v41-a"]["requests"]["2xx"] == 10
