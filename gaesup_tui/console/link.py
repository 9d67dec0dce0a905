"""The task that keeps the replica current: connect, follow the stream, and begin again for ever.

The console never ends because the engine is away. It says so, shows how old its data is, and
comes back by itself: with back-off, from the last event it saw.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Literal

from gaesup_tui.console.remote import Engine
from gaesup_tui.console.replica import Replica
from gaesup_tui.domain.errors import GaesupError, Unavailable

if TYPE_CHECKING:
    from gaesup_tui.service.messages import Message

LinkState = Literal["connecting", "ok", "late", "lost", "frozen"]

LATE_AFTER_S = 5.0
"""Beats come every 2 s; two and a half without any is late."""
_PING_EVERY_S = 5.0
_LONGEST_WAIT_S = 5.0
_NEEDED_S = 20.0


class Link:
    """Connects ``engine`` to ``replica``; ``start`` is called when nothing answers."""

    def __init__(
        self, engine: Engine, replica: Replica, start: Callable[[], Awaitable[None]] | None
    ) -> None:
        self.latency_s: float | None = None
        """Of the last question that only asks whether it is there."""
        self.problem = ""
        """Why there is no connection, in one line; empty while there is one."""
        self.changed = asyncio.Event()
        """Set whenever the replica or the state of the link is another one."""
        self._engine = engine
        self._replica = replica
        self._start = start
        self._may_start = True
        self._needed_until = 0.0
        self._is_attached = False
        self._boot = ""

    @property
    def state(self) -> LinkState:
        """What the truth line says of the engine."""
        age_s = self._replica.age_s()
        if not self._is_attached:
            return "lost" if self.problem else "connecting"
        if age_s is not None and age_s > LATE_AFTER_S:
            return "late"
        engine = self._replica.engine
        return "frozen" if engine and engine["frozen"] else "ok"

    @property
    def is_stale(self) -> bool:
        """Whether what is shown may no longer be so."""
        return self.state in ("lost", "late")

    def need(self) -> None:
        """Somebody goes back, and nothing does without an engine: for a while from now on, one
        that is away is started."""
        self._needed_until = time.monotonic() + _NEEDED_S

    async def run(self) -> None:
        """Keep the replica current until cancelled."""
        wait_s = 0.2
        while True:
            began = time.monotonic()
            try:
                await self._follow()
                self.problem = "the engine ended the connection"
            except GaesupError as error:
                self.problem = str(error)
                if isinstance(error, Unavailable):
                    await self._start_engine()
            self._is_attached = False
            self.changed.set()
            wait_s = 0.2 if time.monotonic() - began > 5.0 else min(wait_s * 2, _LONGEST_WAIT_S)
            await asyncio.sleep(wait_s)

    async def _start_engine(self) -> None:
        is_needed = time.monotonic() < self._needed_until
        if self._start is None or not (self._may_start or is_needed):
            return
        try:
            await self._start()
            # Once: an engine that was stopped on purpose is not to be raised by a watcher.
            self._may_start = False
        except GaesupError as error:
            self.problem = str(error)

    async def _follow(self) -> None:
        overview = await self._engine.snapshot()
        boot = overview["engine"]["boot"]
        if overview["seq"] < self._replica.seq:
            self._replica.forget()
        self._boot = boot
        self._replica.load(overview)
        self._is_attached, self.problem = True, ""
        self._may_start = False
        self.changed.set()
        ping = asyncio.create_task(self._ping())
        try:
            async for event in self._engine.stream(overview["seq"], overview["rev"], boot):
                self._take(event)
                self.changed.set()
        finally:
            ping.cancel()

    def _take(self, event: Message) -> None:
        match event.kind:
            case "changes":
                self._replica.change(event.data)
            case "telemetry":
                self._replica.measure(event.data)
            case "journal":
                self._replica.journal(event.data)
            case "beat":
                self._replica.hear(event.data["at"])
                self._replica.set_frozen(event.data["frozen"])
            case "hello":
                self._replica.hear()
                if event.data["boot"] != self._boot:
                    # It was started anew between snapshot and stream.
                    raise Unavailable("the engine was started anew")

    async def _ping(self) -> None:
        while True:
            began = time.monotonic()
            try:
                await self._engine.hello()
                self.latency_s = time.monotonic() - began
            except GaesupError:
                self.latency_s = None
            await asyncio.sleep(_PING_EVERY_S)
