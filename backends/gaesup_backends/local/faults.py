"""Where the node tells of a fault of its own that it goes on after."""

from __future__ import annotations

import contextlib
import traceback


def tell_fault() -> None:
    """Write the exception that is being handled to the node's log, and raise nothing: the log may
    be on a disk that is full."""
    with contextlib.suppress(OSError):
        traceback.print_exc()
