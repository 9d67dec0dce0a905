"""What a unit says is checked before it reaches a client or a log."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gaesup_backends.local.cgi import parse_reply
from gaesup_backends.local.exchange import COOKIE, Request, compose, cookie_value
from gaesup_backends.local.logs import LINE_BYTES, LINES_PER_SECOND, LineCutter, printable

LINE = re.compile(rb"[^:\r\n\x00-\x20]+:[\t\x20-\x7e\x80-\xff]*")


def test_a_reply_of_the_abi() -> None:
    raw = b"Status: 201 Created\r\nX-A: b\r\nContent-Type: text/plain\r\n\r\nbody\r\n\r\nmore"
    assert parse_reply(raw) == (
        201,
        b"X-A: b\r\nContent-Type: text/plain\r\n",
        b"body\r\n\r\nmore",
    )
    assert parse_reply(b"Status: 204\r\n\r\n") == (204, b"", b"")


def test_headers_that_are_the_nodes_are_taken_out() -> None:
    raw = (
        b"Status: 200\r\nContent-Length: 5\r\nX-A: b\r\nTransfer-Encoding: chunked\r\n"
        b"x-gaesup-revision: forged\r\nConnection: close\r\n\r\nbody"
    )
    assert parse_reply(raw) == (200, b"X-A: b\r\n", b"body")


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"hello",
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"Status: 200\n\nbody",
        b"Status: 100\r\n\r\n",
        b"Status: 999\r\n\r\n",
        b"Status: 20\r\n\r\n",
        b"Status: 200\r\nno colon\r\n\r\n",
        b"Status: 200\r\nX: \x1b[2J\r\n\r\n",
        b"Status: 200\r\nX: a\nY: b\r\n\r\n",
        b"Status: 200\r\n : b\r\n\r\n",
        b"Status: 200\r\nX: " + b"a" * 10_000 + b"\r\n\r\n",
    ],
)
def test_garbage_is_no_reply(raw: bytes) -> None:
    assert parse_reply(raw) is None


@given(st.lists(st.binary(max_size=30), max_size=4))
def test_no_header_of_a_unit_can_split_a_reply(pieces: list[bytes]) -> None:
    reply = parse_reply(b"Status: 200\r\n" + b"\r\n".join(pieces) + b"\r\n\r\n")
    if reply is not None:
        lines = reply[1].split(b"\r\n")
        assert lines[-1] == b""
        assert all(LINE.fullmatch(line) for line in lines[:-1])


def test_head_no_content_and_keep_alive_have_their_ways() -> None:
    request = Request()
    request.head_only = True
    assert compose(request, 200, b"", b"body") == b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\n"
    request = Request()
    assert compose(request, 204, b"", b"body") == b"HTTP/1.1 204 No Content\r\n\r\n"
    request.close = True
    assert b"connection: close\r\n" in compose(request, 299, b"", b"")


@pytest.mark.parametrize(
    ("cookies", "value"),
    [
        (b"gsu-rev=abc", b"abc"),
        (b"a=b; gsu-rev=abc; c=d", b"abc"),
        (b"xgsu-rev=abc", None),
        (b"gsu-rev=", None),
        (b"a=gsu-rev", None),
    ],
)
def test_the_sticky_cookie_is_found(cookies: bytes, value: bytes | None) -> None:
    assert cookie_value(cookies, COOKIE) == value


@given(st.text())
def test_printable_text_has_no_control_left(text: str) -> None:
    shown = printable(text.replace("\n", ""))
    assert not any((ord(c) < 32 and c != "\t") or 127 <= ord(c) < 160 for c in shown)


def test_lines_are_cut_and_counted() -> None:
    cutter = LineCutter()
    assert cutter.feed(b"one\ntw", 1.0) == ["one"]
    assert cutter.feed(b"o\r\nthree", 1.1) == ["two"]
    assert cutter.finish() == ["three"]
    long = cutter.feed(b"x" * (LINE_BYTES + 5) + b"\n", 2.0)
    assert long[0].endswith("… (cut)")


def test_a_flood_keeps_its_first_lines_and_tells_the_rest() -> None:
    cutter = LineCutter()
    assert len(cutter.feed(b"x\n" * (LINES_PER_SECOND + 50), 1.0)) == LINES_PER_SECOND
    assert cutter.feed(b"y\n" * 10, 1.5) == []
    assert cutter.feed(b"z\n", 2.0) == ["(60 lines dropped: more than 500/s)", "z"]
