"""HTTP over the engine's Unix socket, on asyncio streams alone.

The console needs rows on the screen within half a second of being typed; a general HTTP client
costs a third of that to import. What is spoken here is the small part the engine's API uses: one
request per connection, answers with a length or in chunks.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from gaesup_tui.domain.errors import (
    Frozen,
    GaesupError,
    Invalid,
    Moved,
    NotFound,
    Refused,
    Unavailable,
)
from gaesup_tui.domain.text import printable_line

MAX_BODY_BYTES = 64 * 2**20

_BY_CODE: dict[str, type[GaesupError]] = {
    kind.code: kind for kind in (Invalid, NotFound, Refused, Moved, Frozen, Unavailable)
}
# What a string in JSON needs to hold before the sanitiser could change it; most bodies hold none
# of it, and looking at the text once is far cheaper than at each of its strings.
_SUSPECT = re.compile(
    "\\\\[bfnrt]|\\\\u(?:00[018-9]|007f|00ad|20[0-6]|feff|fff|d[89ab]|db4)"
    "|[\x7f-\x9f\u00ad\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]",
    re.IGNORECASE,
)


def parse(text: str) -> Any:
    """JSON from the engine, with every string safe to show."""
    value = json.loads(text)
    return _clean(value) if _SUSPECT.search(text) else value


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return printable_line(value)
    if isinstance(value, list):
        return [_clean(each) for each in value]
    if isinstance(value, dict):
        return {printable_line(key): _clean(each) for key, each in value.items()}
    return value


class Wire:
    """Requests to one engine.

    Every method raises ``Unavailable`` when the engine cannot be reached or breaks off, and the
    error the engine named when it refuses.
    """

    def __init__(self, socket: Path) -> None:
        self.socket = socket

    async def get(
        self, path: str, query: Mapping[str, str | int] | None = None, *, timeout_s: float = 5.0
    ) -> Any:
        """The JSON answer to a GET."""
        return await self._ask("GET", path, query, b"", {}, timeout_s)

    async def post(
        self, path: str, body: Mapping[str, Any], headers: Mapping[str, str], timeout_s: float
    ) -> Any:
        """The JSON answer to a POST."""
        return await self._ask("POST", path, None, json.dumps(body).encode(), headers, timeout_s)

    async def lines(
        self, path: str, query: Mapping[str, str | int] | None = None
    ) -> AsyncIterator[str]:
        """The lines of an answer without end; ends when the engine ends it."""
        async with self._open("GET", path, query, b"", {}) as (status, headers, reader):
            if status != 200:
                raise _failure(status, await _body(headers, reader))
            rest = b""
            async for piece in _pieces(headers, reader):
                *lines, rest = (rest + piece).split(b"\n")
                for line in lines:
                    yield line.decode("utf-8", "replace").rstrip("\r")

    async def _ask(
        self,
        method: str,
        path: str,
        query: Mapping[str, str | int] | None,
        body: bytes,
        headers: Mapping[str, str],
        timeout_s: float,
    ) -> Any:
        try:
            async with asyncio.timeout(timeout_s):
                async with self._open(method, path, query, body, headers) as (status, got, reader):
                    data = await _body(got, reader)
        except TimeoutError:
            raise Unavailable(
                f"the engine did not answer within {timeout_s:.0f} s", hint="see gaesup engine logs"
            ) from None
        if status >= 300:
            raise _failure(status, data)
        return parse(data.decode("utf-8", "replace"))

    @asynccontextmanager
    async def _open(
        self,
        method: str,
        path: str,
        query: Mapping[str, str | int] | None,
        body: bytes,
        headers: Mapping[str, str],
    ) -> AsyncIterator[tuple[int, dict[str, str], asyncio.StreamReader]]:
        writer: asyncio.StreamWriter | None = None
        try:
            reader, writer = await asyncio.open_unix_connection(str(self.socket), limit=2**20)
            target = f"{path}?{urlencode(query)}" if query else path
            writer.write(_request(method, target, body, headers))
            await writer.drain()
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            pairs = (line.partition(":") for line in head[1:] if line)
            got = {name.lower(): value.strip() for name, _, value in pairs}
            yield int(head[0].split(" ")[1]), got, reader
        except (OSError, EOFError, ValueError, asyncio.LimitOverrunError) as error:
            raise Unavailable(
                f"the engine at {self.socket} cannot be reached ({type(error).__name__})",
                hint="start it: gaesup engine start",
            ) from error
        finally:
            if writer is not None:
                writer.close()


def _request(method: str, target: str, body: bytes, headers: Mapping[str, str]) -> bytes:
    lines = [
        f"{method} {target} HTTP/1.1",
        "host: gaesup",
        "connection: close",
        f"content-length: {len(body)}",
        "content-type: application/json",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


async def _body(headers: Mapping[str, str], reader: asyncio.StreamReader) -> bytes:
    pieces: list[bytes] = []
    size = 0
    async for piece in _pieces(headers, reader):
        size += len(piece)
        if size > MAX_BODY_BYTES:
            raise ValueError("an answer of more than 64 MiB")
        pieces.append(piece)
    return b"".join(pieces)


async def _pieces(headers: Mapping[str, str], reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    if headers.get("transfer-encoding", "").lower() == "chunked":
        while size := int((await reader.readline()).split(b";")[0], 16):
            yield await reader.readexactly(size)
            await reader.readexactly(2)
        return
    length = headers.get("content-length")
    if length is not None:
        yield await reader.readexactly(int(length))
        return
    while piece := await reader.read(2**16):
        yield piece


def _failure(status: int, data: bytes) -> GaesupError:
    try:
        body = parse(data.decode("utf-8", "replace"))
        kind = _BY_CODE.get(body["code"], GaesupError)
        return kind(str(body["message"]), hint=str(body.get("hint", "")))
    except (ValueError, KeyError, TypeError):
        return Unavailable(f"the engine answered {status} and no reason")
