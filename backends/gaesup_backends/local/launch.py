"""Starting a node that outlives whoever starts it.

The node gets a session of its own and its output goes to a file. A lock makes two starters agree:
the second finds the node of the first.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from gaesup_backends.local.names import LOCK_NAME, LOG_NAME, SOCKET_NAME

START_LOCK_NAME: Final = "node-start.lock"
# A Unix socket's path has room for 107 bytes.
MAX_SOCKET_PATH_BYTES: Final = 107
LOG_BYTES: Final = 1024 * 1024


class LaunchError(Exception):
    """The node could not be started; the message says why and where to look."""


@contextlib.contextmanager
def start_lock(runtime_dir: Path) -> Iterator[bool]:
    """Yields whether the caller may start a node; False when another starter is at it."""
    descriptor = os.open(
        runtime_dir / START_LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600
    )
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        yield False
    else:
        yield True
    finally:
        os.close(descriptor)


def prepare(runtime_dir: Path, state_dir: Path) -> Path:
    """Make the directories; returns the socket's path.

    Raises:
        LaunchError: a directory cannot be used, or the path is too long for a socket.
    """
    path = runtime_dir / SOCKET_NAME
    if len(os.fsencode(path)) > MAX_SOCKET_PATH_BYTES:
        raise LaunchError(
            f"{path} is too long for a socket ({MAX_SOCKET_PATH_BYTES} bytes at most); "
            "choose a shorter runtime directory"
        )
    for directory in (runtime_dir, state_dir):
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise LaunchError(f"directory {directory} cannot be made: {error.strerror}") from None
    return path


def launch(runtime_dir: Path, state_dir: Path) -> int:
    """Start a node and return its pid; it may still be on its way up, or fail.

    Raises:
        LaunchError: the process could not be made.
    """
    log = state_dir / LOG_NAME
    arguments = [
        sys.executable,
        "-m",
        "gaesup_backends.local.node",
        "--runtime-dir",
        str(runtime_dir),
        "--state-dir",
        str(state_dir),
    ]
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    try:
        if log.exists() and log.stat().st_size > LOG_BYTES:
            log.replace(log.with_suffix(".log.1"))
        return os.posix_spawn(
            sys.executable,
            arguments,
            os.environ,
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_OPEN, 1, str(log), flags, 0o600),
                (os.POSIX_SPAWN_DUP2, 1, 2),
            ],
            setsid=True,
        )
    except OSError as error:
        raise LaunchError(f"the node cannot be started: {error}; see {log}") from None


def node_lives(runtime_dir: Path) -> bool:
    """Whether a node holds this directory, also one that does not answer yet."""
    descriptor = os.open(runtime_dir / LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def ended(pid: int) -> bool:
    """Whether a node we started has ended; reaps it then."""
    try:
        found, _ = os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return True
    return found == pid
