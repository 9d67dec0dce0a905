"""What the judge says about releases whose truth is known."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gaesup_tui.domain.judging import Arm, Tick, begin, step
from gaesup_tui.domain.judging.account import explain
from gaesup_tui.domain.judging.state import State
from gaesup_tui.domain.judging.words import sentence
from tests.unit.judging_rig import (
    BOUNDS_S,
    GOOD,
    START,
    Service,
    Traffic,
    first,
    judge,
    kinds,
    with_metrics,
)

HISTORY = Traffic().history()


def test_a_healthy_release_is_promoted_and_never_aborted() -> None:
    _, verdicts = judge(Traffic(per_tick=1000, weight=0.5).ticks(120), history=HISTORY)
    assert kinds(verdicts) == {"CONTINUE", "PROMOTE"}
    promoted = first(verdicts, "PROMOTE")
    assert promoted is not None
    assert verdicts[promoted].end_s >= START.min_promote_s


@pytest.mark.parametrize(
    ("canary", "metric"),
    [
        (Service(errors=0.05), "errors"),
        (Service(median_s=0.120), "latency"),
        (Service(conversions=0.02), "conversion"),
    ],
)
def test_a_bad_release_is_aborted_for_what_is_bad(canary: Service, metric: str) -> None:
    _, verdicts = judge(Traffic(canary, per_tick=400).ticks(120), history=HISTORY)
    assert verdicts[-1].kind == "ABORT"
    assert verdicts[-1].metric == metric
    assert "PROMOTE" not in kinds(verdicts)


def test_traffic_that_does_not_arrive_is_an_abort() -> None:
    _, verdicts = judge(Traffic(arrives=0.3).ticks(60), history=HISTORY)
    assert (verdicts[-1].kind, verdicts[-1].metric) == ("ABORT", "traffic")


def test_silence_of_the_canary_is_an_abort_although_nothing_can_be_compared() -> None:
    _, verdicts = judge(Traffic(arrives=0.0).ticks(60), history=HISTORY)
    assert (verdicts[-1].kind, verdicts[-1].metric) == ("ABORT", "traffic")


def test_harm_that_begins_late_is_found_and_its_onset_named() -> None:
    bad_from = 60
    traffic = Traffic(Service(errors=0.08), bad_from=bad_from, per_tick=400)
    start = START._replace(soak_s=3000.0)
    _, verdicts = judge(traffic.ticks(120), start, HISTORY)
    found = first(verdicts, "ABORT")
    assert found is not None
    assert bad_from <= found <= bad_from + 20
    since_s = verdicts[found].since_s
    assert since_s is not None
    assert abs(since_s - bad_from * 5.0) <= 40


def test_an_abort_stays_one() -> None:
    traffic = Traffic(Service(errors=0.3))
    state, verdicts = judge(traffic.ticks(20), history=HISTORY)
    aborted = first(verdicts, "ABORT")
    assert aborted is not None
    _, after = step(state, Traffic().ticks(200)[-1])
    assert after == verdicts[aborted]


def test_one_bad_scrape_never_aborts() -> None:
    ticks = Traffic(per_tick=400).ticks(40)
    canary = ticks[20].canary
    assert canary is not None
    broken = canary._replace(errors=canary.requests, latency=(0,) * 16 + (canary.requests,))
    ticks[20] = ticks[20]._replace(canary=broken)
    _, verdicts = judge(ticks, history=HISTORY)
    assert "ABORT" not in kinds(verdicts)


def test_a_total_outage_is_aborted_at_its_second_tick() -> None:
    _, verdicts = judge(Traffic(Service(errors=1.0)).ticks(10), history=HISTORY)
    assert first(verdicts, "ABORT") == 1


def test_drift_that_both_arms_share_is_nobodys_fault() -> None:
    ticks = []
    for i in range(60):
        service = replace(GOOD, errors=0.01 + 0.10 * i / 60, median_s=0.06 * (1 + i / 30))
        (tick,) = Traffic(service, service, per_tick=400).ticks(1, seed=i)
        ticks.append(tick._replace(number=i, end_s=5.0 * (i + 1)))
    _, verdicts = judge(ticks, history=HISTORY)
    assert "ABORT" not in kinds(verdicts)


def test_seconds_or_milliseconds_are_the_same_verdicts() -> None:
    ticks = Traffic(Service(median_s=0.075), per_tick=400).ticks(60)
    _, seconds = judge(ticks, history=HISTORY)
    in_ms = START._replace(bounds_s=tuple(1000 * bound for bound in BOUNDS_S))
    _, milliseconds = judge(ticks, in_ms, HISTORY)
    assert [v.kind for v in seconds] == [v.kind for v in milliseconds]
    assert seconds[-1].evidence == pytest.approx(milliseconds[-1].evidence, rel=1e-6)


def test_a_step_that_changes_the_weight_keeps_the_evidence() -> None:
    early = Traffic(weight=0.05, per_tick=1000).ticks(30)
    late = [
        tick._replace(number=30 + tick.number, end_s=150 + tick.end_s)
        for tick in Traffic(weight=0.5, per_tick=1000).ticks(100)
    ]
    state, verdicts = judge([*early, *late], history=HISTORY)
    assert kinds(verdicts) == {"CONTINUE", "PROMOTE"}
    assert state.counted.sums.requests == sum(t.canary.requests for t in early + late if t.canary)


def test_the_planned_end_without_a_key_is_inconclusive_and_never_a_promotion() -> None:
    start = START._replace(max_duration_s=60.0)
    _, verdicts = judge(Traffic(per_tick=40).ticks(14), start, HISTORY)
    assert [v.inconclusive for v in verdicts] == [False] * 11 + [True] * 3
    assert verdicts[-1].kind == "CONTINUE"


def test_nothing_is_promoted_before_the_soak_is_over() -> None:
    start = START._replace(soak_s=400.0)
    _, verdicts = judge(Traffic(per_tick=1000, weight=0.5).ticks(90), start, HISTORY)
    assert {v.cause for v in verdicts if v.end_s < 400} == {"gathering", "soaking"}
    assert verdicts[-1].kind == "PROMOTE"


def test_a_cold_start_is_not_held_against_the_latency() -> None:
    cold = Traffic(Service(median_s=0.4), per_tick=400).ticks(12)
    warm = [
        tick._replace(number=12 + tick.number, end_s=60 + tick.end_s)
        for tick in Traffic(per_tick=400).ticks(30)
    ]
    _, verdicts = judge([*cold, *warm], START._replace(warmup_s=60.0), HISTORY)
    assert "ABORT" not in kinds(verdicts)
    assert verdicts[0].cause == "warming up"


def test_harm_in_a_metric_that_is_not_critical_holds_the_promotion_only() -> None:
    start = with_metrics(conversion={"critical": False})
    traffic = Traffic(Service(conversions=0.01), per_tick=1000, weight=0.5)
    state, verdicts = judge(traffic.ticks(60), start, HISTORY)
    assert kinds(verdicts) == {"CONTINUE"}
    assert (verdicts[-1].cause, verdicts[-1].metric) == ("not critical", "conversion")
    assert sentence(state, explain(state)).endswith(
        "conversion is not critical, so a person decides"
    )


def test_sure_harm_is_not_hidden_by_another_metric_without_data() -> None:
    start = with_metrics(latency={"critical": False})
    slow = Traffic(Service(median_s=0.2), per_tick=1000, weight=0.5)
    gone = Traffic(Service(median_s=0.2, conversions=None), per_tick=1000, weight=0.5)
    ticks = [*slow.ticks(20), *gone.ticks(60)[20:]]
    _, verdicts = judge(ticks, start, HISTORY)
    assert (verdicts[-1].kind, verdicts[-1].cause) == ("CONTINUE", "not critical")
    assert verdicts[-1].metric == "latency"


def test_a_metric_that_is_switched_off_decides_nothing() -> None:
    start = with_metrics(errors={"enabled": False})
    traffic = Traffic(Service(errors=0.1), per_tick=1000, weight=0.5)
    _, verdicts = judge(traffic.ticks(60), start, HISTORY)
    assert "ABORT" not in kinds(verdicts)
    assert verdicts[-1].certainty[0] is None


counts = st.integers(0, 400)


@st.composite
def arms(draw: st.DrawFn) -> Arm:
    requests = draw(st.sampled_from((0, 1, 7, 400, 10**9)) | counts)
    errors = draw(st.integers(-1, requests + 1))
    latency = draw(
        st.none()
        | st.lists(st.integers(0, 60), min_size=17, max_size=17).map(tuple)
        | st.just((0,) * 16 + (requests,))
        | st.just((-1,) * 17)
    )
    return Arm(requests, errors, latency, draw(st.none() | st.integers(0, requests)))


rows = st.tuples(
    st.none() | arms(),
    st.none() | arms(),
    st.sampled_from((0.0, 0.01, 0.5, 1.0, None, float("nan"), -1.0)),
    st.sampled_from((5.0, 5.0, 5.0, 0.0, 1e9, float("inf"))),
)


def numbers(value: object) -> list[float]:
    """Every number in a state, however deep."""
    if isinstance(value, bool | str | bytes) or value is None:
        return []
    if isinstance(value, int | float):
        return [float(value)]
    assert isinstance(value, tuple)
    return [number for part in value for number in numbers(part)]


@settings(max_examples=150, deadline=None)
@given(st.lists(rows, max_size=30))
def test_no_input_makes_nonsense_or_a_promotion_while_blind(feed: list[tuple]) -> None:  # type: ignore[type-arg]
    state: State = begin(START._replace(min_promote_s=0.0))
    end_s = 0.0
    for number, (canary, baseline, weight, after_s) in enumerate(feed):
        end_s += after_s if math.isfinite(after_s) else 5.0
        told_s = end_s if math.isfinite(after_s) else after_s
        state, verdict = step(state, Tick(number, told_s, weight, canary, baseline))
        assert verdict.evidence >= 0
        assert all(value >= 0 for value in (*verdict.harm, *verdict.certainty) if value is not None)
        assert all(math.isfinite(value) for value in numbers(state))
        if canary is None or baseline is None or not canary.requests or not baseline.requests:
            assert verdict.kind != "PROMOTE"


def test_what_nobody_feels_is_no_harm_and_can_be_promoted() -> None:
    slower = replace(GOOD, median_s=0.075)
    ticks = Traffic(slower, per_tick=1000, weight=0.5).ticks(80)
    # The same counts under bounds a tenth as long: a p95 of 14 ms that becomes 17 ms.
    fast = START._replace(bounds_s=tuple(bound / 10 for bound in BOUNDS_S))
    _, verdicts = judge(ticks, fast, HISTORY)
    assert "ABORT" not in kinds(verdicts)
    assert verdicts[-1].kind == "PROMOTE"
    _, strict = judge(ticks, fast._replace(felt_s=0.0), HISTORY)
    assert (strict[-1].kind, strict[-1].metric) == ("ABORT", "latency")


def test_harm_long_after_the_planned_end_is_still_found() -> None:
    traffic = Traffic(Service(errors=0.10), bad_from=80, per_tick=400)
    start = START._replace(max_duration_s=60.0, soak_s=3000.0)
    _, verdicts = judge(traffic.ticks(110), start, HISTORY)
    found = first(verdicts, "ABORT")
    assert found is not None
    assert 80 <= found <= 95


def test_an_improvement_is_promoted_at_least_as_soon() -> None:
    better = Service(errors=0.002, median_s=0.05, conversions=0.07)
    _, verdicts = judge(Traffic(better, per_tick=1000, weight=0.5).ticks(80), history=HISTORY)
    _, same = judge(Traffic(per_tick=1000, weight=0.5).ticks(80), history=HISTORY)
    promoted, usual = first(verdicts, "PROMOTE"), first(same, "PROMOTE")
    assert promoted is not None
    assert usual is not None
    assert promoted <= usual
