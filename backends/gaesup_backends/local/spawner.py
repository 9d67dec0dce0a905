"""The node's side of the zygote: starts it, orders workers, hears of their exits.

The node is the reaper of last resort: when the zygote dies its workers become children of the
node and go on serving; a new zygote starts the next ones.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import itertools
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Final

from gaesup_backends.local.worker import WorkerSpec

_PR_SET_CHILD_SUBREAPER: Final = 36
RESTART_ZYGOTE_S: Final = 0.2
HANGS_AFTER_S: Final = 15.0
"""Without a word for so long while orders wait, the zygote hangs; it starts in one or two."""


@dataclass(slots=True)
class Started:
    """The node's ends of a worker that was ordered."""

    ticket: int
    link: socket.socket
    stdout_fd: int
    stderr_fd: int


class SpawnError(Exception):
    """The order could not be given now; try again shortly."""


class Spawner:
    """Orders workers from the zygote.

    Callbacks run on the loop: ``on_forked(ticket, pid)``, ``on_refused(ticket, reason)``,
    ``on_exited(pid, code)`` with a negative code for a signal.
    """

    def __init__(
        self,
        on_forked: Callable[[int, int], None],
        on_refused: Callable[[int, str], None],
        on_exited: Callable[[int, int], None],
    ) -> None:
        self._on_forked = on_forked
        self._on_refused = on_refused
        self._on_exited = on_exited
        self._tickets = itertools.count(1)
        self._control: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._living: set[int] = set()
        self._orphans: set[int] = set()
        self._ordered: set[int] = set()
        self._dying: set[int] = set()
        self._silent_since = time.monotonic()
        self._closing = False

    def start(self) -> None:
        """Start the zygote; call again after it died is done by itself."""
        _become_subreaper()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "gaesup_backends.local.zygote", str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
        )
        theirs.close()
        ours.setblocking(False)
        self._control = ours
        asyncio.get_running_loop().add_reader(ours.fileno(), self._heard)

    def spawn(self, spec: WorkerSpec) -> Started:
        """Order a worker.

        Raises:
            SpawnError: the zygote is starting again, or there are no descriptors left.
        """
        if self._control is None:
            raise SpawnError("the zygote is starting again")
        ticket = next(self._tickets)
        theirs: list[int] = []
        try:
            link, their_link = socket.socketpair()
            theirs.append(their_link.detach())
            out_read, out_write = os.pipe()
            theirs.append(out_write)
            err_read, err_write = os.pipe()
            theirs.append(err_write)
            order = json.dumps({"op": "fork", "ticket": ticket, "spec": asdict(spec)}).encode()
            socket.send_fds(self._control, [order], theirs)
        except OSError as error:
            raise SpawnError(f"cannot order a worker: {error}") from None
        finally:
            for fd in theirs:
                os.close(fd)
        self._expect()
        self._ordered.add(ticket)
        link.setblocking(False)
        return Started(ticket, link, out_read, err_read)

    def kill(self, pid: int) -> None:
        """SIGKILL a worker; nothing happens when it is gone already."""
        if pid in self._orphans:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        elif self._control is not None:
            if pid in self._living:
                self._expect()
                self._dying.add(pid)
            with contextlib.suppress(OSError):
                self._control.send(json.dumps({"op": "kill", "pid": pid}).encode())

    def reap_orphans(self) -> None:
        """Look for exits of workers whose zygote died; cheap, call it on each tick."""
        for pid in tuple(self._orphans):
            code = _wait(pid)
            if code is not None:
                self._orphans.discard(pid)
                self._on_exited(pid, code)

    def look_after_zygote(self, late_s: float = 0.0) -> None:
        """End one that hangs: it could neither start nor end a worker, and nobody would hear of
        the next that dies. Its workers go on. ``late_s``: so long the node itself stood still."""
        self._silent_since += late_s
        waits = self._ordered or self._dying
        if waits and self._process and time.monotonic() - self._silent_since > HANGS_AFTER_S:
            with contextlib.suppress(OSError):
                print("the zygote does not answer: it is replaced", file=sys.stderr, flush=True)
            self._process.kill()
            self._silent_since = time.monotonic()

    def _expect(self) -> None:
        if not self._ordered and not self._dying:
            self._silent_since = time.monotonic()

    def close(self) -> None:
        """Hang up; the zygote ends its children and itself."""
        self._closing = True
        self._hang_up()
        if self._process is not None:
            try:
                self._process.wait(2.0)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    def _hang_up(self) -> None:
        if self._control is not None:
            asyncio.get_running_loop().remove_reader(self._control.fileno())
            self._control.close()
            self._control = None

    def _heard(self) -> None:
        while self._control is not None:
            try:
                data = self._control.recv(65536)
            except BlockingIOError:
                return
            except OSError:
                data = b""
            if not data:
                self._zygote_died()
                return
            self._message(json.loads(data))

    def _message(self, message: dict[str, Any]) -> None:
        self._silent_since = time.monotonic()
        self._ordered.discard(message.get("ticket"))
        if message["op"] == "forked":
            self._living.add(message["pid"])
            self._on_forked(message["ticket"], message["pid"])
        elif message["op"] == "refused":
            self._on_refused(message["ticket"], message["reason"])
        elif message["op"] == "exited":
            self._living.discard(message["pid"])
            self._dying.discard(message["pid"])
            self._on_exited(message["pid"], message["code"])

    def _zygote_died(self) -> None:
        self._hang_up()
        self._orphans |= self._living
        self._living.clear()
        self._dying.clear()
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        ordered, self._ordered = self._ordered, set()
        for ticket in ordered:
            self._on_refused(ticket, "the zygote died")
        if not self._closing:
            asyncio.get_running_loop().call_later(RESTART_ZYGOTE_S, self._start_again)

    def _start_again(self) -> None:
        if not self._closing:
            self.start()


def _wait(pid: int) -> int | None:
    try:
        found, status = os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        # Reaped elsewhere: its code is unknown, that it ended is not.
        return -signal.SIGKILL
    return os.waitstatus_to_exitcode(status) if found else None


def _become_subreaper() -> None:
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
