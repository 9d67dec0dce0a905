"""A person at a terminal: a program in a pseudo-terminal, its screen as text."""

from __future__ import annotations

import fcntl
import os
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import pyte

DEADLINE_S = 20.0


class Person:
    """Reads the screen and presses keys; may hang up, or stop reading."""

    def __init__(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        cwd: Path,
        size: tuple[int, int],
    ) -> None:
        columns, lines = size
        self._master, slave = os.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        self.process = subprocess.Popen(
            command,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            cwd=cwd,
            env={**environment, "TERM": "xterm-256color", "COLORTERM": "truecolor"},
            start_new_session=True,
            # Without a controlling terminal a hang-up would tell nobody.
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        os.close(slave)
        self._screen = pyte.Screen(columns, lines)
        self._stream = pyte.ByteStream(self._screen)
        self.received = 0
        """Bytes the program has written so far."""

    @property
    def text(self) -> str:
        """What is on the screen."""
        return "\n".join(self._screen.display)

    def sees(self, *wanted: str, deadline_s: float = DEADLINE_S) -> str:
        """Waits until all of it is on the screen; the screen."""
        give_up = time.monotonic() + deadline_s
        while not all(each in self.text for each in wanted):
            assert time.monotonic() < give_up, f"{wanted} did not appear in:\n{self.text}"
            self._read(0.2)
        return self.text

    def press(self, keys: str) -> None:
        """Types, as the terminal sends it."""
        os.write(self._master, keys.encode())

    def sees_no_more(self, unwanted: str, deadline_s: float = DEADLINE_S) -> str:
        """Waits until something is gone from the screen; the screen."""
        give_up = time.monotonic() + deadline_s
        while unwanted in self.text:
            assert time.monotonic() < give_up, f"{unwanted!r} is still in:\n{self.text}"
            self._read(0.2)
        return self.text

    def watches(self, seconds: float) -> int:
        """Looks on for a while without a key; how many bytes that took."""
        before, until = self.received, time.monotonic() + seconds
        while time.monotonic() < until:
            self._read(0.1)
        return self.received - before

    def confirms(self, key: str, button: str) -> None:
        """Presses the key of a dialog's button until the dialog is gone: one pressed too soon
        after another does not count."""
        give_up = time.monotonic() + DEADLINE_S
        while button in self.text:
            assert time.monotonic() < give_up, f"the dialog stays:\n{self.text}"
            self.press(key)
            for _ in range(5):
                self._read(0.1)

    def hang_up(self) -> int:
        """Closes the terminal, as a lost ssh does; the exit code of the program."""
        os.close(self._master)
        self._master = -1
        return self.process.wait(DEADLINE_S)

    def leaves(self) -> int:
        """Waits for the program to end, reading on; its exit code."""
        give_up = time.monotonic() + DEADLINE_S
        while self.process.poll() is None:
            assert time.monotonic() < give_up, f"it does not end:\n{self.text}"
            self._read(0.05)
        return self.process.returncode

    def _read(self, wait_s: float) -> None:
        if select.select([self._master], [], [], wait_s)[0]:
            with suppress(OSError):
                written = os.read(self._master, 65536)
                self.received += len(written)
                self._stream.feed(written)

    def close(self) -> None:
        """Ends what still runs."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        if self._master >= 0:
            os.close(self._master)


@contextmanager
def person(
    command: Sequence[str],
    environment: Mapping[str, str],
    cwd: Path,
    size: tuple[int, int] = (120, 40),
) -> Iterator[Person]:
    """Somebody at a terminal until the block ends."""
    someone = Person(command, environment, cwd, size)
    try:
        yield someone
    finally:
        someone.close()
