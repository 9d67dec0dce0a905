"""What units print: a bounded ring per deployment for readers, and a file per revision.

Text from a unit is hostile: control characters become visible escapes here, lines are cut, and a
unit that floods loses lines (the count is told) before it costs the node anything.
"""

from __future__ import annotations

import asyncio
import os
import re
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

RING_LINES: Final = 2000
FOLLOWER_LINES: Final = 1000
LINE_BYTES: Final = 4096
LINES_PER_SECOND: Final = 500
FILE_BYTES: Final = 4 * 1024 * 1024
READ_BYTES: Final = 64 * 1024

_CONTROL: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]"
)


def printable(text: str) -> str:
    """The text with every control and direction character spelled out."""
    return _CONTROL.sub(lambda found: _spell(ord(found.group())), text)


def _spell(code: int) -> str:
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line of a replica."""

    at: float
    revision: str
    replica: str
    stream: str
    line: str

    def as_json(self) -> dict[str, Any]:
        """The wire form."""
        return {
            "at": round(self.at, 3),
            "revision": self.revision,
            "replica": self.replica,
            "stream": self.stream,
            "line": self.line,
        }


Listener = Callable[[LogLine], None]


class DeploymentLog:
    """The lines of one deployment, newest last; listeners get each new one."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._rings: dict[str, deque[LogLine]] = {}
        self._files: dict[str, _RotatingFile] = {}
        self.listeners: set[Listener] = set()

    def add(self, line: LogLine) -> None:
        """Keep a line, write it to its revision's file, tell listeners."""
        ring = self._rings.get(line.replica)
        if ring is None:
            ring = self._rings[line.replica] = deque(maxlen=RING_LINES)
            while len(self._rings) > 64:
                del self._rings[next(iter(self._rings))]
        ring.append(line)
        self._file(line.revision).write(f"{line.at:.3f} {line.replica} {line.stream} {line.line}\n")
        for listener in tuple(self.listeners):
            listener(line)

    def tail(self, count: int, revision: str | None, replica: str | None) -> list[LogLine]:
        """The newest lines that match, oldest first."""
        lines = [
            line
            for name, ring in self._rings.items()
            if replica in (None, name)
            for line in ring
            if revision in (None, line.revision)
        ]
        lines.sort(key=lambda line: line.at)
        return lines[-count:] if count > 0 else []

    def close(self) -> None:
        """Close the files."""
        for file in self._files.values():
            file.close()
        self._files.clear()

    def _file(self, revision: str) -> _RotatingFile:
        file = self._files.get(revision)
        if file is None:
            while len(self._files) >= 8:
                self._files.pop(next(iter(self._files))).close()
            file = self._files[revision] = _RotatingFile(self._directory / f"{revision}.log")
        return file


class LogFollower:
    """A bounded queue of new lines for one reader; what does not fit is counted."""

    def __init__(self, log: DeploymentLog, revision: str | None, replica: str | None) -> None:
        self._log = log
        self._revision = revision
        self._replica = replica
        self._queue: asyncio.Queue[LogLine] = asyncio.Queue(FOLLOWER_LINES)
        self._lost = 0

    def start(self) -> None:
        """Take lines from now on."""
        self._log.listeners.add(self._take)

    def stop(self) -> None:
        """Take no more."""
        self._log.listeners.discard(self._take)

    async def next(self) -> tuple[LogLine, int]:
        """The next line, and how many were lost since the one before."""
        line = await self._queue.get()
        lost, self._lost = self._lost, 0
        return line, lost

    def _take(self, line: LogLine) -> None:
        if self._revision in (None, line.revision) and self._replica in (None, line.replica):
            try:
                self._queue.put_nowait(line)
            except asyncio.QueueFull:
                self._lost += 1


class _RotatingFile:
    """Appends; keeps one older file. A full disk costs lines in the file, nothing else."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._fd = -1
        self._size = 0

    def write(self, text: str) -> None:
        data = text.encode(errors="replace")
        try:
            if self._fd < 0:
                self._open()
            elif self._size + len(data) > FILE_BYTES:
                self.close()
                os.replace(self._path, self._path.with_suffix(".log.1"))
                self._open()
            self._size += os.write(self._fd, data)
        except OSError:
            self.close()

    def _open(self) -> None:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._fd = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self._size = os.fstat(self._fd).st_size

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


class LineCutter:
    """Turns chunks of a pipe into bounded, printable lines under a rate."""

    def __init__(self) -> None:
        self._rest = b""
        self._second = 0
        self._left = LINES_PER_SECOND
        self._dropped = 0

    def feed(self, data: bytes, now: float) -> list[str]:
        """Lines that are complete; those above the rate are dropped and counted."""
        said: list[str] = []
        if int(now) != self._second:
            self._second = int(now)
            self._left = LINES_PER_SECOND
            if self._dropped:
                said.append(f"({self._dropped} lines dropped: more than {LINES_PER_SECOND}/s)")
                self._dropped = 0
        if self._left <= 0:
            self._dropped += data.count(b"\n")
            self._rest = b""
            return said
        *lines, rest = (self._rest + data).split(b"\n")
        if len(rest) > LINE_BYTES:
            lines.append(rest)
            rest = b""
        self._rest = rest
        self._dropped += max(0, len(lines) - self._left)
        kept = lines[: self._left]
        self._left -= len(kept)
        return said + [self._text(line) for line in kept]

    def finish(self) -> list[str]:
        """What is left when the pipe closes."""
        said = [f"({self._dropped} lines dropped)"] if self._dropped else []
        if self._rest:
            said.insert(0, self._text(self._rest))
        self._rest, self._dropped = b"", 0
        return said

    @staticmethod
    def _text(line: bytes) -> str:
        cut = line[:LINE_BYTES].removesuffix(b"\r")
        text = printable(cut.decode(errors="replace"))
        return text if len(line) <= LINE_BYTES else f"{text}… (cut)"


class PipeReader:
    """Reads one stream of one replica from a non-blocking pipe."""

    def __init__(self, fd: int, emit: Callable[[str], None]) -> None:
        self._fd = fd
        self._emit = emit
        self._cutter = LineCutter()
        self._loop = asyncio.get_running_loop()
        os.set_blocking(fd, False)
        self._loop.add_reader(fd, self._read)

    def _read(self) -> None:
        try:
            data = os.read(self._fd, READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.close()
            return
        for line in self._cutter.feed(data, time.time()):
            self._emit(line)

    def close(self) -> None:
        """Take what is left and close the pipe."""
        if self._fd < 0:
            return
        self._loop.remove_reader(self._fd)
        os.close(self._fd)
        self._fd = -1
        for line in self._cutter.finish():
            self._emit(line)
