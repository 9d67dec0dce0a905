"""The journal stays short to replay and safe to lose; a fault in one place stays there."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import cast

import pytest

from gaesup_tui.domain import commands as cmd
from gaesup_tui.domain.command_rules import decide_command
from gaesup_tui.domain.errors import GaesupError
from gaesup_tui.domain.world import Snapshot, World
from gaesup_tui.engine import decisions, upkeep
from gaesup_tui.engine.clock import SystemClock
from gaesup_tui.engine.journal import Journal, JournalError
from gaesup_tui.engine.sqlite_journal import SqliteJournal
from gaesup_tui.engine.upkeep import KEEP_BACKUPS, QUIET_S, Upkeep

from .engine_rig import KEY, KIM, Rig, RigClock


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path)


def test_snapshots_follow_events_and_a_restart_begins_from_the_last(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upkeep, "SNAPSHOT_EVERY", 10)

    async def story(rig: Rig) -> None:
        await rig.waiting_canary()
        await rig.until(lambda: rig.disk.snapshot)
        assert rig.disk.snapshot is not None
        assert rig.disk.snapshot.seq >= 10
        before = rig.engine.world
        await rig.restart(clean=False)
        assert rig.engine.world.deployments == before.deployments

    rig.run(story)


class Kept:
    """A journal of which only the snapshots matter here."""

    def __init__(self) -> None:
        self.seqs: list[int] = []

    async def save_snapshot(self, snapshot: Snapshot) -> None:
        self.seqs.append(snapshot.seq)


def world_at(seq: int) -> World:
    world = World()
    world.seq = seq
    return world


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> Kept:
    monkeypatch.setattr(upkeep, "SNAPSHOT_EVERY", 10)
    monkeypatch.setattr(upkeep, "MOST_PILED", 50)
    return Kept()


def test_a_snapshot_waits_for_a_quiet_moment(rig: Rig, kept: Kept, tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        keeping = Upkeep(cast(Journal, kept), RigClock(rig.loop), tmp_path)
        for seq in range(10, 40, 10):
            keeping.committed(world_at(seq))
            await asyncio.sleep(QUIET_S / 2)
        assert kept.seqs == []
        await asyncio.sleep(2 * QUIET_S)
        assert kept.seqs == [30]

    rig.run(story)


def test_a_snapshot_does_not_wait_for_ever(rig: Rig, kept: Kept, tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        keeping = Upkeep(cast(Journal, kept), RigClock(rig.loop), tmp_path)
        for seq in range(10, 100, 10):
            keeping.committed(world_at(seq))
            await asyncio.sleep(QUIET_S / 2)
        assert kept.seqs
        assert kept.seqs[0] >= 50

    rig.run(story)


def test_an_engine_that_ends_does_not_wait_for_a_quiet_moment(
    rig: Rig, kept: Kept, tmp_path: Path
) -> None:
    async def story(rig: Rig) -> None:
        keeping = Upkeep(cast(Journal, kept), RigClock(rig.loop), tmp_path)
        keeping.committed(world_at(10))
        began = rig.now
        await keeping.settle()
        assert rig.now == began
        assert kept.seqs == []

    rig.run(story)


def test_a_snapshot_that_cannot_be_kept_stops_nothing(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upkeep, "SNAPSHOT_EVERY", 3)

    async def failing(*_: object) -> None:
        raise JournalError("no space for a snapshot")

    async def story(rig: Rig) -> None:
        monkeypatch.setattr("tests.sim.disk.SimJournal.save_snapshot", failing)
        await rig.waiting_canary()
        await rig.until(lambda: rig.engine.upkeep_error)
        assert rig.engine.upkeep_error == "no space for a snapshot"
        assert rig.engine.frozen is None

    rig.run(story)


async def test_backups_are_dated_and_only_the_newest_are_kept(tmp_path: Path) -> None:
    journal = SqliteJournal(tmp_path / "journal.db")
    await journal.open()
    backups = tmp_path / "backups"
    backups.mkdir()
    for day in range(10, 20):
        (backups / f"journal-202001{day}T000000Z.db").write_bytes(b"")
    made = await Upkeep(journal, SystemClock(), backups).backup(None)
    kept = sorted(backups.iterdir())
    assert len(kept) == KEEP_BACKUPS
    assert kept[-1] == made
    await journal.close()


def test_a_fault_in_one_deployments_rules_leaves_the_others_alone(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    decide = decide_command

    def faulty(world: World, command: cmd.Command, *rest: object) -> object:
        if isinstance(command, cmd.Pause):
            raise KeyError("a fault")
        return decide(world, command, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(decisions, "decide_command", faulty)

    async def story(rig: Rig) -> None:
        await rig.waiting_canary()
        with pytest.raises(GaesupError, match="failed inside the engine: KeyError"):
            await rig.engine.submit(cmd.Pause(deployment=KEY), KIM)
        await rig.engine.submit(cmd.Abort(deployment=KEY), KIM)
        await rig.until(lambda: rig.live == [100])

    with caplog.at_level(logging.ERROR):
        rig.run(story)
    assert "deciding on pause failed" in caplog.text


def test_a_part_that_breaks_is_told_to_the_owner(rig: Rig) -> None:
    async def story(rig: Rig) -> None:
        waiter = asyncio.ensure_future(rig.engine.failed())
        await asyncio.sleep(1)
        assert not waiter.done()
        next(t for t in asyncio.all_tasks() if t.get_name() == "conductor").cancel()
        assert "conductor" in str(await waiter)

    rig.run(story)


def test_a_backend_that_swallows_a_cancellation_does_not_keep_the_engine(rig: Rig) -> None:
    async def story(rig: Rig) -> None:
        rig.backend.stubborn = True
        await asyncio.sleep(2)
        began = rig.now
        await rig.engine.stop()
        assert rig.now - began < 1
        assert rig.kinds()[-1] == "engine_stopped"

    rig.run(story)
