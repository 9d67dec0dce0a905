"""The judge on the real node: it finds what is bad by itself, and leaves alone what is not."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from .stack import CART, Stack, running_stack
from .traffic import flowing, wrong

pytestmark = pytest.mark.real

ALONE: dict[str, Any] = {
    "strategy": "canary",
    "canary": {"steps": [{"weight": 25}, {"pause": None}]},
    "guards": [],
}
"""Nothing but the judge watches, and nobody decides."""
WATCH_S = 60.0
METRICS = ["errors", "p95", "conversion", "traffic"]


def requests(stack: Stack) -> int:
    """Requests of the candidate that were judged so far."""
    (view,) = stack.client.snapshot()["deployments"]
    rollout = view["rollout"]
    verdict = rollout["verdict"] if rollout else None
    findings = verdict["findings"] if verdict else []
    return findings[0]["candidate_requests"] if findings else 0


def until_judged(stack: Stack, count: int) -> int:
    """Waits for so many requests of the candidate; how many there are then."""
    until = time.monotonic() + 60.0
    while (judged := requests(stack)) < count:
        assert time.monotonic() < until, f"only {judged} requests were judged"
        time.sleep(0.2)
    return judged


@pytest.fixture
def stack() -> Iterator[Stack]:
    with running_stack() as stack:
        stack.write_project({"cart": ALONE})
        yield stack


def test_one_request_in_twenty_that_fails_is_found_without_any_guard(stack: Stack) -> None:
    port = stack.serve("cart", "v41")
    with flowing(port, rps=200):
        stack.deploy("cart", "v43")
        row = stack.until(CART, lambda row: row["status"] == "aborted", "back on v41", 90.0)
    rollout = row["rollout"]
    assert rollout is not None
    assert (rollout["cause"] or "").startswith("errors ")
    assert "limit +0.50 points" in (rollout["cause"] or "")
    assert row["hold"]
    told = stack.run("judge", "explain", "cart")
    assert told.returncode == 0, told.stderr
    assert "ABORT  errors" in told.stdout
    turns = stack.run("judge", "explain", "cart", "--history")
    assert turns.returncode == 0, turns.stderr
    assert "harm" in turns.stdout
    told = json.loads(stack.run("judge", "explain", "cart", "--history", "--json").stdout)
    assert told == stack.client.verdicts(rollout["id"])
    again = json.loads(stack.run("judge", "replay", rollout["id"], "--json").stdout)
    assert again["replayed"] == again["recorded"]
    assert again["replayed"][-1]["kind"] == "ABORT"
    blunt = stack.run("judge", "replay", rollout["id"], "--set", "errors.tolerance=0.5")
    assert blunt.returncode == 0, blunt.stderr
    assert "replayed:       no decision" in blunt.stdout


def test_fewer_sales_are_found_though_nothing_fails_and_nothing_is_slow(stack: Stack) -> None:
    port = stack.serve("cart", "v41")
    with flowing(port, rps=300) as traffic:
        stack.deploy("cart", "v48")
        row = stack.until(CART, lambda row: row["status"] == "aborted", "back on v41", 120.0)
        report = traffic.end()
    assert wrong(report) == {}
    rollout = row["rollout"]
    assert rollout is not None
    assert (rollout["cause"] or "").startswith("conversion ")
    assert row["hold"]


def test_a_healthy_release_stands_a_minute_and_its_evidence_a_killed_engine(stack: Stack) -> None:
    port = stack.serve("cart", "v41")
    with flowing(port, rps=100):
        stack.deploy("cart", "v42")
        before = until_judged(stack, 300)
        stack.kill_engine()
        stack.start()
        assert until_judged(stack, 1) >= before
        begun = time.monotonic()
        while time.monotonic() < begun + WATCH_S:
            row = stack.row()
            assert row["status"] not in ("aborted", "returning"), row["rollout"]
            time.sleep(1.0)
        assert requests(stack) > before + 1000
    (view,) = stack.client.snapshot()["deployments"]
    assert view["rollout"] is not None
    verdict = view["rollout"]["verdict"]
    assert verdict is not None
    assert verdict["kind"] in ("CONTINUE", "PROMOTE"), verdict["reason"]
    assert [finding["metric"] for finding in verdict["findings"]] == METRICS
