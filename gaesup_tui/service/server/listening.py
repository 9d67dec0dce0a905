"""The engine's lock and socket: made by ourselves, so that their modes are ours from the first
moment, and made again when somebody takes them away."""

from __future__ import annotations

import fcntl
import os
import socket
import time
from pathlib import Path

from gaesup_tui.domain.errors import Refused, Unavailable
from gaesup_tui.service import places as where

BACKLOG = 256


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


class Door:
    """Where clients come in. ``lock`` it first: what lies at the socket's path then belongs to an
    engine that is gone."""

    def __init__(self, lock: Path, path: Path) -> None:
        self.path = path
        self._lock_path = lock
        self._lock: int | None = None
        self._made: tuple[int, int] | None = None

    def lock(self, wait_s: float = 0.0) -> None:
        """Takes the engine's lock for as long as this process lives. One who holds it and does
        not answer is ending (or beginning): ``wait_s`` is how long to wait for what comes of it.

        Raises:
            Refused: another engine holds it.
            Unavailable: it cannot be made.
        """
        try:
            held = os.open(self._lock_path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise Unavailable(f"cannot lock {self._lock_path}: {error.strerror}") from None
        until = time.monotonic() + wait_s
        while not _locked(held):
            if time.monotonic() >= until or self._answers():
                os.close(held)
                raise Refused(
                    f"another engine runs here: it holds {self._lock_path}",
                    hint="`gaesup engine status` tells which",
                )
            time.sleep(0.02)
        if self._lock is not None:
            os.close(self._lock)
        self._lock = held

    def _answers(self) -> bool:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asking:
            return asking.connect_ex(str(self.path)) == 0

    def listen(self) -> socket.socket:
        """A listening socket, 0600 from the start.

        Raises:
            Unavailable: it cannot be bound.
        """
        made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        before = os.umask(0o177)
        try:
            self.path.unlink(missing_ok=True)
            made.bind(str(self.path))
        except OSError as error:
            made.close()
            raise Unavailable(f"cannot listen at {self.path}: {error.strerror}") from None
        finally:
            os.umask(before)
        made.listen(BACKLOG)
        made.setblocking(False)
        self._made = self._there()
        return made

    def _there(self) -> tuple[int, int] | None:
        try:
            found = os.stat(self.path)
        except OSError:
            return None
        return found.st_dev, found.st_ino

    @property
    def stands(self) -> bool:
        """Whether clients still find us: the folders of a login session go with it, and temporary
        ones are swept."""
        return self._made is not None and self._there() == self._made

    def again(self) -> socket.socket:
        """Lock and socket anew, in folders made anew.

        Raises:
            GaesupError: that is not possible (yet).
        """
        where.make_private(self.path.parent)
        self.lock()
        return self.listen()

    def close(self) -> None:
        """Takes the socket away, if it is still ours, then lets go of the lock: a new engine may
        start as soon as that is free."""
        if self.stands:
            self.path.unlink(missing_ok=True)
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None
