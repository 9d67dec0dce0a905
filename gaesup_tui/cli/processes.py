"""Processes that outlive the command that started them, found again without mistake.

A number alone may belong to somebody else after a while; a number and the moment it began do not.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TypedDict


class Known(TypedDict):
    """One process: its number and when it began, as the system says it."""

    pid: int
    began: str


def start(words: Sequence[str], output: Path) -> Known:
    """Starts ``gaesup WORDS`` in a session of its own, with its output in a file."""
    code = "import sys; from gaesup_tui.cli.main import main; sys.exit(main())"
    with output.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-c", code, *words],
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            cwd="/",
            start_new_session=True,
        )
    began = _began(process.pid)
    # It outlives us; Popen would warn that we do not wait for it.
    process.returncode = 0
    return Known(pid=process.pid, began=began or "")


def find(pid: int) -> Known | None:
    """The process of that number, if there is one."""
    began = _began(pid)
    return Known(pid=pid, began=began) if began else None


def lives(known: Known) -> bool:
    """Whether it is still the same process."""
    return bool(known["began"]) and _began(known["pid"]) == known["began"]


def end(processes: Sequence[Known], timeout_s: float = 5.0) -> int:
    """Ends those that live: politely, then not; how many there were."""
    living = [known for known in processes if lives(known)]
    for known in living:
        with suppress(ProcessLookupError):
            os.kill(known["pid"], signal.SIGTERM)
    until = time.monotonic() + timeout_s
    while any(map(lives, living)) and time.monotonic() < until:
        time.sleep(0.02)
    for known in filter(lives, living):
        with suppress(ProcessLookupError):
            os.kill(known["pid"], signal.SIGKILL)
    return len(living)


def _began(pid: int) -> str | None:
    """When a process began; None when there is none, or only what is left of one."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return None if Path("/proc/self/stat").exists() else _asked(pid)
    except OSError:
        return None
    state, *rest = text.rpartition(")")[2].split()
    return None if state == "Z" else rest[18]


def _asked(pid: int) -> str | None:
    """The same where there is no ``/proc``."""
    done = subprocess.run(
        ["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return done.stdout.strip() or None
