"""Holds, locks and freeze windows with a real engine and node."""

from __future__ import annotations

import json
import shlex
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import yaml

from .stack import CART, GAESUP, Stack, running_stack, waits_for_person

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
    until = ["window", "add", "y", "--all", "--until", "2099-01-01T08:00", "--reason", "z"]
    assert cart.run(*until, "--timezone", "Europe/Berlin").returncode == 0
    (listed,) = json.loads(cart.run("window", "list", "--json").stdout)
    assert (listed["timezone"], listed["is_in_force"]) == ("Europe/Berlin", True)
    assert "until 2099-01-01 08:00 Europe/Berlin" in cart.run("status").stdout
    assert cart.run("window", "remove", "y", "--reason", "z").returncode == 0
    for words, says in (
        ([*until, "--timezone", "Mars/One"], "'Mars/One' is not a time zone here"),
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


LOGIN_UIDS = (4711, 4712)


def as_person(stack: Stack, login_uid: int, *words: str) -> subprocess.CompletedProcess[str]:
    """``gaesup WORDS`` on the engine's own account, by somebody who logged in as another user."""
    command = shlex.join([*GAESUP, *words])
    return subprocess.run(
        ["sh", "-c", f"echo {login_uid} > /proc/self/loginuid && exec {command}"],
        env=stack.environment,
        cwd=stack.project.parent,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def can_set_login_uid() -> bool:
    """Root may, where the kernel keeps login user ids."""
    done = subprocess.run(
        ["sh", "-c", "echo 4711 > /proc/self/loginuid"], capture_output=True, check=False
    )
    return done.returncode == 0


@pytest.mark.skipif(not can_set_login_uid(), reason="needs root and a kernel that keeps loginuid")
def test_two_people_on_one_account_are_two_persons(cart: Stack) -> None:
    document = yaml.safe_load(cart.project.read_text(encoding="utf-8"))
    document["environments"]["production"]["twoPersonRule"] = True
    cart.project.write_text(yaml.safe_dump(document), encoding="utf-8")
    one, other = LOGIN_UIDS
    begun = as_person(cart, one, "deploy", "cart@production", "--version", "v42", "--no-wait")
    assert begun.returncode == 0, begun.stderr
    row = cart.until(CART, waits_for_person, "waiting for a second person")
    assert row["waiting"] is not None
    assert row["waiting"]["what"] == "asked for by uid 4711: waits for a second person"
    alone = as_person(cart, one, "promote", "cart")
    assert alone.returncode == 4
    assert "you asked for it: another one has to promote it" in alone.stderr
    assert as_person(cart, other, "promote", "cart").returncode == 0
    at_gate = cart.until(
        CART,
        lambda r: waits_for_person(r) and bool(r["rollout"] and r["rollout"]["weight_seen"]),
        "at the canary's own gate",
    )
    first = as_person(cart, other, "promote", "cart")
    assert first.returncode == 0, first.stderr
    assert "approved, 1 of 2: waits for a second person" in first.stdout
    assert "of the traffic on" not in first.stdout
    row = cart.row()
    assert row["rollout"] is not None
    assert at_gate["rollout"] is not None
    assert row["rollout"]["weight_seen"] == at_gate["rollout"]["weight_seen"]
    assert as_person(cart, one, "promote", "cart").returncode == 0
    done = [e for e in cart.history() if e["kind"] == "decision_made"]
    assert done[-1]["text"] == "promoted one step, with uid 4712"
    assert as_person(cart, one, "abort", "cart").returncode == 0
