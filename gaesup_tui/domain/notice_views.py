"""What waits for a turn or to be acknowledged, as it is shown. Standard library only."""

from __future__ import annotations

from typing import TypedDict

BY_ITSELF = " rolled back by itself, "
_TO = "back to "


def in_short(text: str) -> str:
    """``v42→v41: errors 6.1 % > 5 %``: the cause first, where there is little room."""
    version, _, rest = text.partition(BY_ITSELF)
    if not rest:
        return text
    return f"{version}→{rest.removeprefix(_TO)}" if rest.startswith(_TO) else f"{version}: {rest}"


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
