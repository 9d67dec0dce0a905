"""Guards on memory, lost traffic and lost conversions, and the time a breach has to hold."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Any

import pytest
from pydantic import ValidationError

from gaesup_tui.domain.drops import Compared, conversion_lost, surely_fewer, traffic_lost
from gaesup_tui.domain.guards import breach, brewing, broken, guard_name
from gaesup_tui.domain.observation import Counters, DeploymentSeen, ReplicaSeen, RevisionSeen
from gaesup_tui.domain.rollout import Rollout
from gaesup_tui.domain.steps import Guard
from gaesup_tui.domain.telemetry import Delta, Series, Window
from gaesup_tui.engine.guard_memory import GuardMemory

from .story import Story, revision

V42 = revision("v42").id
BAD = {10.0: Window(seconds=10, requests=400, errors=80, p50_s=0.01, p95_s=0.02)}


def canary(*guards: dict[str, Any], **spec: Any) -> Rollout:
    """v42 with 20 % of the traffic and these guards."""
    story = Story()
    story.stable("v41")
    steps = {"steps": [{"weight": 20}, {"pause": None}]}
    story.deploy("v42", canary=steps, guards=list(guards), **spec)
    story.settle()
    assert story.deployment.active is not None
    return story.deployment.active


def delta(requests: int, conversions: int | None = None) -> Delta:
    return Delta(10.0, requests, 0, (), (), conversions)


def seen(memory: int | None = None) -> DeploymentSeen:
    replica = ReplicaSeen(id="v42-1", state="ready", since=0.0, memory_bytes=memory)
    return DeploymentSeen({V42: 20}, {V42: RevisionSeen(wanted=1, replicas=(replica,))})


# What is written in a file ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "limit"),
    [("5%", 0.05), ("12.5 %", 0.125), ("250ms", 0.25), ("48Mi", 48 * 2**20), ("1m", 60.0), (2, 2)],
)
def test_a_limit_is_written_as_people_write_it(written: Any, limit: float) -> None:
    guard = Guard.model_validate({"metric": "p95", "above": written, "for": "30s"})
    assert guard.above == pytest.approx(limit)
    assert guard.hold_s == 30
    assert Guard.model_validate_json(guard.model_dump_json()) == guard


def test_a_limit_that_is_none_says_what_one_looks_like() -> None:
    with pytest.raises(ValidationError, match="'much' is not a limit: write a number, 5%"):
        Guard.model_validate({"metric": "p95", "above": "much"})
    with pytest.raises(ValidationError, match="above is the share that may be lost"):
        Guard.model_validate({"metric": "trafficDrop", "above": 50})


# Memory -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("limit", "used", "said"),
    [
        ("90%", 60 * 2**20, "v42 uses 60.0Mi in v42-1 > 90.0 % of 64.0Mi"),
        ("90%", 50 * 2**20, None),
        ("32Mi", 33 * 2**20, "v42 uses 33.0Mi in v42-1 > 32.0Mi"),
        ("32Mi", None, None),
    ],
)
def test_memory_is_of_one_replica_in_bytes_or_as_a_share(
    limit: str, used: int | None, said: str | None
) -> None:
    rollout = canary({"metric": "memory", "above": limit})
    cause = breach(rollout, seen(used), {}, 0.0)
    assert (cause.reason if cause else None) == said


# Traffic ------------------------------------------------------------------------------------------

HALF = Guard(metric="trafficDrop", above=0.5)


@pytest.mark.parametrize(
    ("ours", "theirs", "lost"),
    [
        (0, 800, True),
        (40, 800, True),
        (200, 800, False),  # as its weight says
        (100, 800, False),  # just at the limit: chance may have done it
        (0, 60, False),  # too few to be sure
    ],
)
def test_a_candidate_that_gets_far_less_than_its_share_lost_traffic(
    ours: int, theirs: int, lost: bool
) -> None:
    rollout = canary()
    said = traffic_lost(HALF, rollout, Compared(delta(ours), delta(theirs)))
    assert bool(said) == lost
    if said:
        assert said == f"got {ours} requests of 200 expected over 10 s"


def test_sticky_clients_promise_no_share_of_requests() -> None:
    rollout = canary(sticky=True)
    assert traffic_lost(HALF, rollout, Compared(delta(0), delta(800))) is None


def test_no_data_is_no_drop() -> None:
    assert traffic_lost(HALF, canary(), Compared()) is None
    assert traffic_lost(HALF, canary(), Compared(None, delta(800), None, [1000.0] * 20)) is None


def test_the_whole_deployment_is_compared_with_its_own_past() -> None:
    rollout = canary()
    steady = [1000.0, 990.0, 1010.0, 1005.0, 995.0, 1000.0]
    assert traffic_lost(HALF, rollout, Compared(total=100.0, past=steady))
    assert traffic_lost(HALF, rollout, Compared(total=600.0, past=steady)) is None
    assert traffic_lost(HALF, rollout, Compared(total=0.0, past=steady[:3])) is None, "young"
    wild = [1000.0, 10.0, 1900.0, 400.0, 1500.0, 60.0]
    assert traffic_lost(HALF, rollout, Compared(total=60.0, past=wild)) is None, "it always varies"


def test_healthy_traffic_is_never_called_a_drop_however_often_one_looks() -> None:
    random, rollout = Random(7), canary()
    for _ in range(20_000):
        ours = random.binomialvariate(200, 0.2) if hasattr(random, "binomialvariate") else 0
        ours = ours or sum(random.random() < 0.2 for _ in range(200))
        assert traffic_lost(HALF, rollout, Compared(delta(ours), delta(200 - ours))) is None


def test_the_bound_is_a_bound() -> None:
    """Exact tails, where they can be summed, are below what the bound promises."""
    from math import comb

    for of in (20, 100, 300):
        for share in (0.05, 0.3, 0.7):
            tail = 0.0
            for count in range(of + 1):
                tail += comb(of, count) * share**count * (1 - share) ** (of - count)
                if surely_fewer(count, of, share):
                    assert tail <= 1e-6


# Conversion ---------------------------------------------------------------------------------------

FIFTH = Guard(metric="conversionDrop", above=0.2)


def test_fewer_conversions_per_request_are_a_breach_when_chance_does_not_explain_them() -> None:
    rollout = canary()
    bad = Compared(delta(2000, 20), delta(8000, 400))
    assert conversion_lost(FIFTH, rollout, bad) == (
        "converts 1.0 % of 2000 requests, v41 5.0 %: 20.0 % may be lost"
    )
    few = Compared(delta(40, 0), delta(160, 8))
    assert conversion_lost(FIFTH, rollout, few) is None
    assert conversion_lost(FIFTH, rollout, Compared(delta(2000), delta(8000, 400))) is None


def test_in_the_bake_the_base_is_compared_as_it_was() -> None:
    rollout = canary()
    baking = Compared(delta(2000, 20), delta(0, 0), base_before=delta(8000, 400))
    assert conversion_lost(FIFTH, rollout, baking)


# For how long -------------------------------------------------------------------------------------

LASTING = {"metric": "errorRatio", "above": "5%", "for": "30s"}


def test_a_breach_acts_once_it_held_without_a_break() -> None:
    rollout, memory = canary(LASTING), GuardMemory()
    for at in (0.0, 1.0, 2.0, 28.0):
        since = memory.since(rollout, broken(rollout, seen(), BAD, at), at)
        assert breach(rollout, seen(), BAD, at, since=since) is None
    for at in (float(second) for second in range(29, 59)):
        since = memory.since(rollout, broken(rollout, seen(), BAD, at), at)
    cause = breach(rollout, seen(), BAD, 58.0, since=since)
    assert cause is not None
    assert cause.reason == "v42 errors 20.0 % > 5.0 % over 10 s, for 30 s"
    assert cause.check == "errorRatio"


@pytest.mark.parametrize("what", ["healed", "unseen", "clock back", "new life", "new rollout"])
def test_what_breaks_the_time_begins_it_anew(what: str) -> None:
    rollout, memory = canary(LASTING), GuardMemory()
    for at in range(25):
        memory.since(rollout, [0], float(at))
    now = 25.0
    match what:
        case "healed":
            memory.since(rollout, [], 24.5)
        case "unseen":
            now = 60.0
        case "clock back":
            now = 10.0
        case "new life":
            memory = GuardMemory()
        case "new rollout":
            rollout = rollout.model_copy(update={"id": "cart@production#9"})
    assert memory.since(rollout, [0], now) == {0: now}


def test_a_breach_that_does_not_hold_long_enough_yet_is_announced() -> None:
    rollout = canary(LASTING)
    found = broken(rollout, seen(), BAD, 5.0)
    assert brewing(rollout, found, {0: 0.0}) == [
        ("errorRatio", "v42 errors 20.0 % > 5.0 % over 10 s: aborts when it holds for 30 s")
    ]


def test_several_guards_of_one_metric_are_told_apart() -> None:
    guards = canary(LASTING, {"metric": "p95", "above": "1s"}, LASTING | {"above": "50%"})
    names = [guard_name(guards.spec.guards, number) for number in range(3)]
    assert names == ["errorRatio#1", "p95", "errorRatio#2"]


# What is counted ----------------------------------------------------------------------------------


def test_conversions_are_counted_over_a_window_or_not_at_all() -> None:
    series, one = Series(), Counters(ok=10, conversions=1)
    series.add(0.0, "b", one)
    series.add(5.0, "b", replace(one, ok=30, conversions=4))
    gained = series.delta(5.0, 10.0)
    assert gained is not None
    assert (gained.requests, gained.conversions) == (20, 3)
    series.add(6.0, "b", replace(one, ok=40, conversions=None))
    gained = series.delta(6.0, 10.0)
    assert gained is not None
    assert gained.conversions is None


def test_requests_between_two_moments_are_read_from_the_line_between_samples() -> None:
    series = Series()
    for at, count in ((0.0, 0), (10.0, 100), (20.0, 400)):
        series.add(at, "b", Counters(ok=count))
    assert series.requests_between(5.0, 15.0) == pytest.approx(200)
    assert series.requests_between(-1.0, 15.0) is None
