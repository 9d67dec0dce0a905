"""The open-loop load generator against real servers on loopback."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gaesup_tui.cli.load_mix import MIXES, Users, mix_for, request_maker
from gaesup_tui.cli.load_reply import BadReply, Reply, ReplyReader
from gaesup_tui.cli.load_report import Histogram, LoadReport
from gaesup_tui.cli.load_traffic import MAX_RPS, LoadTarget, run_load

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Gaesup-Revision: v41\r\n\r\nok"


@dataclass
class Shop:
    """A server that answers the n-th request with what `answer(n)` says; None is silence."""

    answer: Callable[[int], bytes | None]
    stall_s: Callable[[int], float] = lambda n: 0.0
    port: int = 0
    requests: list[bytes] = field(default_factory=list)
    open: int = 0
    most_open: int = 0
    all_closed: asyncio.Event = field(default_factory=asyncio.Event)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open += 1
        self.all_closed.clear()
        self.most_open = max(self.most_open, self.open)
        try:
            while await self._serve_one(reader, writer):
                pass
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()
            self.open -= 1
            if self.open == 0:
                self.all_closed.set()

    async def _serve_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = await reader.readuntil(b"\r\n\r\n")
        length = [line for line in head.split(b"\r\n") if line.startswith(b"Content-Length: ")]
        body = await reader.readexactly(int(length[0][16:])) if length else b""
        self.requests.append(head + body)
        number = len(self.requests)
        await asyncio.sleep(self.stall_s(number))
        reply = self.answer(number)
        if reply is None:
            await reader.read()  # until the client gives up
            return False
        writer.write(reply)
        return reply.startswith(b"HTTP/1.1") and b"close" not in reply


@asynccontextmanager
async def opened(shop: Shop) -> AsyncIterator[Shop]:
    server = await asyncio.start_server(shop.serve, "127.0.0.1", 0)
    shop.port = server.sockets[0].getsockname()[1]
    try:
        yield shop
    finally:
        server.close()
        if shop.open:
            async with asyncio.timeout(5):
                await shop.all_closed.wait()


async def load(
    port: int,
    rps: float = 100,
    duration_s: float | None = 0.3,
    *,
    unit: str = "cart",
    connections: int = 64,
    timeout_s: float = 2.0,
    on_report: Callable[[LoadReport], None] = lambda report: None,
    stop: asyncio.Event | None = None,
) -> LoadReport:
    target = LoadTarget(unit, "production", port, connections=connections, timeout_s=timeout_s)
    return await run_load(target, rps, duration_s, on_report, stop or asyncio.Event())


async def test_counts_what_clients_saw_by_status_and_revision() -> None:
    bad = b"HTTP/1.1 500 No\r\ncontent-length: 0\r\nx-gaesup-revision: v42\r\n\r\n"
    async with opened(Shop(lambda n: bad if n % 4 == 0 else OK)) as shop:
        report = await load(shop.port, rps=200, duration_s=0.5)
    assert (report.due, report.sent, report.answered, report.errors) == (100, 100, 100, {})
    assert report.by_status == {200: 75, 500: 25}
    assert {name: share.answered for name, share in report.by_revision.items()} == {
        "v41": 75,
        "v42": 25,
    }
    assert report.by_revision["v42"].server_errors == 25
    assert report.by_revision["v41"].server_errors == 0
    assert report.latency is not None
    assert 0 < report.latency.p50_s <= report.latency.p99_s <= report.latency.max_s < 2


async def test_requests_name_the_host_of_the_unit_and_follow_its_mix() -> None:
    async with opened(Shop(lambda n: OK)) as shop:
        await load(shop.port, rps=400, duration_s=0.5)
    assert all(b"\r\nHost: cart.production.localhost\r\n" in request for request in shop.requests)
    first_words = {request.split(b" ", 1)[0] for request in shop.requests}
    assert first_words == {b"GET", b"POST", b"DELETE"}
    assert any(request.endswith(b'"quantity": 1}') for request in shop.requests)


async def test_an_unknown_unit_gets_its_front_page() -> None:
    async with opened(Shop(lambda n: OK)) as shop:
        await load(shop.port, rps=50, duration_s=0.1, unit="unheard-of")
    assert {request.split(b"\r\n")[0] for request in shop.requests} == {b"GET / HTTP/1.1"}


async def test_goes_on_sending_while_the_server_stalls() -> None:
    async with opened(Shop(lambda n: OK, stall_s=lambda n: 1.0)) as shop:
        report = await load(shop.port, rps=100, duration_s=0.3)
    assert shop.most_open == 30  # nobody was answered before all were sent
    assert report.answered == 30


async def test_a_stall_counts_from_when_each_request_was_due() -> None:
    first_stalls = Shop(lambda n: OK, stall_s=lambda n: 0.5 if n == 1 else 0.0)
    async with opened(first_stalls) as shop:
        report = await load(shop.port, rps=100, duration_s=0.5, connections=1)
    # One slow reply on one connection: half of the fifty waited 0.25 s or more behind it.
    assert report.answered == 50
    assert report.late >= 40
    assert report.latency is not None
    assert report.latency.p50_s > 0.2


async def test_never_opens_more_connections_than_allowed() -> None:
    async with opened(Shop(lambda n: OK, stall_s=lambda n: 0.02)) as shop:
        report = await load(shop.port, rps=400, duration_s=0.3, connections=3)
    assert shop.most_open == 3
    assert report.answered + sum(report.errors.values()) == 120


async def test_silence_is_an_error_that_took_its_time() -> None:
    async with opened(Shop(lambda n: None)) as shop:
        report = await load(shop.port, rps=50, duration_s=0.1, timeout_s=0.2)
    assert report.errors == {"no reply in time": 5}
    assert report.answered == 0
    assert report.latency is not None
    assert report.latency.p50_s >= 0.19


async def test_what_cannot_be_sent_in_time_is_said() -> None:
    async with opened(Shop(lambda n: None)) as shop:
        report = await load(shop.port, rps=100, duration_s=0.2, connections=1, timeout_s=0.2)
    assert report.errors["not sent: all connections busy"] >= 10
    assert sum(report.errors.values()) == 20
    assert report.sent < 20


async def test_a_port_nobody_listens_on_is_counted_not_raised() -> None:
    async with opened(Shop(lambda n: OK)) as shop:
        closed_port = shop.port
    report = await load(closed_port, rps=50, duration_s=0.1)
    assert report.errors == {"connection refused": 5}
    assert report.latency is None


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (b"", "closed before a reply"),
        (
            b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 9\r\n\r\nhal",
            "closed within a reply",
        ),
        (b"\x1b[2Jnot a reply\r\n\r\n", "not an HTTP reply"),
        (b"HTTP/1.1 close OK\r\n\r\n", "not an HTTP reply"),
    ],
)
async def test_broken_replies_are_errors_of_their_kind(reply: bytes, kind: str) -> None:
    async with opened(Shop(lambda n: reply)) as shop:
        report = await load(shop.port, rps=50, duration_s=0.1)
    assert report.errors == {kind: 5}


async def test_a_server_that_closes_after_each_reply_is_served_all_the_same() -> None:
    closing = OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    async with opened(Shop(lambda n: closing)) as shop:
        report = await load(shop.port)
    assert (report.answered, report.errors) == (30, {})


async def test_reports_each_second_add_up_to_the_whole() -> None:
    seconds: list[LoadReport] = []
    async with opened(Shop(lambda n: OK)) as shop:
        whole = await load(shop.port, rps=100, duration_s=1.2, on_report=seconds.append)
    assert len(seconds) == 1
    assert seconds[0].from_s == 0
    assert seconds[0].to_s == pytest.approx(1, abs=0.3)
    assert seconds[0].answered == pytest.approx(100, abs=25)
    assert (whole.due, whole.answered, whole.from_s) == (120, 120, 0)


async def test_stops_when_told_and_says_what_was_cut_off() -> None:
    stop = asyncio.Event()

    def answer(number: int) -> bytes | None:
        if number == 10:
            stop.set()
        return None if number % 2 else OK

    async with opened(Shop(answer)) as shop:
        async with asyncio.timeout(3):
            report = await load(shop.port, duration_s=None, timeout_s=30, stop=stop)
    assert report.due >= 10
    assert report.errors["no reply before the end"] >= 5
    assert report.answered + sum(report.errors.values()) == report.due


async def test_a_generator_held_up_says_so_instead_of_sending_a_burst() -> None:
    def hold_up(report: LoadReport) -> None:
        time.sleep(0.5)  # the process is frozen: exactly this blocks its loop

    async with opened(Shop(lambda n: OK)) as shop:
        report = await load(shop.port, duration_s=1.6, timeout_s=0.2, on_report=hold_up)
    assert report.errors.pop("not sent: the generator was held up") >= 20
    assert report.sent <= 135
    assert report.due == 160


@pytest.mark.parametrize(
    ("rps", "duration_s", "said"),
    [
        (0, 1, "rps is 0"),
        (-1, 1, "rps is -1"),
        (MAX_RPS + 1, 1, "at most 10000"),
        (float("nan"), 1, "rps is nan"),
        (10, 0, "duration is 0 s"),
        (10, float("inf"), "duration is inf s"),
    ],
)
async def test_impossible_wishes_are_refused(rps: float, duration_s: float, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        await load(1, rps=rps, duration_s=duration_s)


def test_the_same_seed_gives_the_same_requests() -> None:
    one, two = (request_maker(mix_for("checkout"), "h", seed=7) for _ in range(2))
    assert [one() for _ in range(50)] == [two() for _ in range(50)]


@pytest.mark.parametrize("unit", MIXES)
def test_no_placeholder_is_left_in_a_request(unit: str) -> None:
    make = request_maker(mix_for(unit), "h")
    for request in (make() for _ in range(300)):
        head, body = request.split(b"\r\n\r\n", 1)
        assert b"{" not in head
        assert not any(name in body for name in (b"{n}", b"{sku}", b"{word}", b"{card}"))


REPLIES: list[tuple[bytes, Reply]] = [
    (OK, Reply(200, "v41", True)),
    (b"HTTP/1.1 204 No Content\r\n\r\n", Reply(204, "", True)),
    (
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\ncontent-length:0\r\n\r\n",
        Reply(201, "", True),
    ),
    (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-GAESUP-REVISION:v9 \r\n\r\n"
        b"5\r\nhello\r\n1;x=y\r\n!\r\n0\r\nTrailer: 1\r\n\r\n",
        Reply(200, "v9", True),
    ),
    (b"HTTP/1.1 200\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", Reply(200, "", True)),
    (
        b"HTTP/1.1 503 Busy\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx",
        Reply(503, "", False),
    ),
    (b"HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx", Reply(200, "", False)),
]


@given(st.lists(st.sampled_from(REPLIES), min_size=1, max_size=4), st.data())
def test_replies_are_the_same_however_their_bytes_are_cut(
    replies: list[tuple[bytes, Reply]], data: st.DataObject
) -> None:
    reader = ReplyReader()
    for raw, expected in replies:
        cuts = sorted(data.draw(st.sets(st.integers(1, len(raw) - 1), max_size=5)))
        parts = [raw[a:b] for a, b in zip([0, *cuts], [*cuts, len(raw)], strict=True)]
        got = [reader.feed(part) for part in parts]
        assert got == [None] * (len(parts) - 1) + [expected]


@given(st.binary(max_size=300))
def test_no_bytes_break_the_reader(noise: bytes) -> None:
    reader = ReplyReader()
    with suppress(BadReply):  # the one error it may raise
        reader.feed(noise)
        reader.feed(b"HTTP/1.1 200 OK\r\n\r\n" + noise)
        reader.end_of_input()


def test_a_reply_without_length_ends_with_its_connection() -> None:
    reader = ReplyReader()
    assert reader.feed(b"HTTP/1.1 200 OK\r\nX-Gaesup-Revision: v3\r\n\r\nall of it") is None
    assert reader.end_of_input() == Reply(200, "v3", False)


def test_bytes_nobody_asked_for_end_the_connection() -> None:
    assert ReplyReader().feed(OK + b"more") == Reply(200, "v41", False)


def test_a_revision_cannot_carry_escape_sequences() -> None:
    reply = ReplyReader().feed(OK.replace(b"v41", b"\x1b[31mv41\x07" + b"x" * 500))
    assert reply is not None
    assert reply.revision.isprintable()
    assert len(reply.revision) < 120


def test_an_endless_head_is_refused() -> None:
    with pytest.raises(BadReply, match="too long"):
        ReplyReader().feed(b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 20_000)


@given(st.lists(st.floats(1e-5, 50), min_size=1, max_size=200), st.floats(0.01, 1))
def test_percentiles_are_within_two_percent(latencies: list[float], ratio: float) -> None:
    histogram = Histogram()
    for latency in latencies:
        histogram.record(latency)
    ordered = sorted(latencies)
    exact = ordered[max(0, -int(-ratio * len(ordered) // 1) - 1)]
    assert histogram.quantile(ratio) == pytest.approx(exact, rel=0.02)


def test_requests_of_users_bring_one_cookie_each_and_all_of_them_come() -> None:
    make = request_maker(mix_for("cart"), "h", users=Users(20, "shopper"))
    found = [
        request.partition(b"Cookie: shopper=")[2].split(b"\r\n")[0]
        for request in (make() for _ in range(500))
    ]
    assert set(found) == {f"u{n}".encode() for n in range(1, 21)}
    assert b"Cookie" not in request_maker(mix_for("cart"), "h")()
