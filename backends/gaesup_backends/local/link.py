"""The node's end of the socket to one worker: requests out, replies in, by id."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any, Final, Protocol, cast

from gaesup_backends.local import frames
from gaesup_backends.local.faults import tell_fault

MAX_INFLIGHT: Final = 64
MAX_BUFFERED_BYTES: Final = 16 * 1024 * 1024
_HEADER: Final = frames.REQUEST_HEADER.pack


class Call(Protocol):
    """Somebody waiting for a reply."""

    def done(self, outcome: int, payload: bytes) -> None:
        """Called once, also when the worker dies; must not raise."""


class WorkerLink(asyncio.Protocol):
    """One worker's connection.

    Attributes:
        pending: calls without a reply, by id.
        progress_at: `time.monotonic` of the last reply, or of the first request after idling.
    """

    def __init__(
        self, on_control: Callable[[dict[str, Any]], None], on_lost: Callable[[], None]
    ) -> None:
        self._on_control = on_control
        self._on_lost = on_lost
        self._transport: asyncio.Transport | None = None
        self._reader = frames.ReplyReader()
        self._last_id = 0
        self.pending: dict[int, Call] = {}
        self.progress_at = time.monotonic()
        self._out: list[bytes] = []
        self._call_soon = asyncio.get_running_loop().call_soon

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The socket is attached to the loop."""

        # uvloop has its own class that is none of asyncio's.
        self._transport = cast(asyncio.Transport, transport)

    def send(self, payload: bytes, call: Call) -> bool:
        """Hand a request over; False when the worker has enough already or is gone."""
        pending = self.pending
        transport = self._transport
        if transport is None or len(pending) >= MAX_INFLIGHT:
            return False
        if not pending:
            self.progress_at = time.monotonic()
        elif transport.get_write_buffer_size() > MAX_BUFFERED_BYTES:
            return False
        self._last_id = request_id = self._last_id % 0xFFFFFFFF + 1
        pending[request_id] = call
        out = self._out
        if not out:
            self._call_soon(self._flush)
        out.append(_HEADER(len(payload), request_id))
        out.append(payload)
        return True

    def _flush(self) -> None:
        # One write for all requests of a turn of the loop: a system call costs more than they do.
        out, self._out = self._out, []
        if self._transport is not None:
            self._transport.write(b"".join(out))

    def control(self, message: dict[str, Any]) -> None:
        """Send a control message; lost when the worker is gone."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(frames.control_request(message))

    def data_received(self, data: bytes) -> None:
        """Replies and control messages, many at a time."""
        self.progress_at = time.monotonic()
        pending = self.pending
        for request_id, _cpu_us, outcome, payload in self._reader.feed(data):
            if request_id == frames.CONTROL_ID:
                self._on_control(json.loads(payload))
                continue
            call = pending.pop(request_id, None)
            if call is not None:
                _finish(call, outcome, payload)

    def connection_lost(self, error: Exception | None) -> None:
        """The worker is gone: every waiting call learns it."""
        self._transport = None
        waiting, self.pending = self.pending, {}
        for call in waiting.values():
            _finish(call, frames.OUTCOME_NUMBERS["replica_died"], b"")
        self._on_lost()

    def close(self) -> None:
        """Close our end; the worker leaves when it notices."""
        if self._transport is not None:
            self._transport.abort()


def _finish(call: Call, outcome: int, payload: bytes) -> None:
    try:
        call.done(outcome, payload)
    except Exception:
        # One client's trouble must not close the worker for all the others.
        tell_fault()
