"""Ways back on a real node: by itself with a notice, gradual, and past a check that is ignored."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from gaesup_tui.domain.views import StatusRow

from .stack import CART, Stack, running_stack, waits_for_person
from .traffic import flowing, wrong

pytestmark = pytest.mark.real

HALF: dict[str, Any] = {
    "steps": [{"weight": 60}, {"pause": {"expiry": "30m"}}],
    "bake": "2s",
}
ERRORS = {"metric": "errorRatio", "above": "3%", "window": "5s", "minRequests": 40}


@pytest.fixture(scope="module")
def shop() -> Iterator[Stack]:
    with running_stack() as stack:
        stack.write_project({"cart": {"canary": HALF, "guards": [ERRORS]}})
        stack.serve("cart", "v41")
        yield stack


@pytest.fixture
def cart(shop: Stack) -> Iterator[Stack]:
    """v41 serves cart, nothing moves and nothing is held or waits to be seen."""
    yield shop
    if (rollout := shop.row()["rollout"]) and rollout["phase"] != "finished":
        shop.ask("abort")
    shop.until(CART, at_rest, "at rest")
    row = shop.row()
    for action, there in (("unhold", row["hold"]), ("ack", row["notice"])):
        if there:
            shop.ask(action, why="the test is over")
    shop.write_project({"cart": {"canary": HALF, "guards": [ERRORS]}})


def at_rest(row: StatusRow) -> bool:
    return row["rollout"] is not None and row["rollout"]["phase"] == "finished"


def taken_back(version: str) -> Callable[[StatusRow], bool]:
    def holds(row: StatusRow) -> bool:
        rollout = row["rollout"]
        return at_rest(row) and bool(rollout and rollout["candidate"] == version)

    return holds


def share(row: StatusRow) -> int | None:
    return row["rollout"]["weight_seen"] if row["rollout"] else None


def test_an_automatic_rollback_is_verified_and_told_until_somebody_has_seen_it(
    cart: Stack,
) -> None:
    with flowing(cart.port, rps=150):
        cart.deploy("cart", "v43")
        cart.until(CART, taken_back("v43"), "taken back")
        row = cart.until(
            CART, lambda row: "verified" in (row["notice"] or {"text": ""})["text"], "verified"
        )
    notice = row["notice"]
    assert notice is not None
    assert re.search(r"v43 rolled back by itself, back to v41: v43 errors", notice["text"])
    assert re.search(r"v41 2 of 2 ready, 0\.0 % errors of \d+ requests over", notice["text"])
    assert not notice["sick"]
    assert "`gaesup ack cart@production` when you have seen it" in cart.run("status").stdout
    seen = cart.run("ack", "cart", "--reason", "ticket 7")
    assert seen.returncode == 0, seen.stderr
    assert "acknowledged" in seen.stdout
    assert cart.row()["notice"] is None
    assert "rollback acknowledged" in cart.run("history", "cart").stdout
    again = cart.run("ack", "cart")
    assert again.returncode == 4
    assert "nothing went back by itself that nobody has seen" in again.stderr


def test_memory_above_a_share_of_its_limit_is_a_reason_to_go_back(cart: Stack) -> None:
    guard = {"metric": "memory", "above": "50%"}
    cart.write_project({"checkout": {"canary": HALF, "guards": [guard], "memory": "8Mi"}})
    cart.serve("checkout", "v12")
    with flowing(cart.port, "checkout", 150):
        cart.deploy("checkout", "v15")
        row = cart.until("checkout@production", taken_back("v15"), "taken back")
    rollout = row["rollout"]
    assert rollout is not None
    assert re.search(r"v15 uses [4-7]\.\dMi in \S+ > 50\.0 % of 8\.0Mi", rollout["cause"] or "")


def test_a_version_that_loses_conversions_is_taken_back(cart: Stack) -> None:
    guard = {"metric": "conversionDrop", "above": "5%", "window": "20s", "for": "1s"}
    cart.write_project({"cart": {"canary": HALF, "guards": [guard], "autoAbort": False}})
    with flowing(cart.port, rps=300):
        cart.deploy("cart", "v48")
        row = cart.until(CART, taken_back("v48"), "taken back", 60.0)
    rollout = row["rollout"]
    assert rollout is not None
    said = rollout["cause"] or ""
    assert re.search(r"v48 converts \d+\.\d % of \d+ requests, v41 \d+\.\d %", said), said


def test_two_sick_revisions_are_called_sick(cart: Stack) -> None:
    cart.write_project({"catalog": {"canary": HALF, "guards": [], "smokeTests": []}})
    cart.serve("catalog", "v25")
    cart.write_project({"catalog": {"canary": HALF, "guards": [ERRORS], "smokeTests": []}})
    key = "catalog@production"
    with flowing(cart.port, "catalog", 150):
        cart.deploy("catalog", "v24")
        cart.until(key, taken_back("v24"), "taken back")
        row = cart.until(key, lambda row: row["notice"] and row["notice"]["sick"], "sick")
    assert row["notice"] is not None
    assert "still failing after the way back: v25 errors" in row["notice"]["text"]
    assert "Both revisions are sick" in row["notice"]["text"]


def test_a_gradual_abort_loses_no_request_and_is_overtaken_by_an_abort(cart: Stack) -> None:
    cart.write_project({"cart": {"canary": HALF, "gradualAbort": "3s"}})
    with flowing(cart.port, rps=200) as traffic:
        cart.deploy("cart", "v42")
        cart.until(CART, waits_for_person, "at the gate")
        slow = cart.run("abort", "cart", "--gradual")
        assert slow.returncode == 0, slow.stderr
        assert "50 %, 25 %, 10 %, then none: about 3 s" in slow.stdout
        assert "going back gradually: 50 % still on v42, seen" in slow.stdout
        shares: list[int | None] = [50]
        while not at_rest(row := cart.row()):
            if share(row) != shares[-1]:
                shares.append(share(row))
        assert shares == [50, 25, 10, 0]
        assert wrong(traffic.end()) == {}
    cart.write_project({"cart": {"canary": HALF, "gradualAbort": "10m"}})
    cart.deploy("cart", "v42")
    cart.until(CART, waits_for_person, "at the gate")
    cart.ask("abort", gradual=True)
    cart.until(CART, lambda row: share(row) == 50, "half way")
    cart.ask("abort", why="faster")
    cart.until(CART, at_rest, "back at once", 5.0)


def test_a_smoke_test_is_ignored_once_with_a_reason(cart: Stack) -> None:
    smoke = [{"path": "/hello", "status": 418}]
    cart.write_project({"cart": {"canary": HALF, "smokeTests": smoke}})
    cart.deploy("cart", "v42")
    cart.until(CART, taken_back("v42"), "failed its test")
    assert cart.run("ignore", "cart").returncode == 2
    passed = cart.run("ignore", "cart", "--reason", "the test is wrong: 418")
    assert passed.returncode == 0, passed.stderr
    assert re.search(r"Check +smoke: smoke test: GET /hello answered 200", passed.stdout)
    cart.ask("unhold", why="looked at it")
    cart.until(CART, lambda row: share(row) == 60, "on its way")
    told = cart.run("history", "cart").stdout
    assert re.search(r"smoke ignored by \S+: the test is wrong: 418", told)


def test_what_finished_its_bake_is_kept_with_its_numbers(cart: Stack) -> None:
    with flowing(cart.port, rps=100):
        cart.deploy("cart", "v42")
        cart.until(CART, waits_for_person, "at the gate")
        cart.ask("promote")
        cart.until(CART, lambda row: row["version"] == "v42", "stable")
    shown = cart.run("history", "cart", "--good").stdout
    line = next(line for line in shown.splitlines() if line.startswith("v42"))
    assert re.search(r"\d+ +0\.0 % +\d+(\.\d)?ms +\d+(\.\d)?ms +serves now", line), line
    preview = cart.client.preview("rollback", CART)
    takes = dict(preview["lines"])["Takes"]
    assert re.search(r"v41 is cold: fetch and start (about \d|under)[^,]*, last \d+ starts", takes)
    cart.ask("rollback")
    cart.until(CART, lambda row: row["version"] == "v41", "back", 60.0)


def test_a_deleted_unit_is_gone_from_sight_and_not_from_history(cart: Stack) -> None:
    cart.serve("search", "v7")
    key = "search@production"
    asked = cart.run("delete", "search")
    assert asked.returncode == 2
    assert "delete asks first" in asked.stderr
    gone = cart.run("delete", "search", "--yes", "--reason", "moved away")
    assert gone.returncode == 0, gone.stderr
    assert f"{key}  is gone, seen after" in gone.stdout
    assert key not in cart.run("status").stdout
    assert key not in [view["key"] for view in cart.client.snapshot()["deployments"]]
    assert "deleted" in cart.run("history", key).stdout
    cart.serve("search", "v8")
    assert cart.row(key)["version"] == "v8"
