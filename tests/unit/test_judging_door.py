"""At the judge's door: metrics that vanish, repeat, jump back or are no numbers; clocks set back.

Whatever comes, a healthy release is never aborted for it, nothing is promoted while blind, and an
outage is still found afterwards.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gaesup_tui.domain.judging import Arm, Tick, begin, step
from gaesup_tui.domain.judging.account import explain
from gaesup_tui.domain.judging.feed import Gap
from gaesup_tui.domain.verdict import Verdict

from .bench_rig import BAD, GOOD, Rig
from .judging_rig import START, Service, Traffic, judge, kinds

HISTORY = Traffic(per_tick=400).history()
NAN = float("nan")


def vanish(tick: Tick) -> Tick:
    return tick._replace(canary=None, baseline=None, gap="late")


def half_vanish(tick: Tick) -> Tick:
    return tick._replace(canary=None, gap="canary")


def no_numbers(tick: Tick) -> Tick:
    arm = tick.canary
    assert arm is not None
    return tick._replace(canary=arm._replace(errors=NAN))  # type: ignore[arg-type]


def clock_back(tick: Tick) -> Tick:
    return tick._replace(end_s=tick.end_s - 3600.0)


def no_time(tick: Tick) -> Tick:
    return tick._replace(end_s=math.inf)


def no_latency(tick: Tick) -> Tick:
    arm = tick.canary
    assert arm is not None
    return tick._replace(canary=arm._replace(latency=None), gap="buckets")


HARMS = (vanish, half_vanish, no_numbers, clock_back, no_time, no_latency)


@pytest.mark.parametrize("harm", HARMS)
def test_a_healthy_release_outlives_what_its_metrics_do(harm: Callable[[Tick], Tick]) -> None:
    ticks = Traffic(per_tick=1000, weight=0.5).ticks(120)
    for n in (*range(10, 16), 40, 41, 70):
        ticks[n] = harm(ticks[n])
    _, verdicts = judge(ticks, history=HISTORY)
    assert "ABORT" not in kinds(verdicts)
    assert verdicts[-1].kind == "PROMOTE"
    assert verdicts[14].kind != "PROMOTE"


@pytest.mark.parametrize("harm", HARMS)
def test_an_outage_after_it_is_found_all_the_same(harm: Callable[[Tick], Tick]) -> None:
    ticks = Traffic(Service(errors=0.4), per_tick=400, bad_from=20).ticks(30)
    for n in range(10, 16):
        ticks[n] = harm(ticks[n])
    _, verdicts = judge(ticks, history=HISTORY)
    assert (verdicts[-1].kind, verdicts[-1].metric) == ("ABORT", "errors")


def test_repeated_and_reordered_records_count_once() -> None:
    ticks = Traffic(per_tick=400).ticks(40)
    shuffled = [ticks[n] for k in range(0, 40, 4) for n in (k, k, k + 1, k, k + 2, k + 1, k + 3)]
    once, _ = judge(ticks, history=HISTORY)
    again, _ = judge(shuffled, history=HISTORY)
    assert again == once


_NUMBERS = st.one_of(
    st.integers(-5, 2000), st.just(10**15), st.sampled_from([NAN, math.inf, -math.inf, 0.5])
)
_ARMS = st.one_of(
    st.none(),
    st.builds(
        Arm,
        requests=_NUMBERS,
        errors=_NUMBERS,
        latency=st.one_of(st.none(), st.lists(_NUMBERS, min_size=16, max_size=18).map(tuple)),
        conversions=st.one_of(st.none(), _NUMBERS),
    ),
)
_GAPS: st.SearchStrategy[Gap] = st.sampled_from(["", "late", "reset", "series", "buckets"])
_TICKS = st.builds(
    Tick,
    number=st.integers(-3, 40),
    end_s=st.one_of(st.floats(-10, 200), st.sampled_from([NAN, math.inf])),
    weight=st.one_of(st.none(), st.floats(-0.5, 1.5), st.just(NAN)),
    canary=_ARMS,
    baseline=_ARMS,
    gap=_GAPS,
)


@settings(max_examples=60, deadline=None)
@given(st.lists(_TICKS, max_size=25))
def test_no_input_makes_it_fall_or_speak_of_what_it_cannot_know(ticks: list[Tick]) -> None:
    state = begin(START, HISTORY)
    for tick in ticks:
        state, verdict = step(state, tick)
        assert verdict.evidence >= 0
        assert math.isfinite(verdict.evidence)
        blind = tick.canary is None or tick.baseline is None
        taken = verdict.number == tick.number
        assert not (verdict.kind == "PROMOTE" and blind and taken)
    account = explain(state)
    assert 0 <= account.toward_abort <= 1
    assert 0 <= account.toward_promote <= 1


# At the engine's door.


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path / "judged", GOOD)


def a_minute_of_canary(rig: Rig) -> None:
    rig.run(300)
    rig.canary_at(25)
    rig.run(60)


def said(rig: Rig) -> Verdict:
    verdict = rig.verdict()
    assert verdict is not None
    return verdict


def test_a_clock_set_back_delays_a_verdict_and_falsifies_none(rig: Rig) -> None:
    a_minute_of_canary(rig)
    said(rig)
    rig.now -= 3600
    for _ in range(120):
        rig.now += 1
        rig.serve(100)
        try:
            rig.observe()
        except AssertionError:
            continue  # the sight leaves out what seems to be older, until it is sure
    assert said(rig).kind in ("CONTINUE", "PROMOTE")
    rig.canary = BAD
    rig.run(90)
    assert said(rig).kind == "ABORT"


def test_a_clock_set_back_and_an_engine_that_starts_again(rig: Rig) -> None:
    a_minute_of_canary(rig)
    rig.now -= 3600
    rig.bench.close()
    rig.live()
    rig.canary = BAD
    rig.run(90)
    assert said(rig).kind == "ABORT"


def test_observations_that_repeat_are_no_quiet_time(rig: Rig) -> None:
    a_minute_of_canary(rig)
    for _ in range(30):
        rig.observe_again()
    verdict = said(rig)
    # Nothing was counted on either side: that is what it says, and no ABORT.
    assert (verdict.kind, verdict.code) == ("NO EVIDENCE", "idle")
