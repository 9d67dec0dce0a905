"""What the journal no longer has, said plainly."""

from __future__ import annotations

import time

from gaesup_tui.domain.errors import Refused
from gaesup_tui.engine.retention import Begins


class Gone(Refused):
    """The client stands where the journal is not: behind its end, or before its beginning."""

    code = "gone"


def need(begins: Begins | None, after: int) -> None:
    """Raises ``Gone`` when an event after ``after`` was removed."""
    if begins and after + 1 < begins.seq:
        raise Gone(
            f"events {after + 1} to {begins.seq - 1}, of before {day(begins.at)}, are no longer "
            "kept",
            hint=f"read /v1/snapshot and follow from its seq, or ask from {begins.seq - 1} on",
        )


def older_are_gone(begins: Begins | None) -> str:
    """A hint's end for whoever asks for what may have been removed; empty while nothing was."""
    return f"; events of before {day(begins.at)} are no longer kept" if begins else ""


def day(at: float) -> str:
    return time.strftime("%Y-%m-%d", time.localtime(at))
