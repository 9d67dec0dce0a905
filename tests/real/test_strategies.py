"""Rolling and blue-green on the real node, under traffic: nobody gets an error."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from gaesup_tui.domain.views import StatusRow

from .stack import CART, Stack, running_stack, waits_for_person
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


def test_a_rolling_update_is_scaled_up_and_down_between_its_waves(stack: Stack) -> None:
    rolling = {"bake": "1s", "minReady": "1s", "maxUnavailable": 0}
    stack.write_project({"cart": ROLLING | {"rolling": rolling}})
    port = stack.serve("cart", "v41")
    stack.ask("scale", replicas=3)
    stack.until(CART, lambda row: row["ready"] == 3, "three ready")
    stack.write_project({"cart": ROLLING | {"rolling": rolling}}, replicas=None)
    fewest, most = 3, 0

    def look() -> None:
        nonlocal fewest, most
        (view,) = stack.client.snapshot()["deployments"]
        fewest = min(fewest, sum(revision["ready"] for revision in view["revisions"]))
        most = max(most, sum(revision["wanted"] for revision in view["revisions"]))

    def shared(row: StatusRow) -> bool:
        look()
        return bool(row["rollout"] and row["rollout"]["weight_seen"])

    def with_five(row: StatusRow) -> bool:
        look()
        return (row["ready"] or 0) >= 5

    def arrived(row: StatusRow) -> bool:
        look()
        return row["version"] == "v42" and row["ready"] == 4

    with flowing(port, rps=200) as traffic:
        stack.deploy("cart", "v42")
        stack.until(CART, shared, "the first wave serves")
        stack.ask("scale", replicas=6)
        stack.until(CART, with_five, "more than before are ready")
        assert fewest >= 3  # none may be missing of those there were
        assert most <= 7
        row = stack.row()
        assert row["rollout"] is not None, "it arrived before it could be scaled once more"
        assert row["rollout"]["phase"] == "forward"
        stack.ask("scale", replicas=4)
        stack.until(CART, arrived, "four of v42")
        report = traffic.end()
    assert wrong(report) == {}
    assert fewest >= 3
    said = [event["text"] for event in stack.history()]
    assert [text for text in said if "waves planned anew" in text] == [
        "scaled to 6, waves planned anew",
        "scaled to 4, waves planned anew",
    ]


def test_blue_green_switches_in_shares_and_back_at_once_without_an_error(stack: Stack) -> None:
    stack.write_project({"cart": BLUE_GREEN})
    port = stack.serve("cart", "v41")
    with flowing(port, rps=300) as traffic:
        stack.deploy("cart", "v42")
        row = stack.until(CART, lambda row: row["status"] == "baking", "all on v42")
        assert row["rollout"] is not None
        assert row["rollout"]["weight_seen"] == 100
        shares = [event["text"] for event in stack.history() if "% of the" in event["text"]]
        assert shares[-3:] == [f"{share} % of the traffic on v42" for share in (10, 50, 100)]
        stack.ask("abort", why="the old colour is still warm")
        stack.until(CART, lambda row: row["status"] == "aborted", "back on v41")
        report = traffic.end()
    assert wrong(report) == {}
    assert {revision.partition("-")[0] for revision in report.by_revision} == {"v41", "v42"}


def test_a_list_of_ones_own_runs_on_the_node_with_its_checks(stack: Stack) -> None:
    careful = [
        {"deploy": 1},
        {"ready": None},
        {"smoke": None},
        {"weight": 30},
        {"background": "restarts < 1"},
        {"check": ["errorRate <= 1% over 3s", "rps >= 5 over 3s"]},
        {"replicas": "all"},
        {"weight": 100},
        {"bake": "1s"},
        {"retire": None},
    ]
    stack.write_project({"cart": {"strategy": "careful", "autoAbort": False, "guards": []}})
    document = yaml.safe_load(stack.project.read_text())
    document["strategies"] = {"careful": careful}
    stack.project.write_text(yaml.safe_dump(document))
    port = stack.serve("cart", "v41")
    shown = stack.run("deploy", "cart", "-e", "production", "--version", "v42", "--dry-run")
    assert "v41→v42 careful, 2 replicas" in shown.stdout, shown.stderr
    assert " 5  watch restarts < 1" in shown.stdout
    with flowing(port, rps=100) as traffic:
        done = stack.run("deploy", "cart", "-e", "production", "--version", "v42")
        assert done.returncode == 0, done.stderr
        stack.until(CART, lambda row: row["version"] == "v42", "on v42")
        report = traffic.end()
    assert wrong(report) == {}
    said = [event["text"] for event in stack.history()]
    assert any("errorRate 0.0 % <= 1.0 %; rps " in text for text in said), said


def test_a_newer_revision_takes_the_place_of_the_one_that_moves(stack: Stack) -> None:
    gate = {"steps": [{"weight": 20}, {"pause": {"expiry": "30m"}}], "bake": "1s"}
    stack.write_project({"cart": {"canary": gate, "whileMoving": "replace", "guards": []}})
    port = stack.serve("cart", "v41")
    with flowing(port, rps=100) as traffic:
        stack.canary_at_gate("v42")
        done = stack.run("deploy", "cart", "-e", "production", "--version", "v43")
        assert done.returncode == 0, done.stderr
        assert "v43 takes the place of v42, which goes back first" in done.stdout

        def at_gate(row: StatusRow) -> bool:
            rollout = row["rollout"]
            return bool(rollout and rollout["candidate"] == "v43" and waits_for_person(row))

        stack.until(CART, at_gate, "v43 at its gate")
        report = traffic.end()
    assert wrong(report) == {}
    row = stack.row()
    assert row["version"] == "v41"
    assert row["hold"] is None
