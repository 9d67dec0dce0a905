"""One request from its last byte to its reply: choose, send to a worker, answer, count."""

from __future__ import annotations

import base64
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final, Protocol

from gaesup_backends.local import frames
from gaesup_backends.local.cgi import parse_reply, status_line
from gaesup_backends.local.router import PATH_PREFIX, RevisionRoute, Router, TrafficTable

if TYPE_CHECKING:
    import asyncio

    from gaesup_backends.local.replica import Replica

COOKIE: Final = b"gsu-rev"
RETRY_AFTER_S: Final = 1
PROBE_BODY_BYTES: Final = 64 * 1024
_NO_BODY: Final = frozenset({204, 304})


class Request:
    """A parsed request, its header lines ready for a unit."""

    # Defaults of the class, not of each object: most requests set few of them.
    method = b""
    target = b""
    host = b""
    hosts = 0
    body = b""
    pin: bytes | None = None
    client: bytes | None = None
    cookie: bytes | None = None
    close = False
    upgrade = False
    keep_alive_header = False
    head_only = False

    def __init__(self) -> None:
        self.lines: list[bytes] = []

    def payload(self, target: bytes) -> bytes:
        """The bytes a unit gets."""
        lines = b"\r\n".join(self.lines)
        head = b"%b %b HTTP/1.1\r\n%b" % (self.method, target, lines)
        return b"%b\r\n\r\n%b" % (head, self.body) if lines else b"%b\r\n%b" % (head, self.body)


class Answering(Protocol):
    """A client's connection, as far as a reply is concerned."""

    def answer(self, data: bytes, *, close: bool) -> None:
        """Write a whole reply, or drop it when the client is gone."""


def cookie_value(cookies: bytes, wanted: bytes) -> bytes | None:
    """The value of one cookie in a Cookie header."""
    if wanted not in cookies:
        return None
    for pair in cookies.split(b";"):
        name, _, value = pair.strip().partition(b"=")
        if name == wanted and value:
            return value
    return None


class Exchange:
    """Waits for a worker's reply on behalf of a client."""

    __slots__ = ("_client", "_request", "_route", "_set_cookie", "_started")

    def __init__(
        self, client: Answering, request: Request, route: RevisionRoute, set_cookie: bytes
    ) -> None:
        self._client = client
        self._request = request
        self._route = route
        self._set_cookie = set_cookie
        self._started = perf_counter()
        route.metrics.inflight += 1

    def done(self, outcome: int, payload: bytes) -> None:
        """The worker answered, or died."""
        reply = parse_reply(payload) if outcome == frames.OK else None
        if reply is None:
            self._failed(outcome, payload)
            return
        status, lines, body = reply
        self._reply(status, lines, body)

    def refuse(self, reason: str) -> None:
        """No worker could take it: 503 of this revision."""
        self._reply(503, b"retry-after: %d\r\n" % RETRY_AFTER_S, reason.encode() + b"\n")

    def _failed(self, outcome: int, payload: bytes) -> None:
        metrics = self._route.metrics
        name = frames.outcome_name(outcome) if outcome else "bad_response"
        if name == "alloc_refused":
            self._reply(413, b"", payload + b"\n")
            return
        if name == "replica_died":
            self._reply(502, b"", b"the replica ended before it answered\n")
            return
        metrics.traps[name] += 1
        if name == "bad_response":
            self._reply(502, b"", b"the unit's answer is not a reply of gaesup-unit/1\n")
        elif name == "deadline":
            self._reply(504, b"", b"the unit did not answer within its deadline\n")
        else:
            self._reply(502, b"", b"the unit ended in a trap: %b\n" % name.encode())

    def _reply(self, status: int, lines: bytes, body: bytes) -> None:
        route, request = self._route, self._request
        metrics = route.metrics
        metrics.inflight -= 1
        metrics.count(status, perf_counter() - self._started)
        self._client.answer(
            compose(request, status, route.reply_header + self._set_cookie + lines, body),
            close=request.close,
        )


def compose(request: Request, status: int, lines: bytes, body: bytes) -> bytes:
    """The bytes of a reply for this request: HEAD, 204 and keep-alive have their own ways."""
    if request.close:
        lines += b"connection: close\r\n"
    elif request.keep_alive_header:
        lines += b"connection: keep-alive\r\n"
    if status in _NO_BODY:
        return b"%b%b\r\n" % (status_line(status), lines)
    head = b"%b%bcontent-length: %d\r\n\r\n" % (status_line(status), lines, len(body))
    return head if request.head_only else head + body


def text_reply(request: Request, status: int, text: str, lines: bytes = b"") -> bytes:
    """A plain-text reply of the node itself."""
    lines += b"content-type: text/plain; charset=utf-8\r\n"
    return compose(request, status, lines, text.encode())


def find_table(router: Router, request: Request) -> tuple[TrafficTable | None, bytes]:
    """The deployment by path prefix or host, and the target it gets."""
    target = request.target
    if target.startswith(PATH_PREFIX):
        return router.by_path(target)
    return router.by_host(request.host), target


def dispatch(
    table: TrafficTable, target: bytes, client: Answering, request: Request
) -> bytes | None:
    """Send a request on its way; returns the node's own reply when there is no way."""
    if table.steering is not None:
        return table.steering.dispatch(table, target, client, request)
    if request.pin is not None:
        route = table.pinned(request.pin)
    else:
        route = table.choose(request.client or request.cookie)
    if route is None:
        return no_way(table, request)
    send(Exchange(client, request, route, b""), route, request.payload(target))
    return None


def no_way(table: TrafficTable, request: Request) -> bytes:
    """The node's reply when no revision is there for a request."""
    if table.weights and request.pin is not None:
        return text_reply(request, 404, f"no revision of that id in {table.name}\n")
    retry = b"retry-after: %d\r\n" % RETRY_AFTER_S
    return text_reply(request, 503, f"{table.name} takes no traffic now\n", retry)


def send(exchange: Exchange, route: RevisionRoute, payload: bytes) -> None:
    """Hand it to a replica of the revision, or answer for it when none can take it."""
    replica = route.pick()
    link = replica.link if replica is not None else None
    if replica is None or link is None:
        exchange.refuse(f"no ready replica of {route.id}")
    elif link.send(payload, exchange):
        replica.requests += 1
    else:
        exchange.refuse(f"every replica of {route.id} is busy")


class Probe:
    """A request of the engine's to one revision; not user traffic, so not counted."""

    def __init__(self, answer: asyncio.Future[dict[str, Any]]) -> None:
        self._answer = answer
        self._started = perf_counter()

    def done(self, outcome: int, payload: bytes) -> None:
        """The worker answered, or died."""
        if self._answer.done():
            return
        reply = parse_reply(payload) if outcome == frames.OK else None
        if reply is None:
            name = frames.outcome_name(outcome) if outcome else "bad_response"
            reply = (504 if name == "deadline" else 502, b"", f"probe failed: {name}\n".encode())
        status, lines, body = reply
        headers = {
            name.decode("latin-1").lower(): value.strip().decode("latin-1")
            for name, _, value in (line.partition(b":") for line in lines.split(b"\r\n") if line)
        }
        self._answer.set_result(
            {
                "status": status,
                "headers": headers,
                "body": base64.b64encode(body[:PROBE_BODY_BYTES]).decode(),
                "duration_s": round(perf_counter() - self._started, 6),
            }
        )


def probe(replica: Replica, request: Request, answer: asyncio.Future[dict[str, Any]]) -> bool:
    """Send a probe; False when the replica cannot take it."""
    link = replica.link
    return link is not None and link.send(request.payload(request.target), Probe(answer))
