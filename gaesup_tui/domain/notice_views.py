"""What waits for a turn or to be acknowledged, as it is shown. Standard library only."""

from __future__ import annotations

from typing import TypedDict


class NoticeView(TypedDict):
    """It went back by itself, and nobody has said yet to have seen it."""

    at: float
    text: str
    sick: bool
    """The base is failing too."""


class QueuedView(TypedDict):
    """A revision that begins once nothing moves any more."""

    version: str
    strategy: str
    by: str
    at: float
    why: str
    replaces: bool
    """What moves goes back for it."""
