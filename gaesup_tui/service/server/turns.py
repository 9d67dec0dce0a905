"""Long work beside work that must not wait for it, on one event loop."""

from __future__ import annotations

import asyncio
import time

LEAST_S, MOST_S = 0.005, 0.25


class Turns:
    """Cuts long work into turns: ask ``over`` often, and then ``pause``.

    A turn is half as long as what the others took of the last one, within bounds: at rest nobody
    waits for long, and under load the work still gets its third of the time.
    """

    def __init__(self) -> None:
        self._slice_s = LEAST_S
        self._before_s = 0.0
        self._began = time.perf_counter()

    @property
    def over(self) -> bool:
        """Whether this turn has taken long enough."""
        return time.perf_counter() - self._began >= self._slice_s

    @property
    def took_s(self) -> float:
        """Of all turns so far, without the others'."""
        return self._before_s + time.perf_counter() - self._began

    async def pause(self) -> None:
        """Lets the others in."""
        self._before_s = self.took_s
        ended = time.perf_counter()
        await asyncio.sleep(0)
        self._began = time.perf_counter()
        self._slice_s = min(MOST_S, max(LEAST_S, (self._began - ended) / 2))
