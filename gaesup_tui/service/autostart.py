"""An engine when one is needed: the first who finds none starts it, the others wait for it."""

from __future__ import annotations

import fcntl
import os
import sys
import time
from pathlib import Path

from gaesup_tui.domain.errors import GaesupError, Invalid, Unavailable
from gaesup_tui.domain.text import printable_line
from gaesup_tui.domain.views import Hello
from gaesup_tui.service import places as where
from gaesup_tui.service.client import Client
from gaesup_tui.service.places import Places
from gaesup_tui.service.wire import Absent, Silent

START_TIMEOUT_S = 20.0
_DAEMON = "gaesup_tui.service.server.daemon"
_OUTPUT_BYTES = 1_000_000


def ensure(places: Places, *, any_version: bool = False) -> Hello:
    """An engine that answers: the one that runs, or one that is started now.

    Raises:
        Unavailable: it cannot be started, says why; or one of another version runs.
        Invalid: a folder of ours belongs to somebody else or is open to others.
    """
    client = Client(places.socket, any_version=any_version)
    if found := _answer(client, places.socket):
        return found
    where.make(places)
    lock = os.open(places.start_lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        _take(lock, places.start_lock)
        # Whoever held the lock may have started it meanwhile.
        return _answer(client, places.socket) or _start(places, client)
    finally:
        os.close(lock)


def _answer(client: Client, socket: Path) -> Hello | None:
    """Who answers; None when nothing listens. A version mismatch is raised, not started over."""
    if not socket.exists():
        return None
    try:
        return client.hello()
    except Absent:
        return None
    except Silent as error:
        raise hung(error) from None


def hung(error: Silent) -> Unavailable:
    """What a person is told of an engine of this machine that is there and does not answer."""
    if error.pid is None:
        return error
    return Unavailable(
        f"the engine, process {error.pid}, runs and does not answer: what is deployed keeps "
        "serving, and nothing is decided",
        hint=f"stopped (state T in `ps`)? `kill -CONT {error.pid}`. Else `kill -9 {error.pid}` "
        "loses nothing that was acknowledged; then `gaesup engine start`",
    )


def _take(lock: int, path: Path) -> None:
    until = time.monotonic() + START_TIMEOUT_S
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() >= until:
                raise Unavailable(
                    f"another command has been starting the engine for {START_TIMEOUT_S:g} s",
                    hint=f"it holds {path}",
                ) from None
            time.sleep(0.02)


def _start(places: Places, client: Client) -> Hello:
    # Loaded here: commands that find an engine, nearly all, need none of it.
    import subprocess

    began = _trim(places.engine_output)
    with open(places.engine_output, "ab") as output:
        os.chmod(places.engine_output, 0o600)
        process = subprocess.Popen(
            [sys.executable, "-m", _DAEMON],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd="/",
            start_new_session=True,
        )
    until = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < until:
        if found := _answer(client, places.socket):
            # It outlives us; Popen would warn that nobody waits for it.
            process.returncode = 0
            return found
        if process.poll() is not None:
            raise _failed(places.engine_output, began, process.returncode)
        time.sleep(0.01)
    process.terminate()
    raise Unavailable(
        f"the engine did not answer within {START_TIMEOUT_S:g} s of its start",
        hint=f"see {places.engine_log}",
    )


def _trim(output: Path) -> int:
    """Where the output of the engine to come begins; an old long one is dropped."""
    try:
        size = output.stat().st_size
    except FileNotFoundError:
        return 0
    if size > _OUTPUT_BYTES:
        output.write_bytes(b"")
        return 0
    return size


def _failed(output: Path, began: int, code: int) -> GaesupError:
    """Why it ended, from the last line it wrote and its exit code: 2 is for what a person wrote."""
    with open(output, "rb") as file:
        file.seek(began)
        lines = file.read(64 * 1024).decode("utf-8", "replace").strip().splitlines()
    said = printable_line(lines[-1], 1000) if lines else "it said nothing"
    reason = said.removeprefix("gaesup engine: ")
    if code == 2:
        return Invalid(reason)
    return Unavailable(f"the engine did not start: {reason}", hint=f"see {output}")
