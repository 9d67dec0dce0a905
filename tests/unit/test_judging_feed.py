"""Gaps, late and repeated records, nonsense, and a state that is saved and loaded."""

from __future__ import annotations

import json

import pytest

from gaesup_tui.domain.judging import Arm, begin, step
from gaesup_tui.domain.judging.saving import load_state, save_state
from tests.unit.judging_rig import START, Service, Traffic, judge, kinds, with_metrics

HISTORY = Traffic().history()


def summed(ticks_arm: list[Arm]) -> Arm:
    return Arm(
        requests=sum(arm.requests for arm in ticks_arm),
        errors=sum(arm.errors for arm in ticks_arm),
        latency=tuple(map(sum, zip(*(arm.latency or () for arm in ticks_arm), strict=True))),
        conversions=sum(arm.conversions or 0 for arm in ticks_arm),
    )


def test_a_late_record_is_not_zero_traffic() -> None:
    ticks = Traffic(per_tick=400).ticks(40)
    for gone in range(10, 16):
        ticks[gone] = ticks[gone]._replace(canary=None)
    whole = Traffic(per_tick=400).ticks(40)
    caught_up = summed([arm for tick in whole[10:17] if (arm := tick.canary)])
    ticks[16] = ticks[16]._replace(canary=caught_up)
    state, verdicts = judge(ticks, history=HISTORY)
    assert "ABORT" not in kinds(verdicts)
    assert verdicts[12].cause == "waiting"
    assert (verdicts[14].kind, verdicts[14].cause) == ("NO EVIDENCE", "blind")
    assert verdicts[14].since_s == 50.0
    assert verdicts[16].kind == "CONTINUE"
    assert state.counted.sums.requests == sum(t.canary.requests for t in whole if t.canary)


def test_a_gap_gives_the_evidence_of_one_long_tick() -> None:
    ticks = Traffic(per_tick=400).ticks(20)
    parts = [ticks[10], ticks[11]]
    baseline = summed([t.baseline for t in parts if t.baseline])
    canary = summed([t.canary for t in parts if t.canary])
    gap = [ticks[10]._replace(canary=None), ticks[11]._replace(canary=canary)]
    long_tick = ticks[11]._replace(canary=canary, baseline=baseline)
    held, _ = judge([*ticks[:10], *gap], history=HISTORY)
    one, _ = judge([*ticks[:10], long_tick], history=HISTORY)
    assert held.harm == one.harm
    assert held.traffic == one.traffic


def test_a_record_that_is_delivered_again_changes_nothing() -> None:
    ticks = Traffic().ticks(30)
    once, _ = judge(ticks, history=HISTORY)
    twice, _ = judge([t for tick in ticks for t in (tick, tick)] + ticks[3:9], history=HISTORY)
    assert once == twice


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"errors": 10_000}, "errors of"),
        ({"errors": float("nan")}, "counts"),
        ({"requests": -1}, "counts"),
        ({"latency": (1, 2)}, "buckets instead of"),
        ({"latency": (9_999,) * 17}, "in the latency buckets"),
        ({"conversions": 9_999}, "conversions of"),
    ],
)
def test_a_record_that_cannot_be_is_left_out_and_three_in_a_row_are_said_aloud(
    change: dict[str, object], word: str
) -> None:
    ticks = Traffic().ticks(30)
    for broken in (10, 11, 12):
        arm = ticks[broken].canary
        assert arm is not None
        ticks[broken] = ticks[broken]._replace(canary=arm._replace(**change))  # type: ignore[arg-type]
    _, verdicts = judge(ticks, history=HISTORY)
    assert [v.kind for v in verdicts[10:14]] == ["CONTINUE", "CONTINUE", "NO EVIDENCE", "CONTINUE"]
    assert verdicts[12].cause == "bad data"
    assert word in verdicts[12].note
    assert verdicts[12].note.startswith("canary: ")


def test_a_clock_that_goes_back_is_a_record_left_out() -> None:
    ticks = Traffic().ticks(10)
    ticks[5] = ticks[5]._replace(end_s=1.0)
    _, verdicts = judge(ticks, history=HISTORY)
    assert "is not after" in verdicts[5].note
    assert verdicts[6].note == ""


