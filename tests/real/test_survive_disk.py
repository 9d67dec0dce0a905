"""No room, or no right, to write the journal: nothing goes forward, the way back acts, traffic
flows."""

from __future__ import annotations

import os
import resource
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from gaesup_tui.domain.errors import Frozen

from .stack import CART, DEADLINE_S, Stack, running_stack
from .traffic import flowing, wrong

pytestmark = pytest.mark.real

BYTES = 24 * 2**20


@contextmanager
def small_disk(folder: Path) -> Iterator[None]:
    """A file system of its own, of a few megabytes, at ``folder``."""
    folder.mkdir(mode=0o700, parents=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={BYTES},mode=700", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("a disk that is really full needs the right to mount a small one: run as root")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture
def stack() -> Iterator[Stack]:
    """A stack whose state lies on a small disk."""
    with running_stack(start=False) as stack, small_disk(stack.places.state):
        stack.start()
        stack.serve("cart", "v41")
        yield stack
        stack.close()


def fill(folder: Path) -> Path:
    """Takes every byte that is left."""
    path = folder / "somebody-elses-file"
    with path.open("wb", buffering=0) as file, suppress(OSError):
        while file.write(b"\0" * 4096):
            pass
    return path


def until(holds: Callable[[], object], what: str) -> None:
    give_up = time.monotonic() + DEADLINE_S
    while not holds():
        assert time.monotonic() < give_up, f"not within {DEADLINE_S:g} s: {what}"
        time.sleep(0.02)


def frozen(stack: Stack) -> str | None:
    return stack.client.hello()["frozen"]


def freeze(stack: Stack) -> Path:
    """Fills the disk; the engine notices with the next thing it has to record."""
    stuffing = fill(stack.places.state)
    until(lambda: refuses_to_pause(stack), "frozen")
    return stuffing


def stays_frozen(stack: Stack) -> None:
    """Over the first tries to write again: without room none of them may succeed."""
    until_then = time.monotonic() + 2.0
    while time.monotonic() < until_then:
        assert frozen(stack), "it believed for a moment that the disk had room"
        time.sleep(0.02)


def refuses_to_pause(stack: Stack) -> bool:
    """A pause is small: the last page of the journal may still have room for some."""
    try:
        stack.ask("pause")
        stack.ask("resume")
    except Frozen as error:
        assert "nothing moves forward" in str(error)  # noqa: PT017
        return True
    return False


def test_on_a_full_disk_an_abort_acts_and_is_recorded_once_there_is_room(stack: Stack) -> None:
    stack.canary_at_gate()
    with flowing(stack.port) as traffic:
        stuffing = freeze(stack)
        assert "full" in (frozen(stack) or "")
        stays_frozen(stack)
        refused = stack.run("promote", "cart", "--no-wait")
        assert refused.returncode != 0
        assert "nothing moves forward" in refused.stderr
        assert "FROZEN" in stack.run("status").stdout
        assert "BAD" in stack.run("doctor").stdout
        told = stack.ask("abort", why="not now")
        assert not told["durable"], "it cannot have been written"
        back = stack.until(CART, on_stable, "back on v41")
        assert back["version"] == "v41"
        after = traffic.next_second()
        assert len(after.by_revision) == 1
        stuffing.unlink()
        until(lambda: frozen(stack) is None, "thawed")
        report = traffic.end()
    assert wrong(report) == {}
    kinds = [event["kind"] for event in stack.history()]
    assert "retreat_started" in kinds, "recorded, late"
    stack.kill_engine()
    stack.start()
    again = stack.until(CART, at_rest, "at rest")
    assert again["rollout"] is not None
    assert again["rollout"]["outcome"] == "aborted"


def on_stable(row: object) -> bool:
    assert isinstance(row, dict)
    rollout = row["rollout"]
    return bool(rollout and rollout["weight_seen"] in (0, None) and rollout["phase"] != "forward")


def at_rest(row: object) -> bool:
    assert isinstance(row, dict)
    return bool(row["rollout"]["phase"] == "finished")


def test_on_a_full_disk_the_emergency_stop_acts(stack: Stack) -> None:
    stack.canary_at_gate()
    stuffing = freeze(stack)
    done = stack.run("stop", "--all", "--reason", "everything is on fire", "--no-wait")
    assert done.returncode == 0, done.stderr
    stack.until(CART, on_stable, "back on v41")
    assert "STOPPED everything" in stack.run("status").stdout
    stuffing.unlink()
    until(lambda: frozen(stack) is None, "thawed")
    stack.kill_engine()
    stack.start()
    assert "STOPPED everything" in stack.run("status").stdout, "the stop outlives the engine"


def test_a_journal_that_takes_nothing_more_freezes_and_thaws() -> None:
    """Every write to a file fails, as on a disk that broke; needs no rights."""
    with running_stack() as stack:
        stack.serve("cart", "v41")
        stack.canary_at_gate()
        pid = stack.engine_pid
        soft, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        with flowing(stack.port) as traffic:
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, hard))
            until(lambda: refuses_to_pause(stack), "frozen")
            assert not stack.ask("abort")["durable"]
            stack.until(CART, on_stable, "back on v41")
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (soft, hard))
            until(lambda: frozen(stack) is None, "thawed")
            report = traffic.end()
        assert wrong(report) == {}
        assert stack.engine_pid == pid
        assert "retreat_started" in [event["kind"] for event in stack.history()]


@pytest.mark.parametrize("what", ["read-only", "full"])
def test_an_engine_that_cannot_write_at_its_start_says_so(what: str) -> None:
    with running_stack(start=False) as stack, small_disk(stack.places.state):
        if what == "full":
            fill(stack.places.state)
        else:
            command = ["mount", "-o", "remount,ro", str(stack.places.state)]
            subprocess.run(command, check=True)
        done = stack.run("engine", "start")
        assert done.returncode == 5
        assert str(stack.places.journal) in done.stderr
        assert "writable for you" in done.stderr
        assert done.stderr.count("\n") == 1, "one line, no traceback"
        assert not stack.processes()
