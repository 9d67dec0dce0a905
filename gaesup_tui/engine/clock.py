"""Time that never falls: set from the wall once, then counted by the monotonic clock."""

from __future__ import annotations

import asyncio
import time

from gaesup_tui.engine.ports import Clock


def _steady_s() -> float:
    """Seconds that nobody sets, and that a sleeping laptop counts too where the system can."""
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.monotonic()


class SystemClock:
    """Unix seconds. Setting the machine's clock changes nothing while the engine lives."""

    def __init__(self) -> None:
        self._ahead_s = time.time() - _steady_s()

    def now(self) -> float:
        return _steady_s() + self._ahead_s

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class NotBefore:
    """A clock that begins no earlier than ``floor``, the last event's time.

    When the machine's clock was set back between two lives of the engine, time goes on from the
    last event instead of standing still until the wall has caught up.
    """

    def __init__(self, inner: Clock, floor: float) -> None:
        self._inner = inner
        self._ahead_s = max(0.0, floor - inner.now())
        self._last = floor

    def now(self) -> float:
        self._last = max(self._last, self._inner.now() + self._ahead_s)
        return self._last

    async def sleep(self, seconds: float) -> None:
        await self._inner.sleep(seconds)
