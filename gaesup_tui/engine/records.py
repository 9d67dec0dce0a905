"""Where the judge's records lie: ``<state>/judged/<rollout>.jsonl``, one file a rollout, 0600.

Lines are appended by a thread of its own, so that a slow or full disk stops nothing: what could
not be written waits in memory and is tried again with the next line. A record may lose its last
lines in a power cut, since nothing is flushed; the judge then goes on from what is there.
"""

from __future__ import annotations

import logging
import os
import threading
from collections import deque
from pathlib import Path
from queue import SimpleQueue
from typing import NamedTuple
from urllib.parse import quote

from gaesup_tui.domain.judged_record import Record, read_record

log = logging.getLogger("gaesup.engine.records")

KEEP = 10
"""Records of the last so many rollouts of each deployment."""
MOST_WAITING = 20_000
"""Lines; beyond that the oldest are given up."""
CLOSE_S = 2.0


class _Line(NamedTuple):
    rollout: str
    text: str
    begins: bool


class Records:
    """``begin`` and ``append`` return at once; ``close`` waits a moment for what is unwritten."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._lines: SimpleQueue[_Line | None] = SimpleQueue()
        self._waiting: deque[_Line] = deque()
        self._thread: threading.Thread | None = None
        self.trouble = ""
        """Why nothing can be written at present; empty in health."""

    def begin(self, rollout: str, line: str) -> None:
        """The first line of a record; takes away those of rollouts long past."""
        self._put(_Line(rollout, line, True))

    def append(self, rollout: str, line: str) -> None:
        """A further line of a record."""
        self._put(_Line(rollout, line, False))

    def read(self, rollout: str) -> Record | None:
        """What is on the disk; None when there is none.

        Raises:
            ValueError: it is damaged or of another version; says which.
            OSError: it cannot be read.
        """
        try:
            text = self._path(rollout).read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return None
        return read_record(text.splitlines())

    def close(self) -> None:
        """Ends the thread, once it wrote what it can."""
        if self._thread is not None:
            self._lines.put(None)
            self._thread.join(CLOSE_S)
            self._thread = None

    def _put(self, line: _Line) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._write_all, name="records", daemon=True)
            self._thread.start()
        self._lines.put(line)

    def _path(self, rollout: str) -> Path:
        return self._root / f"{quote(rollout, safe='@')}.jsonl"

    def _write_all(self) -> None:
        while (line := self._lines.get()) is not None:
            self._waiting.append(line)
            if len(self._waiting) > MOST_WAITING:
                self._waiting.popleft()
            self._write_waiting()

    def _write_waiting(self) -> None:
        try:
            while self._waiting:
                self._write(self._waiting[0])
                self._waiting.popleft()
        except OSError as error:
            if not self.trouble:
                log.warning("the judge's records cannot be written: %s", error)
            self.trouble = error.strerror or str(error)
            return
        self.trouble = ""

    def _write(self, line: _Line) -> None:
        path = self._path(line.rollout)
        if line.begins:
            self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._prune(line.rollout)
        mode = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | (os.O_TRUNC if line.begins else 0)
        handle = os.open(path, mode, 0o600)
        try:
            size = os.lseek(handle, 0, os.SEEK_END)
            body = f"{line.text}\n".encode()
            try:
                while body:
                    body = body[os.write(handle, body) :]
            except OSError:
                os.ftruncate(handle, size)  # half a line would spoil the next one
                raise
        finally:
            os.close(handle)

    def _prune(self, rollout: str) -> None:
        """Makes room: with the one that begins there are ``KEEP``."""
        deployment, _, _ = rollout.rpartition("#")
        stem = f"{quote(deployment, safe='@')}%23"
        old = [path for path in self._root.glob("*.jsonl") if path.name.startswith(stem)]
        old.sort(key=lambda path: (len(path.name), path.name))
        for path in old[: max(len(old) - KEEP + 1, 0)]:
            if path != self._path(rollout):
                path.unlink(missing_ok=True)
