"""The engine's socket: made by ourselves, so that its mode is ours from the first moment."""

from __future__ import annotations

import fcntl
import os
import socket
from pathlib import Path

from gaesup_tui.domain.errors import Refused, Unavailable

BACKLOG = 256


def hold(lock: Path) -> int:
    """Takes the engine's lock for as long as this process lives.

    Raises:
        Refused: another engine holds it.
    """
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise Refused(
            f"another engine runs here: it holds {lock}", hint="`gaesup engine status` tells which"
        ) from None
    return descriptor


def listen(path: Path) -> socket.socket:
    """A listening socket at ``path``, 0600 from the start. Call it with the lock held: what lies
    at ``path`` then belongs to an engine that is gone.

    Raises:
        Unavailable: it cannot be bound.
    """
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        path.unlink(missing_ok=True)
        made.bind(str(path))
    except OSError as error:
        made.close()
        raise Unavailable(f"cannot listen at {path}: {error.strerror}") from None
    finally:
        os.umask(before)
    made.listen(BACKLOG)
    made.setblocking(False)
    return made
