"""``gaesup engine start | stop | status | logs``, as functions."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass

from gaesup_tui.domain.errors import Unavailable
from gaesup_tui.domain.text import printable_line
from gaesup_tui.domain.views import Hello
from gaesup_tui.service import autostart
from gaesup_tui.service.client import Client
from gaesup_tui.service.places import Places
from gaesup_tui.service.wire import Absent, Broken, Silent

STOP_TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class Started:
    """An engine that answers, and whether it had to be started for that."""

    hello: Hello
    new: bool


def start(places: Places) -> Started:
    """Starts the engine unless one runs.

    Raises:
        Unavailable: it cannot start, and says why.
        Invalid: a folder of ours cannot be used.
    """
    running = status(places)
    return Started(autostart.ensure(places, any_version=True), new=running is None)


def status(places: Places) -> Hello | None:
    """The engine that runs, of whatever version; None when none does.

    Raises:
        Unavailable: one runs and does not answer.
    """
    try:
        return Client(places.socket, any_version=True, timeout_s=3.0).hello()
    except Silent as error:
        raise autostart.hung(error) from None
    except (Absent, Broken):
        return None


def stop(places: Places, timeout_s: float = STOP_TIMEOUT_S) -> Hello | None:
    """Ends the engine cleanly and waits for it; None when none ran. What is deployed keeps
    running.

    Raises:
        Unavailable: it does not answer, or still runs after ``timeout_s``; the message says its
            process.
    """
    if status(places) is None:  # asked first: one that hangs is not to end whenever it goes on
        return None
    client = Client(places.socket, any_version=True, timeout_s=3.0)
    try:
        was = client.shutdown()
    except Silent as error:
        raise autostart.hung(error) from None
    except (Absent, Broken):
        return None
    until = time.monotonic() + timeout_s
    while _lives(was["pid"]):
        if time.monotonic() >= until:
            raise Unavailable(
                f"engine {was['pid']} still runs after {timeout_s:g} s",
                hint=f"kill -9 {was['pid']} loses nothing that was acknowledged",
            )
        time.sleep(0.02)
    return was


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return not _is_zombie(pid)


def _is_zombie(pid: int) -> bool:
    """Ended, but not yet waited for by its parent (only when that is who asks)."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            return file.read().rpartition(")")[2].split()[0] == "Z"
    except (OSError, IndexError):
        return False


def logs(places: Places, tail: int = 100, *, follow: bool = False) -> Iterator[str]:
    """The last lines of the engine's own log, then with ``follow`` what is added.

    Raises:
        Unavailable: there is no log yet.
    """
    try:
        file = open(places.engine_log, encoding="utf-8", errors="replace")  # noqa: SIM115
    except FileNotFoundError:
        raise Unavailable(
            f"there is no log at {places.engine_log}", hint="no engine was started here yet"
        ) from None
    with file:
        for line in file.readlines()[-tail:] if tail else []:
            yield printable_line(line)
        while follow:
            line = file.readline()
            if line:
                yield printable_line(line)
                continue
            if _was_rotated(file.fileno(), places):
                yield from logs(places, tail=10_000, follow=True)
                return
            time.sleep(0.2)


def _was_rotated(descriptor: int, places: Places) -> bool:
    try:
        return os.stat(places.engine_log).st_ino != os.fstat(descriptor).st_ino
    except FileNotFoundError:
        return False
