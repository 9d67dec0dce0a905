"""``GET /v1/stream``: server-sent events until the client goes or the engine stops."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncGenerator
from contextlib import aclosing

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from gaesup_tui.domain.errors import Invalid
from gaesup_tui.service.server.gone import Gone, need
from gaesup_tui.service.server.hub import Hub
from gaesup_tui.service.server.mailbox import Mailbox
from gaesup_tui.service.server.peer import peer
from gaesup_tui.service.server.wire import known, number

MAX_SEQ = 2**53
SEND_BUFFER = 2**22
"""Bytes asked of the kernel for what a client has not read yet. A thousand changed views are three
megabytes, and each time the buffer is full they wait for another turn of a busy event loop."""


class EventStream(Response):
    """Sends a mailbox's chunks. For a client that is cut off the transport is aborted: a polite
    close would wait for it to read."""

    media_type = "text/event-stream"

    def __init__(
        self, chunks: AsyncGenerator[bytes, None], mailbox: Mailbox, transport: asyncio.Transport
    ) -> None:
        super().__init__(headers={"cache-control": "no-store"})
        del self.headers["content-length"]
        self._chunks = chunks
        self._mailbox = mailbox
        mailbox.on_stall = transport.abort
        sock = transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send(
            {
                "type": "http.response.start",
                "status": self.status_code,
                "headers": self.raw_headers,
            }
        )
        gone = asyncio.create_task(self._watch(receive))
        try:
            async with aclosing(self._chunks) as chunks:
                async for chunk in chunks:
                    self._mailbox.sending_since = asyncio.get_running_loop().time()
                    await send({"type": "http.response.body", "body": chunk, "more_body": True})
                    self._mailbox.sending_since = None
                    if self._mailbox.ended:
                        break
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        except asyncio.CancelledError:
            # The server's grace is over and this client still does not read.
            if self._mailbox.ended != "stopping":
                raise
        finally:
            gone.cancel()
            self._mailbox.end("gone")

    async def _watch(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self._mailbox.end("gone")


def open_stream(hub: Hub, request: Request) -> EventStream:
    """The stream a request asks for.

    Raises:
        Invalid: ``after`` or ``rev`` is no number.
        Gone: ``after`` is behind the journal's end, or before its beginning.
    """
    known(request, "after", "rev", "boot")
    after = number(request, "after", -1, 0, MAX_SEQ)
    last_id = request.headers.get("last-event-id", "")
    if last_id:
        if not (last_id.isascii() and last_id.isdigit()):
            raise Invalid("Last-Event-ID is not a number", hint="send the id of an event")
        after = int(last_id)
    end = max(hub.seq, hub.engine.world.seq)
    if after > end:
        raise Gone(
            f"the journal ends at {end}, before {after}",
            hint="read /v1/snapshot again and follow from its seq",
        )
    if after >= 0:
        need(hub.engine.begins, after)
    rev = number(request, "rev", -1, 0, MAX_SEQ)
    mailbox = Mailbox(hub.seq if after < 0 else after)
    chunks = hub.stream(
        mailbox, None if rev < 0 else rev, request.query_params.get("boot", hub.boot)
    )
    return EventStream(chunks, mailbox, peer(request).transport)
