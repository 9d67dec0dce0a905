"""Requests that two readers may understand differently: what the unit gets, or a plain refusal."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from .node_rig import Reply, Rig, parse, pid_of, running_node
from .node_units import TEMPLATE, escaped, wat

pytestmark = pytest.mark.real

HOST = b"host: cart.production.localhost\r\n"
HEAD = "Status: 200\r\n\r\n"
ECHO = TEMPLATE.format(
    imports="",
    pages=8,
    data=f'(data (i32.const 1024) "{escaped(HEAD)}")',
    abi=1,
    alloc="(i32.const 131072)",
    handle="(memory.copy"
    f" (i32.const {1024 + len(HEAD)}) (local.get $p) (local.get $n))"
    f"(return (call $reply (i32.const 1024) (i32.add (i32.const {len(HEAD)}) (local.get $n))))",
    size=0,
    functions="",
)
"""A unit whose reply's body is the request as it got it."""


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    async with running_node() as rig:
        await rig.deploy("v41-a", ECHO)
        await rig.deploy("v42-b", wat("canary\n"))
        await rig.traffic(v41_a=100)
        yield rig


async def said(rig: Rig, *pieces: bytes) -> bytes:
    """Everything that comes back until the node ends the connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", rig.port)
    for piece in pieces:
        writer.write(piece)
    writer.write_eof()
    async with asyncio.timeout(5):
        answer = await reader.read()
    writer.close()
    return answer


async def echoed(rig: Rig, head: bytes, body: bytes = b"") -> Reply:
    return parse(await said(rig, head + HOST + b"connection: close\r\n\r\n" + body))


CHUNKED = b"POST /a HTTP/1.1\r\ntransfer-encoding: chunked\r\n"


async def test_a_trailer_says_nothing_about_where_a_request_goes(rig: Rig) -> None:
    body = b"3\r\nabc\r\n0\r\nx-gaesup-revision: v42-b\r\nhost: nobody\r\ncookie: a=b\r\n\r\n"
    reply = await echoed(rig, CHUNKED, body)
    assert reply.revision == "v41-a"
    assert reply.body == b"POST /a HTTP/1.1\r\nhost: cart.production.localhost\r\n\r\nabc"


@pytest.mark.parametrize(
    ("request_line", "status", "why"),
    [
        (b"GET /a HTTP/1.1\r\nhost: nobody\r\n", 400, b"more than one Host"),
        (b"POST /a HTTP/1.1\r\ntransfer-encoding: gzip, chunked\r\n", 501, b"coding"),
        (b"CONNECT cart.production.localhost:80 HTTP/1.1\r\n", 405, b"no proxy"),
        (b"POST /a HTTP/1.1\r\ncontent-length: 3\r\ncontent-length: 4\r\n", 400, b"Length"),
        (b"POST /a HTTP/1.1\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n", 400, b""),
        (b"POST /a HTTP/1.1\r\ncontent-length: +3\r\n", 400, b"Content-Length"),
    ],
)
async def test_what_two_readers_understand_differently_reaches_no_unit(
    rig: Rig, request_line: bytes, status: int, why: bytes
) -> None:
    smuggled = b"GET /smuggled HTTP/1.1\r\n" + HOST + b"\r\n"
    answer = await said(rig, request_line + HOST + b"\r\n" + b"0\r\n\r\n" + smuggled)
    assert parse(answer).status == status
    assert why in answer
    assert answer.count(b"HTTP/1.1 ") == 1, "what came behind it was not read as a request"
    assert (await rig.state())["revisions"]["v41-a"]["requests"]["2xx"] == 0


async def test_a_request_without_a_host_is_refused_and_an_old_one_is_not(rig: Rig) -> None:
    path = b"GET /_/cart@production/a HTTP/1."
    assert parse(await said(rig, path + b"1\r\n\r\n")).status == 400
    assert parse(await said(rig, path + b"0\r\n\r\n")).status == 200


async def test_a_whole_url_as_a_target_says_who_is_asked(rig: Rig) -> None:
    url = b"GET http://cart.production.localhost?q=1 HTTP/1.1\r\nhost: nobody\r\n"
    reply = parse(await said(rig, url + b"connection: close\r\n\r\n"))
    assert reply.body == b"GET /?q=1 HTTP/1.1\r\nhost: cart.production.localhost\r\n\r\n"


async def test_an_upgrade_that_is_not_offered_is_an_ordinary_request_and_the_last(rig: Rig) -> None:
    upgrade = b"GET /a HTTP/1.1\r\nupgrade: h2c\r\nconnection: upgrade\r\n"
    reply = parse(await said(rig, upgrade + HOST + b"\r\n"))
    assert (reply.status, reply.headers["connection"]) == (200, "close")


async def test_no_old_client_gets_a_100(rig: Rig) -> None:
    expects = b"expect: 100-continue\r\ncontent-length: 3\r\n" + HOST + b"\r\nabc"
    assert (await said(rig, b"POST /a HTTP/1.0\r\n" + expects)).startswith(b"HTTP/1.1 200 ")
    assert (await said(rig, b"POST /a HTTP/1.1\r\n" + expects)).startswith(b"HTTP/1.1 100 ")


@pytest.mark.parametrize(
    "begins",
    [
        b"GET /a HTTP/1.1\r\n" + HOST + b"x: ",
        b"GET /a HTTP/1.1\r\n" + HOST,
        CHUNKED + HOST + b"\r\n3;",
        CHUNKED + HOST + b"\r\n0\r\nx: ",
    ],
)
async def test_a_line_without_end_is_cut_before_it_is_kept(rig: Rig, begins: bytes) -> None:
    """One header of 64 MB: its sender is told no, and the node has not held it."""
    before = resident_bytes(pid_of(rig))
    reader, writer = await asyncio.open_connection("127.0.0.1", rig.port)
    writer.write(begins)
    answer = asyncio.create_task(reader.read())
    for _ in range(64):
        if answer.done():
            break
        writer.write(b"a" * 2**20)
        try:
            await writer.drain()
        except ConnectionError:
            break
    async with asyncio.timeout(5):
        assert parse(await answer).status == 431
    writer.transport.abort()
    assert resident_bytes(pid_of(rig)) - before < 16 << 20


async def test_bodies_that_wait_behind_a_slow_reply_are_not_collected(rig: Rig) -> None:
    """Twelve clients send sixteen bodies of 2 MB each behind a request that takes its time."""
    spins = "(loop $l (br $l))"
    await rig.deploy("v43-s", wat(handle=spins), deadline_ms=1500)
    slow = b"GET / HTTP/1.1\r\n" + HOST + b"x-gaesup-revision: v43-s\r\n\r\n"
    large = b"POST /a HTTP/1.1\r\n" + HOST + b"content-length: 2000000\r\n\r\n" + bytes(2_000_000)
    before = resident_bytes(pid_of(rig))
    writers = [(await asyncio.open_connection("127.0.0.1", rig.port))[1] for _ in range(12)]
    most = 0
    for writer in writers:
        writer.write(slow)
        writer.write(large * 16)
    for _ in range(20):
        await asyncio.sleep(0.05)
        most = max(most, resident_bytes(pid_of(rig)) - before)
        assert (await rig.get()).status == 200
    for writer in writers:
        writer.transport.abort()
    assert most < 200 << 20, f"{most >> 20} MB of 384 were kept"


def resident_bytes(pid: int) -> int:
    """Memory of a process."""
    with open(f"/proc/{pid}/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * 4096
