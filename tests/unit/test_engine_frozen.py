"""When the journal cannot be written: nothing goes forward, and the way to safety stays open."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from gaesup_tui.domain import commands as cmd
from gaesup_tui.domain.errors import Frozen

from .engine_rig import KEY, KIM, MARA, Rig


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path)


async def freeze(rig: Rig) -> None:
    """The disk is full, and the engine has noticed."""
    rig.disk.full_until = rig.now + 1e9
    with pytest.raises(Frozen, match="disk is full"):
        await rig.engine.submit(cmd.Scale(deployment=KEY, replicas=3), KIM)
    assert rig.engine.frozen


async def thaw(rig: Rig) -> None:
    """There is room again, and the engine has noticed."""
    rig.disk.full_until = 0.0
    await rig.until(lambda: rig.engine.frozen is None)


def test_an_abort_acts_from_memory_and_is_recorded_when_it_can_be(rig: Rig) -> None:
    async def story(rig: Rig) -> None:
        await rig.waiting_canary()
        await freeze(rig)
        began = rig.now
        receipt = await rig.engine.submit(cmd.Abort(deployment=KEY, why="it burns"), MARA)
        assert not receipt.durable
        await rig.until(lambda: rig.live == [100])
        assert rig.now - began < 0.05
        assert "retreat_started" not in rig.kinds()
        await thaw(rig)
        recorded = [e for e in rig.disk.events if e.event.kind == "retreat_started"]
        assert [(e.by, e.at) for e in recorded] == [(MARA, receipt.events[0].at)]
        await rig.until(lambda: rig.deployment.active is None)

    rig.run(story)


def test_a_way_back_goes_on_to_its_end_without_a_journal(rig: Rig) -> None:
    async def story(rig: Rig) -> None:
        await rig.waiting_canary()
        await freeze(rig)
        await rig.engine.submit(cmd.Abort(deployment=KEY), KIM)
        await rig.until(lambda: rig.deployment.active is None)
        assert rig.deployment.rollout is not None
        assert rig.deployment.rollout.outcome == "aborted"
        held = len(rig.disk.events)
        await thaw(rig)
        assert rig.kinds()[held:][0] == "retreat_started"
        assert rig.kinds()[-1] == "rollout_finished"

    rig.run(story)


def test_a_guard_still_leads_back(rig: Rig) -> None:
    async def story(rig: Rig) -> None:
        await rig.waiting_canary()
        await freeze(rig)
        candidate = rig.deployment.active and rig.deployment.active.candidate.id
        rig.fleet.places[KEY].revisions[candidate or ""].sick = True
        await rig.until(lambda: rig.live == [100])

    rig.run(story)


def test_an_emergency_stop_acts_and_forbids_new_rollouts(rig: Rig) -> None:
    async def story(rig: Rig) -> None:
        await rig.waiting_canary()
        await freeze(rig)
        await rig.engine.submit(cmd.Stop(why="smoke"), MARA)
        await rig.until(lambda: rig.live == [100])
        assert rig.engine.world.stops
        await thaw(rig)
        assert "stop_pressed" in rig.kinds()

    rig.run(story)


def test_nothing_goes_forward_and_everybody_who_asks_is_told_why(rig: Rig) -> None:
    async def story(rig: Rig) -> None:
        await rig.waiting_canary()
        await freeze(rig)
        for command in (
            cmd.Promote(deployment=KEY),
            cmd.Pause(deployment=KEY),
            cmd.Scale(deployment=KEY, replicas=1),
        ):
            with pytest.raises(Frozen, match="nothing moves forward"):
                await rig.engine.submit(command, KIM)
        await asyncio.sleep(60)
        assert rig.live == [90, 10]
        assert rig.deployment.active is not None
        assert rig.deployment.active.index == 3

    rig.run(story)


def test_a_promotion_that_could_not_be_recorded_never_happened(rig: Rig) -> None:
    async def story(rig: Rig) -> None:
        await rig.waiting_canary()
        rig.disk.full_until = rig.now + 5
        before = rig.deployment
        with pytest.raises(Frozen):
            await rig.engine.submit(cmd.Promote(deployment=KEY), KIM)
        assert rig.deployment == before
        await rig.until(lambda: rig.engine.frozen is None)
        await rig.engine.submit(cmd.Promote(deployment=KEY), KIM)
        await rig.until(lambda: rig.deployment.active is None)
        assert rig.kinds().count("decision_made") == 1

    rig.run(story)


def test_an_abort_does_not_wait_for_a_slow_disk(rig: Rig) -> None:
    async def story(rig: Rig) -> None:
        await rig.waiting_canary()
        rig.disk.slow_until = rig.now + 60
        rig.disk.slow_s = 30.0
        promote = asyncio.ensure_future(rig.engine.submit(cmd.Promote(deployment=KEY), KIM))
        await asyncio.sleep(0.01)
        began = rig.now
        receipt = await rig.engine.submit(cmd.Abort(deployment=KEY), MARA)
        assert not receipt.durable
        await rig.until(lambda: rig.live == [100])
        assert rig.now - began < 0.3
        assert (await promote).durable
        await rig.until(lambda: rig.deployment.active is None, 120)
        await rig.until(lambda: rig.kinds()[-1] == "rollout_finished", 120)
        assert rig.live == [100]

    rig.run(story)


def test_a_journal_that_does_not_answer_is_called_frozen(rig: Rig) -> None:
    async def story(rig: Rig) -> None:
        await rig.waiting_canary()
        rig.disk.slow_until = rig.now + 1
        rig.disk.slow_s = 30.0
        slow = asyncio.ensure_future(rig.engine.submit(cmd.Pause(deployment=KEY), KIM))
        await rig.until(lambda: rig.engine.frozen, 6)
        assert "not answered" in str(rig.engine.frozen)
        with pytest.raises(Frozen):
            await rig.engine.submit(cmd.Promote(deployment=KEY), KIM)
        assert (await slow).durable
        assert rig.engine.frozen is None

    rig.run(story)


def test_an_engine_starts_on_a_full_disk_and_ways_back_go_on(rig: Rig) -> None:
    async def story(rig: Rig) -> None:
        await rig.waiting_canary()
        rig.disk.full_until = rig.now + 1e9
        await rig.restart(clean=False)
        assert rig.engine.frozen
        await rig.engine.submit(cmd.Abort(deployment=KEY), KIM)
        await rig.until(lambda: rig.live == [100])
        await thaw(rig)
        assert "engine_started" in rig.kinds()[-8:]

    rig.run(story)


async def two_good_versions(rig: Rig) -> None:
    """v42 serves, v41 was good before."""
    await rig.deploy("v41", replicas=2)
    await rig.until(lambda: rig.deployment.stable)
    quick = {"canary": {"steps": [{"weight": 50}], "bake": 0}, "autoAbort": False}
    await rig.deploy("v42", strategy="canary", spec=quick)
    await rig.until(lambda: rig.deployment.stable and rig.deployment.stable.version == "v42")
    await rig.until(lambda: rig.deployment.active is None)


def serving(rig: Rig) -> list[str]:
    """The versions that have all the traffic, on the live route."""
    weights = rig.fleet.places[KEY].weights
    return [revision.partition("-")[0] for revision, share in weights.items() if share == 100]


@pytest.mark.parametrize(
    "command", [cmd.GlobalRollback(why="bad night"), cmd.Rollback(deployment=KEY, why="bad")]
)
def test_a_rollback_brings_the_traffic_back_from_memory_and_is_recorded_later(
    rig: Rig, command: cmd.Command
) -> None:
    async def story(rig: Rig) -> None:
        await two_good_versions(rig)
        await freeze(rig)
        receipt = await rig.engine.submit(command, MARA)
        assert not receipt.durable
        await rig.until(lambda: serving(rig) == ["v41"])
        await asyncio.sleep(120)
        assert rig.deployment.active, "what it left stays warm until it is recorded"
        assert len(rig.fleet.places[KEY].revisions) == 2
        assert "rollout_created" not in rig.kinds()[-3:]
        await thaw(rig)
        await rig.until(lambda: rig.deployment.active is None, 60)
        assert rig.deployment.stable is not None
        assert rig.deployment.stable.version == "v41"
        recorded = [e for e in rig.disk.events if e.event.kind == "rollout_created"]
        assert recorded[-1].at == pytest.approx(receipt.events[-1].at, abs=1.0)

    rig.run(story)


def test_a_global_rollback_from_memory_takes_back_what_moves(rig: Rig) -> None:
    async def story(rig: Rig) -> None:
        await rig.waiting_canary()
        await freeze(rig)
        await rig.engine.submit(cmd.GlobalRollback(why="bad night"), MARA)
        await rig.until(lambda: rig.live == [100])
        await thaw(rig)
        await rig.until(lambda: rig.deployment.active is None)
        assert rig.kinds().count("global_rollback_started") == 1
        assert [stop.mode for stop in rig.engine.world.stops] == ["rollback"]

    rig.run(story)


def test_a_rollback_that_the_engine_forgot_is_undone_and_the_journals_word_holds(rig: Rig) -> None:
    async def story(rig: Rig) -> None:
        await two_good_versions(rig)
        await freeze(rig)
        await rig.engine.submit(cmd.Rollback(deployment=KEY), MARA)
        await rig.until(lambda: serving(rig) == ["v41"])
        rig.disk.full_until = 0.0
        await rig.restart(clean=False)
        await rig.until(lambda: serving(rig) == ["v42"])

    rig.run(story)
