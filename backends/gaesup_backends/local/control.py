"""The control socket: JSON lines, one request a line, answers by id, pushes for subscribers.

The directory is 0700 and the socket 0600; whoever can open it may do everything.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import contextlib
import json
import os
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from gaesup_backends.local.exchange import Request, probe
from gaesup_backends.local.faults import tell_fault
from gaesup_backends.local.fleet import Fleet, NotThere
from gaesup_backends.local.logs import LogFollower, LogLine
from gaesup_backends.local.names import PROTOCOL
from gaesup_backends.local.spec import (
    SpecError,
    check_deployment,
    check_replicas,
    check_rules,
    check_weights,
    parse_revision,
)
from gaesup_tui.domain.route import Route

if TYPE_CHECKING:
    from gaesup_backends.local.node import Node

LINE_BYTES: Final = 1024 * 1024
MIN_PUSH_GAP_S: Final = 0.05
MAX_TAIL: Final = 2000

Message = dict[str, Any]


class ControlServer:
    """Listens and serves each client in its own task."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._sessions: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def listen(self, path: Path) -> None:
        """Open the socket, replacing one a dead node left."""
        _remove_socket(path)
        previous = os.umask(0o177)
        try:
            self._server = await asyncio.start_unix_server(self._serve, path, limit=LINE_BYTES)
        finally:
            os.umask(previous)

    async def close(self) -> None:
        """Hang up on everybody."""
        if self._server is not None:
            self._server.close()
        for task in tuple(self._sessions):
            task.cancel()
        await asyncio.gather(*self._sessions, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._sessions.add(task)
        session = Session(self._node, writer)
        try:
            await session.run(reader)
        except (ConnectionError, asyncio.CancelledError):
            return
        finally:
            self._sessions.discard(task)
            session.close()
            writer.close()


class Session:
    """One client of the socket."""

    def __init__(self, node: Node, writer: asyncio.StreamWriter) -> None:
        self._node = node
        self._fleet: Fleet = node.fleet
        self._writer = writer
        self._tasks: set[asyncio.Task[None]] = set()
        self._state_push: asyncio.Task[None] | None = None
        self._operations: dict[str, Callable[[Message], Message | Awaitable[Message]]] = {
            "hello": self._hello,
            "apply_revision": self._apply,
            "set_traffic": self._set_traffic,
            "probe": self._probe,
            "state": lambda _: {"state": self._node.observe()},
            "subscribe": self._subscribe,
            "logs": self._logs,
            "restart_replica": self._restart,
            "kill_replica": self._kill,
            "remove": self._remove,
            "shutdown": self._shutdown,
        }

    async def run(self, reader: asyncio.StreamReader) -> None:
        """Answer until the client hangs up."""
        while True:
            try:
                line = await reader.readline()
            except ValueError:
                self._send(_error(None, "too_long", f"a line has more than {LINE_BYTES} bytes"))
                return
            if not line.endswith(b"\n"):
                return
            await self._answer(line)
            await self._writer.drain()

    def close(self) -> None:
        """Stop pushing."""
        for task in self._tasks:
            task.cancel()

    async def _answer(self, line: bytes) -> None:
        request: Any = None
        try:
            request = json.loads(line)
            request_id = request.get("id")
            operation = self._operations[request["op"]]
        except (ValueError, AttributeError):
            self._send(_error(None, "bad_request", "expected one JSON object a line"))
            return
        except (KeyError, TypeError):
            known = ", ".join(self._operations)
            self._send(_error(request.get("id"), "unknown_op", f"op must be one of {known}"))
            return
        if request["op"] == "probe":
            # A probe waits for a unit; what comes behind it must not.
            self._background(self._run(operation, request, request_id))
        else:
            await self._run(operation, request, request_id)

    async def _run(self, operation: Any, request: Message, request_id: Any) -> None:
        try:
            result = operation(request)
            if isinstance(result, Awaitable):
                result = await result
        except SpecError as error:
            self._send(_error(request_id, "bad_request", str(error)))
        except NotThere as error:
            self._send(_error(request_id, "not_found", str(error)))
        except Exception as error:
            # A fault of ours must not cost the engine its connection.
            tell_fault()
            self._send(_error(request_id, "internal", f"{type(error).__name__}: {error}"))
        else:
            self._send({"id": request_id, "ok": True, **result})

    def _send(self, message: Message) -> None:
        if not self._writer.is_closing():
            self._writer.write(json.dumps(message, separators=(",", ":")).encode() + b"\n")

    def _background(self, work: Any) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    # -- operations

    def _hello(self, _: Message) -> Message:
        node = self._node
        return {
            "version": PROTOCOL,
            "pid": os.getpid(),
            "boot": node.boot,
            "data_port": node.data_port,
            "started_at": node.started_at,
        }

    def _apply(self, message: Message) -> Message:
        name = check_deployment(message.get("deployment"))
        revision = parse_revision(name, message.get("revision"))
        self._fleet.apply(name, revision, check_replicas(message.get("replicas")))
        return {}

    def _set_traffic(self, message: Message) -> Message:
        name = check_deployment(message.get("deployment"))
        weights, rules = message.get("weights"), message.get("rules", {})
        self._fleet.set_traffic(name, Route(check_weights(weights), check_rules(rules)))
        return {}

    async def _probe(self, message: Message) -> Message:
        deployment = self._fleet.find(check_deployment(message.get("deployment")))
        revision = deployment.revisions.get(str(message.get("revision")))
        if revision is None:
            raise NotThere(f"{deployment.name} has no revision {message.get('revision')}")
        request = _probe_request(message)
        answer: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        living = [r for r in revision.replicas if r.state in ("ready", "unready")]
        living.sort(key=lambda replica: (replica.state != "ready", replica.inflight))
        if not any(probe(replica, request, answer) for replica in living):
            raise NotThere(f"no replica of {revision.spec.id} can answer a probe now")
        timeout_s = message.get("timeout_s", 5.0)
        if not isinstance(timeout_s, int | float) or not 0 < timeout_s <= 60:
            raise SpecError(f"timeout_s {timeout_s!r}: expected seconds up to 60")
        try:
            return await asyncio.wait_for(answer, timeout_s)
        except TimeoutError:
            raise NotThere(f"no answer to the probe within {timeout_s:g} s") from None

    def _subscribe(self, message: Message) -> Message:
        interval_s = message.get("interval_s", 1.0)
        if not isinstance(interval_s, int | float) or not 0.05 <= interval_s <= 60:
            raise SpecError(f"interval_s {interval_s!r}: expected seconds from 0.05 to 60")
        if self._state_push is not None:
            self._state_push.cancel()
        self._background(self._push_state(float(interval_s)))
        return {}

    async def _push_state(self, interval_s: float) -> None:
        self._state_push = asyncio.current_task()
        changed = asyncio.Event()
        self._node.watchers.add(changed)
        try:
            while True:
                changed.clear()
                self._send({"state": self._node.observe()})
                # A reader that is slow gets fewer, newer states: drain before the next one.
                await self._writer.drain()
                sent = time.monotonic()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(changed.wait(), interval_s)
                await asyncio.sleep(max(0.0, sent + MIN_PUSH_GAP_S - time.monotonic()))
        except ConnectionError:
            return
        finally:
            self._node.watchers.discard(changed)

    def _logs(self, message: Message) -> Message:
        deployment = self._fleet.find(check_deployment(message.get("deployment")))
        revision, replica = message.get("revision"), message.get("replica")
        tail = message.get("tail", 100)
        if not isinstance(tail, int) or not 0 <= tail <= MAX_TAIL:
            raise SpecError(f"tail {tail!r}: expected a whole number from 0 to {MAX_TAIL}")
        follower = LogFollower(deployment.log, revision, replica)
        lines = deployment.log.tail(tail, revision, replica)
        if message.get("follow"):
            # From this moment on: a line between the tail and the first wait would be lost.
            follower.start()
            following = self._background(self._follow(follower, lines))
            # Not in the task: one that is cancelled before it ran never gets to a finally.
            following.add_done_callback(lambda _: follower.stop())
            return {}
        return {"lines": [line.as_json() for line in lines]}

    async def _follow(self, follower: LogFollower, first: list[LogLine]) -> None:
        try:
            for line in first:
                self._send({"log": line.as_json()})
            while True:
                line, lost = await follower.next()
                self._send({"log": line.as_json()})
                if lost:
                    self._send({"log_lost": lost})
                await self._writer.drain()
        except ConnectionError:
            return

    def _restart(self, message: Message) -> Message:
        self._replica(message).restart_now()
        return {}

    def _kill(self, message: Message) -> Message:
        self._replica(message).end("killed on request")
        return {}

    def _replica(self, message: Message) -> Any:
        name = check_deployment(message.get("deployment"))
        return self._fleet.find_replica(name, str(message.get("replica")))

    def _remove(self, message: Message) -> Message:
        self._fleet.remove(check_deployment(message.get("deployment")))
        return {}

    def _shutdown(self, _: Message) -> Message:
        self._node.stop()
        return {}


def _remove_socket(path: Path) -> None:
    with contextlib.suppress(FileNotFoundError):
        path.unlink()


def _probe_request(message: Message) -> Request:
    request = Request()
    request.method = str(message.get("method", "GET")).encode("ascii", "replace")
    request.target = str(message.get("path", "/")).encode("ascii", "replace")
    if any(byte <= 32 for byte in request.method + request.target):
        raise SpecError("probe: method and path must not contain spaces or control characters")
    headers = message.get("headers") or {}
    if not isinstance(headers, dict):
        raise SpecError("probe: headers must be an object")
    for name, value in headers.items():
        line = f"{str(name).lower()}: {value}"
        if any(ord(character) < 32 for character in line):
            raise SpecError(f"probe: header {name!r} contains control characters")
        request.lines.append(line.encode("latin-1", "replace"))
    try:
        request.body = base64.b64decode(message.get("body") or "", validate=True)
    except (binascii.Error, TypeError):
        raise SpecError("probe: body must be base64") from None
    return request


def _error(request_id: Any, code: str, text: str) -> Message:
    return {"id": request_id, "ok": False, "error": {"code": code, "message": text}}