def test_both_arms_idle_is_no_evidence_and_a_quiet_canary_is_called_so() -> None:
    nothing = Arm(0, 0, (0,) * 17, 0)
    ticks = Traffic().ticks(20)
    idle = [*ticks[:10], *(t._replace(canary=nothing, baseline=nothing) for t in ticks[10:])]
    _, verdicts = judge(idle, history=HISTORY)
    assert (verdicts[-1].kind, verdicts[-1].cause) == ("NO EVIDENCE", "idle")
    slow = Traffic(weight=0.02, per_tick=60).ticks(20)
    quiet = [*(t._replace(canary=nothing) for t in slow)]
    _, verdicts = judge(quiet, with_metrics(traffic={"enabled": False}), HISTORY)
    assert (verdicts[-1].kind, verdicts[-1].cause) == ("NO EVIDENCE", "no canary requests")


def without_latency(ticks: list) -> list:  # type: ignore[type-arg]
    return [
        t._replace(
            canary=t.canary._replace(latency=None), baseline=t.baseline._replace(latency=None)
        )
        for t in ticks
    ]


def test_a_metric_without_data_holds_fails_or_is_ignored_as_its_policy_says() -> None:
    ticks = without_latency(Traffic(per_tick=1000, weight=0.5).ticks(80))
    _, held = judge(ticks, history=HISTORY)
    assert (held[-1].kind, held[-1].cause, held[-1].metric) == (
        "NO EVIDENCE",
        "metric missing",
        "latency",
    )
    _, failed = judge(ticks, with_metrics(latency={"no_data": "fail"}), HISTORY)
    assert (failed[-1].kind, failed[-1].cause) == ("ABORT", "no data for too long")
    _, ignored = judge(ticks, with_metrics(latency={"no_data": "ignore"}), HISTORY)
    assert ignored[-1].kind == "PROMOTE"


def test_blind_for_too_long_fails_only_where_a_policy_says_so() -> None:
    seen = Traffic().ticks(90)
    ticks = [*seen[:10], *(t._replace(canary=None) for t in seen[10:])]
    _, held = judge(ticks, history=HISTORY)
    assert held[-1].kind == "NO EVIDENCE"
    _, failed = judge(ticks, with_metrics(errors={"no_data": "fail"}), HISTORY)
    aborted = next(v for v in failed if v.kind == "ABORT")
    assert aborted.end_s == 50 + START.no_data_limit_s + 5


def test_conversions_nobody_counts_are_not_waited_for() -> None:
    plain = Service(conversions=None)
    traffic = Traffic(plain, plain, per_tick=1000, weight=0.5)
    _, verdicts = judge(traffic.ticks(80), history=traffic.history())
    assert verdicts[-1].kind == "PROMOTE"
    assert verdicts[-1].certainty[2] is None


@pytest.mark.parametrize("canary", [Service(), Service(errors=0.03), Service(median_s=0.08)])
def test_a_state_saved_and_loaded_at_every_tick_gives_the_same_verdicts(canary: Service) -> None:
    ticks = Traffic(canary, bad_from=20).ticks(45)
    ticks[7] = ticks[7]._replace(canary=None)
    ticks[8] = ticks[8]._replace(baseline=Arm(0, 0, None))
    _, live = judge(ticks, history=HISTORY)
    state, again = begin(START, HISTORY), []
    for tick in ticks:
        state = load_state(json.loads(json.dumps(save_state(state), allow_nan=False)))
        state, verdict = step(state, tick)
        again.append(verdict)
    assert again == live


def test_a_replay_of_the_kept_ticks_is_the_live_run() -> None:
    ticks = Traffic(Service(errors=0.04), bad_from=15).ticks(40)
    assert judge(ticks, history=HISTORY) == judge(ticks, history=HISTORY)


def test_a_saved_state_of_another_format_is_refused_in_words() -> None:
    with pytest.raises(ValueError, match="format 99"):
        load_state({"format": 99})
    with pytest.raises(ValueError, match="cannot be read"):
        load_state({"format": 1, "start": []})
