"""The service API from canned data, on a real Unix socket: what the console is tested against.

It is a small HTTP server of its own (no framework, so that its cost does not disturb a
measurement) and keeps just enough state that promoting, aborting and stopping have an effect.
Run as a program it serves until it is ended: ``python -m tests.console_fixture SOCKET --rows 1000
--changes 20 --sparks 12``.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from tests.console_world import CannedWorld, Refusal

Json = Any
Send = Callable[[bytes], Awaitable[None]]


@dataclass
class FakeEngine:
    """Serves a ``CannedWorld``; knobs make it slow, silent or forgetful."""

    world: CannedWorld
    delay_s: float = 0.0
    """Before every answer that is not the stream."""
    drop_answers: int = 0
    """So many commands are done, but their answer is lost with the connection."""
    hold_stream: bool = False
    """Nothing more is sent on streams, as when an engine hangs."""
    commands: list[tuple[str, dict[str, Json]]] = field(default_factory=list)
    """Idempotency key and body of every command that came, repeats too."""
    hellos: int = 0
    """How often somebody asked whether it is there."""
    answered: dict[str, dict[str, Json]] = field(default_factory=dict)
    _streams: set[asyncio.Queue[bytes]] = field(default_factory=set)
    _handlers: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def streams(self) -> int:
        """How many clients are attached."""
        return len(self._streams)

    @asynccontextmanager
    async def serving(self, socket: Path) -> AsyncIterator[FakeEngine]:
        """Listen on ``socket`` while the block runs; leaving breaks every connection."""
        socket.unlink(missing_ok=True)  # noqa: ASYNC240 - a test's own folder
        server = await asyncio.start_unix_server(self._serve, path=str(socket))
        beat = asyncio.create_task(self._beat())
        try:
            yield self
        finally:
            server.close()
            for task in [beat, *self._handlers]:
                task.cancel()
            await asyncio.gather(beat, *self._handlers, return_exceptions=True)
            socket.unlink(missing_ok=True)  # noqa: ASYNC240 - a test's own folder

    # What happens by itself -----------------------------------------------------------------

    def publish(self, kind: str, data: Json, seq: int | None = None) -> None:
        """Put an event on every stream."""
        if self.hold_stream:
            return
        text = f"event: {kind}\n" + (f"id: {seq}\n" if seq is not None else "")
        block = f"{text}data: {json.dumps(data)}\n\n".encode()
        for queue in self._streams:
            if queue.qsize() < 1000:
                queue.put_nowait(block)

    def change(self, *keys: str) -> None:
        """Tell the streams that these deployments (and the engine) changed."""
        rows = [self.world.deployments[key] for key in keys if key in self.world.deployments]
        gone = [key for key in keys if key not in self.world.deployments]
        data = {"engine": self.world.engine(), "deployments": rows, "gone": gone}
        self.publish("changes", data)

    def record(self, *args: str, **more: str) -> None:
        """Journal an event and put it on the streams."""
        event = self.world.event(*args, **more)
        self.publish("journal", event, event["seq"])

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(2)
            self.publish("beat", {"at": time.time(), "frozen": self.world.frozen})

    async def run_load(self, changes_per_s: float, sparks: int, seed: int = 1) -> None:
        """Change random rows and send telemetry for the first ``sparks`` of them, for ever."""
        rng = random.Random(seed)
        keys = list(self.world.deployments)
        last = time.monotonic()
        while True:
            await asyncio.sleep(1 / min(10, changes_per_s or 1))
            if changes_per_s:
                count = max(1, round(changes_per_s / 10))
                changed = rng.sample(keys, min(count, len(keys)))
                for key in changed:
                    self.world.wobble(key, rng)
                self.change(*changed)
            if sparks and time.monotonic() - last >= 1:
                last = time.monotonic()
                self.publish("telemetry", self.world.telemetry(keys[:sparks], rng))

    # HTTP -----------------------------------------------------------------------------------

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._handlers.add(task)
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            first, *rest = head.split("\r\n")
            method, target, _ = first.split(" ")
            pairs = (line.partition(":") for line in rest if line)
            headers = {name.lower(): value.strip() for name, _, value in pairs}
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            await self._route(method, target, headers, body, writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the client went, or the test ends
        finally:
            self._handlers.discard(task)
            writer.close()

    async def _route(
        self,
        method: str,
        target: str,
        headers: dict[str, str],
        body: bytes,
        writer: asyncio.StreamWriter,
    ) -> None:
        parts = urlsplit(target)
        query = dict(parse_qsl(parts.query))
        if parts.path == "/v1/stream":
            await self._stream(int(query.get("after", "-1")), writer)
            return
        if parts.path == "/v1/logs":
            await self._logs(query, writer)
            return
        if self.delay_s:
            await asyncio.sleep(self.delay_s)
        try:
            answer = self._answer(method, parts.path, query, headers, body)
        except Refusal as no:
            await _reply(writer, no.status, {"code": no.code, "message": no.message, "hint": ""})
            return
        if answer is not None:
            await _reply(writer, 200, answer)

    def _answer(
        self, method: str, path: str, query: dict[str, str], headers: dict[str, str], body: bytes
    ) -> Json:
        world = self.world
        match path:
            case "/v1/hello":
                self.hellos += 1
                return world.hello()
            case "/v1/snapshot":
                return world.overview()
            case "/v1/preview":
                return world.preview(query)
            case "/v1/rollback/preview":
                return world.rollback_preview(query.get("scope", ""))
            case "/v1/stop/preview":
                return world.stop_preview()
            case "/v1/history":
                return world.history(query)
            case "/v1/series":
                return world.series(query)
            case _ if path.startswith("/v1/verdicts/"):
                return world.verdicts(unquote(path.removeprefix("/v1/verdicts/")))
            case "/v1/commands" if method == "POST":
                return self._command(headers["idempotency-key"], json.loads(body))
        raise Refusal(404, "not_found", f"there is no {path}")

    def _command(self, key: str, command: dict[str, Json]) -> Json:
        self.commands.append((key, command))
        if key not in self.answered:
            before = self.world.seq
            receipt = self.world.obey(command)
            self.answered[key] = receipt
            for event in self.world.since(before):
                self.publish("journal", event, event["seq"])
            self.change(*self.world.touched)
        else:
            self.answered[key] = {**self.answered[key], "repeated": True}
        if self.drop_answers > 0:
            self.drop_answers -= 1
            raise ConnectionResetError
        return self.answered[key]

    async def _stream(self, after: int, writer: asyncio.StreamWriter) -> None:
        queue: asyncio.Queue[bytes] = asyncio.Queue()
        self._streams.add(queue)
        try:
            writer.write(_HEAD_STREAM)
            hello = f"event: hello\ndata: {json.dumps(self.world.hello())}\n\n"
            _chunk(writer, hello.encode())
            for event in self.world.since(after):
                text = f"event: journal\nid: {event['seq']}\ndata: {json.dumps(event)}\n\n"
                _chunk(writer, text.encode())
            while True:
                await writer.drain()
                _chunk(writer, await queue.get())
        finally:
            self._streams.discard(queue)

    async def _logs(self, query: dict[str, str], writer: asyncio.StreamWriter) -> None:
        writer.write(_HEAD_STREAM.replace(b"text/event-stream", b"application/x-ndjson"))
        for number in range(int(query.get("tail", "50"))):
            _chunk(writer, json.dumps(self.world.log_line(query, number)).encode() + b"\n")
        number = int(query.get("tail", "50"))
        while query.get("follow") in ("1", "true"):
            await writer.drain()
            await asyncio.sleep(0.5)
            _chunk(writer, json.dumps(self.world.log_line(query, number)).encode() + b"\n")
            number += 1
        writer.write(b"0\r\n\r\n")
        await writer.drain()


_HEAD_STREAM = (
    b"HTTP/1.1 200 OK\r\nx-gaesup-version: 0.1.0\r\ncontent-type: text/event-stream\r\n"
    b"transfer-encoding: chunked\r\n\r\n"
)


def _chunk(writer: asyncio.StreamWriter, data: bytes) -> None:
    writer.write(b"%x\r\n%s\r\n" % (len(data), data))


async def _reply(writer: asyncio.StreamWriter, status: int, answer: Json) -> None:
    body = json.dumps(answer, ensure_ascii=False).encode()
    lines = [f"HTTP/1.1 {status} X", "x-gaesup-version: 0.1.0", f"content-length: {len(body)}"]
    writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
    await writer.drain()


async def _obey_input(engine: FakeEngine) -> None:
    """Each line names a deployment and what of its view is another."""
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        order = json.loads(line)
        key = order.pop("key")
        engine.world.deployments[key].update(order, rollout=None)
        engine.change(key)


async def _main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("socket", type=Path)
    parser.add_argument("--rows", type=int, default=6)
    parser.add_argument("--changes", type=float, default=0.0, help="row changes a second")
    parser.add_argument("--sparks", type=int, default=0, help="rows with telemetry")
    parser.add_argument("--delay", type=float, default=0.0)
    parser.add_argument("--told", action="store_true", help="change rows told on standard input")
    parser.add_argument("--moving", action="store_true", help="all rows have an active rollout")
    given = parser.parse_args()
    engine = FakeEngine(CannedWorld.of(given.rows), delay_s=given.delay)
    if given.moving:
        engine.world.move_all()
    async with engine.serving(given.socket):
        if given.told:
            await _obey_input(engine)
        if given.changes or given.sparks:
            await engine.run_load(given.changes, given.sparks)
        await asyncio.Event().wait()


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        asyncio.run(_main())
