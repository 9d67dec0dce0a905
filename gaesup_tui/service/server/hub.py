"""From the one engine to all who watch: reads it once, hands it to every mailbox."""

from __future__ import annotations

import asyncio
import logging
import os
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import suppress

import gaesup_tui
from gaesup_tui.domain.events import Recorded
from gaesup_tui.domain.views import Hello
from gaesup_tui.engine.engine import Engine
from gaesup_tui.engine.stream import Overflow
from gaesup_tui.service.server import mailbox as box
from gaesup_tui.service.server.mailbox import Mailbox, frame
from gaesup_tui.service.server.narrator import Narrator
from gaesup_tui.service.server.speeds import Speeds
from gaesup_tui.service.server.verdicts import Stories
from gaesup_tui.service.server.views import Changed, Views
from gaesup_tui.service.server.wire import encode

API = 1
TELEMETRY_EVERY_S = 1.0
BEAT_EVERY_S = 2.0
LATE_S, MOST_DROPPED = 0.15, 4
"""Telemetry is left out when its second comes so late, but not more often than that in a row."""
LEAST_PAUSE_S, MOST_PAUSE_S = 0.005, 0.2
"""Between two passes over all views."""
FLOOD, LULL_S, MOST_FLOOD_S = 100, 0.05, 0.4
"""So many deployments changing together are drawn when nothing came for a moment, or when it takes
too long: a pass in their midst costs as much as they do, and all it shows is out of date."""
PATIENCE_S = 1.0
FRESH_S = 1.5
"""How old numbers may be that somebody is given who asks; whoever watches gets them each second."""
PAGE = 500
RECENT = 50
log = logging.getLogger("gaesup.service")


