"""Copying over SSH: OSC 52, wrapped where tmux needs it, with a cap that says so. Pure."""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping
from typing import NamedTuple

MAX_BYTES = 74_994
"""What the strictest of the common terminals takes, before it is encoded."""


class Copy(NamedTuple):
    """What to write to the terminal, and what to tell the person."""

    sequence: str
    notice: str


def copy(text: str, environ: Mapping[str, str] = os.environ) -> Copy:
    """``text`` as an OSC 52 sequence; a terminal that does not know it stays silent, so the
    notice names the way and not a success."""
    data = text.encode("utf-8")
    if not data:
        return Copy("", "nothing to copy here")
    if len(data) > MAX_BYTES:
        return Copy("", f"not copied: {len(data)} bytes, terminals take {MAX_BYTES}")
    sequence = f"\x1b]52;c;{base64.b64encode(data).decode()}\x07"
    shown = text if len(text) <= 40 else f"{len(text)} characters"
    if environ.get("TMUX"):
        escaped = sequence.replace("\x1b", "\x1b\x1b")
        return Copy(f"\x1bPtmux;{escaped}\x1b\\", f"copied {shown} (OSC 52 through tmux)")
    return Copy(sequence, f"copied {shown} (OSC 52)")
