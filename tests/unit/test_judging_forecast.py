"""How long it will take: one number only where luck leaves a narrow span for it."""

from __future__ import annotations

import re

import pytest

from gaesup_tui.domain.judged import verdict_of
from gaesup_tui.domain.judging import begin, step
from gaesup_tui.domain.judging.account import explain
from gaesup_tui.domain.judging.forecast import NARROW, Forecast, Rates, forecast, recent_rates
from gaesup_tui.domain.judging.waiting import about, ahead, span
from gaesup_tui.domain.judging.words import sentence
from tests.unit.judging_rig import START, Traffic, first, judge

HISTORY = Traffic().history()
AHEAD = Forecast("errors", 600.0, 150.0, 1500.0, 4000.0, 5000.0, at_s=0.0)


def test_the_forecast_before_the_start_is_about_the_time_it_takes() -> None:
    traffic = Traffic(per_tick=1000, weight=0.25)
    start = START._replace(min_promote_s=0.0)
    state = begin(start, traffic.history())
    known = forecast(state, Rates(canary_per_s=50.0, baseline_per_s=150.0))
    assert known is not None
    times = []
    for seed in range(9):
        _, verdicts = judge(traffic.ticks(200, seed=seed), start, traffic.history())
        promoted = first(verdicts, "PROMOTE")
        assert promoted is not None
        times.append((promoted + 1) * 5.0)
    assert known.metric == "conversion"
    assert sorted(times)[4] / 2 <= known.seconds <= sorted(times)[4] * 2


def test_the_forecast_follows_the_traffic_and_never_beats_the_soak() -> None:
    state, _ = judge(Traffic().ticks(40), START._replace(soak_s=9000.0), HISTORY)
    rates = recent_rates(state)
    assert rates is not None
    assert rates.canary_per_s == pytest.approx(10.0, rel=0.1)
    known = forecast(state, rates)
    assert known is not None
    assert known.seconds == pytest.approx(8800.0)
    assert known.left_s == pytest.approx(8800.0)


def test_waiting_says_between_what_and_for_what() -> None:
    state, _ = judge(Traffic().ticks(20), history=HISTORY)
    assert re.fullmatch(
        r"nothing wrong so far, not enough evidence yet: \d+ to \d+ (min|h) more at this traffic; "
        r"slowest is conversion, about [\d,]+ more canary requests",
        sentence(state, explain(state)),
    )


def test_before_the_start_a_weight_has_its_price_in_time() -> None:
    state = begin(START, HISTORY)
    small, large = Rates(2.0, 198.0), Rates(20.0, 180.0)
    slow, fast = forecast(state, small), forecast(state, large)
    assert slow is not None
    assert fast is not None
    assert slow.seconds > 8 * fast.seconds
    assert fast.metric == "conversion"


def test_a_wide_span_is_no_number() -> None:
    assert (AHEAD.left_s, AHEAD.whole_s) == (None, None)
    assert ahead(AHEAD) == (
        ": 2 to 25 min more at this traffic; slowest is errors, about 4,000 more canary requests"
    )


def test_what_nobody_waits_for_is_not_counted_in_requests() -> None:
    never = AHEAD._replace(early_s=40 * 86_400.0, late_s=400 * 86_400.0, requests=2e10)
    assert ahead(never) == ": over 30 days more at this traffic; slowest is errors"


def test_the_whole_time_is_one_number_once_most_of_it_is_over() -> None:
    late = AHEAD._replace(at_s=1200.0)
    assert late.left_s is None
    assert late.whole_s == pytest.approx((1350 * 2700) ** 0.5)
    assert ahead(late).startswith(": about 32 min in all, 2 to 25 min more at this traffic; ")
    assert AHEAD._replace(at_s=1199.0).whole_s is None


def test_what_only_the_clock_asks_for_is_one_number() -> None:
    soaking = AHEAD._replace(seconds=840.0, early_s=840.0, late_s=840.0)
    assert soaking.left_s == pytest.approx(840.0)
    assert ahead(soaking).startswith(": about 14 min more at this traffic; ")


def test_once_all_is_clear_nothing_is_left() -> None:
    state, verdicts = judge(Traffic(per_tick=1000, weight=0.5).ticks(100), history=HISTORY)
    assert verdicts[-1].kind == "PROMOTE"
    said = verdict_of(state)
    assert (said.left_s, said.left_span_s, said.whole_s) == (0.0, (0.0, 0.0), None)


def test_without_requests_no_time_is_said() -> None:
    endless = float("inf")
    never = AHEAD._replace(seconds=endless, early_s=endless, late_s=endless, at_s=60.0)
    assert (never.left_s, never.whole_s) == (None, None)
    assert ahead(never) == ": no requests reach the canary; slowest is errors"


@pytest.mark.parametrize(
    ("early_s", "late_s", "said"),
    [
        (3.0, 31.0, "up to 40 s"),
        (25.0, 250.0, "20 s to 5 min"),
        (59.0, 61.0, "50 s to 2 min"),
        (61.0, 600.0, "1 to 10 min"),
        (1000.0, 9999.0, "16 min to 3 h"),
        (80_000.0, 400_000.0, "22 h to 5 days"),
        (80_000.0, 1e8, "22 h to over 30 days"),
        (1e7, 1e8, "over 30 days"),
    ],
)
def test_a_span_is_rounded_away_from_its_middle(early_s: float, late_s: float, said: str) -> None:
    assert span(early_s, late_s) == said


def test_a_number_is_rounded_to_the_nearest() -> None:
    said = [about(s) for s in (2.0, 44.0, 87.0, 140.0, 3500.0, 9000.0)]
    assert said == ["10 s", "40 s", "90 s", "2 min", "58 min", "2 h"]


def test_once_said_the_whole_time_comes_true() -> None:
    """Ten healthy rollouts; of the first numbers they say at least six come true within 1.5 times
    (that few of ten happen once in thirty where eight of ten are promised)."""
    traffic, true, told = Traffic(per_tick=1000, weight=0.25), 0, 0
    for seed in range(10):
        state, number = begin(START, traffic.history()), None
        for tick in traffic.ticks(300, seed=seed):
            state, verdict = step(state, tick)
            rates = recent_rates(state)
            now = forecast(state, rates) if rates else None
            if number is None and now is not None:
                number = now.whole_s
            if verdict.kind == "PROMOTE":
                break
        if verdict.kind == "PROMOTE" and number is not None:
            told += 1
            true += 1 / 1.5 <= number / state.end_s <= 1.5
    assert told >= 8
    assert true >= 6


def test_the_verdict_carries_the_span_and_only_narrow_numbers() -> None:
    state, _ = judge(Traffic().ticks(20), history=HISTORY)
    verdict = verdict_of(state)
    assert verdict.left_s is None
    assert verdict.whole_s is None
    assert verdict.left_span_s is not None
    early_s, late_s = verdict.left_span_s
    assert late_s > NARROW * early_s > 0
    soaking, _ = judge(Traffic().ticks(20), START._replace(soak_s=9000.0), HISTORY)
    said = verdict_of(soaking)
    assert said.left_span_s == (8900.0, 8900.0)
    assert said.left_s == pytest.approx(8900.0)
