"""From the one engine to all who watch: reads it once, hands it to every mailbox."""

from __future__ import annotations

import asyncio
import os
import time
from collections import deque
from collections.abc import AsyncIterator, Iterable

import gaesup_tui
from gaesup_tui.domain.events import Recorded
from gaesup_tui.domain.views import Hello
from gaesup_tui.engine.engine import Engine
from gaesup_tui.engine.stream import Overflow
from gaesup_tui.service.server.mailbox import Mailbox, frame
from gaesup_tui.service.server.narrator import Narrator
from gaesup_tui.service.server.speeds import Speeds
from gaesup_tui.service.server.views import Views
from gaesup_tui.service.server.wire import encode

API = 1
TELEMETRY_EVERY_S = 1.0
BEAT_EVERY_S = 2.0
PAGE = 500
RECENT = 50


class Hub:
    """``run`` it beside the engine; ``open`` a mailbox for each stream."""

    def __init__(self, engine: Engine, boot: str, started_at: float) -> None:
        self.engine = engine
        self.boot = boot
        self.started_at = started_at
        self.speeds = Speeds(engine.world)
        self.views = Views(engine, self.speeds, boot)
        self._clients: set[Mailbox] = set()
        self._narrator = Narrator(engine.world)
        self._recent: deque[bytes] = deque(maxlen=RECENT)
        self.seq = 0
        """The last event handed out. It is in the journal; the world may be ahead of it while the
        journal cannot be written."""
        self.overflows = 0
        self.closed = False

    @property
    def watching(self) -> int:
        """How many streams are open."""
        return len(self._clients)

    def hello(self) -> Hello:
        return Hello(
            name="gaesup",
            version=gaesup_tui.__version__,
            api=API,
            boot=self.boot,
            pid=os.getpid(),
            seq=self.seq,
            rev=self.views.rev,
            frozen=self.engine.frozen,
            started_at=self.started_at,
        )

    async def prepare(self) -> None:
        """Fills what the first client will be shown."""
        last = await self.engine.history_before(None, RECENT)
        for recorded in reversed(last):
            self._recent.append(encode(self._narrator.tell(recorded)))
            self.seq = max(self.seq, recorded.seq)
        self.refresh()

    async def run(self) -> None:
        """Works until cancelled or until the engine stops."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._follow_journal(), name="stream journal")
            group.create_task(self._follow_changes(), name="stream changes")
            group.create_task(self._tick(), name="stream telemetry")

    def close(self) -> None:
        """Ends every stream, and every later one at once."""
        self.closed = True
        for client in self._clients:
            client.end("stopping")

    async def _follow_journal(self) -> None:
        while True:
            subscription = self.engine.subscribe()
            try:
                await self._catch_up()
                async for batch in subscription:
                    self._publish(batch)
                return
            except Overflow:
                continue
            finally:
                subscription.close()

    async def _catch_up(self) -> None:
        while page := await self.engine.history(self.seq, PAGE):
            self._publish(page)

    def _publish(self, batch: tuple[Recorded, ...]) -> None:
        for recorded in batch:
            if recorded.seq <= self.seq:
                continue
            self.seq = recorded.seq
            self.speeds.take(self.engine.world, recorded)
            data = encode(self._narrator.tell(recorded))
            self._recent.append(data)
            framed = frame("journal", data, recorded.seq)
            for client in self._clients:
                before = client.ended
                client.event(recorded.seq, framed)
                self.overflows += client.ended != before
        self.refresh()

    async def _follow_changes(self) -> None:
        number = 0
        while True:
            try:
                async with asyncio.timeout(TELEMETRY_EVERY_S):
                    number = await self.engine.changed(number)
            except TimeoutError:
                pass  # what grows old changes a view without anything having happened
            began = time.perf_counter()
            self.refresh()
            # One pass over all deployments costs the same for one change as for many; passes
            # take at most a fifth of the time.
            await asyncio.sleep(max(0.02, 4 * (time.perf_counter() - began)))

    def refresh(self) -> None:
        """Makes the views anew where needed and tells the clients at once."""
        changed = self.views.refresh(self.engine.now())
        if changed:
            for client in self._clients:
                client.changes(changed)

    async def _tick(self) -> None:
        ticks = 0
        while True:
            await asyncio.sleep(TELEMETRY_EVERY_S)
            ticks += 1
            if not self._clients:
                continue
            now = self.engine.now()
            await self.views.measure_slowly(now)
            telemetry = frame("telemetry", self.views.telemetry(now))
            beat = frame("beat", encode({"at": now, "frozen": self.engine.frozen}))
            for client in self._clients:
                client.telemetry(telemetry)
                if not ticks % int(BEAT_EVERY_S / TELEMETRY_EVERY_S):
                    client.beat(beat)

    def _bring_up_to_date(self) -> None:
        """Before an answer to somebody who may not be watching."""
        now = self.engine.now()
        if not self.views.fresh(now):
            self.refresh()
        self.views.measure(now)

    def snapshot(self) -> bytes:
        """``views.Overview`` of this moment, as JSON."""
        self._bring_up_to_date()
        return self.views.snapshot(self.seq, b"[" + b",".join(self._recent) + b"]")

    def status(self, keys: Iterable[str] | None) -> bytes:
        """``views.StatusView`` of these deployments, None for all, as JSON."""
        self._bring_up_to_date()
        return self.views.status(self.seq, self.views.keys if keys is None else keys)

    async def stream(self, mailbox: Mailbox, rev: int | None, boot: str) -> AsyncIterator[bytes]:
        """All chunks for one client: what it missed, then what happens. Ends with the mailbox.

        ``rev``: of the views it has; None when it wants only what changes from now on.
        """
        yield frame("hello", encode(self.hello()))
        narrator = Narrator(self.engine.world)
        # Until it stands where the others stand; no await from that finding to joining them.
        while not mailbox.ended and mailbox.seq < self.seq:
            page = await self.engine.history(mailbox.seq, PAGE)
            if not page:
                break
            mailbox.seq = page[-1].seq
            yield b"".join(
                frame("journal", encode(narrator.tell(recorded)), recorded.seq) for recorded in page
            )
        if self.closed:
            mailbox.end("stopping")
        self._clients.add(mailbox)
        try:
            if rev is not None:
                mailbox.changes(self.views.since(rev if boot == self.boot else 0))
            while chunk := await mailbox.take():
                yield chunk
        finally:
            self._clients.discard(mailbox)
