"""The rolling update: never more than the surge, never fewer ready than what is allowed."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from gaesup_tui.domain import amounts
from gaesup_tui.domain import commands as cmd
from gaesup_tui.domain.capacity import held_back
from gaesup_tui.domain.observation import DeploymentSeen, ReplicaSeen, RevisionSeen
from gaesup_tui.domain.rolling import limits, rolling
from gaesup_tui.domain.rolling_spec import RollingSpec
from gaesup_tui.domain.steps import AwaitReady, Bake, Check, Scale, SetTraffic, SmokeTest
from gaesup_tui.domain.waiting import waiting

from .engine_rig import Rig
from .story import KEY, Story, revision

V41, V42 = revision("v41").id, revision("v42").id


def spec(**fields: Any) -> RollingSpec:
    return RollingSpec.model_validate(fields)


@pytest.mark.parametrize(
    ("fields", "replicas", "expected"),
    [
        ({}, 4, (1, 1)),
        ({"maxSurge": "25%", "maxUnavailable": "25%"}, 10, (3, 2)),
        ({"maxSurge": "25%", "maxUnavailable": "25%"}, 1, (1, 0)),
        ({"maxSurge": 0, "maxUnavailable": "25%"}, 3, (0, 1)),  # nothing could move otherwise
        ({"maxSurge": "100%", "maxUnavailable": 0}, 7, (7, 0)),
    ],
)
def test_percents_are_rounded_as_kubernetes_rounds_them(
    fields: dict[str, Any], replicas: int, expected: tuple[int, int]
) -> None:
    assert limits(spec(**fields), replicas) == expected


def test_both_nothing_is_one_error_that_says_what_to_do() -> None:
    with pytest.raises(ValidationError, match="let one of them be 1 or more"):
        spec(maxSurge="0%", maxUnavailable=0)


@pytest.mark.parametrize("amount", ["101%", "x", "-1", -1, 1001, 1.5, True, "1.5%", [1]])
def test_what_is_no_amount_is_refused(amount: Any) -> None:
    with pytest.raises(ValidationError):
        spec(maxSurge=amount)


anything = st.one_of(st.integers(0, 60), st.integers(0, 100).map(lambda n: f"{n}%"))


@given(surge=anything, gone=anything, replicas=st.integers(1, 60), base=st.integers(0, 60))
def test_no_plan_breaks_its_limits(
    surge: int | str, gone: int | str, replicas: int, base: int
) -> None:
    if amounts.is_none(surge) and amounts.is_none(gone):
        surge = 1
    rules = spec(maxSurge=surge, maxUnavailable=gone)
    more, fewer = limits(rules, replicas)
    least = max(min(replicas, base) - fewer, 0)
    if more and base:
        least = max(least, 1)
    candidate, ready, there, share = 0, 0, base, 0
    plan = rolling(rules, replicas, (Check(path="/"),), base)
    for step in plan:
        match step:
            case Scale(side="base", replicas=count):
                assert count <= there
                there = count
            case Scale(side="candidate", replicas=count):
                assert count > candidate
                candidate = count
            case AwaitReady():
                ready = candidate
            case SmokeTest():
                assert share == 0
                assert ready
            case SetTraffic(weight_percent=weight):
                assert weight > share
                share = weight
                assert weight < 100 or ready >= min(replicas, base) - fewer
            case Bake():
                assert ready == replicas
                assert share == 100
                assert there or not more or not base  # still warm for the way back
        assert candidate + there <= max(replicas, base) + more
        if step is not plan[-1]:
            assert ready + there >= least
    assert (candidate, there, share) == (replicas, 0, 100)


def test_one_replica_is_replaced_without_being_gone() -> None:
    titles = [step.title() for step in rolling(spec(), 1, (), 1)]
    assert titles == ["candidate × 1", "healthy", "100 %", "bake 1m00", "base × 0"]


def test_without_a_surge_one_replica_has_to_go_first() -> None:
    titles = [step.title() for step in rolling(spec(maxSurge=0), 1, (), 1)]
    assert titles[:4] == ["base × 0", "candidate × 1", "healthy", "100 %"]


def test_replicas_come_in_waves_as_large_as_both_limits_allow() -> None:
    told = Story()
    told.deploy("v41", "rolling", 8)
    told.settle()
    told.deploy("v42", "rolling", None, rolling={"maxSurge": "25%", "maxUnavailable": "25%"})
    rollout = told.deployment.active
    assert rollout is not None
    waves = [s.replicas for s in rollout.plan if isinstance(s, Scale) and s.side == "candidate"]
    assert waves == [2, 6, 8]


def test_a_replica_counts_once_it_has_been_ready_for_min_ready() -> None:
    told = Story()
    told.stable("v41")
    told.deploy("v42", "rolling", 2, rolling={"minReady": "30s"})
    told.settle()
    told.later(29)
    assert told.deployment.weights() == {V41: 100}
    told.later(2)
    assert told.deployment.weights()[V42] == 50


def test_one_that_came_back_begins_its_min_ready_anew() -> None:
    told = Story()
    told.stable("v41")
    told.deploy("v42", "rolling", 2, rolling={"minReady": "30s", "progressDeadline": "2m"})
    told.settle()
    told.later(20)
    seen = told.seen()
    young = ReplicaSeen(id="v42-1", state="ready", since=told.now, restarts=1)
    revisions = {**seen.revisions, V42: RevisionSeen(wanted=1, replicas=(young,))}
    told.now += 15
    assert told.look(replace(seen, revisions=revisions)) == []


def test_the_deadline_says_which_replicas_are_not_ready_and_why() -> None:
    told = Story()
    told.stable("v41")
    told.ask(cmd.Scale(deployment=KEY, replicas=4))
    told.deploy("v42", "rolling", None, rolling={"maxSurge": 4, "progressDeadline": "60s"})
    bad = ReplicaSeen("v42-3", "backoff", told.now, last_exit="exit 137 (memory limit)")
    good = tuple(ReplicaSeen(f"v42-{n}", "ready", told.now) for n in (1, 2))
    late = ReplicaSeen("v42-4", "starting", told.now)
    told.spoil[V42] = RevisionSeen(wanted=4, replicas=(*good, bad, late))
    told.settle()
    told.later(61)
    rollout = told.deployment.rollout
    assert rollout is not None
    assert rollout.cause is not None
    assert rollout.cause.reason == (
        "not ready within 1m00: 2 of 4 replicas not ready: v42-3 restarts, exit 137 (memory limit)"
    )


def test_the_way_back_leads_from_any_wave_to_all_of_the_base() -> None:
    told = Story()
    told.deploy("v41", "rolling", 6)
    told.settle()
    for waves in range(1, 5):
        told.deploy("v42", "rolling", None, rolling={"minReady": "10s"})
        told.settle()
        for _ in range(waves):
            told.later(11)
        told.ask(cmd.Abort(deployment=KEY))
        told.settle()
        assert told.deployment.weights() == {V41: 100}
        assert told.deployment.replica_wishes()[V41][1] == 6


def lost(told: Story, version: str, ready: int, wanted: int) -> None:
    """From now on only so many replicas of ``version`` are seen ready."""
    replicas = tuple(
        ReplicaSeen(f"{version}-{n}", "ready" if n < ready else "starting", told.now)
        for n in range(wanted)
    )
    told.spoil[revision(version).id] = RevisionSeen(wanted=wanted, replicas=replicas)


def at_first_share(unavailable: int = 0) -> Story:
    """Four replicas of v41; one of v42 is ready and about to get its share."""
    told = Story()
    told.deploy("v41", "rolling", 4)
    told.settle()
    told.deploy("v42", "rolling", None, rolling={"maxUnavailable": unavailable})
    while told.deployment.active and not told.deployment.active.weight_percent:
        told.look()
    return told


def test_a_route_changed_while_nothing_of_the_plan_can_serve_does_not_stop_it() -> None:
    told = Story()
    told.deploy("v41", "rolling", 1)
    told.settle()
    told.deploy("v42", "rolling", None, rolling={"maxSurge": 0, "maxUnavailable": 1})
    while told.deployment.replica_wishes()[V41][1]:
        told.look()
    seen = told.seen()
    told.look(DeploymentSeen(weights={"v40-00000000": 37, V42: 63}, revisions=seen.revisions))
    active = told.deployment.active
    assert active is not None
    assert active.paused is None
    told.settle()
    assert told.deployment.weights() == {V42: 100}


def test_no_old_replica_goes_while_a_new_one_that_was_ready_no_longer_is() -> None:
    told = at_first_share()
    lost(told, "v42", ready=0, wanted=1)
    assert told.settle() == []
    assert told.deployment.replica_wishes()[V41][1] == 4
    why = waiting(told.deployment, told.seen(), None)
    assert why is not None
    assert why.what == "the base stays: 3 of 4 replicas would be ready without it"
    told.spoil.clear()
    told.settle()
    assert told.deployment.weights() == {V42: 100}


def test_as_many_as_are_allowed_may_be_missing() -> None:
    told = at_first_share(unavailable=1)
    lost(told, "v41", ready=3, wanted=4)
    told.look()
    assert told.deployment.replica_wishes()[V41][1] == 2


def test_what_serves_nobody_may_go_in_any_case() -> None:
    told = at_first_share()
    lost(told, "v41", ready=0, wanted=4)
    told.look()
    assert told.deployment.replica_wishes()[V41][1] == 3


def test_the_base_stays_past_its_bake_until_the_new_ones_are_ready_again() -> None:
    told = Story()
    told.stable("v41")
    told.deploy("v42", "blueGreen", blueGreen={"steps": [100], "bake": "10s"})
    told.settle()
    lost(told, "v42", ready=1, wanted=2)
    told.later(11)
    assert told.deployment.replica_wishes()[V41][1] == 2
    why = waiting(told.deployment, told.seen(), None)
    assert why is not None
    assert why.what == "baking, the base stays: 1 of 2 replicas would be ready without it"
    told.spoil.clear()
    told.settle()
    assert told.deployment.stable == revision("v42")


def test_what_was_wished_before_is_not_carried_out_once_too_few_are_ready() -> None:
    told = at_first_share()
    told.look()
    rollout = told.deployment.active
    assert rollout is not None
    assert rollout.base_replicas == 3
    lost(told, "v42", ready=0, wanted=1)
    lost(told, "v41", ready=4, wanted=4)
    assert held_back(rollout, told.seen(), 3) is not None
    lost(told, "v42", ready=1, wanted=1)
    assert held_back(rollout, told.seen(), 3) is None


def test_on_the_way_back_none_of_the_base_goes() -> None:
    told = at_first_share()
    told.look()
    told.ask(cmd.Abort(deployment=KEY))
    rollout = told.deployment.active
    assert rollout is not None
    lost(told, "v41", ready=4, wanted=4)
    assert held_back(rollout, told.seen(), 3) is not None


def test_a_new_life_of_the_engine_takes_nothing_from_the_base_before_it_has_seen(
    tmp_path: Path,
) -> None:
    async def story(rig: Rig) -> None:
        await rig.deploy("v41", replicas=3)
        await rig.until(lambda: rig.deployment.stable)
        await rig.deploy("v42", strategy="rolling", spec={"rolling": {"minReady": "20s"}})
        await rig.until(lambda: rig.deployment.active and rig.deployment.active.base_replicas == 1)
        rig.backend.blind = True
        await rig.restart(clean=False)
        rig.backend.calls.clear()
        await asyncio.sleep(2)
        assert not [call for call in rig.backend.calls if call.startswith("ensure v41")]

    Rig(tmp_path).run(story)
