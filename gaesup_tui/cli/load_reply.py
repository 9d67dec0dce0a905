"""Reads HTTP/1.1 replies as far as a load generator cares: status, revision, where it ends."""

from __future__ import annotations

import re
from dataclasses import dataclass

from gaesup_tui.domain.text import printable_line

MAX_HEAD_BYTES = 64 * 1024
MAX_REVISION_CHARACTERS = 80

_STATUS = re.compile(rb"HTTP/1\.[01] ([1-5][0-9][0-9])(?: [^\r\n]*)?\r\n")
_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*([0-9]{1,15})[ \t]*\r\n", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding:[^\r\n]*chunked", re.IGNORECASE)
_CLOSE = re.compile(rb"\r\nconnection:[^\r\n]*close", re.IGNORECASE)
_REVISION = re.compile(rb"\r\nx-gaesup-revision:[ \t]*([^\r\n]*)", re.IGNORECASE)
_CHUNK = re.compile(rb"([0-9a-fA-F]{1,8})[^\r\n]*\r\n")


class BadReply(Exception):
    """The bytes are no HTTP reply; the message is the kind of error to count."""


@dataclass(frozen=True)
class Reply:
    """One reply, read to its end. `reusable` says whether the connection may carry the next."""

    status: int
    revision: str
    reusable: bool


class ReplyReader:
    """Fed with what arrives on one connection, request after request. Keeps no bodies."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._head: Reply | None = None
        self._remaining: int | None = 0
        self._chunked = False

    @property
    def begun(self) -> bool:
        """Whether a part of a reply is here."""
        return self._head is not None or bool(self._buffer)

    def feed(self, data: bytes) -> Reply | None:
        """The reply when these bytes complete it. Raises BadReply for what is not HTTP."""
        self._buffer += data
        while self._head is None:
            if not self._take_head():
                return None
        if self._chunked:
            return self._finish() if self._take_chunks() else None
        if self._remaining is None:
            self._buffer.clear()
            return None
        taken = min(self._remaining, len(self._buffer))
        del self._buffer[:taken]
        self._remaining -= taken
        return self._finish() if self._remaining == 0 else None

    def end_of_input(self) -> Reply | None:
        """The reply whose end is the end of the connection, if there is one."""
        if self._head is None or self._chunked or self._remaining is not None:
            return None
        return Reply(self._head.status, self._head.revision, reusable=False)

    def _take_head(self) -> bool:
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            if len(self._buffer) > MAX_HEAD_BYTES:
                raise BadReply("reply head too long")
            if len(self._buffer) >= 5 and not self._buffer.startswith(b"HTTP/"):
                raise BadReply("not an HTTP reply")
            return False
        head = bytes(self._buffer[: end + 4])
        del self._buffer[: end + 4]
        match = _STATUS.match(head)
        if match is None:
            raise BadReply("not an HTTP reply")
        status = int(match[1])
        if status < 200:
            return True
        self._begin(status, head)
        return True

    def _begin(self, status: int, head: bytes) -> None:
        self._chunked = _CHUNKED.search(head) is not None
        length = _LENGTH.search(head)
        bodiless = status in (204, 304)
        self._remaining = 0 if bodiless else int(length[1]) if length else None
        self._chunked = self._chunked and not bodiless
        named = _REVISION.search(head)
        revision = named[1].decode("latin-1").strip() if named else ""
        keeps = _CLOSE.search(head) is None and not head.startswith(b"HTTP/1.0")
        self._head = Reply(status, printable_line(revision, MAX_REVISION_CHARACTERS), keeps)

    def _take_chunks(self) -> bool:
        while True:
            match = _CHUNK.match(self._buffer)
            if match is None:
                if len(self._buffer) > 1024 and b"\r\n" not in self._buffer[:1024]:
                    raise BadReply("broken chunked reply")
                return False
            size = int(match[1], 16)
            if size == 0:
                return self._take_trailers(match.end())
            # The last two bytes are the line end after the chunk.
            if len(self._buffer) < match.end() + size + 2:
                return False
            del self._buffer[: match.end() + size + 2]

    def _take_trailers(self, at: int) -> bool:
        end = at - 2 if self._buffer[at : at + 2] == b"\r\n" else self._buffer.find(b"\r\n\r\n", at)
        if end < 0 or len(self._buffer) < end + 4:
            return False
        del self._buffer[: end + 4]
        return True

    def _finish(self) -> Reply:
        assert self._head is not None
        # Bytes nobody asked for would be taken for the next reply.
        clean = self._head.reusable and not self._buffer
        reply = Reply(self._head.status, self._head.revision, clean)
        self._head = None
        return reply
