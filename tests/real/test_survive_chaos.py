"""Kills at random moments while people deploy, promote and abort under traffic."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest

from gaesup_tui.domain.errors import Moved, Refused, Unavailable

from .stack import CART, Stack, running_stack
from .traffic import flowing, longest_ms, wrong

pytestmark = pytest.mark.real

ACTS = 28
MOVES = ("kill engine", "kill worker", "deploy", "deploy", "promote", "promote fully", "abort")


@pytest.fixture
def stack() -> Iterator[Stack]:
    with running_stack() as stack:
        stack.serve("cart", "v41")
        yield stack


class Chaos:
    """Acts of one seed, and what was acknowledged."""

    def __init__(self, stack: Stack, seed: int) -> None:
        self.acknowledged: list[int] = []
        self.killed_workers = 0
        self.killed_engines = 0
        self._stack = stack
        self._random = random.Random(seed)

    def act(self) -> None:
        """One thing happens, then a moment passes."""
        move = self._random.choice(MOVES)
        if move == "kill engine":
            self._stack.kill_engine()
            self._stack.start()
            self.killed_engines += 1
        elif move == "kill worker":
            self._kill_worker()
        else:
            with suppress(Refused, Moved):
                self.acknowledged.append(self._ask(move))
        time.sleep(self._random.random() * 0.2)  # the moment of the next act is what is random

    def _ask(self, move: str) -> int:
        if move == "deploy":
            return self._stack.deploy("cart", self._random.choice(("v41", "v42")))["seq"]
        if move == "abort":
            return self._stack.ask("abort")["seq"]
        return self._stack.ask("promote", full=move == "promote fully")["seq"]

    def _kill_worker(self) -> None:
        """One of a whole revision: with both replicas gone, nobody could serve."""
        row = self._stack.row()
        pids = self._stack.workers() if row["ready"] == row["replicas"] else []
        if pids:
            with suppress(ProcessLookupError):
                os.kill(self._random.choice(pids), signal.SIGKILL)
                self.killed_workers += 1


@pytest.mark.parametrize("seed", [1, 7])
def test_whatever_is_killed_traffic_flows_and_no_decision_is_lost(stack: Stack, seed: int) -> None:
    chaos = Chaos(stack, seed)
    with flowing(stack.port, rps=150) as traffic:
        for _ in range(ACTS):
            chaos.act()
        with suppress(Refused, Unavailable):
            stack.ask("abort")
        row = stack.until(CART, lambda r: r["rollout"] and r["rollout"]["phase"] == "finished", "")
        later = traffic.next_second()
        report = traffic.end()
    assert chaos.killed_engines
    assert chaos.acknowledged
    # A killed worker takes the requests with it that it held.
    assert sum(wrong(report).values()) <= 2 * chaos.killed_workers, wrong(report)
    assert longest_ms(report) < 1500
    assert wrong(later) == {}
    assert len(later.by_revision) == 1, "all traffic is on one revision"
    assert next(iter(later.by_revision)).startswith(row["version"] or "nothing")
    kept = {event["seq"] for event in stack.history()}
    assert set(chaos.acknowledged) <= kept
