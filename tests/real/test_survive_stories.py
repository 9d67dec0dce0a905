"""The demo's stories that end by themselves, through the commands, with the shop's own timings."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .stack import CART, Stack, running_stack

pytestmark = pytest.mark.real


@pytest.fixture
def stack() -> Iterator[Stack]:
    with running_stack(start=False) as stack:
        yield stack
        stack.run("demo", "--stop")


def test_a_crashing_canary_is_taken_back_and_a_flood_is_served(stack: Stack) -> None:
    crash = stack.run("demo", "--story", "crash", "--no-console")
    assert crash.returncode == 0, crash.stderr
    code = stack.run("status", "cart", "--wait", "--timeout", "60s", timeout_s=90).returncode
    row = stack.row()
    assert code == 1, row["status_text"]
    assert row["version"] == "v41"
    assert row["rollout"] is not None
    assert "v45" in (row["rollout"]["cause"] or "")
    assert row["hold"]
    flood = stack.run("demo", "--story", "flood", "--no-console")
    assert flood.returncode == 0, flood.stderr
    row = stack.until(CART, lambda r: (r["numbers"]["rps"] or 0) > 500, "flooded")
    assert row["numbers"]["error_ratio"] is not None
    assert row["numbers"]["error_ratio"] < 0.01
    ended = stack.run("demo", "--stop")
    assert ended.returncode == 0, ended.stderr
    assert stack.processes() == {}
