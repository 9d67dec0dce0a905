"""The client of commands: light to load, safe to print, and clear when something is wrong."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import gaesup_tui
from gaesup_tui.domain.errors import Frozen, GaesupError, Invalid, Moved, Refused, Unavailable
from gaesup_tui.domain.text import printable_line
from gaesup_tui.service.client import Client, compatible
from gaesup_tui.service.failures import error_of, parse
from gaesup_tui.service.wire import Exchange, quote
from tests.service_world import short_folder

VERSION = f"x-gaesup-version: {gaesup_tui.__version__}\r\n".encode()


@contextmanager
def answering(*answers: bytes) -> Iterator[Path]:
    """Something at a socket that says exactly this, one answer a connection, then hangs up."""
    with short_folder() as folder, socket.socket(socket.AF_UNIX) as listening:
        path = folder / "s"
        listening.bind(str(path))
        listening.listen()

        def serve() -> None:
            for answer in answers:
                connection, _ = listening.accept()
                with connection:
                    connection.recv(65536)
                    connection.sendall(answer)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield path


def ok(body: bytes, more: bytes = VERSION) -> bytes:
    return b"HTTP/1.1 200 OK\r\n%scontent-length: %d\r\n\r\n%s" % (more, len(body), body)


@pytest.mark.parametrize("module", ["client", "places", "lifecycle", "autostart"])
def test_what_a_light_command_needs_of_the_service_is_standard_library_only(module: str) -> None:
    code = f"import gaesup_tui.service.{module}, sys; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    heavy = {"pydantic", "httpx", "http", "textual", "starlette", "uvicorn", "asyncio", "yaml"}
    assert not heavy & {name.partition(".")[0] for name in loaded}


def test_no_engine_is_said_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="no engine answers") as failure:
        Client(tmp_path / "nothing").hello()
    assert "gaesup engine start" in failure.value.hint


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (b"", "without an answer"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "no engine"),
        (b"HTTP/1.1 200 OK\r\n", "without an answer"),
        (b"HTTP/1.1 200 OK\r\n%scontent-length: 100\r\n\r\n{" % VERSION, "middle of an answer"),
        (b"HTTP/1.1 200 OK\r\n%scontent-length: many\r\n\r\n{}" % VERSION, "no engine"),
        (
            b"HTTP/1.1 200 OK\r\n%stransfer-encoding: chunked\r\n\r\nzz\r\n" % VERSION,
            "no engine",
        ),
        (
            b"HTTP/1.1 200 OK\r\n%stransfer-encoding: chunked\r\n\r\nfffffffff\r\n" % VERSION,
            "more than",
        ),
        (ok(b"<html>"), "not JSON"),
        (ok(b"{}", b""), "version unknown"),
        (ok(b"{}", b"x-gaesup-version: 9.9.9\r\n"), "version 9.9.9"),
        (b"HTTP/1.1 502 Bad\r\n%scontent-length: 2\r\n\r\nno" % VERSION, "502 without saying why"),
        (b"HTTP/1.1 200 OK\r\n" + b"".join(b"x%d: y\r\n" % n for n in range(500)), "no engine"),
        (b"A" * 200_000, "without an answer"),
    ],
)
def test_an_answer_that_is_none_is_unavailable_never_a_traceback(answer: bytes, says: str) -> None:
    with answering(answer) as path, pytest.raises(Unavailable, match=says):
        Client(path, timeout_s=5).hello()


def test_chunks_are_put_together() -> None:
    body = b'5\r\n{"a":\r\n4;x=y\r\n1}\n\n\r\n0\r\n\r\n'
    answer = b"HTTP/1.1 200 OK\r\n%stransfer-encoding: chunked\r\n\r\n" % VERSION + body
    with answering(answer) as path:
        exchange = Exchange(path, 5)
        exchange.ask("GET", "/", b"", {})
        assert parse(exchange.text()) == {"a": 1}
        exchange.close()


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("moved", Moved),
        ("refused", Refused),
        ("frozen", Frozen),
        ("invalid", Invalid),
        ("too_large", Invalid),
        ("unavailable", Unavailable),
        ("from_the_future", GaesupError),
    ],
)
def test_a_failure_becomes_the_error_it_was(code: str, kind: type[GaesupError]) -> None:
    told = json.dumps({"code": code, "message": "m", "hint": "h"})
    error = error_of(409, told)
    assert type(error) is kind
    assert str(error) == "m: h"


@given(st.text())
def test_no_text_from_an_engine_can_move_the_cursor(text: str) -> None:
    for ascii_only in (True, False):
        said = json.dumps({"text": text, text: [text]}, ensure_ascii=ascii_only)
        for value in _strings(parse(said)):
            assert value == printable_line(value)


def _strings(value: object) -> Iterator[str]:
    match value:
        case str():
            yield value
        case dict():
            for name, each in value.items():
                yield name
                yield from _strings(each)
        case list():
            for each in value:
                yield from _strings(each)


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_name_can_be_asked_for(text: str) -> None:
    from urllib.parse import unquote

    assert unquote(quote(text)) == text
    assert quote(text).isascii()
    assert not set(quote(text)) & set(" \r\n#?&+")


@pytest.mark.parametrize(
    ("theirs", "ours", "same"),
    [("0.1.0", "0.1.9", True), ("0.1.0", "0.2.0", False), ("1.0", "0.1", False), ("", "1", False)],
)
def test_major_and_minor_decide_whether_versions_speak_alike(
    theirs: str, ours: str, same: bool
) -> None:
    assert compatible(theirs, ours) is same


def test_a_command_with_a_lost_answer_is_sent_again_under_its_key() -> None:
    receipt = b'{"seq":1,"text":"t","deployment":"","durable":true,"repeated":true}'
    with answering(b"", ok(receipt)) as path:
        assert Client(path).command({"action": "stop"})["repeated"]


def test_a_command_that_never_reached_anybody_is_not_waited_for(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="no engine answers"):
        Client(tmp_path / "nothing").command({"action": "stop"})
