"""Text from outside is safe, and numbers read well or are absent."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gaesup_tui.domain.text import (
    duration,
    milliseconds,
    parse_duration,
    parse_quantity,
    percent,
    printable_line,
    quantity,
    short_line,
)

HOSTILE = st.text(
    st.characters(codec="utf-8") | st.sampled_from("\x1b[]0;?hlmJHPX^_\\\x07\x9b\x9d\u202e\u200b")
)


@given(HOSTILE)
def test_nothing_that_moves_a_cursor_survives(text: str) -> None:
    safe = printable_line(text)
    assert not any(ord(c) < 32 or 0x7F <= ord(c) < 0xA0 for c in safe)
    assert not any(
        c in safe for c in "\u202a\u202b\u202d\u202e\u2066\u2067\u2068\u2028\u200b\ufeff"
    )


@given(HOSTILE)
def test_making_text_safe_twice_changes_nothing_more(text: str) -> None:
    once = printable_line(text)
    assert printable_line(once) == once or "more" in once


@pytest.mark.parametrize(
    ("raw", "safe"),
    [
        ("plain", "plain"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07after", "after"),
        ("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1bPq#0;2\x1b\\x", "x"),
        ("a\tb", "a    b"),
        ("bell\x07 back\x08", "bell· back·"),
        ("장바구니 결제", "장바구니 결제"),
        ("abc\u202etxt.exe", "abc·txt.exe"),
        ("line\r\n", "line"),
    ],
)
def test_escape_sequences_go_and_words_stay(raw: str, safe: str) -> None:
    assert printable_line(raw) == safe


def test_what_is_cut_is_said() -> None:
    assert printable_line("x" * 100, limit=10) == "x" * 10 + "… 90 more"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("250ms", 0.25), ("90s", 90), ("2m", 120), ("1h30m", 5400), ("1.5h", 5400), (" 10s ", 10)],
)
def test_durations(text: str, seconds: float) -> None:
    assert parse_duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "10", "ten", "5 m", "-5s", "1h 30", "s", "1e3s"])
def test_what_is_no_duration_says_what_one_looks_like(text: str) -> None:
    with pytest.raises(ValueError, match="write 250ms, 90s, 2m or 1h30m"):
        parse_duration(text)


@pytest.mark.parametrize(("text", "count"), [("64Mi", 67108864), ("1Gi", 2**30), ("500k", 500000)])
def test_quantities(text: str, count: int) -> None:
    assert parse_quantity(text) == count


@pytest.mark.parametrize("text", ["", "64MB", "lots", "-1Mi", "64 Mi"])
def test_what_is_no_quantity_says_what_one_looks_like(text: str) -> None:
    with pytest.raises(ValueError, match="write 64Mi or 1Gi"):
        parse_quantity(text)


def test_no_data_is_a_dash_and_never_zero() -> None:
    assert {duration(None), percent(None), milliseconds(None), quantity(None)} == {"–"}


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (duration(0.36), "0.4 s"),
        (duration(271), "4m31"),
        (duration(7500), "2h05"),
        (duration(90061), "1d01h"),
        (percent(0.0046), "0.5 %"),
        (percent(1.0), "100 %"),
        (milliseconds(0.0876), "88ms"),
        (milliseconds(0.0012), "1.2ms"),
        (milliseconds(1.5), "1.50s"),
        (quantity(1572864), "1.5Mi"),
    ],
)
def test_numbers_read_well(shown: str, expected: str) -> None:
    assert shown == expected


def test_a_reason_that_is_too_long_is_cut_and_never_refused() -> None:
    for text in ("a" * 5000, "\t" * 499, "\x1b[31m" * 400, "\u0958" * 500):
        assert len(short_line(text)) <= 500
    assert short_line("a" * 5000).endswith("… and more")
    assert short_line("why") == "why"
