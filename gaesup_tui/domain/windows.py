"""Freeze windows: times in which nothing begins and nothing goes forward by itself.

Pure: the clock is passed in. Times are those of a clock on a wall in the window's time zone. A
time that clock shows twice, or never, when it is put back or forward, makes the window longer,
never shorter.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta, tzinfo
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from gaesup_tui.domain.errors import Invalid
from gaesup_tui.domain.model import Frozen, Text
from gaesup_tui.domain.text import printable_line

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_WEEKLY = re.compile(r"(mon|tue|wed|thu|fri|sat|sun)[a-z]* +(\d\d?):(\d\d)", re.IGNORECASE)
_ONCE = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?")
_WEEK = timedelta(days=7)
MOST_SPANS = 60
"""A year of weekends: more of them are looked for nowhere."""


class FreezeWindow(Frozen):
    """One window, as it was written; ``check`` it before it is kept."""

    name: Text
    begins: Text
    """``Fri 16:00``, each week; or ``2026-12-20T00:00``, once."""
    ends: Text
    timezone: Text = "UTC"


class Weekly(NamedTuple):
    day: int
    hour: int
    minute: int


def check(window: FreezeWindow) -> None:
    """Raises ``Invalid`` when the window is none; the message begins with the field."""
    begins, ends = parse_moment(window.begins, "from"), parse_moment(window.ends, "until")
    zone = printable_line(window.timezone, 60)
    if not is_zone(window.timezone):
        raise Invalid(
            f"timezone: {zone!r} is not known here", hint="write it as Europe/Berlin or UTC"
        )
    if isinstance(begins, Weekly) != isinstance(ends, Weekly):
        raise Invalid(
            "until: one end is a weekday and the other a date",
            hint="write both as Fri 16:00, or both as 2026-12-20T00:00",
        )
    if begins == ends:
        raise Invalid("until: the window ends when it begins", hint="give it a length")
    if isinstance(begins, datetime) and isinstance(ends, datetime) and ends < begins:
        raise Invalid("until: the window ends before it begins", hint="change the two over")


def parse_moment(text: str, field: str) -> Weekly | datetime:
    """A moment as people write it: of each week, or once.

    Raises:
        Invalid: it is none; the message begins with ``field``.
    """
    shown = printable_line(text, 40)
    hint = "write Fri 16:00 for each week, or 2026-12-20T00:00 for once"
    try:
        if found := _WEEKLY.fullmatch(text.strip()):
            day, hour, minute = found.groups()
            moment = Weekly(DAYS.index(day[:3].title()), int(hour), int(minute))
            datetime(2000, 1, 1, moment.hour, moment.minute)
            return moment
        if _ONCE.fullmatch(text.strip()):
            return datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise Invalid(f"{field}: {shown!r}: {error}", hint=hint) from None
    raise Invalid(f"{field}: {shown!r} is no moment", hint=hint)


def is_zone(name: str) -> bool:
    """Whether this machine knows a time zone of that name."""
    try:
        ZoneInfo(name)
    except (OSError, ValueError, KeyError):
        return False
    return True


def is_weekly(window: FreezeWindow) -> bool:
    """Whether it comes again each week."""
    return _WEEKLY.fullmatch(window.begins.strip()) is not None


@lru_cache(maxsize=4096)
def span_at(window: FreezeWindow, second: int) -> tuple[float, float] | None:
    """From when until when the window is in force at this Unix second; None when it is not."""
    return next((s for s in _spans(window, second) if s[0] <= second < s[1]), None)


def next_change(windows: Iterable[FreezeWindow], now: float) -> float | None:
    """The next Unix second after ``now`` at which one of them begins or ends."""
    second = int(now)
    moments = (moment for window in windows for span in _spans(window, second) for moment in span)
    return min((moment for moment in moments if moment > now), default=None)


def next_span(window: FreezeWindow, now: float) -> tuple[float, float] | None:
    """The span in force, or the next; None when it is over for good."""
    return min((span for span in _spans(window, int(now)) if span[1] > now), default=None)


def spans_between(window: FreezeWindow, after: float, now: float) -> Iterator[tuple[float, float]]:
    """The spans that ended after ``after`` and not later than ``now``, in order."""
    for _ in range(MOST_SPANS):
        span = next_span(window, after)
        if span is None or span[1] > now:
            return
        yield span
        after = span[1]


@lru_cache(maxsize=1024)
def _spans_of_week(window: FreezeWindow, monday: datetime) -> tuple[tuple[float, float], ...]:
    zone = _zone(window)
    begins, ends = parse_moment(window.begins, "from"), parse_moment(window.ends, "until")
    if isinstance(begins, datetime) and isinstance(ends, datetime):
        return ((_first(begins, zone), _last(ends, zone)),)
    assert isinstance(begins, Weekly)  # ``check`` looked
    assert isinstance(ends, Weekly)
    spans = []
    for week in (-1, 0, 1, 2):
        start, end = (_moment(each, monday + week * _WEEK) for each in (begins, ends))
        spans.append((_first(start, zone), _last(end + _WEEK if end <= start else end, zone)))
    return tuple(spans)


@lru_cache(maxsize=4096)
def _spans(window: FreezeWindow, second: int) -> tuple[tuple[float, float], ...]:
    """The spans around a moment, in order: that of the week before up to the one after next."""
    if not is_weekly(window):
        return _spans_of_week(window, datetime.min)
    day = datetime.fromtimestamp(second, _zone(window)).replace(tzinfo=None)
    monday = datetime(day.year, day.month, day.day) - timedelta(days=day.weekday())
    return _spans_of_week(window, monday)


def _moment(when: Weekly, monday: datetime) -> datetime:
    return monday + timedelta(days=when.day, hours=when.hour, minutes=when.minute)


def _first(moment: datetime, zone: tzinfo) -> float:
    return min(moment.replace(tzinfo=zone, fold=fold).timestamp() for fold in (0, 1))


def _last(moment: datetime, zone: tzinfo) -> float:
    return max(moment.replace(tzinfo=zone, fold=fold).timestamp() for fold in (0, 1))


def _zone(window: FreezeWindow) -> tzinfo:
    """A zone that was known when the window was taken, and is not on this machine, is UTC."""
    return ZoneInfo(window.timezone if is_zone(window.timezone) else "UTC")
