"""Frames between the node and a worker, and what an answer can end as.

One socket pair per worker carries little-endian frames in both directions. A request is
``u32 length, u32 id, payload``; a reply adds ``u32 cpu_us, u16 outcome, u16 reserved`` before
its payload. Id 0 is for control messages, JSON in both directions. Frames may arrive many to a
read and split anywhere.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from typing import Any, Final

REQUEST_HEADER: Final = struct.Struct("<II")
REPLY_HEADER: Final = struct.Struct("<IIIHH")
CONTROL_ID: Final = 0

# The index in this tuple is the number on the wire; append only.
OUTCOMES: Final = (
    "ok",
    "deadline",
    "unreachable",
    "memory_out_of_bounds",
    "stack_overflow",
    "table_out_of_bounds",
    "indirect_call_to_null",
    "bad_signature",
    "integer_overflow",
    "integer_division_by_zero",
    "bad_conversion_to_integer",
    "exit",
    "bad_pointer",
    "bad_alloc",
    "alloc_refused",
    "other_trap",
    "bad_response",
    "replica_died",
    "host_error",
)
OUTCOME_NUMBERS: Final = {name: number for number, name in enumerate(OUTCOMES)}
OK: Final = 0


def outcome_name(number: int) -> str:
    """The name of an outcome on the wire; unknown numbers are ``other_trap``."""
    return OUTCOMES[number] if number < len(OUTCOMES) else "other_trap"


def request_frame(request_id: int, payload: bytes) -> bytes:
    """One frame towards a worker."""
    return REQUEST_HEADER.pack(len(payload), request_id) + payload


def reply_frame(request_id: int, payload: bytes, cpu_us: int = 0, outcome: int = OK) -> bytes:
    """One frame towards the node."""
    return REPLY_HEADER.pack(len(payload), request_id, cpu_us, outcome, 0) + payload


def control_request(message: dict[str, Any]) -> bytes:
    """A control message towards a worker."""
    return request_frame(CONTROL_ID, json.dumps(message).encode())


def control_reply(message: dict[str, Any]) -> bytes:
    """A control message towards the node."""
    return reply_frame(CONTROL_ID, json.dumps(message).encode())


class RequestReader:
    """Cuts the byte stream a worker receives into ``(id, payload)``."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[tuple[int, bytes]]:
        """Add bytes and yield every frame that is now complete."""
        buffer = self._buffer
        buffer += data
        offset = 0
        size = REQUEST_HEADER.size
        try:
            while len(buffer) - offset >= size:
                length, request_id = REQUEST_HEADER.unpack_from(buffer, offset)
                end = offset + size + length
                if len(buffer) < end:
                    break
                payload = bytes(buffer[offset + size : end])
                offset = end
                yield request_id, payload
        finally:
            del buffer[:offset]


class ReplyReader:
    """Cuts the byte stream the node receives into ``(id, cpu_us, outcome, payload)``."""

    def __init__(self) -> None:
        self._buffer = b""

    def feed(self, data: bytes) -> list[tuple[int, int, int, bytes]]:
        """Add bytes and return every frame that is now complete."""
        buffer = self._buffer + data if self._buffer else data
        frames = []
        offset = 0
        size = REPLY_HEADER.size
        total = len(buffer)
        while total - offset >= size:
            length, request_id, cpu_us, outcome, _ = REPLY_HEADER.unpack_from(buffer, offset)
            end = offset + size + length
            if total < end:
                break
            frames.append((request_id, cpu_us, outcome, buffer[offset + size : end]))
            offset = end
        self._buffer = buffer[offset:]
        return frames
