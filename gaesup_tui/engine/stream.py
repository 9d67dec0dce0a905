"""Committed events to whoever listens, and a signal that something changed."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator

from gaesup_tui.domain.errors import GaesupError
from gaesup_tui.domain.events import Recorded

QUEUE_BATCHES = 1000


class Overflow(GaesupError):
    """A listener fell too far behind. Read a snapshot and listen anew."""

    code = "overflow"


class Subscription:
    """``async for batch in subscription``: committed events in order, from after ``seq``.

    Raises ``Overflow`` when its reader falls ``QUEUE_BATCHES`` behind; ends without a word when
    the engine stops or it is closed.
    """

    def __init__(self, hub: Hub, seq: int) -> None:
        self.seq = seq
        self._hub = hub
        self._batches: deque[tuple[Recorded, ...]] = deque()
        self._news = asyncio.Event()
        self._over = False
        self._overflown = False

    def offer(self, batch: tuple[Recorded, ...]) -> None:
        """Hands it a batch; the hub's side."""
        if len(self._batches) >= QUEUE_BATCHES:
            self._batches.clear()
            self._overflown = True
            self.close()
        elif not self._over:
            self._batches.append(batch)
            self._news.set()

    async def __aiter__(self) -> AsyncIterator[tuple[Recorded, ...]]:
        while True:
            while self._batches:
                yield self._batches.popleft()
            if self._overflown:
                raise Overflow(
                    f"this listener fell {QUEUE_BATCHES} batches behind", hint="attach again"
                )
            if self._over:
                return
            self._news.clear()
            await self._news.wait()

    def close(self) -> None:
        """Ends it, after what is queued was read."""
        self._over = True
        self._news.set()
        self._hub.drop(self)


class Hub:
    """All subscriptions, and the number of changes so far."""

    def __init__(self) -> None:
        self._subscriptions: set[Subscription] = set()
        self.number = 0
        """Grows with every change a view may show."""
        self._waiters: set[asyncio.Future[None]] = set()

    def subscribe(self, seq: int) -> Subscription:
        """Every event after ``seq`` from here on."""
        subscription = Subscription(self, seq)
        self._subscriptions.add(subscription)
        return subscription

    def drop(self, subscription: Subscription) -> None:
        """Forgets a subscription that is over."""
        self._subscriptions.discard(subscription)

    def publish(self, batch: tuple[Recorded, ...]) -> None:
        """Hands committed events to all who listen."""
        for subscription in tuple(self._subscriptions):
            subscription.offer(batch)

    def touch(self) -> None:
        """Something a view shows may have changed."""
        self.number += 1
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)
        self._waiters.clear()

    async def changed(self, since: int) -> int:
        """Returns at once when the number is not ``since``; else waits until it is not."""
        if self.number == since:
            waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiters.add(waiter)
            try:
                await waiter
            finally:
                self._waiters.discard(waiter)
        return self.number

    def close(self) -> None:
        """Ends all subscriptions, after what is queued was read."""
        for subscription in tuple(self._subscriptions):
            subscription.close()
        self.touch()
