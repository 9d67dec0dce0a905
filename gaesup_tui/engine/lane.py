"""One wish and the calls that make it true: one at a time, the newest wins, repeated until seen."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from gaesup_tui.domain.errors import Invalid
from gaesup_tui.engine.ports import Clock

BACKOFF_FIRST_S = 0.1
BACKOFF_MOST_S = 5.0
LONGEST_S = 30.0
"""A call that failed is waited for twice as long the next time, up to this."""
REPEAT_S = 1.0
"""How long an accepted call is given to show before it is made again."""

_W = TypeVar("_W")


class Lane(Generic[_W]):
    """``want`` is told the wish and whether it is seen to be true, as often as one likes."""

    def __init__(
        self,
        call: Callable[[_W], Awaitable[None]],
        clock: Clock,
        timeout_s: float,
        on_accepted: Callable[[], None],
    ) -> None:
        self._call = call
        self._clock = clock
        self._timeout_s = timeout_s
        self._on_accepted = on_accepted
        self._wish: _W | None = None
        self._asked = False
        self._task: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._accepted_at: float | None = None
        self._failures = 0
        self.error: str | None = None
        """Why the last call failed; None once one was accepted or the wish is seen to be true."""
        self.refused = False
        """Whether ``error`` is the backend's last word: it will never accept the wish."""

    @property
    def accepted(self) -> bool:
        """Whether the backend took the present wish."""
        return self._accepted_at is not None

    def want(self, wish: _W, agrees: bool | None) -> None:
        """``agrees`` None: not known; a wish that was never asked for then waits."""
        changed = wish != self._wish
        self._wish = wish
        if changed:
            # What is seen may be older than a call just made for the wish before, so a changed
            # wish is asked for even when it seems to be true already.
            self._abandon()
            self._accepted_at, self._failures, self.refused = None, 0, False
            if agrees is False or self._asked:
                self._begin()
            return
        if agrees and self._task is None and (self.accepted or self._failures == 0):
            self.error = None
        elif agrees is False and self._task is None and self._timer is None and self._may_repeat():
            self._begin()

    def reset(self) -> None:
        """The backend began anew and forgot everything: so does the lane."""
        self.hold()
        self._asked = False

    def hold(self) -> None:
        """Asks for nothing until the next ``want``."""
        self._abandon()
        self._wish, self._accepted_at, self._failures = None, None, 0

    def close(self) -> None:
        """Ends what is in flight."""
        self._abandon()

    def _may_repeat(self) -> bool:
        accepted = self._accepted_at
        return accepted is None or self._clock.now() >= accepted + REPEAT_S

    def _abandon(self) -> None:
        if self._task is not None:
            self._task.cancel()
            self._task = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _begin(self) -> None:
        self._timer = None
        assert self._wish is not None
        self._asked = True
        self._task = asyncio.get_running_loop().create_task(self._ask(self._wish))

    async def _ask(self, wish: _W) -> None:
        me = asyncio.current_task()
        error, invalid = None, False
        patience = BACKOFF_FIRST_S * 2**self._failures
        # One that is only slow has to be waited for some time, or no call would ever be accepted.
        timeout_s = min(self._timeout_s * 2**self._failures, max(self._timeout_s, LONGEST_S))
        try:
            async with asyncio.timeout(timeout_s):
                await self._call(wish)
        except TimeoutError:
            error = f"no answer within {timeout_s:g} s"
        except Invalid as refusal:
            error, patience, invalid = str(refusal), BACKOFF_MOST_S, True
        except Exception as failed:  # whatever a backend throws is shown, and tried again
            error = str(failed) or type(failed).__name__
        if self._task is not me:
            return  # a newer wish took over while this one ended
        self._task = None
        self.error, self.refused = error, invalid
        if error is None:
            self._accepted_at, self._failures = self._clock.now(), 0
            self._on_accepted()
            return
        self._failures = min(self._failures + 1, 16)
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(min(patience, BACKOFF_MOST_S), self._begin)
