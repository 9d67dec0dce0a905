"""The journal does not grow without end, and nothing that is needed ever leaves it."""

from __future__ import annotations

import logging
import os
import shutil
from pathlib import Path
from random import Random

import pytest

from gaesup_tui.domain import commands as cmd
from gaesup_tui.domain import events as ev
from gaesup_tui.domain.events import Recorded
from gaesup_tui.domain.rollout import Actor
from gaesup_tui.domain.windows import FreezeWindow
from gaesup_tui.domain.world import World
from gaesup_tui.engine import upkeep
from gaesup_tui.engine.clock import SystemClock
from gaesup_tui.engine.journal import Answer, Batch, JournalError, Restored
from gaesup_tui.engine.retention import Retention
from gaesup_tui.engine.sqlite_journal import PRUNED, SCHEMA, SqliteJournal

from .engine_rig import KEY, Rig

KIM = Actor(name="kim", uid=1000)
FOR_EVER = 1e12


def added(seq: int) -> Recorded:
    """An event the world remembers by its number."""
    window = FreezeWindow(name=f"w{seq % 7}", begins="Fri 16:00", ends="Mon 08:00")
    event = ev.WindowAdded(scope="production", window=window, why=str(seq))
    return Recorded(seq=seq, at=1000.0 + seq, by=KIM, event=event)


def folded(restored: Restored) -> World:
    world = World.restore(restored.snapshot) if restored.snapshot else World()
    world.apply_all(restored.tail)
    return world


async def filled(path: Path, last: int, *snapshots: int) -> SqliteJournal:
    """A journal of so many events, with a snapshot after some of them."""
    journal = SqliteJournal(path)
    await journal.open()
    world = World()
    for seq in range(1, last + 1):
        await journal.append(Batch((added(seq),), (Answer(f"k{seq}", "d", seq, seq),)))
        world.apply(added(seq))
        if seq in snapshots:
            await journal.save_snapshot(world.snapshot())
    return journal


async def restored(path: Path) -> Restored:
    journal = SqliteJournal(path)
    found = await journal.open()
    await journal.close()
    return found


async def test_what_a_kept_snapshot_needs_stays_however_old_it_is(tmp_path: Path) -> None:
    journal = await filled(tmp_path / "j.db", 30, 12, 20)
    assert await journal.prune(FOR_EVER, 30, 5) == 5
    assert await journal.prune(FOR_EVER, 30, 100) == 6
    assert await journal.prune(FOR_EVER, 30, 100) == 0
    assert [each.seq for each in await journal.read(0, 2)] == [12, 13]
    await journal.close()
    assert folded(await restored(tmp_path / "j.db")).seq == 30


async def test_without_a_snapshot_nothing_goes(tmp_path: Path) -> None:
    journal = await filled(tmp_path / "j.db", 10)
    assert await journal.prune(FOR_EVER, 10, 100) == 0
    await journal.close()
    assert len((await restored(tmp_path / "j.db")).tail) == 10


async def test_nothing_younger_goes_and_answers_go_with_their_events(tmp_path: Path) -> None:
    journal = await filled(tmp_path / "j.db", 30, 20, 25)
    assert await journal.prune(1000.0 + 11, 30, 100) == 10
    await journal.close()
    found = await restored(tmp_path / "j.db")
    assert [answer.first for answer in found.answers] == list(range(11, 31))


async def test_an_older_gaesup_is_kept_from_a_journal_that_lost_its_beginning(
    tmp_path: Path,
) -> None:
    journal = await filled(tmp_path / "j.db", 30, 20)
    schema = "pragma user_version"
    assert await _asked(journal, schema) == SCHEMA
    await journal.prune(FOR_EVER, 30, 1)
    assert await _asked(journal, schema) == PRUNED
    await journal.append(Batch(()))  # a trial whether it can be written takes nothing of it back
    assert await _asked(journal, schema) == PRUNED
    await journal.close()


async def test_one_damaged_snapshot_costs_nothing_and_two_are_told(tmp_path: Path) -> None:
    path = tmp_path / "j.db"
    journal = await filled(path, 30, 12, 20)
    whole = folded(await _copied(journal, tmp_path / "whole"))
    await journal.prune(FOR_EVER, 30, 100)
    damage = "update snapshot set data = 'x' where seq = {} returning seq"
    await _asked(journal, damage.format(20))
    assert folded(await _copied(journal, tmp_path / "one")).snapshot() == whole.snapshot()
    await _asked(journal, damage.format(12))
    await journal.close()
    with pytest.raises(JournalError, match="events before 12 are gone, and no snapshot") as told:
        await SqliteJournal(path).open()
    assert "backup" in told.value.hint


