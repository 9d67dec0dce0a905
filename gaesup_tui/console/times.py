"""Moments as age, local time or UTC: one choice for the whole console, turned by one key."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from typing import Literal

from gaesup_widgets.cells import NO_DATA, age

TimeMode = Literal["age", "local", "UTC"]
_ORDER: tuple[TimeMode, ...] = ("age", "local", "UTC")


class Times:
    """How moments are shown."""

    def __init__(self, mode: TimeMode = "age", zone: tzinfo | None = None) -> None:
        """``zone`` is what local means; None: the machine's."""
        self.mode: TimeMode = mode
        self._zone = zone

    def turn(self) -> TimeMode:
        """Go on to the next way."""
        self.mode = _ORDER[(_ORDER.index(self.mode) + 1) % len(_ORDER)]
        return self.mode

    def show(self, at: float | None, now: float) -> str:
        """A moment in at most eight cells: its age, or the clock; with the day when not today."""
        if at is None:
            return NO_DATA
        if self.mode == "age":
            return age(max(0.0, now - at))
        return self.clock(at, now)

    def clock(self, at: float | None, now: float) -> str:
        """A moment by the clock, in local time unless UTC was chosen."""
        if at is None:
            return NO_DATA
        zone = UTC if self.mode == "UTC" else self._zone
        moment, today = datetime.fromtimestamp(at, zone), datetime.fromtimestamp(now, zone)
        if moment.date() == today.date():
            return f"{moment:%H:%M:%S}"
        return f"{moment:%d%b}{moment:%H}h" if moment.year == today.year else f"{moment:%Y-%m}"

    @staticmethod
    def stamp(at: float) -> str:
        """A moment for a document: ISO 8601 in UTC."""
        return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%SZ}"
