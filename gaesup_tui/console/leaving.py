"""Leaving cleanly when the terminal goes: SIGHUP, SIGTERM, end of input.

Textual alone would be killed by SIGHUP with the terminal left as it is, and spin for ever where
SIGHUP is ignored, since a dead terminal is always readable.
"""

from __future__ import annotations

import asyncio
import os
import select
import signal
import sys
import threading
from collections.abc import Callable

_GRACE_S = 3.0


def watch_signals(leave: Callable[[int], None]) -> None:
    """Call ``leave`` with an exit code when a signal asks to end. Needs a running loop."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGHUP, signal.SIGTERM):
        loop.add_signal_handler(number, leave, 128 + number)


def input_is_gone() -> bool:
    """Whether the terminal behind standard input has hung up."""
    try:
        poll = select.poll()
        poll.register(sys.__stdin__.fileno() if sys.__stdin__ else 0, 0)
        # POLLHUP and POLLERR are always reported, whatever was asked for.
        return any(
            mask & (select.POLLHUP | select.POLLERR | select.POLLNVAL) for _, mask in poll.poll(0)
        )
    except (OSError, ValueError):
        return True


def be_gone_within(code: int, grace_s: float = _GRACE_S) -> None:
    """End the process with ``code`` if it has not ended by itself after ``grace_s``.

    The thread that writes to a dead or frozen terminal cannot be interrupted; nothing of value is
    lost with it, because commands are known to the engine or not sent.
    """
    timer = threading.Timer(grace_s, os._exit, (code,))
    timer.daemon = True
    timer.start()
