"""A clock that is turned ahead instead of waited for: an event loop that has nothing to do jumps to
its next timer.

For tests in which everything that talks to each other lives in one loop (a console, its canned
engine, the socket between them). What is done in the loop's threads is waited for in real time;
what other threads and other processes do is not seen, so tests of those keep the ordinary loop.
"""

from __future__ import annotations

import asyncio
import queue  # noqa: F401 - takes the real clock along before it is turned
import selectors
import time
from collections.abc import Callable
from typing import Any, TypeVarTuple, Unpack

_Ts = TypeVarTuple("_Ts")
_real_monotonic, _real_time = time.monotonic, time.time
_ahead_s = 0.0


def turn_clocks() -> None:
    """From now on ``time.monotonic`` and ``time.time`` are the clocks that can be turned. Before
    anything is imported that takes them by name."""
    time.monotonic = lambda: _real_monotonic() + _ahead_s
    time.time = lambda: _real_time() + _ahead_s


class _Jumping(selectors.DefaultSelector):
    """Turns the clock where a selector would sleep."""

    def __init__(self) -> None:
        super().__init__()
        self.at_work = 0
        """Jobs in the loop's threads."""

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None or timeout <= 0 or self.at_work:
            return super().select(timeout)
        ready = super().select(0)
        if not ready:
            global _ahead_s
            _ahead_s += timeout
        return ready


class TurningLoop(asyncio.SelectorEventLoop):
    """An event loop that never sleeps."""

    def __init__(self) -> None:
        self._jumping = _Jumping()
        super().__init__(self._jumping)

    def run_in_executor(
        self, executor: Any, func: Callable[[Unpack[_Ts]], Any], *args: *_Ts
    ) -> asyncio.Future[Any]:
        self._jumping.at_work += 1
        future = super().run_in_executor(executor, func, *args)
        future.add_done_callback(self._done)
        return future

    def _done(self, _: asyncio.Future[Any]) -> None:
        self._jumping.at_work -= 1
