"""When a freeze window is in force, by the clock on the wall."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gaesup_tui.domain.errors import Invalid
from gaesup_tui.domain.windows import DAYS, FreezeWindow, check, next_change, next_span, span_at

ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"]
moments = st.builds(
    lambda day, minute: f"{DAYS[day]} {minute // 60:02}:{minute % 60:02}",
    st.integers(0, 6),
    st.integers(0, 1439),
)
seconds = st.integers(1_600_000_000, 1_900_000_000)


def berlin(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("Europe/Berlin")).timestamp()


def weekend() -> FreezeWindow:
    return FreezeWindow(
        name="weekend", begins="Fri 16:00", ends="Mon 08:00", timezone="Europe/Berlin"
    )


def test_a_weekend_is_from_friday_to_monday_on_the_wall() -> None:
    inside = ("2026-11-20T16:00", "2026-11-21T03:00", "2026-11-23T07:59:59")
    outside = ("2026-11-20T15:59:59", "2026-11-23T08:00", "2026-11-25T12:00")
    for text in inside:
        span = (berlin("2026-11-20T16:00"), berlin("2026-11-23T08:00"))
        assert span_at(weekend(), int(berlin(text))) == span, text
    for text in outside:
        assert span_at(weekend(), int(berlin(text))) is None, text


def test_the_weekend_in_which_the_clock_is_put_back_is_an_hour_longer() -> None:
    span = span_at(weekend(), int(berlin("2026-10-24T12:00")))
    assert span is not None
    assert span[1] - span[0] == (2 * 24 + 16 + 1) * 3600
    span = span_at(weekend(), int(berlin("2026-03-28T12:00")))
    assert span is not None
    assert span[1] - span[0] == (2 * 24 + 16 - 1) * 3600


def test_a_time_the_clock_shows_twice_or_never_makes_it_longer() -> None:
    twice = FreezeWindow(
        name="n", begins="2026-10-25T02:30", ends="2026-10-25T02:45", timezone="Europe/Berlin"
    )
    span = next_span(twice, berlin("2026-10-24T00:00"))
    assert span is not None
    assert span[1] - span[0] == 75 * 60
    never = FreezeWindow(
        name="n", begins="2026-03-29T02:15", ends="2026-03-29T02:45", timezone="Europe/Berlin"
    )
    span = next_span(never, berlin("2026-03-28T00:00"))
    assert span is not None
    assert span[0] < span[1]


def test_one_that_is_written_with_dates_comes_once() -> None:
    launch = FreezeWindow(
        name="launch", begins="2026-12-20T00:00", ends="2027-01-02T08:00", timezone="Europe/Berlin"
    )
    assert span_at(launch, int(berlin("2026-12-31T23:59")))
    assert span_at(launch, int(berlin("2027-01-02T08:00"))) is None
    assert next_span(launch, berlin("2027-01-03T00:00")) is None
    assert next_change([launch], berlin("2026-11-01T00:00")) == berlin("2026-12-20T00:00")
    assert next_change([launch], berlin("2027-01-03T00:00")) is None


@given(begins=moments, ends=moments, zone=st.sampled_from(ZONES), second=seconds)
def test_whoever_looks_at_the_wall_comes_to_the_same(
    begins: str, ends: str, zone: str, second: int
) -> None:
    """Away from a change of the clock, the window is what comparing weekday and time says."""
    if begins == ends:
        return
    local = datetime.fromtimestamp(second, ZoneInfo(zone))
    week = timedelta(days=8)
    if {(local + d).utcoffset() for d in (-week, timedelta(0), week)} != {local.utcoffset()}:
        return
    here = (local.weekday(), local.hour * 60 + local.minute)
    start, end = (
        (DAYS.index(text[:3]), int(text[4:6]) * 60 + int(text[7:])) for text in (begins, ends)
    )
    inside = start <= here < end if start < end else (here >= start or here < end)
    window = FreezeWindow(name="w", begins=begins, ends=ends, timezone=zone)
    check(window)
    assert (span_at(window, second) is not None) == inside


@given(begins=moments, ends=moments, zone=st.sampled_from(ZONES), second=seconds)
def test_it_changes_only_when_it_says_it_will(
    begins: str, ends: str, zone: str, second: int
) -> None:
    if begins == ends:
        return
    window = FreezeWindow(name="w", begins=begins, ends=ends, timezone=zone)
    change = next_change([window], second)
    assert change is not None
    assert second < change <= second + 8 * 86400
    before = span_at(window, second) is not None
    for each in (second + 1, (second + int(change)) // 2, int(change) - 1):
        if second <= each < change:
            assert (span_at(window, each) is not None) == before
    span = span_at(window, second)
    if span:
        assert span[0] <= second < span[1]


@given(begins=moments, ends=moments, zone=st.sampled_from(ZONES), week=st.integers(0, 500))
def test_it_comes_each_week_of_the_year(begins: str, ends: str, zone: str, week: int) -> None:
    if begins == ends:
        return
    window = FreezeWindow(name="w", begins=begins, ends=ends, timezone=zone)
    at = datetime(2024, 1, 1, tzinfo=UTC).timestamp() + week * 7 * 86400
    span = next_span(window, at)
    assert span is not None
    assert 0 < span[1] - span[0] < 7 * 86400 + 7200


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"begins": "Fri"}, "from: 'Fri' is no moment"),
        ({"begins": "Fri 25:00"}, "from: 'Fri 25:00': hour must be in 0..23"),
        ({"ends": "2026-02-30T00:00", "begins": "2026-01-01T00:00"}, "until: '2026-02-30"),
        ({"ends": "2026-01-01T00:00"}, "one end is a weekday and the other a date"),
        ({"ends": "Fri 16:00"}, "ends when it begins"),
        ({"begins": "2026-02-01T00:00", "ends": "2026-01-01T00:00"}, "ends before it begins"),
        ({"timezone": "Mars/Olympus"}, "timezone: 'Mars/Olympus' is not known here"),
        ({"timezone": "/etc/passwd"}, "timezone: '/etc/passwd' is not known here"),
        ({"timezone": ""}, "timezone: '' is not known here"),
    ],
)
def test_what_is_no_window_is_said(fields: dict[str, str], says: str) -> None:
    with pytest.raises(Invalid, match=re.escape(says)):
        check(weekend().model_copy(update=fields))


@given(st.text(max_size=30), st.text(max_size=30))
def test_no_text_breaks_it(begins: str, ends: str) -> None:
    window = FreezeWindow(name="w", begins=begins, ends=ends)
    with suppress(Invalid):
        check(window)
        span_at(window, 1_700_000_000)
