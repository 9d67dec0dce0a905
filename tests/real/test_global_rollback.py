"""The global rollback on a real node: in order, and on through a killed engine."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from .stack import Stack, running_stack

pytestmark = pytest.mark.real
GOOD = {"checkout": ("v12", "v13"), "cart": ("v41", "v42"), "catalog": ("v21", "v22")}
NEEDS = {"checkout": ["cart"], "cart": ["catalog"]}


def serve(stack: Stack, unit: str, version: str) -> None:
    """Deploys a version and waits until it is the stable one."""
    stack.deploy(unit, version)
    stack.until(f"{unit}@production", lambda row: row["version"] == version, f"on {version}")


@pytest.fixture
def stack() -> Iterator[Stack]:
    """The shop with two good versions each: checkout asks cart, which asks catalog."""
    with running_stack() as stack:
        quick = {"strategy": "rolling", "rolling": {"bake": "0s"}}
        stack.write_project({u: {**quick, "dependsOn": NEEDS.get(u, [])} for u in GOOD})
        for unit, versions in GOOD.items():
            for version in versions:
                serve(stack, unit, version)
        yield stack


def test_it_is_planned_then_done_in_order_and_a_killed_engine_goes_on(stack: Stack) -> None:
    plan = stack.run("global-rollback", "--all", "--plan")
    assert plan.returncode == 0, plan.stderr
    assert re.search(r"1 +checkout@production +v13 → v12", plan.stdout)
    assert re.search(r"3 +catalog@production +v22 → v21", plan.stdout)
    assert stack.client.status()["engine"]["stops"] == []

    begun = stack.run("global-rollback", "--all", "--reason", "all wrong", "--no-wait")
    assert begun.returncode == 0, begun.stderr
    stack.kill_engine()
    stack.start()
    for unit, (good, _) in GOOD.items():
        stack.until(
            f"{unit}@production",
            lambda row, good=good: (
                row["rollout"]["candidate"] == good  # type: ignore[misc]
                and row["rollout"]["weight_seen"] == 100
            ),
            f"served by {good}",
        )
    began = {
        unit: next(
            event["seq"]
            for event in stack.history(f"{unit}@production")
            if event["text"].startswith("rollback ")
        )
        for unit in GOOD
    }
    assert sorted(began, key=lambda unit: began[unit]) == ["checkout", "cart", "catalog"]

    status = stack.run("status")
    assert "ROLLED BACK everything by" in status.stdout
    assert "global rollback of everything: 3 of 3 back" in status.stdout
    refused = stack.run("deploy", "cart", "-e", "production", "--version", "v43")
    assert refused.returncode == 4
    assert "rolled back by" in refused.stderr
    again = stack.run("global-rollback", "--all", "--reason", "twice")
    assert again.returncode == 4
    assert "already" in again.stderr
    assert stack.run("release", "--all", "--reason", "found it").returncode == 0
    assert stack.client.status()["engine"]["stops"] == []


def test_what_was_good_is_listed_and_any_of_it_can_be_chosen(stack: Stack) -> None:
    listed = stack.run("history", "cart", "--good")
    assert listed.returncode == 0, listed.stderr
    assert re.search(r"v42 .* serves now", listed.stdout)
    assert re.search(r"v41 +20\d\d-", listed.stdout)
    back = stack.run("rollback", "cart", "--version", "v41")
    assert back.returncode == 0, back.stderr
    assert "back: 100 % of the traffic on v41, seen" in back.stdout
    same = stack.run("history", "--good")
    assert same.returncode == 2
    assert "name one unit" in same.stderr


def test_the_command_waits_until_all_are_back_and_says_how_long_it_took(stack: Stack) -> None:
    done = stack.run("global-rollback", "-e", "production", "--reason", "all wrong")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "3 of 3 back, seen after" in done.stdout
    assert "`gaesup release --environment production --reason WHY`" in done.stdout
    for unit, (good, _) in GOOD.items():
        rollout = stack.row(f"{unit}@production")["rollout"]
        assert rollout is not None
        assert (rollout["candidate"], rollout["weight_seen"]) == (good, 100)
