"""The demo: what `make run` starts, what it tells, and that nothing stays behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from gaesup_tui.cli import processes

from .stack import CART, Stack, running_stack, waits_for_person

pytestmark = pytest.mark.real


@pytest.fixture
def stack() -> Iterator[Stack]:
    with running_stack(start=False) as stack:
        yield stack
        stack.run("demo", "--stop")


def flows(stack: Stack) -> None:
    """Until requests are counted."""
    stack.until(CART, lambda row: (row["numbers"]["rps"] or 0) > 50, "gets traffic")


def until_node(stack: Stack) -> None:
    """Until the engine sees the node it started."""
    until = time.monotonic() + 20.0
    while not stack.client.status()["engine"]["backends"].get("local"):
        assert time.monotonic() < until, "the node is not seen"
        time.sleep(0.02)


def load_processes(stack: Stack) -> list[int]:
    return [pid for pid, words in stack.processes().items() if " load " in words]


def test_from_nothing_to_a_canary_that_waits_and_back_to_nothing(stack: Stack) -> None:
    begun = stack.run("demo", "--no-console")
    assert begun.returncode == 0, begun.stderr
    assert "4 units are healthy" in begun.stdout
    assert "began the canary v41→v42 of cart@production" in begun.stdout
    flows(stack)
    assert len(load_processes(stack)) == 4
    gate = stack.until(CART, waits_for_person, "waits for a person", 90.0)
    assert gate["rollout"] is not None
    assert gate["rollout"]["weight_seen"] == 25
    assert stack.run("promote", "cart").returncode == 0
    ended = stack.run("demo", "--stop")
    assert ended.returncode == 0, ended.stderr
    assert stack.processes() == {}
    assert stack.run("demo", "--stop").stdout == "no demo runs here\n"


def test_a_bad_canary_is_taken_back_and_the_next_story_begins_by_itself(stack: Stack) -> None:
    assert stack.run("demo", "--story", "bad-canary", "--no-console").returncode == 0
    watched = stack.run("watch", "cart", "--timeout", "60s", timeout_s=90.0)
    assert watched.returncode == 1, watched.stdout
    assert "back to v41: v43 errors" in watched.stdout
    assert "\nheld  " in stack.run("status", "cart").stdout
    assert stack.run("release", "cart", "--reason", "understood").returncode == 0
    assert stack.row()["hold"] is None
    assert stack.run("scale", "cart", "--replicas", "3").returncode == 0
    loads = load_processes(stack)
    again = stack.run("demo", "--no-console")
    assert again.returncode == 0, again.stderr
    assert "began the canary v41→v42" in again.stdout
    assert load_processes(stack) == loads, "load that flows is not started twice"
    stack.until(CART, lambda row: row["rollout"] and row["rollout"]["weight_seen"] == 5, "5 %")
    assert "candidate × 3 done" in [event["text"] for event in stack.history()]


def test_an_a_b_test_of_users_ends_with_its_answer(stack: Stack) -> None:
    begun = stack.run("demo", "--story", "ab-test", "--no-console")
    assert begun.returncode == 0, begun.stderr
    assert "began the A/B test v41→v48" in begun.stdout
    stack.until(CART, lambda row: row["status"] == "aborted", "back for its answer", 120.0)
    said = stack.run("ab", "cart").stdout
    assert "Answer    worse" in said
    assert "of users on v48, 50 % planned: as it should be" in said


def test_what_ran_before_the_demo_runs_after_it(stack: Stack) -> None:
    engine = stack.start()
    until_node(stack)
    node = stack.node_pid
    assert stack.run("demo", "--no-console").returncode == 0
    ended = stack.run("demo", "--stop")
    assert "engine and node go on" in ended.stdout
    assert stack.engine_pid == engine
    assert stack.node_pid == node
    assert load_processes(stack) == []
    row = stack.row()
    assert row["rollout"]
    assert row["rollout"]["phase"] == "finished", "a canary nobody feeds went back"


def test_an_engine_started_on_purpose_is_not_the_demos_to_end(stack: Stack) -> None:
    assert stack.run("demo", "--no-console").returncode == 0
    stack.kill_engine()
    stack.start()
    assert "they are not the demo's" in stack.run("demo", "--stop").stdout
    assert stack.client.hello()["pid"]
    ended = stack.run("engine", "stop", "--node")
    assert "nothing is served" in ended.stdout
    assert stack.processes() == {}


def test_somebodys_own_cart_is_left_alone(stack: Stack) -> None:
    stack.start()
    stack.serve("cart", "v41")
    before = stack.client.hello()["seq"]
    done = stack.run("demo", "--no-console")
    assert done.returncode == 4
    assert "cart@production is yours" in done.stderr
    assert stack.client.hello()["seq"] == before


def test_a_process_that_took_over_the_number_of_an_ended_one_is_not_touched() -> None:
    known = processes.find(os.getpid())
    assert known is not None
    assert processes.lives(known)
    other = processes.Known(pid=os.getpid(), began="12345")
    assert processes.end([other]) == 0


def test_one_that_does_not_listen_is_ended_all_the_same() -> None:
    code = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
        "print(flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        known = processes.find(process.pid)
        assert known is not None
        assert processes.end([known], timeout_s=0.1) == 1
        assert process.wait(timeout=10) == -signal.SIGKILL
