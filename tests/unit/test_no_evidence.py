"""Every kind of NO EVIDENCE has a code and a sentence of its own, and says what helps."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from gaesup_tui.domain.actions import BY_ID
from gaesup_tui.domain.judged import verdict_of
from gaesup_tui.domain.judged_record import read_record, replay
from gaesup_tui.domain.judging import Arm, Tick
from gaesup_tui.domain.judging.feed import Gap
from gaesup_tui.domain.remedies import commands
from gaesup_tui.domain.verdict import Verdict

from .bench_rig import Rig
from .judging_rig import BOUNDS_S, Traffic, judge, with_metrics

HISTORY = Traffic(per_tick=400).history()
NOTHING = Arm(0, 0, (0,) * (len(BOUNDS_S) + 1), 0)


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    rig = Rig(tmp_path / "judged")
    rig.run(300)
    rig.canary_at(25)
    rig.run(30)
    return rig


def feed(kind: str) -> list[Tick]:
    ticks = Traffic(per_tick=400).ticks(20)
    gaps: dict[str, Gap] = {"late": "late", "counter reset": "reset", "several series": "series"}
    if kind in gaps:
        return [tick._replace(canary=None, baseline=None, gap=gaps[kind]) for tick in ticks]
    if kind == "blind":
        return [tick._replace(baseline=None, gap="baseline") for tick in ticks]
    if kind == "no canary requests":
        return [tick._replace(canary=NOTHING) for tick in ticks]
    if kind == "no baseline requests":
        return [tick._replace(baseline=NOTHING) for tick in ticks]
    if kind == "idle":
        return [tick._replace(canary=NOTHING, baseline=NOTHING) for tick in ticks]
    if kind == "too few requests":
        one = Arm(1, 0, (1, *NOTHING.latency[1:]) if NOTHING.latency else None, 0)
        return [tick._replace(canary=one) for tick in Traffic(per_tick=4).ticks(20)]
    if kind == "bad data":
        return [tick._replace(canary=NOTHING._replace(errors=3)) for tick in ticks]
    untimed = [
        tick._replace(canary=tick.canary and tick.canary._replace(latency=None)) for tick in ticks
    ]
    if kind == "buckets differ":
        return [tick._replace(gap="buckets") for tick in untimed]
    assert kind == "metric missing"
    return untimed


SAID = {
    "late": "nothing seen of either side for 1m40",
    "counter reset": "the counters began anew again and again for 1m40",
    "several series": "the counters jump back and forth for 1m40",
    "blind": "baseline metrics missing for 1m40",
    "no canary requests": "no requests reach the canary: weight 25 %, 0 of",
    "no baseline requests": "no requests on the baseline for 1m40",
    "idle": "no requests on either side for 1m40",
    "too few requests": "20 canary requests in 1m40: too few to judge, about",
    "bad data": "20 records in a row cannot be believed",
    "buckets differ": "the latency buckets of both sides differ for 1m40",
    "metric missing": "no data of latency for 1m40",
}


@pytest.mark.parametrize("kind", SAID)
def test_each_kind_has_its_code_its_sentence_and_what_helps(kind: str) -> None:
    # With it, a canary that gets nothing is an ABORT before it is a silence.
    start = with_metrics(traffic={"enabled": kind != "no canary requests"})
    state, _ = judge(feed(kind), start, HISTORY)
    verdict = verdict_of(state)
    assert (verdict.kind, verdict.code) == ("NO EVIDENCE", kind)
    assert verdict.reason.startswith(SAID[kind])
    assert verdict.fix
    assert verdict.helps
    assert set(verdict.helps) <= set(BY_ID)


def test_requests_help_where_there_are_too_few() -> None:
    state, _ = judge(feed("idle"), history=HISTORY)
    said = commands(verdict_of(state).helps, "cart@production")
    assert said.startswith("gaesup load cart@production --rps 50")


def test_a_verdict_of_an_older_journal_has_no_code() -> None:
    old = {"kind": "CONTINUE", "reason": "nothing wrong so far"}
    assert Verdict.model_validate(old).code == ""


# As the engine sees it.


def said(rig: Rig) -> Verdict:
    verdict = rig.verdict()
    assert verdict is not None
    return verdict


def test_a_backend_that_is_not_seen_is_late(rig: Rig) -> None:
    rig.run(30, told=lambda n: False)
    assert said(rig).code == "late"
    rig.run(6)
    assert said(rig).kind == "CONTINUE"


def test_a_backend_that_restarts_all_the_time_is_named(rig: Rig) -> None:
    for _ in range(6):
        rig.restart_backend()
        rig.run(5)
    assert (said(rig).kind, said(rig).code) == ("NO EVIDENCE", "counter reset")


def test_series_that_take_turns_are_not_traffic(rig: Rig) -> None:
    """Two routers behind one address: each look may show the counters of the other."""
    other = {
        revision: replace(
            c, ok=c.ok * 3, errors=c.errors + 9, buckets=tuple(3 * n for n in c.buckets)
        )
        for revision, c in rig.counted.items()
    }
    for second in range(60):
        rig.now += 1
        rig.serve(100)
        kept = dict(rig.counted)
        if second % 2:
            rig.counted = dict(other)
        rig.observe()
        rig.counted = kept
    verdict = said(rig)
    assert (verdict.kind, verdict.code) == ("NO EVIDENCE", "several series")
    rig.run(120)  # one of them is gone
    assert said(rig).kind in ("CONTINUE", "PROMOTE")


def test_buckets_that_changed_with_the_version_are_named(rig: Rig) -> None:
    for revision, counters in rig.counted.items():
        if revision.startswith("v42"):
            rig.counted[revision] = replace(
                counters, bounds_s=(0.1, 1.0, 10.0), buckets=(counters.ok, 0, 0, 0)
            )
    changed = dict(rig.counted)
    for _ in range(30):
        rig.now += 1
        for revision, counters in changed.items():
            changed[revision] = replace(
                counters,
                ok=counters.ok + 50,
                buckets=(counters.buckets[0] + 50, *counters.buckets[1:]),
            )
        rig.counted = dict(changed)
        rig.observe()
    assert (said(rig).kind, said(rig).code) == ("NO EVIDENCE", "buckets differ")


def test_the_kind_is_recorded_with_the_tick(rig: Rig) -> None:
    rig.run(30, told=lambda n: False)
    live = said(rig)
    record = read_record(rig.recorded())
    assert verdict_of(replay(record, record.start)[0]) == live
