"""HTTP/1.1 over the engine's Unix socket: the small part of it the engine speaks.

``http.client`` costs 37 ms to import, a quarter of what ``gaesup status`` may take. Both ends are
ours: answers have a length or come in chunks, and nothing is compressed or redirected.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path

from gaesup_tui.domain.errors import Unavailable

MAX_BODY = 64 * 2**20
MAX_LINE = 64 * 1024
MAX_HEADERS = 100
_SAFE = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~@,:")


class Absent(Unavailable):
    """Nothing listens: nothing was asked of anybody."""


class Broken(Unavailable):
    """The connection ended before the answer did: whether something was done is not known."""


class Silent(Broken):
    """Somebody listens and does not answer in time: a process that hangs, or was stopped.

    Attributes:
        pid: who listens, as the kernel says it; None where it does not. Behind a forwarded socket
            it is whoever forwards.
    """

    def __init__(self, message: str, *, hint: str, pid: int | None) -> None:
        super().__init__(message, hint=hint)
        self.pid = pid


def quote(text: str) -> str:
    """Text as it goes into a path or a query."""
    return "".join(chr(b) if b in _SAFE else f"%{b:02X}" for b in text.encode())


def _stranger() -> Unavailable:
    return Unavailable("what listens at the engine's socket is no engine")


def _number(text: str, base: int) -> int:
    try:
        return int(text, base)
    except ValueError:
        raise _stranger() from None


class Exchange:
    """One request and its answer, on a connection of its own. ``close`` it."""

    def __init__(self, path: Path, timeout_s: float) -> None:
        """Raises ``Absent`` when nothing listens there."""
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(timeout_s)
        self._timeout_s = timeout_s
        try:
            self._socket.connect(str(path))
        except (BlockingIOError, TimeoutError) as error:
            # Somebody listens, and so many wait already that the queue is full.
            self._socket.close()
            raise self._broken(TimeoutError()) from error
        except OSError as error:
            self._socket.close()
            raise Absent(
                f"no engine answers at {path} ({error.strerror or error})",
                hint="`gaesup engine start` starts one",
            ) from None
        self._reader = self._socket.makefile("rb")
        self.status = 0
        self.headers: dict[str, str] = {}

    def ask(self, method: str, target: str, body: bytes, headers: Mapping[str, str]) -> None:
        """Sends the request and reads the head of the answer."""
        lines = [f"{method} {target} HTTP/1.1", "host: gaesup", "connection: close"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        lines.append(f"content-length: {len(body)}")
        head = "\r\n".join(lines) + "\r\n\r\n"
        try:
            self._socket.sendall(head.encode("latin-1") + body)
        except BrokenPipeError:
            pass  # refused before it was read whole: the answer says why
        except OSError as error:
            raise self._broken(error) from None
        self._read_head()

    def wait_for_ever(self) -> None:
        """The answer may take any time from here on: it is a stream."""
        self._socket.settimeout(None)

    def _read_head(self) -> None:
        status = self._line().split(" ", 2)
        if len(status) < 2 or not status[0].startswith("HTTP/1.") or not status[1].isdigit():
            raise _stranger()
        self.status = int(status[1])
        while line := self._line():
            if len(self.headers) >= MAX_HEADERS:
                raise _stranger()
            name, _, value = line.partition(":")
            self.headers[name.strip().lower()] = value.strip()

    def _line(self) -> str:
        try:
            line = self._reader.readline(MAX_LINE)
        except OSError as error:
            raise self._broken(error) from None
        if not line.endswith(b"\n"):
            raise Broken("the engine ended the connection without an answer")
        return line.decode("latin-1").rstrip("\r\n")

    def pieces(self) -> Iterator[bytes]:
        """The answer's body as it comes."""
        if self.headers.get("transfer-encoding", "").lower() == "chunked":
            while size := _number(self._line().partition(";")[0], 16):
                yield self._exactly(size)
                self._line()
            return
        left = _number(self.headers.get("content-length", "0"), 10)
        if left:
            yield self._exactly(left)

    def _exactly(self, size: int) -> bytes:
        if size > MAX_BODY:
            raise Unavailable(f"the engine's answer has {size} bytes: more than {MAX_BODY}")
        try:
            piece = self._reader.read(size)
        except OSError as error:
            raise self._broken(error) from None
        if len(piece) < size:
            raise Broken("the engine ended the connection in the middle of an answer")
        return piece

    def text(self) -> str:
        """The whole body."""
        return b"".join(self.pieces()).decode("utf-8", "replace")

    def lines(self) -> Iterator[str]:
        """The body line by line, without line ends."""
        rest = b""
        for piece in self.pieces():
            *whole, rest = (rest + piece).split(b"\n")
            for line in whole:
                yield line.decode("utf-8", "replace").removesuffix("\r")
        if rest:
            yield rest.decode("utf-8", "replace")

    def _broken(self, error: OSError) -> Unavailable:
        if isinstance(error, TimeoutError):
            return Silent(
                f"the engine did not answer within {self._timeout_s:g} s",
                hint="`gaesup engine status` says what to do",
                pid=self._listener(),
            )
        return Broken(f"the connection to the engine broke: {error.strerror or error}")

    def _listener(self) -> int | None:
        if not hasattr(socket, "SO_PEERCRED"):
            return None
        try:
            told = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
        except OSError:
            return None
        return struct.unpack("3i", told)[0] or None

    def close(self) -> None:
        """Ends the connection, whatever is still to come."""
        self._reader.close()
        self._socket.close()
