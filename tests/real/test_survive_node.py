"""The node or a worker of it dies: a canary that stands at a gate stands there again."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from gaesup_tui.domain.views import StatusRow

from .stack import CART, Stack, gone, kill, running_stack, waits_for_person
from .traffic import flowing, wrong

pytestmark = pytest.mark.real

OUTAGE_S = 8.0
"""Without a node nobody serves; the engine has it back and all applied again within this."""


@pytest.fixture
def stack() -> Iterator[Stack]:
    with running_stack() as stack:
        stack.serve("cart", "v41")
        yield stack


def test_a_killed_worker_costs_the_requests_it_held_and_no_more(stack: Stack) -> None:
    stack.canary_at_gate()
    with flowing(stack.port) as traffic:
        for version in ("v41", "v42"):
            pid = stack.workers(version)[0]
            kill(pid)
            replaced(stack, version, pid)
            stack.until(CART, lambda row: row["ready"] == 2, "whole again")
        row = stack.row()
        assert waits_for_person(row), row["status_text"]
        later = traffic.next_second()
        report = traffic.end()
    assert wrong(later) == {}
    assert sum(wrong(report).values()) <= 4, report.errors


def test_a_killed_node_is_started_again_and_given_all_it_had(stack: Stack) -> None:
    gate = stack.canary_at_gate()
    before, orphans, port = stack.node_pid, stack.workers(), stack.port
    with flowing(port) as traffic:
        kill(before)
        for pid in orphans:
            gone(pid)
        stack.until(CART, lambda row: serving(stack, row, before), "serving again", OUTAGE_S)
        later = traffic.next_second()
        report = traffic.end()
    assert wrong(later) == {}
    assert stack.port == port, "clients need not learn a new address"
    split = {name: share.answered for name, share in later.by_revision.items()}
    assert len(split) == 2, f"both revisions answer again: {split}"
    row = stack.row()
    assert row["rollout"] is not None
    assert gate["rollout"] is not None
    assert row["rollout"]["id"] == gate["rollout"]["id"]
    assert waits_for_person(row), row["status_text"]
    assert report.answered > 0
    told = [event["text"] for event in stack.history("") if event["kind"] == "backend_restarted"]
    assert told == ["the local backend ended and was started again: all replicas anew"]


def replaced(stack: Stack, version: str, pid: int) -> None:
    """Waits until another worker stands where one was killed."""
    give_up = time.monotonic() + 10.0
    while pid in (pids := stack.workers(version)) or len(pids) < 2:
        assert time.monotonic() < give_up, f"{pid} is not replaced: {pids}"
        time.sleep(0.02)


def serving(stack: Stack, row: StatusRow, old_node: int) -> bool:
    rollout = row["rollout"]
    return bool(
        stack.node_pid != old_node
        and rollout
        and rollout["weight_seen"] == 25
        and row["ready"] == row["replicas"]
        and (row["seen_at"] or 0) > time.time() - 2
    )


def test_engine_and_node_killed_together_come_back_as_they_were(stack: Stack) -> None:
    """What a reboot does, short of a reboot."""
    stack.canary_at_gate()
    node = stack.node_pid
    kill(stack.engine_pid)
    kill(node)
    stack.start()
    stack.until(CART, lambda row: serving(stack, row, node), "serving again")
    assert waits_for_person(stack.row())
    stack.ask("promote", full=True)
    done = stack.until(CART, lambda row: row["status"] == "healthy", "promoted")
    assert done["version"] == "v42"


def test_whoever_has_a_dead_nodes_number_now_is_left_alone(stack: Stack) -> None:
    """After a crash of the machine numbers are given out anew; ``stop --node`` must not believe
    the old ones."""
    node = stack.node_pid
    kill(stack.engine_pid)
    kill(node)
    bystander = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        facts = stack.places.runtime / "local" / "node.json"
        told = {**json.loads(facts.read_text(encoding="utf-8")), "pid": bystander.pid}
        facts.write_text(json.dumps(told), encoding="utf-8")
        done = stack.run("engine", "stop", "--node")
        assert (done.returncode, done.stdout.strip()) == (0, "no engine runs")
        assert bystander.poll() is None
    finally:
        bystander.communicate()
    stack.start()
    stack.until("cart@production", lambda row: row["status"] == "healthy", "serving again")
    assert stack.node_pid not in (node, bystander.pid)
