"""The console dies, hangs up or freezes: nothing but the console is touched, and it comes back to
where things are."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager

import pytest

from .stack import CART, GAESUP, Stack, running_stack, waits_for_person
from .terminal import Person, person
from .traffic import flowing, wrong

pytestmark = pytest.mark.real

FROZEN_S = 15.0
AT_GATE = "v41→v42 at 25 %, waits for you"


@pytest.fixture
def gate() -> Iterator[Stack]:
    """A canary v41→v42 that waits for a person."""
    with running_stack() as stack:
        stack.serve("cart", "v41")
        stack.canary_at_gate()
        yield stack


def console(stack: Stack, *flags: str) -> AbstractContextManager[Person]:
    return person([*GAESUP, *flags], stack.environment, stack.home)


def test_a_decision_by_key_is_there_after_the_terminal_is_gone(gate: Stack) -> None:
    engine, node = gate.engine_pid, gate.node_pid
    with flowing(gate.port) as traffic:
        with console(gate) as first:
            first.sees(AT_GATE)
            first.press("p")
            first.sees("Promote cart@production to 50 %", "y promote")
            first.press("\r")
            first.sees_no_more("y promote")
            assert waits_for_person(gate.row()), "Enter never confirms"
            first.press("p")
            first.sees("y promote")
            first.confirms("y", "y promote")
            gate.until(CART, lambda row: not waits_for_person(row), "promoted")
            assert first.hang_up() == 128 + signal.SIGHUP
        gate.until(CART, lambda row: row["version"] == "v42", "all on v42")
        with console(gate) as second:
            second.press("2")
            second.sees("cart", "v42", "healthy")
            second.press("q")  # back to the first screen, from which it leaves
            second.sees("Needs you")
            second.press("q")
            assert second.leaves() == 0
        report = traffic.end()
    assert (gate.engine_pid, gate.node_pid) == (engine, node)
    assert wrong(report) == {}
    assert "decision_made" in [event["kind"] for event in gate.history()]


def test_a_killed_console_decides_nothing_and_disturbs_nobody(gate: Stack) -> None:
    before = gate.client.hello()["seq"]
    with console(gate) as other, console(gate) as killed:
        other.sees(AT_GATE)
        killed.sees(AT_GATE)
        killed.press("x")
        killed.sees("Abort")
        os.kill(killed.process.pid, signal.SIGKILL)
        assert killed.process.wait(10) == -signal.SIGKILL
        assert gate.client.hello()["seq"] == before, "what was not confirmed was not done"
        gate.ask("abort", why="seen by the other")
        other.sees("abort")
        gate.until(CART, lambda r: r["rollout"] and r["rollout"]["phase"] == "finished", "back")


def test_a_frozen_terminal_holds_nobody_up_and_thaws_to_the_present(gate: Stack) -> None:
    """Nobody reads the console's output for 15 s, while a canary is promoted and another begins."""
    with console(gate) as frozen:
        frozen.sees(AT_GATE)
        froze_at = time.monotonic()
        with flowing(gate.port, rps=100) as traffic:
            gate.ask("promote", full=True)
            gate.until(CART, lambda row: row["version"] == "v42", "promoted")
            gate.until(CART, lambda r: r["rollout"] and r["rollout"]["phase"] == "finished", "done")
            gate.deploy("cart", "v41")
            gate.until(CART, waits_for_person, "at the gate again")
            while time.monotonic() - froze_at < FROZEN_S:
                traffic.next_second()
            report = traffic.end()
        frozen.sees("v42→v41 at 25 %, waits for you", deadline_s=3.0)
        gate.ask("promote", full=True)
        gate.until(CART, lambda row: row["version"] == "v41", "promoted")
    assert wrong(report) == {}


def test_the_console_outlives_the_engine_and_says_so(gate: Stack) -> None:
    with console(gate, "--no-autostart") as watcher:
        watcher.sees(AT_GATE, "engine ok")
        gate.kill_engine()
        gone = watcher.sees_no_more("engine ok")
        assert AT_GATE in gone, "what was last seen stays on the screen"
        gate.start()
        watcher.sees("engine ok", AT_GATE)