class Hub:
    """``run`` it beside the engine; ``open`` a mailbox for each stream."""

    def __init__(self, engine: Engine, boot: str, started_at: float) -> None:
        self.engine = engine
        self.boot = boot
        self.started_at = started_at
        self.speeds = Speeds(engine.world)
        self.views = Views(engine, self.speeds, boot)
        self.stories = Stories()
        self._clients: set[Mailbox] = set()
        self._narrator = Narrator(engine.world)
        self._recent: deque[bytes] = deque(maxlen=RECENT)
        self.seq = 0
        """The last event handed out. It is in the journal; the world may be ahead of it while the
        journal cannot be written."""
        self._refreshing = asyncio.Lock()
        self._renewing: asyncio.Task[None] | None = None
        self.cut = 0
        """How many clients were cut off for not reading."""
        self._upkeep_error: str | None = None
        self.closed = False

    @property
    def watching(self) -> int:
        """How many streams are open."""
        return len(self._clients)

    def hello(self) -> Hello:
        """Who answers, as ``GET /v1/hello`` and the first event of a stream say it."""
        begins = self.engine.begins
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
            begins=begins.seq if begins else 1,
            begins_at=begins.at if begins else 0.0,
        )

    async def prepare(self) -> None:
        """Fills what the first client will be shown."""
        last = await self.engine.history_before(None, RECENT)
        for recorded in reversed(last):
            self._recent.append(encode(self._narrator.tell(recorded)))
            self.seq = max(self.seq, recorded.seq)
        await self._refresh()

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
            client.cut_off_if_stalled(0.2)

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
                client.event(recorded.seq, framed)

    async def _follow_changes(self) -> None:
        loop, number = asyncio.get_running_loop(), 0
        passed_at = loop.time()
        while True:
            has_changed = self.engine.changes != number
            try:
                async with asyncio.timeout(TELEMETRY_EVERY_S):
                    number = await self.engine.changed(number)
            except TimeoutError:
                pass  # what grows old changes a view without anything having happened
            await self._flood(passed_at if has_changed else loop.time())
            took_s = await self._refresh()
            passed_at = loop.time()
            # One pass over all deployments costs the same for one change as for many.
            await asyncio.sleep(min(MOST_PAUSE_S, max(LEAST_PAUSE_S, 4 * took_s)))

    async def _flood(self, since: float) -> None:
        """Waits until a flood of changes that began after ``since`` is over."""
        until = since + MOST_FLOOD_S
        while self.views.behind >= FLOOD and asyncio.get_running_loop().time() < until:
            changes = self.engine.changes
            await asyncio.sleep(LULL_S)
            if self.engine.changes == changes:
                return

    async def _refresh(self) -> float:
        """Brings the views up to date; the seconds that took."""
        async with self._refreshing:
            now = self.engine.now()
            return 0.0 if self.views.fresh(now) else await self.views.refresh(now, self._tell)

    def _tell(self, changed: Changed | None) -> None:
        if changed is None:
            return
        for client in self._clients:
            client.changes(changed)

    async def _tick(self) -> None:
        loop = asyncio.get_running_loop()
        ticks = dropped = 0
        while True:
            due = loop.time() + TELEMETRY_EVERY_S
            await asyncio.sleep(TELEMETRY_EVERY_S)
            ticks += 1
            self._log_upkeep()
            self.cut += sum(c.cut_off_if_stalled(box.STALLED_S) for c in tuple(self._clients))
            if not ticks % int(BEAT_EVERY_S / TELEMETRY_EVERY_S):
                self._beat()
            # Numbers are what can be spared while there is more to do than time for it.
            is_late = loop.time() - due > LATE_S or self.views.behind >= FLOOD
            is_busy = is_late and dropped < MOST_DROPPED
            dropped = dropped + 1 if is_busy else 0
            if self._clients and not is_busy:
                await self._send_telemetry()

    def _beat(self) -> None:
        beat = frame("beat", encode({"at": self.engine.now(), "frozen": self.engine.frozen}))
        for client in self._clients:
            client.beat(beat)

    async def _send_telemetry(self) -> None:
        now = self.engine.now()
        await self.views.measure(now)
        telemetry = frame("telemetry", self.views.telemetry(now))
        for client in self._clients:
            client.telemetry(telemetry)

    def _log_upkeep(self) -> None:
        error = self.engine.upkeep_error
        if error != self._upkeep_error:
            self._upkeep_error = error
            log.warning("snapshot or backup: %s", error or "works again")

    async def snapshot(self) -> bytes:
        """``views.Overview`` of this moment, as JSON."""
        await self._bring_up_to_date()
        return self.views.snapshot(self.seq, b"[" + b",".join(self._recent) + b"]")

    async def status(self, deployment: str) -> bytes:
        """``views.StatusView`` of one deployment, or of all when none is named, as JSON."""
        if deployment:
            self._tell(self.views.renew(deployment, self.engine.now()))
            return self.views.status(self.seq, [deployment])
        await self._bring_up_to_date()
        return self.views.status(self.seq, self.views.keys)

    async def _bring_up_to_date(self) -> None:
        """Before an answer to somebody who may not be watching. Under a load that makes this long
        the answer is what is known, at most a second old."""
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE_S):
                if self._renewing is not None:
                    # It may have passed what was decided since: wait for it, then once more.
                    await asyncio.wait({self._renewing})
                if self._renewing is None or self._renewing.done():
                    self._renewing = asyncio.create_task(self._renew())
                await asyncio.wait({self._renewing})

    async def _renew(self) -> None:
        await self._refresh()
        await self.views.measure(self.engine.now(), older_than_s=FRESH_S)

    async def stream(
        self, mailbox: Mailbox, rev: int | None, boot: str
    ) -> AsyncGenerator[bytes, None]:
        """All chunks for one client: what it missed, then what happens. Ends with the mailbox.

        ``rev``: of the views it has; None when it wants only what changes from now on.
        """
        yield frame("hello", encode(self.hello()))
        self._clients.add(mailbox)
        if self.closed:
            mailbox.end("stopping")
        if rev is not None:
            mailbox.changes(self.views.since(rev if boot == self.boot else 0))
        try:
            while not mailbox.ended:
                async for chunk in self._missed(mailbox):
                    yield chunk
                # No await between the last look at the journal and this: nothing falls between.
                mailbox.catch_up()
                while chunk := await mailbox.take():
                    yield chunk
        finally:
            self._clients.discard(mailbox)

    async def _missed(self, mailbox: Mailbox) -> AsyncIterator[bytes]:
        """From the journal, until the client stands where those stand who saw it happen."""
        narrator = Narrator(self.engine.world)
        while not mailbox.ended and mailbox.sent < self.seq:
            page = await self.engine.history(mailbox.sent, PAGE)
            if not page:
                return
            if page[0].seq > mailbox.sent + 1:
                mailbox.end("gone")  # removed meanwhile: whoever comes again is told
                return
            mailbox.sent = page[-1].seq
            yield b"".join(
                frame("journal", encode(narrator.tell(recorded)), recorded.seq) for recorded in page
            )
