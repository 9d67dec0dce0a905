"""Where habits lie between two lives of the engine: ``<state>/habits/<deployment>.past``, 0600.

One small file a deployment, at most half an hour of ticks, written whole and swapped in, by a
thread of its own: a slow or full disk stops nothing, and a past that could not be written is only
a past that is not known. What is damaged, of another version, or more than a day old is none.
"""

from __future__ import annotations

import json
import logging
import os
import struct
import threading
import time
import zlib
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue
from typing import NamedTuple
from urllib.parse import quote

log = logging.getLogger("gaesup.engine.pasts")

FORMAT = 1
OLDEST_S = 86_400.0
"""How clumped requests were yesterday says something of today; last week's does not."""
CLOSE_S = 2.0
_LENGTH = struct.Struct("<I")


class Past(NamedTuple):
    """One revision alone with its traffic; each tick as ``habits`` packs it, oldest first."""

    revision: str
    bounds_s: tuple[float, ...]
    at: float
    """When the last tick ended, Unix seconds."""
    ticks: tuple[bytes, ...]


class Pasts:
    """``save`` returns at once; ``close`` waits a moment for what is unwritten."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._waiting: SimpleQueue[tuple[str, Past] | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._troubled = False

    def save(self, key: str, past: Past) -> None:
        """Writes the past of the deployment ``key``, in place of what was there."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._write_all, name="habits", daemon=True)
            self._thread.start()
        self._waiting.put((key, past))

    def load(self, key: str, now: float) -> Past | None:
        """What was saved of ``key``; None where there is none that is worth anything."""
        path = self._path(key)
        try:
            past = _read(path.read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            log.warning("the judge does not know the past of %s: %s", key, error)
            return None
        # A clock that was set back makes it look as if it were of the future.
        return past if abs(now - past.at) <= OLDEST_S else None

    def close(self) -> None:
        """Ends the thread, once it wrote what it can."""
        if self._thread is not None:
            self._waiting.put(None)
            self._thread.join(CLOSE_S)
            self._thread = None

    def _path(self, key: str) -> Path:
        return self._root / f"{quote(key, safe='@')}.past"

    def _write_all(self) -> None:
        with suppress(OSError):
            self._prune()
        while (job := self._waiting.get()) is not None:
            try:
                self._write(*job)
            except OSError as error:
                if not self._troubled:
                    log.warning("the judge's past of %s cannot be written: %s", job[0], error)
                self._troubled = True
            else:
                self._troubled = False

    def _write(self, key: str, past: Past) -> None:
        self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self._path(key)
        new = path.with_suffix(".new")
        handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(_bytes(past))
        new.replace(path)

    def _prune(self) -> None:
        """Takes away what is too old to be read: deployments that are gone, too."""
        for path in self._root.glob("*.past"):
            if path.stat().st_mtime < time.time() - OLDEST_S:
                path.unlink(missing_ok=True)


def _bytes(past: Past) -> bytes:
    body = b"".join(_LENGTH.pack(len(tick)) + tick for tick in past.ticks)
    head = {
        "format": FORMAT,
        "revision": past.revision,
        "bounds_s": past.bounds_s,
        "at": past.at,
        "check": zlib.crc32(body),
    }
    return json.dumps(head, separators=(",", ":")).encode() + b"\n" + body


def _read(data: bytes) -> Past:
    """Raises ``ValueError``: not a past, or not one this version can read."""
    line, _, body = data.partition(b"\n")
    try:
        head = json.loads(line)
        if head["format"] != FORMAT:
            raise ValueError(f"it has format {head['format']!r}, this version reads {FORMAT}")
        if head["check"] != zlib.crc32(body):
            raise ValueError("it is damaged")
        bounds_s = tuple(map(float, head["bounds_s"]))
        return Past(str(head["revision"]), bounds_s, float(head["at"]), tuple(_ticks(body)))
    except (KeyError, TypeError, struct.error) as error:
        raise ValueError(f"it cannot be read: {error!r}") from None


def _ticks(body: bytes) -> Sequence[bytes]:
    ticks, at = [], 0
    while at < len(body):
        (length,) = _LENGTH.unpack_from(body, at)
        at += _LENGTH.size
        ticks.append(body[at : at + length])
        at += length
    return ticks
