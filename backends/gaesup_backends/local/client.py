"""An asyncio client of the node's control socket."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

LINE_BYTES: Final = 64 * 1024 * 1024
REQUEST_TIMEOUT_S: Final = 10.0


class NodeGone(Exception):
    """The connection to the node is lost or could not be made."""


class NodeSilent(NodeGone):
    """The node is there, and did not answer in time."""


class NodeRefused(Exception):
    """The node answered with an error.

    Attributes:
        code: ``bad_request``, ``not_found``, ``unknown_op`` or ``too_long``.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class NodeClient:
    """One connection; any number of requests at once."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        self._ids = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._pushes: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue()
        self._latest_only = False
        self._closed = False
        self._reading = asyncio.create_task(self._read(reader))

    @classmethod
    async def connect(cls, socket_path: Path) -> NodeClient:
        """Connect to a node; raises `NodeGone`."""
        try:
            reader, writer = await asyncio.open_unix_connection(socket_path, limit=LINE_BYTES)
        except OSError as error:
            raise NodeGone(f"no node at {socket_path}: {error.strerror or error}") from None
        return cls(reader, writer)

    async def request(
        self, operation: str, answer_within_s: float = REQUEST_TIMEOUT_S, **fields: Any
    ) -> dict[str, Any]:
        """Send one operation and wait for its answer.

        Raises:
            NodeRefused: the node says no.
            NodeGone: the connection broke or no answer came in time.
        """
        if self._closed:
            raise NodeGone("the connection to the node is closed")
        request_id = next(self._ids)
        answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._waiting[request_id] = answer
        line = json.dumps({"id": request_id, "op": operation, **fields}).encode() + b"\n"
        try:
            self._writer.write(line)
            # Not wait_for: in Python 3.11 it swallows a cancellation that comes with the answer.
            async with asyncio.timeout(answer_within_s):
                reply = await answer
        except (TimeoutError, OSError):
            raise NodeSilent(
                f"the node did not answer {operation} within {answer_within_s:g} s"
            ) from None
        finally:
            self._waiting.pop(request_id, None)
        if not reply.get("ok"):
            error = reply.get("error") or {}
            raise NodeRefused(error.get("code", "unknown"), error.get("message", "no message"))
        return reply

    @property
    def closed(self) -> bool:
        """Whether the connection is known to be over."""
        return self._closed

    async def states(self, interval_s: float) -> AsyncIterator[dict[str, Any]]:
        """Observations, each interval and at once after changes; only the newest is kept.

        Use a connection of its own: pushes of one connection have one reader.
        """
        self._latest_only = True
        await self.request("subscribe", interval_s=interval_s)
        async for push in self._pushed():
            if "state" in push:
                yield push["state"]

    async def logs(self, deployment: str, **fields: Any) -> AsyncIterator[dict[str, Any]]:
        """Log lines as they come; use a connection of its own."""
        await self.request("logs", deployment=deployment, follow=True, **fields)
        async for push in self._pushed():
            if "log" in push:
                yield push["log"]

    async def close(self) -> None:
        """Hang up."""
        self._closed = True
        self._reading.cancel()
        self._writer.close()
        with contextlib.suppress(OSError, asyncio.CancelledError):
            await self._reading
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()

    async def _pushed(self) -> AsyncIterator[dict[str, Any]]:
        while True:
            push = await self._pushes.get()
            if push is None:
                raise NodeGone("the node hung up")
            yield push

    async def _read(self, reader: asyncio.StreamReader) -> None:
        try:
            while line := await reader.readline():
                self._take(json.loads(line))
        except (OSError, ValueError):
            pass
        finally:
            self._closed = True
            for answer in self._waiting.values():
                if not answer.done():
                    answer.set_exception(NodeGone("the node hung up"))
            self._pushes.put_nowait(None)

    def _take(self, message: dict[str, Any]) -> None:
        if "id" in message:
            answer = self._waiting.get(message["id"])
            if answer is not None and not answer.done():
                answer.set_result(message)
            return
        while self._latest_only and not self._pushes.empty():
            self._pushes.get_nowait()
        self._pushes.put_nowait(message)
