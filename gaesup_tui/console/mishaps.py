"""Errors nobody foresaw: the console stays up, says so, and keeps the traceback in a file.

An on-call console that ends because one panel cannot draw one value takes the stop key with it.
"""

from __future__ import annotations

import time
import traceback
from pathlib import Path

MOST = 20
"""After so many it is not one value any more; then the console ends, as it should."""
_MAX_BYTES = 1_000_000


class Mishaps:
    """Counts them and writes them down."""

    def __init__(self, log: Path | None = None) -> None:
        self.count = 0
        self._log = log

    def note(self, error: BaseException) -> str:
        """Write ``error`` down; what to tell the person."""
        self.count += 1
        where = self._write("".join(traceback.format_exception(error)))
        return f"a defect in the console: {type(error).__name__}; it goes on; see {where}"

    def _write(self, text: str) -> str:
        try:
            path = self._log or _log_path()
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            mode = "w" if path.exists() and path.stat().st_size > _MAX_BYTES else "a"
            with open(path, mode, encoding="utf-8") as file:
                file.write(f"{time.strftime('%Y-%m-%dT%H:%M:%S%z')}\n{text}\n")
        except OSError as error:
            return f"nothing: the log cannot be written ({error.strerror})"
        return str(path)


def _log_path() -> Path:
    from gaesup_tui.service import places

    return places.find().logs / "console.log"
