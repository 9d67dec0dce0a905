"""What people are shown of a lock. Plain JSON, typed, as in ``views``."""

from __future__ import annotations

from typing import TypedDict

from gaesup_tui.domain.text import duration

APPROVED = "approved, 1 of 2"
"""How the sentence begins that tells of the first of two words."""


class LockView(TypedDict):
    """Who has the next word on a deployment."""

    by: str
    at: float
    until: float | None
    """None: until somebody unlocks it."""
    why: str


def lock_words(lock: LockView, now: float) -> str:
    """``locked by kim since 12m, for 1h more: database is being moved``."""
    since = duration(max(0.0, now - lock["at"]))
    until = lock["until"]
    left = "" if until is None else f", for {duration(max(0.0, until - now))} more"
    return f"locked by {lock['by']} since {since}{left}: {lock['why']}"
