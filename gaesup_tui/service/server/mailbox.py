"""What waits to be sent to one client of the stream: bounded, and each kind after its own rule."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from gaesup_tui.service.server.views import Changed

MAX_EVENTS = 10_000
"""More journal events than this are not kept for a client: it gets them from the journal instead,
when it comes to read."""
STALLED_S = 30.0
"""A client that has not read for so long is cut off; it resumes by id."""
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
        self.sent = after
        """The last journal event handed out."""
        self.lagging = True
        """Whether events are read from the journal, from ``sent`` on, and not taken in here."""
        self.sending_since: float | None = None
        """While a chunk is being sent, since when, in the event loop's time."""
        self.ended = ""
        """Why it takes nothing more; empty while it does."""
        self.on_stall: Callable[[], None] | None = None
        """Called when it is cut off."""
        self._wake = asyncio.Event()
        self._events: deque[tuple[int, bytes]] = deque()
        self._deployments: dict[str, bytes] = {}
        self._gone: set[str] = set()
        self._engine: bytes | None = None
        self._rev = 0
        self._telemetry: bytes | None = None
        self._beat: bytes | None = None
        self._credit = float(CHANGES_AT_ONCE)
        self._credit_at = 0.0

    def catch_up(self) -> None:
        """From now on events are taken in: all up to here were handed out."""
        self.lagging = False

    def event(self, seq: int, framed: bytes) -> None:
        """A journal event. One that was had before is left out."""
        if self.lagging or self.ended or seq <= self.sent:
            return
        if len(self._events) >= MAX_EVENTS:
            self._events.clear()
            self.lagging = True
        else:
            self._events.append((seq, framed))
        self._wake.set()

    def cut_off_if_stalled(self, patience_s: float) -> bool:
        """Ends it, and whatever is being sent, when that has taken longer than ``patience_s``."""
        since = self.sending_since
        if since is None or asyncio.get_running_loop().time() - since < patience_s:
            return False
        self.end("stalled")
        if self.on_stall:
            self.on_stall()
        return True

    def changes(self, changed: Changed) -> None:
        """Views that changed: of each the newest is kept."""
        self._rev = changed.rev
        self._engine = changed.engine or self._engine
        self._gone = (self._gone | set(changed.gone)) - changed.deployments.keys()
        self._deployments.update(changed.deployments)
        for key in changed.gone:
            self._deployments.pop(key, None)
        self._wake.set()

    def telemetry(self, framed: bytes) -> None:
        """Numbers, as they are sent: the newest are kept."""
        self._telemetry = framed
        self._wake.set()

    def beat(self, framed: bytes) -> None:
        """A sign of life, as it is sent: the newest is kept."""
        self._beat = framed
        self._wake.set()

    def end(self, why: str) -> None:
        """Takes nothing more and wakes the stream."""
        self.ended = self.ended or why
        self._wake.set()

    async def take(self) -> bytes:
        """Everything that may be sent now, as one chunk; waits until there is something. Empty
        once it has ended or lags."""
        loop = asyncio.get_running_loop()
        while not (self.ended or self.lagging):
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

    def take_news(self) -> bytes:
        """What may be sent now beside the events: for a client that is still catching up."""
        self._earn(asyncio.get_running_loop().time())
        return self._collect()

    def _earn(self, now: float) -> None:
        earned = (now - self._credit_at) / CHANGES_EVERY_S
        self._credit = min(CHANGES_AT_ONCE, self._credit + earned)
        self._credit_at = now

    def _collect(self) -> bytes:
        if self._events:
            self.sent = self._events[-1][0]
        parts = [framed for _, framed in self._events]
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
