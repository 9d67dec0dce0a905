"""Somebody stands still for a while, an engine or a node: nothing is lost, and nobody is told a
thing that is not so."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from .stack import CART, Stack, running_stack, waits_for_person
from .traffic import flowing, wrong

pytestmark = pytest.mark.real


@pytest.fixture
def gate() -> Iterator[Stack]:
    """A canary v41→v42 that waits for a person."""
    with running_stack() as stack:
        stack.serve("cart", "v41")
        stack.canary_at_gate()
        yield stack


@contextmanager
def standing_still(*pids: int) -> Iterator[None]:
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


def test_an_engine_that_stands_still_is_named_and_nothing_is_said_to_be_gone(gate: Stack) -> None:
    engine = gate.engine_pid
    with flowing(gate.port) as traffic:
        with standing_still(engine):
            for words in (("engine", "stop"), ("engine", "status")):
                told = gate.run(*words)
                assert told.returncode == 5, words
                assert f"process {engine}, runs and does not answer" in told.stderr
                assert f"kill -CONT {engine}" in told.stderr
                assert "no engine runs" not in told.stdout
        gate.until(CART, waits_for_person, "at the gate")
        report = traffic.end()
    assert gate.engine_pid == engine, "what could not be asked for does not happen later"
    assert wrong(report) == {}
