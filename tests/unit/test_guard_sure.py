"""Guards that act at once on what is bad, and never on chance or on what both sides suffer."""

from __future__ import annotations

import random

import pytest
from pydantic import ValidationError

from gaesup_tui.domain.drops import Compared
from gaesup_tui.domain.steps import DEFAULT_GUARDS, Guard
from gaesup_tui.domain.surely import surely_more, surely_more_errors, surely_slower
from gaesup_tui.domain.telemetry import Delta, Window

ERRORS = next(guard for guard in DEFAULT_GUARDS if guard.metric == "errorRatio")
P95 = next(guard for guard in DEFAULT_GUARDS if guard.metric == "p95")
BOUNDS_S = (0.1, 1.0, 10.0)


def window(requests: int, errors: int) -> Window:
    return Window(10.0, requests, errors, 0.05, 0.1)


def side(requests: int, errors: int = 0, slow: int = 0) -> Delta:
    return Delta(10.0, requests, errors, BOUNDS_S, (requests - slow, 0, slow, 0))


def test_an_outage_is_seen_with_the_first_few_requests() -> None:
    alone = Compared(base=side(500, 5))
    assert surely_more_errors(ERRORS, window(15, 15), alone)
    assert surely_slower(P95, Compared(candidate=side(15, slow=15), base=side(500)))


def test_one_in_five_that_fails_is_seen_within_two_seconds_of_two_hundred_a_second() -> None:
    assert surely_more_errors(ERRORS, window(400, 80), Compared(base=side(400, 0)))


# The last one: a single client that retries, among a hundred requests.
@pytest.mark.parametrize(("requests", "errors"), [(20, 2), (20, 4), (200, 16), (97, 20)])
def test_a_few_that_went_wrong_together_are_chance(requests: int, errors: int) -> None:
    assert not surely_more_errors(ERRORS, window(requests, errors), Compared(base=side(2000, 20)))


def test_what_the_base_suffers_too_is_not_the_candidates() -> None:
    both = Compared(candidate=side(300, slow=60), base=side(900, 150, slow=190))
    assert not surely_more_errors(ERRORS, window(300, 60), both)
    assert not surely_slower(P95, both)
    assert surely_more_errors(ERRORS, window(300, 60), Compared(base=side(900, 20)))


def test_without_traffic_on_the_base_what_it_last_did_is_the_measure() -> None:
    usual = Compared(base=side(0), base_before=side(5000, 800))
    assert not surely_more_errors(ERRORS, window(400, 80), usual)
    assert surely_more_errors(ERRORS, window(400, 180), usual)
    assert surely_more_errors(ERRORS, window(400, 80), Compared())


def test_an_hour_of_looks_at_a_healthy_release_finds_nothing() -> None:
    rng = random.Random(11)
    for _ in range(3600):
        failed = sum(rng.random() < 0.03 for _ in range(40))
        assert not surely_more(failed, 40, 0.05)


def test_only_ratios_can_be_sure() -> None:
    with pytest.raises(ValidationError, match="sure is for errorRatio and p95"):
        Guard(metric="restarts", above=1, sure=True)


def test_a_guard_that_need_not_be_sure_acts_on_its_limit_alone() -> None:
    old = Guard.model_validate({"metric": "errorRatio", "above": 0.05})
    assert not old.sure
