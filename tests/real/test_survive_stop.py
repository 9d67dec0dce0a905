"""The engine dies under a stop that was pressed: the command sees it through."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator

import pytest

from gaesup_tui.domain.views import StatusRow

from .stack import CART, GAESUP, Stack, running_stack
from .terminal import person

pytestmark = pytest.mark.real


@pytest.fixture
def stack() -> Iterator[Stack]:
    with running_stack() as stack:
        stack.serve("cart", "v41")
        yield stack


def goes_back(row: StatusRow) -> bool:
    return row["rollout"] is not None and row["rollout"]["phase"] == "back"


def begun(stack: Stack, *words: str) -> subprocess.Popen[str]:
    """``gaesup WORDS`` that somebody waits for."""
    return subprocess.Popen(
        [*GAESUP, *words],
        env=stack.environment,
        cwd=stack.project.parent,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@pytest.mark.parametrize(
    "words", [("stop", "--all", "--reason", "fire"), ("abort", CART, "--reason", "fire")]
)
def test_an_engine_that_dies_while_the_backend_hangs_is_started_again(
    stack: Stack, words: tuple[str, ...]
) -> None:
    stack.canary_at_gate()
    node, engine = stack.node_pid, stack.engine_pid
    os.kill(node, signal.SIGSTOP)
    try:
        waits = begun(stack, *words)
        stack.until(CART, goes_back, "going back")
        assert stack.kill_engine() == engine
        stack.until(CART, goes_back, "going back in the next life")
        assert stack.engine_pid != engine
    finally:
        os.kill(node, signal.SIGCONT)
    said, _ = waits.communicate(timeout=60)
    assert waits.returncode == 0, said
    assert "at rest" in said or "on v41, seen" in said
    stack.until(CART, lambda row: row["status"] == "aborted", "aborted")


def test_a_stop_by_key_raises_the_engine_that_dies_under_it(stack: Stack) -> None:
    stack.canary_at_gate()
    node, engine = stack.node_pid, stack.engine_pid
    os.kill(node, signal.SIGSTOP)
    try:
        with person([*GAESUP], stack.environment, stack.home) as console:
            console.sees("waits for you", "engine ok")
            console.press("!")
            console.sees("S  stop")
            console.confirms("S", "S  stop")
            console.sees("confirmed: STOP everything", "still moving")
            assert stack.kill_engine() == engine
            stack.until(CART, goes_back, "going back in the next life")
            os.kill(node, signal.SIGCONT)
            console.sees("all at their stable revision")
    finally:
        os.kill(node, signal.SIGCONT)
