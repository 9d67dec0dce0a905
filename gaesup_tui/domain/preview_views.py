"""What people are shown before a key acts. Plain JSON, typed, as in ``views``."""

from __future__ import annotations

from typing import TypedDict


class Preview(TypedDict):
    """What will happen, before it does."""

    action: str
    deployment: str
    title: str
    lines: list[tuple[str, str]]
    """Label and text: Now, Then, Next, Way back, Evidence."""
    confirm_key: str
    confirm_title: str
    typed: str
    """What must be typed to confirm; empty: nothing."""
    needs_reason: bool
    check: str
    """Of an ignore: the check that is meant, to be sent with the command; else empty."""
    glass: str
    """The freeze window in the way: the reason asked for breaks the glass. Empty: none is."""
    expect_seq: int | None
