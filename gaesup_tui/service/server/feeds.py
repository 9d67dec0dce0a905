"""What flows: the event stream, log lines, the journal's export."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import suppress

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from gaesup_tui.domain.errors import GaesupError, Invalid, NotFound
from gaesup_tui.domain.text import printable_line
from gaesup_tui.domain.views import LogView
from gaesup_tui.engine.ports import LogLine
from gaesup_tui.service.server.hub import PAGE, Hub
from gaesup_tui.service.server.stream import open_stream
from gaesup_tui.service.server.wire import encode, flag, known, number

MAX_TAIL = 10_000
MAX_WAITING = 5000
"""Log lines kept for a client that reads slowly; older ones are dropped, and that is said."""
JSON_LINES = "application/x-ndjson"


async def stream(request: Request) -> Response:
    """``GET /v1/stream``."""
    return open_stream(request.app.state.hub, request)


async def logs(request: Request) -> Response:
    """``GET /v1/logs``: one JSON object a line, ``LogView`` or ``{"dropped": N}``."""
    hub: Hub = request.app.state.hub
    known(request, "deployment", "revision", "replica", "tail", "follow")
    key = request.query_params.get("deployment", "")
    if not key:
        raise Invalid("deployment: say whose logs", hint="deployment=UNIT@ENVIRONMENT")
    lines = hub.engine.logs(
        key,
        revision=_revision(hub, key, request.query_params.get("revision") or None),
        replica=request.query_params.get("replica") or None,
        tail=number(request, "tail", 200, 0, MAX_TAIL),
        follow=flag(request, "follow"),
    )
    waiting = LogQueue(lines, hub)
    # The first line decides whether this is an answer or a failure.
    await waiting.begin()
    return StreamingResponse(waiting.chunks(), media_type=JSON_LINES)


def _revision(hub: Hub, key: str, asked: str | None) -> str | None:
    """A revision's id from its id or its version."""
    state = hub.engine.world.deployments.get(key)
    if asked is None or state is None:
        return asked
    for revision, _ in state.replica_wishes().values():
        if asked in (revision.id, revision.version):
            return revision.id
    seen = hub.engine.seen(key)
    if seen and asked in seen.revisions:
        return asked
    names = ", ".join(revision.version for revision, _ in state.replica_wishes().values())
    raise NotFound(
        f"{key} runs no revision {printable_line(asked, 80)}", hint=f"it runs {names or 'none'}"
    )


class LogQueue:
    """Reads log lines as fast as they come; keeps the newest for a client that does not."""

    def __init__(self, lines: AsyncIterator[LogLine], hub: Hub) -> None:
        self._lines = lines
        self._hub = hub
        self._waiting: deque[bytes] = deque()
        self._dropped = 0
        self._news = asyncio.Event()
        self._over = False
        self._error: GaesupError | None = None
        self._task: asyncio.Task[None] | None = None

    async def begin(self) -> None:
        """Starts reading; returns with the first lines or when there is nothing to wait for.

        Raises:
            GaesupError: the backend refused or does not answer.
        """
        self._task = asyncio.create_task(self._read())
        with suppress(TimeoutError):
            async with asyncio.timeout(0.2):
                await self._news.wait()
        if self._error and not self._waiting:
            raise self._error

    async def _read(self) -> None:
        try:
            async for line in self._lines:
                if len(self._waiting) >= MAX_WAITING:
                    self._waiting.popleft()
                    self._dropped += 1
                self._waiting.append(_line(line))
                self._news.set()
        except GaesupError as error:
            self._error = error
        finally:
            self._over = True
            self._news.set()

    async def chunks(self) -> AsyncIterator[bytes]:
        """Everything that waits, as one chunk at a time."""
        try:
            while True:
                self._news.clear()
                if chunk := self._take():
                    yield chunk
                    continue
                if self._over or self._hub.closed:
                    return
                with suppress(TimeoutError):
                    async with asyncio.timeout(1.0):
                        await self._news.wait()
        finally:
            if self._task:
                self._task.cancel()

    def _take(self) -> bytes:
        parts = []
        if self._dropped:
            parts.append(encode({"dropped": self._dropped}) + b"\n")
            self._dropped = 0
        parts += self._waiting
        self._waiting.clear()
        if self._over and self._error:
            parts.append(encode({"error": printable_line(str(self._error), 500)}) + b"\n")
            self._error = None
        return b"".join(parts)


def _line(line: LogLine) -> bytes:
    view = LogView(
        at=line.at,
        revision=line.revision,
        replica=line.replica,
        stream=line.stream,
        line=printable_line(line.line),
    )
    return encode(view) + b"\n"


async def export(request: Request) -> Response:
    """``GET /v1/export``: the journal's events after ``since``, one JSON object a line."""
    hub: Hub = request.app.state.hub
    known(request, "since")
    since = number(request, "since", 0, 0, 2**53)

    async def chunks() -> AsyncIterator[bytes]:
        after = since
        while page := await hub.engine.history(after, PAGE):
            after = page[-1].seq
            yield b"".join(each.model_dump_json().encode() + b"\n" for each in page)

    return StreamingResponse(chunks(), media_type=JSON_LINES)