async def _asked(journal: SqliteJournal, query: str) -> int:
    """The first value the file answers."""
    return await journal._call(lambda: int(journal._opened().execute(query).fetchone()[0]))


async def _copied(journal: SqliteJournal, folder: Path) -> Restored:
    """What the files hold at this moment: what a crash would leave."""
    os.mkdir(folder)
    for file in journal.path.parent.glob(f"{journal.path.name}*"):
        shutil.copy(file, folder / file.name)
    return await restored(folder / journal.path.name)


@pytest.mark.parametrize("seed", range(8))
async def test_a_crash_at_any_moment_leads_to_the_same_world(tmp_path: Path, seed: int) -> None:
    random, world, seq = Random(seed), World(), 0
    journal = SqliteJournal(tmp_path / "j.db")
    await journal.open()
    removed = 0
    for moment in range(25):
        match random.choice(("append", "append", "snapshot", "prune", "prune")):
            case "append":
                batch = tuple(added(seq + n) for n in range(1, random.randint(2, 9)))
                await journal.append(Batch(batch))
                world.apply_all(batch)
                seq = world.seq
            case "snapshot" if seq:
                await journal.save_snapshot(world.snapshot())
            case _:
                young = 1000.0 + random.randint(0, max(1, seq))
                removed += await journal.prune(young, seq, random.randint(1, 9))
        found = await _copied(journal, tmp_path / str(moment))
        assert folded(found).snapshot() == world.snapshot()
    await journal.close()
    assert removed, "nothing was put to the test"


async def test_a_snapshot_that_leads_elsewhere_is_found_before_anything_goes(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    journal = await filled(tmp_path / "j.db", 30, 20)
    world = World()
    world.apply_all([added(seq) for seq in range(1, 30)])
    other = added(30).model_copy(update={"at": 99.0})
    world.apply(other)
    retention = Retention(journal, SystemClock(), lambda: world, keep_s=60.0)
    with (
        caplog.at_level(logging.ERROR),
        pytest.raises(JournalError, match="event 20 leads to another state"),
    ):
        await retention.prune()
    assert len(await journal.read(0, 100)) == 30
    await journal.close()


def test_an_engine_removes_what_is_old_and_goes_on_as_if_it_had_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upkeep, "SNAPSHOT_EVERY", 5)
    rig = Rig(tmp_path)

    async def story(rig: Rig) -> None:
        rig.keep_history_s = 3600.0
        await rig.restart()
        await rig.deploy("v40")
        await rig.until(lambda: rig.deployment.stable)
        steps = [{"weight": 10}, {"pause": {"expiry": "20h"}}]
        await rig.deploy("v41", strategy="canary", spec={"canary": {"steps": steps}})
        await rig.until(lambda: rig.deployment.active and rig.deployment.active.index == 3)
        moving, began = rig.deployment.rollout, rig.now
        await rig.until(lambda: rig.now > began + 2.5 * 3600.0, within_s=3 * 3600.0)
        begins = rig.engine.begins
        assert begins is not None
        # The rollout that waits is older than what is kept, and its story stays whole.
        assert moving
        assert rig.deployment.active
        assert begins.at <= moving.at < rig.now - rig.keep_history_s
        before = rig.engine.world
        await rig.restart(clean=False)
        assert rig.engine.world.deployments == before.deployments
        assert rig.engine.begins == begins
        await rig.engine.submit(cmd.Abort(deployment=KEY), KIM)
        await rig.until(lambda: rig.live == [100])

    rig.run(story)


def test_a_command_sent_again_after_its_answer_was_removed_is_decided_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upkeep, "SNAPSHOT_EVERY", 5)
    rig = Rig(tmp_path)

    async def story(rig: Rig) -> None:
        rig.keep_history_s = 3600.0
        await rig.restart()
        await rig.deploy("v41", replicas=2)
        await rig.until(lambda: rig.deployment.stable)
        hold = cmd.Hold(deployment=KEY, why="a freeze")
        first = await rig.engine.submit(hold, KIM, "key-1")
        again = await rig.engine.submit(hold, KIM, "key-1")
        assert (again.seq, again.repeated) == (first.seq, True)
        await rig.engine.submit(cmd.ReleaseHold(deployment=KEY, why="over"), KIM)
        for version in ("v42", "v43"):
            await rig.deploy(version)
            await rig.until(lambda: not rig.deployment.active, within_s=90.0)
        await rig.until(
            lambda: rig.engine.begins and rig.engine.begins.seq > first.seq, within_s=4 * 3600.0
        )
        anew = await rig.engine.submit(hold, KIM, "key-1")
        assert not anew.repeated
        assert rig.deployment.hold

    rig.run(story)
