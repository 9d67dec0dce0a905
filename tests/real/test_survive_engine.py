"""The engine dies: traffic goes on, a new engine stands where the old one stood."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from .stack import CART, Stack, running_stack, waits_for_person
from .traffic import flowing, longest_ms, wrong

pytestmark = pytest.mark.real

STALL_MS = 1500.0
"""No request waits longer, whatever is killed: a busy machine included."""


@pytest.fixture
def stack() -> Iterator[Stack]:
    with running_stack() as stack:
        stack.serve("cart", "v41")
        yield stack


def journal(stack: Stack) -> list[tuple[int, str]]:
    return [(event["seq"], event["kind"]) for event in stack.history()]


def test_killed_at_every_stage_of_a_canary_it_ends_where_it_should(stack: Stack) -> None:
    """Kill after the order, while weights change, at the gate, after the decision, in the bake."""
    node = stack.node_pid
    with flowing(stack.port) as traffic:
        told = stack.deploy("cart", "v42")["seq"]
        known: list[tuple[int, str]] = []

        def kill_and_return() -> None:
            nonlocal known
            known = journal(stack)
            stack.kill_engine()
            stack.start()
            assert journal(stack)[: len(known)] == known, "something acknowledged was lost"

        kill_and_return()
        assert told in [seq for seq, _ in known]
        for weight in (10, 25):
            stack.until(CART, lambda row: weight_of(row) >= weight, f"at {weight} %")  # noqa: B023
            kill_and_return()
        gate = stack.until(CART, waits_for_person, "at the gate")
        kill_and_return()
        again = stack.until(CART, waits_for_person, "at the gate again")
        assert again["rollout"]["id"] == gate["rollout"]["id"]  # type: ignore[index]
        told = stack.ask("promote", why="looks good")["seq"]
        kill_and_return()
        assert told in [seq for seq, _ in known]
        stack.until(CART, lambda row: weight_of(row) == 100, "at 100 %")
        kill_and_return()
        stack.until(CART, lambda row: row["version"] == "v42" and at_rest(row), "promoted")
        assert set(traffic.next_second().by_revision) == {revision_of(stack)}
        report = traffic.end()
    assert stack.node_pid == node, "the node must not notice"
    assert wrong(report) == {}
    assert longest_ms(report) < STALL_MS
    kinds = [kind for _, kind in journal(stack)]
    assert kinds.count("decision_made") == 1
    assert kinds.count("rollout_finished") == 2


def weight_of(row: Any) -> int:
    return row["rollout"]["weight_seen"] or 0 if row["rollout"] else 0


def at_rest(row: Any) -> bool:
    return bool(row["rollout"]["phase"] == "finished")


def revision_of(stack: Stack) -> str:
    view = next(v for v in stack.client.snapshot()["deployments"] if v["key"] == CART)
    return next(r["id"] for r in view["revisions"] if r["version"] == view["version"])


def test_an_abort_that_was_acknowledged_holds_though_the_engine_dies_at_once(stack: Stack) -> None:
    stack.canary_at_gate()
    with flowing(stack.port) as traffic:
        told = stack.ask("abort", why="wrong prices")
        stack.kill_engine()
        stack.start()
        row = stack.until(CART, at_rest, "at rest")
        assert row["rollout"] is not None
        assert row["rollout"]["outcome"] == "aborted"
        assert row["version"] == "v41"
        assert told["seq"] in [seq for seq, _ in journal(stack)]
        assert set(traffic.next_second().by_revision) == {revision_of(stack)}
        report = traffic.end()
    assert wrong(report) == {}
    assert longest_ms(report) < STALL_MS


def test_nothing_moves_and_nothing_stops_while_no_engine_runs(stack: Stack) -> None:
    """Shares stay as they are; the first command that changes something starts a new engine."""
    stack.canary_at_gate()
    with flowing(stack.port) as traffic:
        before = traffic.next_second()
        stack.kill_engine()
        after = traffic.next_second()
        assert stack.run("status").returncode == 5, "asking starts nothing"
        done = stack.run("promote", "cart", "--reason", "it is fine", "--no-wait")
        assert done.returncode == 0, done.stderr
        row = stack.until(CART, at_rest, "promoted")
        assert row["version"] == "v42"
        report = traffic.end()
    assert set(before.by_revision) == set(after.by_revision)
    assert len(after.by_revision) == 2
    assert wrong(report) == {}


def test_the_first_engine_goes_on_while_a_second_is_refused(stack: Stack) -> None:
    """The second sees the lock of the first; should that be gone, the journal itself refuses."""
    pid = stack.engine_pid
    for lock_is_gone in (False, True):
        if lock_is_gone:
            stack.places.engine_lock.unlink()
        second = second_engine(stack)
        assert second.returncode == 1
        assert "another engine" in second.stderr or "engine runs" in second.stderr
        assert second.stderr.count("\n") == 1, "one line, no traceback"
        assert stack.engine_pid == pid
        assert stack.row()["status"] == "healthy"
    assert stack.ask("scale", replicas=3)["durable"]


def second_engine(stack: Stack) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "gaesup_tui.service.server.daemon"],
        env=stack.environment,
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )


def test_behind_a_socket_is_never_mistaken_for_the_engine_of_this_machine(stack: Stack) -> None:
    """A socket that somebody forwarded, and an engine of one's own on the same machine."""
    with running_stack() as own:
        other = ("--socket", str(stack.places.socket))
        told = own.run(*other, "engine", "status").stdout
        assert f"process {stack.engine_pid}," in told
        assert f"process {stack.engine_pid}\n" in own.run(*other, "doctor").stdout
        refused = own.run(*other, "engine", "stop")
        assert refused.returncode == 2
        assert "--socket" in refused.stderr
        assert own.client.hello()["pid"] != stack.client.hello()["pid"], "both still run"
