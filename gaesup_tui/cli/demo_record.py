"""What a demo started, written down until ``gaesup demo --stop``."""

from __future__ import annotations

import fcntl
import json
import os
from pathlib import Path
from typing import TypedDict

from gaesup_tui.cli.processes import Known, find
from gaesup_tui.service.places import Places


class Record(TypedDict):
    """What is the demo's to end."""

    engine: bool
    node: bool
    load: dict[str, Known]
    rps: dict[str, int]


def _path(found: Places) -> Path:
    return found.state / "demo.json"


def read(found: Places) -> Record | None:
    """What a demo started here; None when none did."""
    try:
        record: Record = json.loads(_path(found).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    return record


def write(found: Places, record: Record) -> None:
    """Replaces what is written, whole or not at all."""
    temporary = _path(found).with_suffix(".new")
    temporary.write_text(json.dumps(record), encoding="utf-8")
    os.replace(temporary, _path(found))


def forget(found: Places) -> None:
    """Nothing is the demo's any more."""
    _path(found).unlink(missing_ok=True)


def disown(found: Places) -> None:
    """A person started the engine on purpose: it is theirs now, with what it serves from."""
    record = read(found)
    if record is not None:
        write(found, {**record, "engine": False, "node": False})


def local_node(found: Places) -> Known | None:
    """The process that serves the units of the local backend, if it runs.

    A node that was killed leaves its number behind, and that may be anybody's by now; the lock it
    held is nobody's.
    """
    try:
        if not _is_held(found.runtime / "local" / "node.lock"):
            return None
        told = json.loads((found.runtime / "local" / "node.json").read_text(encoding="utf-8"))
        return find(int(told["pid"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _is_held(lock: Path) -> bool:
    with lock.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False
