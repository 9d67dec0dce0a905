"""What the journal promises: order, durability, one owner, and an answer to every misfortune."""

from __future__ import annotations

import os
import sqlite3
import stat
from pathlib import Path

import pytest

from gaesup_tui.domain import events as ev
from gaesup_tui.domain.events import Recorded
from gaesup_tui.domain.rollout import Actor
from gaesup_tui.domain.world import World
from gaesup_tui.engine.journal import Answer, Batch, JournalError
from gaesup_tui.engine.sqlite_journal import PRUNED, SqliteJournal

KIM = Actor(name="kim", uid=1000)


def scaled(seq: int, key: str = "cart@production") -> Recorded:
    event = ev.DeploymentScaled(deployment=key, replicas=seq % 5)
    return Recorded(seq=seq, at=1000.0 + seq, by=KIM, event=event)


async def test_what_was_appended_is_there_in_the_next_life(tmp_path: Path) -> None:
    first = SqliteJournal(tmp_path / "journal.db")
    restored = await first.open()
    assert restored.tail == ()
    batch = (scaled(1), scaled(2))
    await first.append(Batch(batch, (Answer("1000/k1", "abc", 1, 2),)))
    await first.close()
    second = SqliteJournal(tmp_path / "journal.db")
    restored = await second.open()
    assert restored.tail == batch
    assert restored.answers == (Answer("1000/k1", "abc", 1, 2),)
    await second.close()


async def test_a_batch_is_all_or_nothing(tmp_path: Path) -> None:
    journal = SqliteJournal(tmp_path / "journal.db")
    await journal.open()
    await journal.append(Batch((scaled(1),)))
    with pytest.raises(JournalError, match="cannot write"):
        await journal.append(Batch((scaled(2), scaled(1))))
    assert await journal.read(0, 10) == (scaled(1),)
    await journal.append(Batch((scaled(2),)))
    assert await journal.read(1, 10) == (scaled(2),)
    await journal.close()


async def test_history_is_read_forward_backward_and_per_deployment(tmp_path: Path) -> None:
    journal = SqliteJournal(tmp_path / "journal.db")
    await journal.open()
    events = [scaled(n, "cart@production" if n % 2 else "mail@staging") for n in range(1, 8)]
    await journal.append(Batch(tuple(events)))
    assert [e.seq for e in await journal.read(2, 3)] == [3, 4, 5]
    assert [e.seq for e in await journal.read(0, 9, "mail@staging")] == [2, 4, 6]
    assert [e.seq for e in await journal.read_before(None, 2)] == [7, 6]
    assert [e.seq for e in await journal.read_before(6, 9, "cart@production")] == [5, 3, 1]
    await journal.close()


async def test_a_snapshot_shortens_the_tail_and_leads_to_the_same_world(tmp_path: Path) -> None:
    journal = SqliteJournal(tmp_path / "journal.db")
    await journal.open()
    world = World()
    for seq in range(1, 6):
        await journal.append(Batch((scaled(seq),)))
        world.apply(scaled(seq))
        if seq == 3:
            await journal.save_snapshot(world.snapshot())
    await journal.close()
    again = SqliteJournal(tmp_path / "journal.db")
    restored = await again.open()
    assert restored.snapshot is not None
    assert restored.snapshot.seq == 3
    assert [e.seq for e in restored.tail] == [4, 5]
    await again.close()


async def test_a_snapshot_from_beyond_the_last_event_is_not_believed(tmp_path: Path) -> None:
    journal = SqliteJournal(tmp_path / "journal.db")
    await journal.open()
    await journal.append(Batch((scaled(1),)))
    world = World()
    world.apply(scaled(9))
    await journal.save_snapshot(world.snapshot())
    await journal.close()
    again = SqliteJournal(tmp_path / "journal.db")
    restored = await again.open()
    assert restored.snapshot is None
    assert restored.tail == (scaled(1),)
    await again.close()


async def test_a_second_engine_is_told_that_there_is_one(tmp_path: Path) -> None:
    first = SqliteJournal(tmp_path / "journal.db")
    await first.open()
    second = SqliteJournal(tmp_path / "journal.db")
    with pytest.raises(JournalError, match="another engine") as told:
        await second.open()
    assert "engine status" in told.value.hint
    await first.append(Batch((scaled(1),)))
    await first.close()


async def test_files_are_for_their_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "state" / "journal.db"
    journal = SqliteJournal(path)
    await journal.open()
    await journal.append(Batch((scaled(1),)))
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    for file in path.parent.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file
    await journal.close()


async def test_a_damaged_file_is_refused_with_the_way_to_a_backup(tmp_path: Path) -> None:
    path, backups = tmp_path / "journal.db", tmp_path / "backups"
    journal = SqliteJournal(path, backups=backups)
    await journal.open()
    await journal.append(Batch(tuple(scaled(n) for n in range(1, 400))))
    await journal.backup(backups / "journal-1.db")
    await journal.close()
    body = bytearray(path.read_bytes())
    body[:200] = os.urandom(200)
    path.write_bytes(body)
    again = SqliteJournal(path, backups=backups)
    with pytest.raises(JournalError, match="damaged") as told:
        await again.open()
    assert str(backups / "journal-1.db") in told.value.hint


async def test_damage_deep_inside_is_found_at_the_start(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    journal = SqliteJournal(path)
    await journal.open()
    await journal.append(Batch(tuple(scaled(n) for n in range(1, 4000))))
    await journal.close()
    body = bytearray(path.read_bytes())
    middle = len(body) // 2 // 4096 * 4096
    body[middle : middle + 4096] = bytes(4096)
    path.write_bytes(body)
    with pytest.raises(JournalError, match="damaged") as told:
        await SqliteJournal(path).open()
    assert "no backup" in told.value.hint


async def test_a_backup_made_while_work_goes_on_is_a_journal(tmp_path: Path) -> None:
    journal = SqliteJournal(tmp_path / "journal.db")
    await journal.open()
    await journal.append(Batch((scaled(1), scaled(2))))
    await journal.backup(tmp_path / "copy" / "journal.db")
    await journal.append(Batch((scaled(3),)))
    copy = SqliteJournal(tmp_path / "copy" / "journal.db")
    restored = await copy.open()
    assert [e.seq for e in restored.tail] == [1, 2]
    await copy.close()
    await journal.close()


async def test_a_newer_schema_is_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    journal = SqliteJournal(path)
    await journal.open()
    await journal.close()
    with sqlite3.connect(path) as db:
        db.execute(f"pragma user_version = {PRUNED + 1}")
    db.close()
    with pytest.raises(JournalError, match="newer gaesup") as told:
        await SqliteJournal(path).open()
    assert "install that version" in told.value.hint


async def test_a_directory_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(JournalError, match="cannot open the journal"):
        await SqliteJournal(tmp_path / "file" / "journal.db").open()


async def test_a_closed_journal_says_so(tmp_path: Path) -> None:
    journal = SqliteJournal(tmp_path / "journal.db")
    await journal.open()
    await journal.close()
    await journal.close()
    with pytest.raises(JournalError, match="closed"):
        await journal.append(Batch((scaled(1),)))
