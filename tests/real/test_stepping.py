"""Extending a wait and stepping back on a real node."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from .stack import CART, Stack, running_stack, waits_for_person

pytestmark = pytest.mark.real


@pytest.fixture
def cart() -> Iterator[Stack]:
    """Cart v42 at 25 %, waiting for a person."""
    with running_stack() as stack:
        stack.serve("cart", "v41")
        stack.canary_at_gate()
        yield stack


def test_a_wait_expires_later_and_the_share_before_is_seen_on_the_route(cart: Stack) -> None:
    extended = cart.run("extend", "cart", "--by", "2h", "--reason", "lunch")
    assert extended.returncode == 0, extended.stderr
    assert "extended by 2h" in extended.stdout
    waiting = cart.row()["waiting"]
    assert waiting is not None
    assert waiting["until"] == pytest.approx(waiting["since"] + 1800 + 7200)

    back = cart.run("step-back", "cart", "--reason", "p95 looks odd")
    assert back.returncode == 0, back.stderr
    assert re.search(r"Then +v41 90 %   v42 10 %", back.stdout)
    assert "waits for you with 10 % on v42, seen after" in back.stdout
    row = cart.row()
    assert row["waiting"] is not None
    assert "stepped back to 10 %: p95 looks odd" in row["waiting"]["what"]

    assert cart.run("resume", "cart").returncode == 0
    cart.until(CART, lambda r: waits_for_person(r) and r["status"] == "waiting", "at the gate")
    rollout = cart.row()["rollout"]
    assert rollout is not None
    assert rollout["weight_seen"] == 25
    refused = cart.run("extend", "cart", "--by", "soon")
    assert refused.returncode == 2
    assert "--by: 'soon' is not a duration" in refused.stderr
