"""What a person is shown: intervals, evidence, forecasts, what would flip it, and sentences."""

from __future__ import annotations

import re
from dataclasses import replace

from gaesup_tui.domain.judging import Arm, State, Tick, begin, step
from gaesup_tui.domain.judging.account import explain
from gaesup_tui.domain.judging.counters import increment
from gaesup_tui.domain.judging.flips import errors_to_abort, flips, slowdown_to_abort
from gaesup_tui.domain.judging.intervals import error_interval, interval
from gaesup_tui.domain.judging.words import flip, sentence
from tests.unit.judging_rig import START, Service, Traffic, judge, with_metrics

HISTORY = Traffic().history()


def words_of(traffic: Traffic, count: int = 60, **changes: object) -> tuple[State, str]:
    """The state and the sentence at the end, or at the ABORT."""
    state, _ = judge(traffic.ticks(count), with_metrics(**changes), HISTORY)
    return state, sentence(state, explain(state))


def test_the_error_interval_covers_the_truth_at_every_look() -> None:
    misses = 0
    for seed in range(20):
        state = begin(START, HISTORY)
        lost = False
        for tick in Traffic(Service(errors=0.012), per_tick=100).ticks(60, seed=seed):
            state, _ = step(state, tick)
            low, high = error_interval(state, 0.05, 0.05)
            lost = lost or not low <= 0.002 <= high
        misses += lost
    # At most 10 % may miss: more than 6 of 20 would happen less than once in 400.
    assert misses <= 6


def test_picture_and_verdict_agree() -> None:
    traffic = Traffic(Service(errors=0.05), per_tick=400)
    state, verdicts = judge(traffic.ticks(60), history=HISTORY)
    assert verdicts[-1].kind == "ABORT"
    band = interval(state, "errors")
    assert band is not None
    assert band.low > 0
    state, verdicts = judge(Traffic(per_tick=1000, weight=0.5).ticks(100), history=HISTORY)
    assert verdicts[-1].kind == "PROMOTE"
    for line in explain(state).lines:
        assert line.state == "ok"
        assert line.interval is not None
        assert line.interval.low <= (line.estimate or 0.0) <= line.interval.high
        assert line.interval.high <= line.tolerance * 1.01 or line.metric in ("latency", "traffic")


def test_meters_go_from_nothing_to_the_decision() -> None:
    state, _ = judge([], history=HISTORY)
    assert (explain(state).toward_abort, explain(state).toward_promote) == (0.0, 0.0)
    state, _ = judge(Traffic(Service(errors=0.2)).ticks(20), history=HISTORY)
    assert explain(state).toward_abort == 1.0
    state, _ = judge(Traffic(per_tick=1000, weight=0.5).ticks(100), history=HISTORY)
    assert explain(state).toward_promote == 1.0


