"""Arms, users and conversions at a real node, as a client and a scraper see them."""

from __future__ import annotations

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
