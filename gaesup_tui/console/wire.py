"""HTTP over the engine's Unix socket, on asyncio streams alone.

The commands' client waits in a thread's own time; a console must not: what it asks can be given up
at any moment, and no thread may keep it from leaving. What is spoken is the small part of HTTP the
engine's API uses: one request per connection, answers with a length or in chunks.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import gaesup_tui
from gaesup_tui.domain.errors import Unavailable
from gaesup_tui.service.client import VERSION_HEADER, compatible
from gaesup_tui.service.failures import error_of, parse

MAX_BODY_BYTES = 64 * 2**20


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
                raise error_of(status, (await _body(headers, reader)).decode("utf-8", "replace"))
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
        text = data.decode("utf-8", "replace")
        if status >= 300:
            raise error_of(status, text)
        return parse(text)

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
            _check_version(got)
            yield int(head[0].split(" ")[1]), got, reader
        except (OSError, EOFError, ValueError, asyncio.LimitOverrunError) as error:
            why = error.strerror if isinstance(error, OSError) else "it broke off"
            raise Unavailable(
                f"none answers at {self.socket} ({why or type(error).__name__})",
                hint="gaesup engine start starts one",
            ) from error
        finally:
            if writer is not None:
                writer.close()


def _check_version(headers: Mapping[str, str]) -> None:
    theirs = headers.get(VERSION_HEADER, "")
    if not compatible(theirs, gaesup_tui.__version__):
        raise Unavailable(
            f"the engine is version {theirs or 'unknown'}, this is {gaesup_tui.__version__}",
            hint="gaesup engine stop, then start; what is deployed keeps running",
        )


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
