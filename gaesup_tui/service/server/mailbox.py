"""What waits to be sent to one client of the stream: bounded, and each kind after its own rule."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from gaesup_tui.service.server.views import Changed

MAX_EVENTS = 1000
"""A client this many journal events behind is cut off; it resumes by id."""
CHANGES_EVERY_S = 0.1
"""Changes go out this often while they come all the time…"""
CHANGES_AT_ONCE = 3
"""…and so many at once after a rest, so that a decision is seen when it is made."""


def frame(event: str, data: bytes, event_id: int | None = None) -> bytes:
    """One server-sent event; ``data`` is JSON, so it holds no line break."""
    number = b"id: %d\n" % event_id if event_id is not None else b""
    return b"event: %s\n%sdata: %s\n\n" % (event.encode(), number, data)


class Mailbox:
    """Filled by the hub, emptied by the stream of its client. Nothing here waits for the client.

    Journal events are never dropped; of changes and telemetry the latest wins.
    """

    def __init__(self, after: int) -> None:
        self.seq = after
        """The last journal event put in or skipped."""
        self.ended = ""
        """Why it takes nothing more; empty while it does."""
        self.on_overflow: Callable[[], None] | None = None
        """Called when the client is too far behind."""
        self._wake = asyncio.Event()
        self._events: deque[bytes] = deque()
        self._deployments: dict[str, bytes] = {}
        self._gone: set[str] = set()
        self._engine: bytes | None = None
        self._rev = 0
        self._telemetry: bytes | None = None
        self._beat: bytes | None = None
        self._credit = float(CHANGES_AT_ONCE)
        self._credit_at = 0.0

    def event(self, seq: int, framed: bytes) -> None:
        """A journal event. One that was had before is left out."""
        if seq <= self.seq or self.ended:
            return
        if len(self._events) >= MAX_EVENTS:
            self.end("overflow")
            if self.on_overflow:
                self.on_overflow()
            return
        self.seq = seq
        self._events.append(framed)
        self._wake.set()

    def changes(self, changed: Changed) -> None:
        self._rev = changed.rev
        self._engine = changed.engine or self._engine
        self._gone = (self._gone | set(changed.gone)) - changed.deployments.keys()
        self._deployments.update(changed.deployments)
        for key in changed.gone:
            self._deployments.pop(key, None)
        self._wake.set()

    def telemetry(self, framed: bytes) -> None:
        self._telemetry = framed
        self._wake.set()

    def beat(self, framed: bytes) -> None:
        self._beat = framed
        self._wake.set()

    def end(self, why: str) -> None:
        """Takes nothing more and wakes the stream."""
        self.ended = self.ended or why
        self._wake.set()

    async def take(self) -> bytes:
        """Everything that may be sent now, as one chunk; waits until there is something. Empty
        once it has ended."""
        loop = asyncio.get_running_loop()
        while not self.ended:
            self._wake.clear()
            self._earn(loop.time())
            chunk = self._collect()
            if chunk:
                return chunk
            held_back = self._deployments or self._engine or self._gone
            try:
                async with asyncio.timeout(CHANGES_EVERY_S / 2 if held_back else None):
                    await self._wake.wait()
            except TimeoutError:
                continue
        return b""

    def _earn(self, now: float) -> None:
        earned = (now - self._credit_at) / CHANGES_EVERY_S
        self._credit = min(CHANGES_AT_ONCE, self._credit + earned)
        self._credit_at = now

    def _collect(self) -> bytes:
        parts = list(self._events)
        self._events.clear()
        if self._credit >= 1 and (self._deployments or self._engine or self._gone):
            parts.append(self._take_changes())
            self._credit -= 1
        for latest in (self._telemetry, self._beat):
            if latest:
                parts.append(latest)
        self._telemetry = self._beat = None
        return b"".join(parts)

    def _take_changes(self) -> bytes:
        gone = b",".join(b'"%s"' % key.encode() for key in sorted(self._gone))
        data = b'{"rev":%d,"engine":%s,"deployments":[%s],"gone":[%s]}' % (
            self._rev,
            self._engine or b"null",
            b",".join(self._deployments.values()),
            gone,
        )
        self._engine = None
        self._deployments.clear()
        self._gone.clear()
        return frame("changes", data)
