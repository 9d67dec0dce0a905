"""Measures a terminal program from outside: what it writes, when, and what that shows.

A reader thread only reads, stamps and answers the queries a terminal answers; the recording is
replayed through a terminal emulator afterwards, so that looking costs nothing while measuring.
A modelled line delays and throttles both ways and stops reading when its buffer is full, as a
slow SSH connection does.
"""

from __future__ import annotations

import fcntl
import os
import re
import select
import signal
import struct
import subprocess
import termios
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyte

_ANSWERS = (
    (re.compile(rb"\x1b\[\?2026\$p"), b"\x1b[?2026;2$y"),
    (re.compile(rb"\x1b\[\?2048\$p"), b"\x1b[?2048;0$y"),
    (re.compile(rb"\x1b\[0?c"), b"\x1b[?62;22c"),
)
_KEYS = {"up": b"\x1b[A", "down": b"\x1b[B", "enter": b"\r", "esc": b"\x1b"}
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Line:
    """The way between program and person; 0 kbit/s is no limit."""

    kbit_per_s: float = 0.0
    rtt_s: float = 0.0
    buffer_bytes: int = 65536

    def seconds(self, size: int) -> float:
        """How long so many bytes take."""
        return size * 8 / (self.kbit_per_s * 1000) if self.kbit_per_s else 0.0


class Meter:
    """One program in a terminal of its own."""

    def __init__(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        size: tuple[int, int] = (120, 40),
        line: Line | None = None,
    ) -> None:
        self._size = size
        self._line = line or Line()
        self._chunks: list[tuple[float, bytes]] = []
        self._master, slave = os.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))
        self.began = time.perf_counter()
        self.process = subprocess.Popen(
            command,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env={**environment, "TERM": "xterm-256color", "COLORTERM": "truecolor"},
            start_new_session=True,
        )
        os.close(slave)
        self._ended = threading.Event()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    # While it runs --------------------------------------------------------------------------

    def _read(self) -> None:
        free_at = 0.0
        while not self._ended.is_set():
            if not select.select([self._master], [], [], 0.1)[0]:
                continue
            try:
                data = os.read(self._master, 65536)
            except OSError:
                return
            now = time.perf_counter()
            free_at = max(now, free_at) + self._line.seconds(len(data))
            self._chunks.append((free_at + self._line.rtt_s / 2, data))
            for query, answer in _ANSWERS:
                for _ in query.findall(data):
                    self._send_at(free_at + self._line.rtt_s, answer)
            behind_s = free_at - now - self._line.seconds(self._line.buffer_bytes)
            if self._line.kbit_per_s and behind_s > 0:
                time.sleep(behind_s)  # the sender's buffer is full

    def _send_at(self, at: float, data: bytes) -> None:
        delay_s = at - time.perf_counter()
        if delay_s <= 0.001:
            os.write(self._master, data)
            return
        timer = threading.Timer(delay_s, self._write, (data,))
        timer.daemon = True
        timer.start()

    def _write(self, data: bytes) -> None:
        if not self._ended.is_set():
            os.write(self._master, data)

    def press(self, key: str) -> float:
        """Press a key; when the person did."""
        now = time.perf_counter()
        self._send_at(now + self._line.rtt_s / 2, _KEYS.get(key, key.encode()))
        return now

    def wait(self, seconds: float) -> tuple[float, float]:
        """Let time pass; from when to when."""
        began = time.perf_counter()
        time.sleep(seconds)
        return began, time.perf_counter()

    def cpu_s(self) -> float:
        """Processor time used so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    def rss_mib(self) -> float:
        """Memory in use."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20

    def until(self, text: str, deadline_s: float = 20.0) -> float | None:
        """Wait until ``text`` was on the screen; when it came to be, in seconds from the start."""
        give_up = time.perf_counter() + deadline_s
        while time.perf_counter() < give_up:
            found = self.first(lambda screen: any(text in row for row in screen.display))
            if found is not None:
                return found
            time.sleep(0.1)
        return None

    def end(self) -> None:
        """End the program and the recording."""
        self._ended.set()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self._reader.join(2)
        os.close(self._master)

    # Afterwards -----------------------------------------------------------------------------

    def bytes_between(self, began: float, ended: float) -> int:
        """How much was delivered in a span of time."""
        return sum(len(data) for at, data in list(self._chunks) if began <= at < ended)

    def first(self, true: Callable[[pyte.Screen], bool]) -> float | None:
        """When the screen first was so, in seconds from the start."""
        screen = pyte.Screen(*self._size)
        stream = pyte.ByteStream(screen)
        for at, data in list(self._chunks):
            stream.feed(_plain(data))
            if true(screen):
                return at - self.began
        return None

    def answers(
        self, pressed: Sequence[float], look: Callable[[pyte.Screen], object]
    ) -> list[float]:
        """For each moment, how long until what ``look`` sees was another thing; keys that were
        not answered before the next are left out."""
        screen = pyte.Screen(*self._size)
        stream = pyte.ByteStream(screen)
        found: list[float] = []
        waiting = list(pressed)
        before = look(screen)
        asked: float | None = None
        for at, data in list(self._chunks):
            while waiting and waiting[0] <= at:
                asked = waiting.pop(0)
            stream.feed(_plain(data))
            after = look(screen)
            if after != before and asked is not None:
                found.append(at - asked)
                asked = None
            before = after
        return found


def _plain(data: bytes) -> bytes:
    # The emulator does not know these and would print a part of them.
    return re.sub(rb"\x1b\[[<>=][\d;]*u|\x1b\[\?2026\$p", b"", data)
