"""Keep-alive connections of the load generator: a bounded number, one request at a time each."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from gaesup_tui.cli.load_reply import BadReply, Reply, ReplyReader
from gaesup_tui.cli.load_report import Tally

LATE_S = 0.010
_SWEEP_S = 0.05


@dataclass(slots=True)
class Shot:
    """One request and the moment it is due, on the loop's clock."""

    request: bytes
    due_at: float


class _Connection(asyncio.Protocol):
    """One connection. Tells its owner about the reply, or why there is none."""

    def __init__(self, owner: Connections) -> None:
        self._owner = owner
        self._reader = ReplyReader()
        self._transport: asyncio.Transport | None = None
        self.shot: Shot | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    @property
    def usable(self) -> bool:
        return self._transport is not None and not self._transport.is_closing()

    def send(self, shot: Shot) -> None:
        assert self._transport is not None
        self.shot = shot
        self._transport.write(shot.request)

    def data_received(self, data: bytes) -> None:
        if self.shot is None:
            self.close()  # a reply nobody asked for: the next one could not be told from it
            return
        try:
            reply = self._reader.feed(data)
        except BadReply as error:
            self._owner.failed(self, str(error))
            return
        if reply is not None:
            self._owner.answered(self, reply)

    def connection_lost(self, exc: Exception | None) -> None:
        if self.shot is None:
            self._owner.gone(self)
            return
        reply = self._reader.end_of_input() if exc is None else None
        if reply is not None:
            self._owner.answered(self, reply)
        else:
            when = "within" if self._reader.begun else "before"
            self._owner.failed(self, f"closed {when} a reply")

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()


class Connections:
    """Sends shots over at most `limit` connections and counts what becomes of them.

    A shot waits while all connections are busy. It is given up, and its connection closed,
    when there is no reply `timeout_s` after it was due.
    """

    def __init__(
        self, host: str, port: int, limit: int, timeout_s: float, tally: Callable[[], Tally]
    ) -> None:
        self._host = host
        self._port = port
        self._limit = limit
        self._timeout_s = timeout_s
        self._tally = tally
        self._loop = asyncio.get_running_loop()
        self._idle: list[_Connection] = []
        self._busy: dict[_Connection, None] = {}
        self._waiting: deque[Shot] = deque()
        self._opening: set[asyncio.Task[None]] = set()
        self._sweeper = self._loop.create_task(self._sweep())

    @property
    def unfinished(self) -> int:
        """Shots without an outcome yet."""
        return len(self._busy) + len(self._waiting) + len(self._opening)

    def fire(self, shot: Shot) -> None:
        """Send now if a connection is free or may be opened, else as soon as one is."""
        while self._idle:
            connection = self._idle.pop()
            if connection.usable:
                self._send(connection, shot)
                return
        if len(self._busy) + len(self._opening) < self._limit:
            task = self._loop.create_task(self._open(shot))
            self._opening.add(task)
            task.add_done_callback(self._opening.discard)
        else:
            self._waiting.append(shot)

    async def close(self) -> None:
        """Close everything; shots without an outcome count as cut off."""
        self._sweeper.cancel()
        for task in list(self._opening):
            task.cancel()
        await asyncio.gather(self._sweeper, *self._opening, return_exceptions=True)
        self._give_up_late()
        for _ in self._waiting:
            self._tally().failed("not sent before the end")
        self._waiting.clear()
        for connection in [*self._busy, *self._idle]:
            if connection.shot is not None:
                self._tally().failed("no reply before the end")
                connection.shot = None
            connection.close()
        await asyncio.sleep(0)  # lets the transports report that they are closed

    # ---- what connections tell ----

    def answered(self, connection: _Connection, reply: Reply) -> None:
        shot = self._released(connection)
        self._tally().answered(reply.status, reply.revision, self._loop.time() - shot.due_at)
        if reply.reusable:
            self._idle.append(connection)
        else:
            connection.close()
        self._next()

    def failed(self, connection: _Connection, kind: str) -> None:
        self._released(connection)
        self._tally().failed(kind)
        connection.close()
        self._next()

    def gone(self, connection: _Connection) -> None:
        if connection in self._idle:
            self._idle.remove(connection)

    # ---- inside ----

    def _released(self, connection: _Connection) -> Shot:
        shot = connection.shot
        assert shot is not None
        connection.shot = None
        self._busy.pop(connection, None)
        return shot

    def _send(self, connection: _Connection, shot: Shot) -> None:
        tally = self._tally()
        tally.sent += 1
        tally.late += self._loop.time() - shot.due_at > LATE_S
        self._busy[connection] = None
        connection.send(shot)

    def _next(self) -> None:
        if self._waiting:
            self.fire(self._waiting.popleft())

    async def _open(self, shot: Shot) -> None:
        left_s = shot.due_at + self._timeout_s - self._loop.time()
        try:
            async with asyncio.timeout(left_s):
                _, connection = await self._loop.create_connection(
                    lambda: _Connection(self), self._host, self._port
                )
        except TimeoutError:
            self._tally().failed("no connection in time", self._timeout_s)
        except ConnectionRefusedError:
            self._tally().failed("connection refused")
        except OSError as error:
            self._tally().failed(f"cannot connect: {error.strerror or error}")
        except asyncio.CancelledError:
            self._tally().failed("not sent before the end")
            raise
        else:
            if connection.usable:
                self._send(connection, shot)
                return
            self._tally().failed("closed before a reply")
        self._next()

    async def _sweep(self) -> None:
        """One look at all deadlines now and then is cheaper than a timer for each request."""
        while True:
            await asyncio.sleep(_SWEEP_S)
            self._give_up_late()
            while self._waiting and len(self._busy) + len(self._opening) < self._limit:
                self._next()

    def _give_up_late(self) -> None:
        too_old = self._loop.time() - self._timeout_s
        for connection in [c for c in self._busy if c.shot and c.shot.due_at <= too_old]:
            shot = self._released(connection)
            self._tally().failed("no reply in time", self._loop.time() - shot.due_at)
            connection.close()
        while self._waiting and self._waiting[0].due_at <= too_old:
            self._tally().failed("not sent: all connections busy", self._timeout_s)
            self._waiting.popleft()
