"""One client of the data port: HTTP/1.1, bounded in every direction.

Requests of one connection are answered in order, one at a
time; what is pipelined behind waits, and reading stops when too much does. A sweep each second
closes connections that idle, dawdle with a request or do not read their reply.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Final, cast

import httptools

from gaesup_backends.local.exchange import (
    COOKIE,
    Request,
    compose,
    cookie_value,
    dispatch,
    find_table,
    text_reply,
)
from gaesup_backends.local.preview import find_preview
from gaesup_backends.local.request_rules import unusual
from gaesup_backends.local.router import PATH_PREFIX

if TYPE_CHECKING:
    from gaesup_backends.local.front import Front

MAX_BODY_BYTES: Final = 4 * 1024 * 1024
MAX_HEAD_BYTES: Final = 32 * 1024
MAX_BODIES_BYTES: Final = 128 * 1024 * 1024
MAX_PIPELINED: Final = 16
REQUEST_TIMEOUT_S: Final = 20.0
IDLE_TIMEOUT_S: Final = 120.0
WRITE_TIMEOUT_S: Final = 20.0
LINGER_S: Final = 2.0

_LOCAL_HOSTS: Final = frozenset((b"localhost", b"127.0.0.1", b""))
_HOP: Final = frozenset(
    (
        b"connection", b"keep-alive", b"transfer-encoding", b"content-length", b"upgrade", b"te",
        b"trailer", b"expect", b"proxy-connection", b"proxy-authenticate", b"proxy-authorization",
    )
)  # fmt: skip
_SPECIAL: Final = frozenset((b"host", b"cookie", b"x-gaesup-revision", b"x-gaesup-client", *_HOP))


class ClientConnection(asyncio.Protocol):
    """One client."""

    def __init__(self, front: Front) -> None:
        self._front = front
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpRequestParser(self)
        self._request = Request()
        self._waiting: deque[Request] = deque()
        self._busy = False
        self._reading = True
        self._ended = False
        self._writable = True
        self._head_bytes = 0
        self._head_over = False
        self._unread_bytes = 0
        self._waiting_bytes = 0
        self._body: list[bytes] = []
        self._body_bytes = 0
        self._in_request = False
        self._since = front.now
        self._close_by = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client connected."""

        # uvloop has its own class that is none of asyncio's.
        self._transport = cast(asyncio.Transport, transport)
        if not self._front.admit(self):
            self._fail(503, "too many connections\n")

    def connection_lost(self, error: Exception | None) -> None:
        """The client is gone; replies on their way are dropped in `answer`."""
        self._transport = None
        self._front.forget(self)
        self._drop_body()
        self._drop_waiting()

    def data_received(self, data: bytes) -> None:
        """Bytes of requests."""
        if self._ended:
            return
        # A header or a chunk's extension without end: the parser says nothing of it until it ends.
        self._unread_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            # We speak nothing else: the request is answered as it stands, then we close.
            self._ended = True
        except httptools.HttpParserError as error:
            if not self._ended:
                self._fail(400, f"not a request: {str(error)[:100]}\n")
        if self._unread_bytes > MAX_HEAD_BYTES and not self._ended:
            self._fail(431, f"more than {MAX_HEAD_BYTES} bytes of headers\n")

    def eof_received(self) -> bool:
        """The client sends no more; an answer may still be due."""
        self._ended = True
        return self._busy or bool(self._waiting)

    def pause_writing(self) -> None:
        """The client does not read."""
        self._writable = False
        self._since = self._front.now

    def resume_writing(self) -> None:
        """It reads again."""
        self._writable = True
        self._next()

    # -- called by the parser

    def on_message_begin(self) -> None:
        """A request starts."""
        self._request = Request()
        self._head_bytes = 0
        self._head_over = False
        self._in_request = True
        self._since = self._front.now

    def on_url(self, piece: bytes) -> None:
        """A piece of the target."""
        self._count_head(len(piece))
        self._request.target += piece

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header."""
        self._unread_bytes = 0
        self._count_head(len(name) + len(value) + 4)
        if self._head_over:
            return  # a trailer: it may not say where the request goes, and units get none
        name = name.lower()
        if name in _SPECIAL and not self._special(name, value):
            return
        self._request.lines.append(name + b": " + value)

    def on_chunk_header(self) -> None:
        """A piece of a chunked body follows; what comes as a header from now on is a trailer."""
        self._head_over = True

    def _count_head(self, size: int) -> None:
        self._head_bytes += size
        if self._head_bytes > MAX_HEAD_BYTES and not self._ended:
            self._fail(431, f"more than {MAX_HEAD_BYTES} bytes of headers\n")

    def _special(self, name: bytes, value: bytes) -> bool:
        """Note what concerns the node; whether the unit gets to see it."""
        request = self._request
        if name == b"host":
            request.host = value
            request.hosts += 1
        elif name == b"cookie":
            request.cookie = cookie_value(value, COOKIE)
        elif name == b"x-gaesup-revision":
            request.pin = value
        elif name == b"x-gaesup-client":
            request.client = value
        elif name == b"connection":
            request.keep_alive_header = b"keep-alive" in value.lower()
        elif name == b"content-length" and value.isdigit() and int(value) > MAX_BODY_BYTES:
            self._too_large()
        elif name == b"transfer-encoding" and value.strip().lower() != b"chunked":
            if not self._ended:
                self._fail(501, "no transfer coding but chunked is read here\n")
        elif name == b"upgrade":
            request.upgrade = True
        elif name == b"expect" and not self._ended and self._transport is not None:
            self._expected(self._transport)
        return name not in _HOP

    def _expected(self, transport: asyncio.Transport) -> None:
        if self._parser.get_http_version() != "1.0":  # an old client takes it for the reply
            transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, piece: bytes) -> None:
        """A piece of the body."""
        if self._ended:
            return
        size = len(piece)
        self._unread_bytes = 0
        self._body_bytes += size
        self._front.buffered_bytes += size
        self._body.append(piece)
        if self._body_bytes > MAX_BODY_BYTES:
            self._too_large()
        elif self._front.buffered_bytes > MAX_BODIES_BYTES:
            self._fail(503, "the node holds too many request bodies\n")

    def on_message_complete(self) -> None:
        """A request is whole."""
        self._unread_bytes = 0
        if self._ended:
            return
        request = self._request
        request.method = self._parser.get_method()
        request.head_only = request.method == b"HEAD"
        request.close = request.upgrade or not self._parser.should_keep_alive()
        if self._body:
            request.body = b"".join(self._body)
            self._drop_body()
        self._in_request = False
        self._since = self._front.now
        if request.hosts != 1 or not request.target.startswith(b"/"):
            problem = unusual(request, self._parser.get_http_version())
            if problem is not None:
                self._fail(*problem)
                return
        if self._busy or not self._writable or self._waiting:
            self._queue(request)
        else:
            self._start(request)

    # -- answering

    def answer(self, data: bytes, *, close: bool) -> None:
        """Write a whole reply and go on with what waits; dropped when the client is gone."""
        transport = self._transport
        if transport is None:
            return
        self._busy = False
        self._since = self._front.now
        if transport.is_closing():
            return
        transport.write(data)
        if close or (self._ended and not self._waiting):
            self._linger()
        elif self._waiting and self._writable:
            # Not from here: a long pipeline would nest.
            asyncio.get_running_loop().call_soon(self._next)

    @property
    def idle_since(self) -> float | None:
        """Since when nothing is asked and nothing is owed here; None while something is."""
        owes = self._busy or self._waiting or not self._writable
        return None if owes or self._in_request or self._close_by else self._since

    def abort(self) -> None:
        """Drop the client."""
        if self._transport is not None:
            self._transport.abort()

    def sweep(self, now: float) -> None:
        """Close when the client takes too long for what it is doing."""
        if self._close_by:
            overdue = now >= self._close_by
        elif not self._writable:
            overdue = now - self._since > WRITE_TIMEOUT_S
        elif self._in_request:
            overdue = now - self._since > REQUEST_TIMEOUT_S
            if overdue and not self._busy:
                self._fail(408, f"the request was not whole within {REQUEST_TIMEOUT_S:.0f} s\n")
                return
        else:
            overdue = not self._busy and now - self._since > IDLE_TIMEOUT_S
        if overdue:
            self.abort()

    def _start(self, request: Request) -> None:
        self._busy = True
        reply: bytes | None
        table, target = find_table(self._front.router, request)
        if table is None:
            table, target = find_preview(self._front.router, request)
        if table is not None:
            reply = dispatch(table, target, self, request)
        else:
            reply = self._local(request)
        if reply is not None:
            self.answer(reply, close=request.close)

    def _local(self, request: Request) -> bytes:
        host = request.host.rsplit(b":", 1)[0].lower()
        if host not in _LOCAL_HOSTS or request.target.startswith(PATH_PREFIX):
            return text_reply(
                request, 404, "no such deployment here; ask http://localhost/ for the list\n"
            )
        if request.method not in (b"GET", b"HEAD"):
            return text_reply(request, 405, "only GET here\n", b"allow: GET, HEAD\r\n")
        status, text = self._front.local_page(request.target.split(b"?", 1)[0])
        lines = b"content-type: text/plain; version=0.0.4; charset=utf-8\r\n"
        return compose(request, status, lines, text.encode())

    def _next(self) -> None:
        if self._busy or not self._waiting or not self._writable or self._transport is None:
            return
        request = self._waiting.popleft()
        self._hold(-len(request.body))
        few = len(self._waiting) < MAX_PIPELINED // 2 and self._waiting_bytes < MAX_BODY_BYTES
        if not self._reading and few:
            self._reading = True
            self._transport.resume_reading()
        self._start(request)

    def _queue(self, request: Request) -> None:
        self._waiting.append(request)
        self._hold(len(request.body))
        many = len(self._waiting) >= MAX_PIPELINED or self._waiting_bytes >= MAX_BODY_BYTES
        if many and self._reading and self._transport is not None:
            self._reading = False
            self._transport.pause_reading()

    def _too_large(self) -> None:
        if not self._ended:
            self._fail(413, f"the body has more than {MAX_BODY_BYTES} bytes\n")

    def _fail(self, status: int, text: str) -> None:
        """Answer with an error of the node's and take no further request."""
        self._ended = True
        self._drop_body()
        self._drop_waiting()
        if self._busy or self._transport is None:
            # A reply is on its way; it ends the connection.
            return
        request = Request()
        request.close = True
        self._transport.write(text_reply(request, status, text))
        self._linger()

    def _linger(self) -> None:
        """Close our side and let the client finish: closing at once could cost it the reply."""
        self._ended = True
        self._close_by = self._front.now + LINGER_S
        transport = self._transport
        if transport is None:
            return
        if transport.can_write_eof():
            transport.write_eof()
        else:
            transport.close()

    def _drop_body(self) -> None:
        self._front.buffered_bytes -= self._body_bytes
        self._body_bytes = 0
        self._body.clear()

    def _drop_waiting(self) -> None:
        self._hold(-self._waiting_bytes)
        self._waiting.clear()

    def _hold(self, size: int) -> None:
        """Bodies of requests that wait behind another one count as what the node holds."""
        self._waiting_bytes += size
        self._front.buffered_bytes += size