def test_what_would_flip_it_does_flip_it() -> None:
    state, _ = judge(Traffic(per_tick=400).ticks(30), history=HISTORY)
    more = errors_to_abort(state)
    assert more is not None
    assert 3 < more < 200
    assert flip(more) == f"{more} more errors than usual in the next minute would abort it"
    assert after_a_minute(state, 2 * more) == "ABORT"
    assert after_a_minute(state, more // 2) != "ABORT"


def test_a_minute_of_slower_replies_that_would_abort_it_does() -> None:
    traffic = Traffic(per_tick=400)
    state, _ = judge(traffic.ticks(30), history=HISTORY)
    times = slowdown_to_abort(state)
    assert times in (1.25, 1.5, 2.0)
    slow = replace(traffic, canary=Service(median_s=0.060 * times * 1.1))
    quick = replace(traffic, canary=Service(median_s=0.060 * 1.02))
    assert a_minute_more(state, slow) == "ABORT"
    assert a_minute_more(state, quick) != "ABORT"


def test_nothing_flips_an_abort_and_nothing_is_imagined_without_traffic() -> None:
    over, _ = judge(Traffic(Service(errors=0.3), per_tick=400).ticks(30), history=HISTORY)
    assert list(flips(over)) == []
    assert list(flips(begin(START, HISTORY))) == []


def a_minute_more(state: State, traffic: Traffic) -> str:
    for tick in traffic.ticks(12, seed=5):
        later = tick._replace(number=state.number + 1, end_s=state.end_s + 5.0)
        state, _ = step(state, later)
    return state.verdict.kind


def after_a_minute(state: State, more: int) -> str:
    """The verdict after a minute of steady traffic in which the canary has ``more`` errors."""
    for i in range(1, 13):
        extra = more * i // 12 - more * (i - 1) // 12
        canary, baseline = Arm(100, 1 + extra, None), Arm(300, 3, None)
        tick = Tick(state.number + 1, state.end_s + 5.0, 0.25, canary, baseline)
        state, _ = step(state, tick)
    return state.verdict.kind


def test_an_abort_names_metric_sizes_limit_requests_and_how_rare_it_is() -> None:
    _, said = words_of(Traffic(Service(errors=0.06), per_tick=400))
    assert re.fullmatch(
        r"errors \d+\.\d\d % vs \d\.\d\d %: \+\d+\.\d\d points \(.\d+\.\d\d to .\d+\.\d\d\), "
        r"limit \+0\.50 points, \d+ canary requests in .+; "
        r"a healthy release shows this less than once in [\d,]+",
        said,
    )


def test_late_harm_says_since_when() -> None:
    start = START._replace(soak_s=3000.0)
    traffic = Traffic(Service(median_s=0.09), bad_from=50, per_tick=400)
    state, _ = judge(traffic.ticks(90), start, HISTORY)
    said = sentence(state, explain(state))
    assert said.startswith("p95 ")
    assert re.search(r", since \d+m\d\d after the start", said)


def test_a_promotion_says_the_worst_that_is_left() -> None:
    _, said = words_of(Traffic(per_tick=1000, weight=0.5), 100)
    assert said.startswith("errors within +0.50 points (")
    assert said.endswith(": sure at 95 % each")


def test_every_silence_has_its_own_sentence() -> None:
    ticks = Traffic(per_tick=400).ticks(20)
    nothing = Arm(0, 0, (0,) * 17, 0)
    idle = [t._replace(canary=nothing, baseline=nothing) for t in ticks]
    quiet = [t._replace(canary=nothing) for t in ticks]
    alone = [t._replace(baseline=nothing) for t in ticks]
    gone = [t._replace(canary=None) for t in ticks]
    broken = [t._replace(canary=nothing._replace(errors=3)) for t in ticks]
    untimed = [t._replace(canary=t.canary and t.canary._replace(latency=None)) for t in ticks]
    start = with_metrics(traffic={"enabled": False})
    said = []
    for feed in (idle, quiet, alone, gone, broken, untimed):
        state, verdicts = judge(feed, start, HISTORY)
        assert verdicts[-1].kind == "NO EVIDENCE"
        said.append(sentence(state, explain(state)))
    assert said == [
        "no requests on either side for 1m40: load would help",
        said[1],
        "no requests on the baseline for 1m40: nothing to compare with",
        "canary metrics missing for 1m40: nothing judged, promotion stopped",
        "20 records in a row cannot be believed: canary: 3 errors of 0 requests; promotion stopped",
        "no data of latency for 1m40: promotion waits for it",
    ]
    none = r"no requests reach the canary: weight 25 %, 0 of [\d,]+ requests in 1m40, .*"
    assert re.fullmatch(none, said[1])


def test_no_sentence_needs_a_course_in_statistics() -> None:
    stories = [
        (Traffic(Service(errors=0.06), per_tick=400), {}),
        (Traffic(Service(median_s=0.09), per_tick=400), {}),
        (Traffic(Service(conversions=0.01), per_tick=400), {"conversion": {"critical": False}}),
        (Traffic(arrives=0.2), {}),
        (Traffic(per_tick=1000, weight=0.5), {}),
        (Traffic(), {}),
    ]
    for traffic, changes in stories:
        _, said = words_of(traffic, 60, **changes)
        assert not re.search(r"\b(significant|null|p-?value|p|hypothesis|nan|inf)\b", said), said
        assert len(said) < 300


def test_counters_that_restart_vanish_or_appear_are_no_negative_traffic() -> None:
    before = {
        "a": Arm(100, 5, (90, 5)),
        "b": Arm(50, 1, (49, 0)),
        "gone": Arm(70, 0, (70, 0)),
    }
    now = {
        "a": Arm(130, 6, (118, 6)),
        "b": Arm(4, 2, (2, 0)),  # began anew
        "new": Arm(900, 90, (810, 0)),
    }
    assert increment(before, now) == (Arm(34, 3, (30, 1)), 1)
    assert increment(before, {"new": now["new"]}) == (None, 0)
