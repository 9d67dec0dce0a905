"""What nobody foresaw, kept in a file instead of thrown at a person."""

from __future__ import annotations

import os
import sys
import tempfile
import time
import traceback

from gaesup_tui import __version__


def record(error: BaseException) -> str:
    """Appends the traceback to a log file; its path, or the traceback's last line when there is
    no place to write."""
    text = "".join(traceback.format_exception(error))
    command = " ".join(sys.argv[1:])
    entry = f"--- {time.strftime('%F %T')} gaesup {__version__}: {command}\n{text}\n"
    try:
        from gaesup_tui.service import places

        folder = places.find().logs
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = folder / "crashes.log"
        handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    except Exception:  # a failure must be kept whatever else fails while it is
        handle, name = tempfile.mkstemp(prefix="gaesup-crash-", suffix=".log")
        return _write(handle, entry, name)
    return _write(handle, entry, str(path))


def _write(handle: int, entry: str, name: str) -> str:
    with os.fdopen(handle, "a", encoding="utf-8") as file:
        file.write(entry)
    return name
