"""Rolling and blue-green on the real node, under traffic: nobody gets an error."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from gaesup_tui.domain.views import StatusRow

from .stack import CART, Stack, running_stack
from .traffic import flowing, wrong

pytestmark = pytest.mark.real

# The judge's p95 needs a quiet machine: here the question is what clients see.
ROLLING: dict[str, Any] = {"strategy": "rolling", "rolling": {"bake": "1s"}, "autoAbort": False}
BLUE_GREEN: dict[str, Any] = {
    "strategy": "blueGreen",
    "blueGreen": {"steps": [10, 50, 100], "stabilise": "1s", "analysis": "0s", "bake": "30m"},
    "autoAbort": False,
}


@pytest.fixture
def stack() -> Iterator[Stack]:
    with running_stack() as stack:
        yield stack


def test_a_rolling_update_of_six_replicas_fails_no_request(stack: Stack) -> None:
    stack.write_project({"cart": ROLLING})
    port = stack.serve("cart", "v41")
    stack.ask("scale", replicas=6)
    stack.until(CART, lambda row: row["ready"] == 6, "six ready")
    # Nothing is said about replicas: as many as run.
    stack.write_project({"cart": ROLLING}, replicas=None)
    fewest = 6

    def arrived(row: StatusRow) -> bool:
        nonlocal fewest
        (view,) = stack.client.snapshot()["deployments"]
        fewest = min(fewest, sum(revision["ready"] for revision in view["revisions"]))
        return row["version"] == "v42"

    with flowing(port, rps=300) as traffic:
        stack.deploy("cart", "v42")
        stack.until(CART, arrived, "on v42")
        report = traffic.end()
    assert wrong(report) == {}
    assert fewest >= 5  # maxUnavailable is 1 where nothing is said


def test_blue_green_switches_in_shares_and_back_at_once_without_an_error(stack: Stack) -> None:
    stack.write_project({"cart": BLUE_GREEN})
    port = stack.serve("cart", "v41")
    with flowing(port, rps=300) as traffic:
        stack.deploy("cart", "v42")
        row = stack.until(CART, lambda row: row["status"] == "baking", "all on v42")
        assert row["rollout"] is not None
        assert row["rollout"]["weight_seen"] == 100
        shares = [event["text"] for event in stack.history() if "% done" in event["text"]]
        assert shares[-3:] == ["10 % done", "50 % done", "100 % done"]
        stack.ask("abort", why="the old colour is still warm")
        stack.until(CART, lambda row: row["status"] == "aborted", "back on v41")
        report = traffic.end()
    assert wrong(report) == {}
    assert {revision.partition("-")[0] for revision in report.by_revision} == {"v41", "v42"}
