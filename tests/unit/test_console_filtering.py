"""The filter language."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gaesup_tui.console.filtering import Facts, parse_filter
from gaesup_tui.domain.errors import Invalid

CART = Facts(
    text="cart production v42 waits for you kim",
    words={"unit": "cart", "environment": "production", "status": "waiting", "by": "kim"},
    numbers={"error_ratio": 0.02, "p95_s": 0.12, "age_s": 300.0, "rps": None},
)


@pytest.mark.parametrize(
    ("text", "matches"),
    [
        ("", True),
        ("cart", True),
        ("CART", True),
        ("search", False),
        ("!search", True),
        ("!cart", False),
        ("cart kim", True),
        ("cart lee", False),
        ("env:prod", True),
        ("env:stag", False),
        ("!env:stag", True),
        ("status:waiting by:kim", True),
        ("err>1", True),
        ("err>2.5", False),
        ("err>=2%", True),
        ("p95>100", True),
        ("p95>150ms", False),
        ("age<10m", True),
        ("age<90s", False),
        ("!age<90s", True),
    ],
)
def test_all_terms_must_hold(text: str, matches: bool) -> None:
    assert parse_filter(text).matches(CART) is matches


def test_a_number_nobody_measured_is_neither_much_nor_little() -> None:
    assert not parse_filter("rps>0").matches(CART)
    assert not parse_filter("rps<1000").matches(CART)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("colour:red", "no property 'colour'"),
        ("speed>3", "no number 'speed'"),
        ("err>many", "'many' is not a number"),
        ("age<soon", "not a duration"),
    ],
)
def test_what_is_not_understood_is_named_with_what_would_be(text: str, said: str) -> None:
    with pytest.raises(Invalid, match=said) as caught:
        parse_filter(text)
    assert caught.value.hint


@given(st.text(max_size=40))
def test_any_text_is_a_filter_or_a_named_mistake(text: str) -> None:
    with suppress(Invalid):
        parse_filter(text).matches(CART)


@given(st.sampled_from(["cart", "env:prod", "err>1", "age<10m", "rps>1", "zzz"]))
def test_turning_a_term_round_turns_its_answer_round(term: str) -> None:
    assert parse_filter(f"!{term}").matches(CART) is not parse_filter(term).matches(CART)
