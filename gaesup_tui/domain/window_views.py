"""What people are shown of freeze windows. Plain JSON, typed, as in ``views``."""

from __future__ import annotations

from typing import TypedDict


class WindowView(TypedDict):
    """A freeze window of a scope."""

    scope: str
    """Empty for everything, else an environment or a deployment."""
    name: str
    begins: str
    """As it was written: ``Fri 16:00`` or ``2026-12-20T00:00``."""
    ends: str
    timezone: str
    is_in_force: bool
    since: float | None
    """When it began, or begins next; None: it is over."""
    until: float | None
    source: str
    """The file it is from; or who added it, and why."""


def until_words(ends: str, timezone: str) -> str:
    """An end as it was written, on whose clock: ``Mon 08:00 UTC``, ``2026-11-24 16:00 UTC``."""
    date, is_date, time = ends.partition("T")
    moment = f"{date} {time[:5]}" if is_date and date[:1].isdigit() else ends
    return f"{moment} {timezone}"


def window_words(window: WindowView) -> str:
    """``production: freeze window weekend until Mon 08:00 UTC``."""
    where = window["scope"] or "everything"
    until = until_words(window["ends"], window["timezone"])
    return f"{where}: freeze window {window['name']} until {until}"
