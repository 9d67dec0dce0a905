"""Holds, locks and freeze windows with a real engine and node."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import yaml

from .stack import CART, Stack, running_stack, waits_for_person

pytestmark = pytest.mark.real


@pytest.fixture
def cart() -> Iterator[Stack]:
    """Cart v41 serves."""
    with running_stack() as stack:
        stack.serve("cart", "v41")
        yield stack


def write_window(stack: Stack, name: str, hours: float) -> None:
    """The project's production has a window that began an hour ago."""
    now = datetime.now(UTC)
    document = yaml.safe_load(stack.project.read_text(encoding="utf-8"))
    document["environments"]["production"]["freezeWindows"] = [
        {
            "name": name,
            "from": f"{now - timedelta(hours=1):%Y-%m-%dT%H:%M}",
            "until": f"{now + timedelta(hours=hours):%Y-%m-%dT%H:%M}",
        }
    ]
    stack.project.write_text(yaml.safe_dump(document), encoding="utf-8")


def test_a_freeze_window_outlives_the_engine_and_glass_is_broken_with_a_reason(
    cart: Stack,
) -> None:
    cart.canary_at_gate()
    write_window(cart, "audit", 2)
    taken = cart.run("window", "apply")
    assert taken.returncode == 0, taken.stderr
    assert "production: freeze windows audit (from " in taken.stdout
    frozen = cart.until(CART, lambda row: row["status"] == "frozen", "frozen")
    assert frozen["waiting"] is not None
    assert "freeze window audit until " in frozen["waiting"]["what"]

    cart.kill_engine()
    cart.start()
    refused = cart.run("promote", "cart")
    assert refused.returncode == 4
    assert "freeze window audit until " in refused.stderr
    assert "--break-glass" in refused.stderr
    (listed,) = json.loads(cart.run("window", "list", "--json").stdout)
    assert listed["is_in_force"]
    assert listed["source"] == str(cart.project.resolve())

    done = cart.run("promote", "cart", "--break-glass", "payments are down")
    assert done.returncode == 0, done.stderr
    broken = [e for e in cart.history() if e["kind"] == "glass_broken"]
    assert [(e["text"], e["why"]) for e in broken] == [
        ("glass broken in freeze window audit", "payments are down")
    ]
    shown = cart.run("status", "cart").stdout
    assert "broken in audit by " in shown
    assert cart.run("abort", "cart").returncode == 0
    assert cart.run("deploy", "cart@production", "--version", "v42").returncode == 4


def test_a_window_by_hand_ends_and_what_stood_goes_on(cart: Stack) -> None:
    added = cart.run(*["window", "add", "demo", "--all", "--for", "6s", "--reason"], "a demo")
    assert added.returncode == 0, added.stderr
    refused = cart.run("deploy", "cart@production", "--version", "v42")
    assert refused.returncode == 4
    assert "freeze window demo" in refused.stderr
    listed = json.loads(cart.run("window", "list", "--json").stdout)
    assert len(listed) == 1
    cart.until(CART, lambda _: not cart.client.status()["engine"]["windows"], "no window left")
    assert cart.run("deploy", "cart@production", "--version", "v42").returncode == 0
    for words, says in (
        (["window", "add", "x", "--all", "--until", "soon", "--reason", "y"], "until: 'soon' is"),
        (["window", "add", "x", "--for", "2h", "--reason", "y"], "for what?"),
        (["window", "remove", "x", "--reason", "y"], "no window 'x' was added"),
    ):
        wrong = cart.run(*words)
        assert wrong.returncode in (2, 4)
        assert says in wrong.stderr
        assert "Traceback" not in wrong.stderr


def test_a_hold_by_hand_and_a_lock_are_kept_and_let_go(cart: Stack) -> None:
    held = cart.run("hold", "cart", "--reason", "the database moves")
    assert held.returncode == 0, held.stderr
    cart.deploy("cart", "v42")
    row = cart.until(CART, waits_for_person, "held before its first share")
    assert row["rollout"] is not None
    assert row["rollout"]["weight_seen"] == 0
    assert "% waits for you" in row["status_text"]
    assert cart.run("lock", "cart", "--reason", "mine", "--for", "2h").returncode == 0
    assert cart.run("lock", "cart", "--reason", "again").returncode == 4
    assert "held; locked by " in cart.run("status").stdout
    assert "locked by " in cart.run("status", "cart").stdout
    assert cart.run("promote", "cart").returncode == 0
    row = cart.until(CART, lambda r: bool(r["rollout"] and r["rollout"]["weight_seen"]), "a share")
    assert cart.run("release", "cart", "--reason", "it moved").returncode == 0
    assert cart.run("unlock", "cart").returncode == 0
    row = cart.row()
    assert (row["hold"], row["lock"]) == (None, None)
