"""How wishes become true when backends hang, fail, forget, or hold things nobody knows."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from gaesup_tui.domain import commands as cmd
from gaesup_tui.engine.lane import Lane

from .engine_rig import GATED, KEY, KIM, Rig, RigClock


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path)


def test_a_hanging_ensure_never_delays_the_traffic_of_an_abort(rig: Rig) -> None:
    async def story(rig: Rig) -> None:
        await rig.waiting_canary()
        rig.backend.hanging.add("ensure")
        await rig.engine.submit(cmd.Scale(deployment=KEY, replicas=3), KIM)
        await asyncio.sleep(0.1)
        began = rig.now
        await rig.engine.submit(cmd.Abort(deployment=KEY), KIM)
        await rig.until(lambda: rig.live == [100])
        assert rig.now - began < 0.05

    rig.run(story)


def test_a_traffic_call_that_hangs_is_abandoned_for_an_abort(rig: Rig) -> None:
    async def story(rig: Rig) -> None:
        await rig.waiting_canary()
        rig.backend.hanging.add("traffic")
        await rig.engine.submit(cmd.Promote(deployment=KEY), KIM)
        await asyncio.sleep(0.5)
        assert rig.backend.calls[-1] == "traffic [50, 50]"
        rig.backend.hanging.clear()
        began = rig.now
        await rig.engine.submit(cmd.Abort(deployment=KEY), KIM)
        await rig.until(lambda: rig.live == [100])
        assert rig.now - began < 0.05

    rig.run(story)


def test_a_call_that_fails_is_repeated_with_growing_waits_and_its_error_is_shown(rig: Rig) -> None:
    async def story(rig: Rig) -> None:
        await rig.waiting_canary()
        rig.backend.failing.add("traffic")
        before = len(rig.backend.calls)
        await rig.engine.submit(cmd.Promote(deployment=KEY), KIM)
        await asyncio.sleep(10)
        tries = rig.backend.calls[before:].count("traffic [50, 50]")
        assert 6 <= tries <= 9
        assert rig.engine.troubles(KEY) == ("traffic: traffic cannot be reached",)
        rig.backend.failing.clear()
        await rig.until(lambda: rig.live == [50, 50])
        await rig.until(lambda: rig.engine.troubles(KEY) == ())

    rig.run(story)


def test_a_backend_that_began_anew_is_told_everything_replicas_before_traffic(rig: Rig) -> None:
    async def story(rig: Rig) -> None:
        await rig.waiting_canary()
        rig.fleet.restart()
        before = len(rig.backend.calls)
        await rig.until(lambda: KEY in rig.fleet.places and rig.live == [90, 10])
        calls = rig.backend.calls[before:]
        assert sorted(calls[:2]) == ["ensure v41 2", "ensure v42 2"]
        assert calls[2] == "traffic [10, 90]"

    rig.run(story)


def test_a_route_changed_by_hand_is_set_right_again_when_nothing_moves(rig: Rig) -> None:
    async def story(rig: Rig) -> None:
        await rig.deploy("v41")
        await rig.until(lambda: rig.deployment.stable)
        await asyncio.sleep(3)
        rig.fleet.places[KEY].weights = {}
        await rig.until(lambda: rig.live == [100], 5)

    rig.run(story)


def test_what_the_journal_does_not_know_is_told_and_left_alone(rig: Rig) -> None:
    async def story(rig: Rig) -> None:
        await rig.deploy("v41")
        rig.fleet.ensure("ghost@production", "v1-00000000", 1)
        rig.fleet.ensure(KEY, "v9-00000000", 1)
        await asyncio.sleep(5)
        assert rig.engine.strangers() == {"local": ("ghost@production",)}
        assert rig.engine.strange_revisions() == {KEY: ("v9-00000000",)}
        assert "v9-00000000" in rig.fleet.places[KEY].revisions

    rig.run(story)


def test_a_new_life_finds_things_as_wished_and_calls_nobody(rig: Rig) -> None:
    async def story(rig: Rig) -> None:
        await rig.deploy("v41", replicas=2)
        await rig.until(lambda: rig.deployment.stable)
        await asyncio.sleep(3)
        await rig.restart(clean=False)
        before = len(rig.backend.calls)
        await asyncio.sleep(5)
        assert rig.backend.calls[before:] == []

    rig.run(story)


def test_a_failed_smoke_test_leads_back_with_the_reply_as_reason(rig: Rig) -> None:
    async def story(rig: Rig) -> None:
        await rig.deploy("v41")
        await rig.until(lambda: rig.deployment.stable)
        rig.fleet.sick.add(rig.revision("v42").id)
        checks = [{"path": "/health"}]
        await rig.deploy("v42", strategy="canary", spec=GATED, checks=checks)
        await rig.until(lambda: rig.deployment.active is None)
        rollout = rig.deployment.rollout
        assert rollout is not None
        assert rollout.cause is not None
        assert rollout.cause.reason == "smoke test: GET /health answered 500, expected 200"
        assert rollout.weight_percent == 0
        assert rig.deployment.hold is not None

    rig.run(story)


def test_what_a_backend_will_never_run_leads_back_with_its_words(rig: Rig) -> None:
    async def story(rig: Rig) -> None:
        await rig.deploy("v41")
        await rig.until(lambda: rig.deployment.stable)
        rig.backend.refusing = "v42"
        await rig.deploy("v42", strategy="canary", spec=GATED)
        await rig.until(lambda: rig.deployment.active is None)
        rollout = rig.deployment.rollout
        assert rollout is not None
        assert rollout.cause is not None
        assert rollout.cause.reason == "v42 cannot run here: it asks for too much memory"
        assert rig.live == [100]

    rig.run(story)


def test_the_newest_wish_wins_and_the_one_before_is_never_asked_again(rig: Rig) -> None:
    async def story(rig: Rig) -> None:
        asked: list[int] = []

        async def call(wish: int) -> None:
            asked.append(wish)
            if wish == 1:
                await asyncio.sleep(3600)

        lane = Lane[int](call, RigClock(rig.loop), 5.0, lambda: None)
        lane.want(1, False)
        await asyncio.sleep(0.1)
        lane.want(2, True)  # seems to be true, but the call for 1 may still land
        await asyncio.sleep(30)
        lane.want(2, True)
        await asyncio.sleep(30)
        assert asked == [1, 2]

    rig.run(story)
