"""A journal that lost a part of itself or a letter says so; what is sound is read as before."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from gaesup_tui.domain import events as ev
from gaesup_tui.domain.sentences import sentence
from gaesup_tui.domain.world import World
from gaesup_tui.engine.journal import Batch, JournalError
from gaesup_tui.engine.sqlite_journal import SqliteJournal

from .test_journal import scaled


async def written(path: Path, count: int) -> None:
    """A journal of so many events that was closed."""
    journal = SqliteJournal(path)
    await journal.open()
    await journal.append(Batch(tuple(scaled(n) for n in range(1, count + 1))))
    await journal.close()


def alter(path: Path, statement: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        assert db.execute(statement).rowcount


async def test_a_changed_digit_in_an_event_is_found_though_it_still_reads_well(
    tmp_path: Path,
) -> None:
    path = tmp_path / "journal.db"
    await written(path, 3)
    alter(path, """update event set data = replace(data, '"replicas":2', '"replicas":3')""")
    with pytest.raises(JournalError, match="event 2 is not what was written there"):
        await SqliteJournal(path).open()


async def test_a_snapshot_that_was_changed_is_not_believed(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    journal, world = SqliteJournal(path), World()
    await journal.open()
    for seq in (1, 2):
        await journal.append(Batch((scaled(seq),)))
        world.apply_all((scaled(seq),))
        await journal.save_snapshot(world.snapshot())
    await journal.close()
    alter(path, """update snapshot set data = replace(data, '1002', '1003') where seq = 2""")
    again = SqliteJournal(path)
    restored = await again.open()
    assert restored.snapshot is not None
    assert restored.snapshot.seq == 1, "the one before it leads to the same"
    assert restored.tail == (scaled(2),)
    await again.close()


async def test_a_journal_of_before_has_no_checksums_and_is_read(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    await written(path, 3)
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("drop table checksum")
    again = SqliteJournal(path)
    assert (await again.open()).tail == tuple(map(scaled, (1, 2, 3)))
    await again.append(Batch((scaled(4),)))
    await again.close()
    alter(path, """update event set data = replace(data, '"replicas":4', '"replicas":3')""")
    with pytest.raises(JournalError, match="event 4 is not"):
        await SqliteJournal(path).open()


@pytest.mark.parametrize("left", [b"", None])
async def test_a_log_whose_journal_is_gone_is_not_thrown_away(
    tmp_path: Path, left: bytes | None
) -> None:
    """SQLite would: and with it all that the journal held."""
    path = tmp_path / "journal.db"
    journal = SqliteJournal(path)
    await journal.open()
    await journal.append(Batch((scaled(1),)))
    crashed = tmp_path / "crashed" / "journal.db"
    crashed.parent.mkdir()
    log = crashed.with_name("journal.db-wal")
    shutil.copy(path.with_name("journal.db-wal"), log)
    if left is not None:
        crashed.write_bytes(left)
    held = log.read_bytes()
    assert held
    with pytest.raises(JournalError, match=r"it is empty, and journal\.db-wal holds \d+ bytes"):
        await SqliteJournal(crashed).open()
    assert log.read_bytes() == held
    await journal.close()


async def test_a_journal_whose_log_is_lost_says_what_it_has_no_more(tmp_path: Path) -> None:
    path, backups = tmp_path / "journal.db", tmp_path / "backups"
    journal = SqliteJournal(path)
    assert (await journal.open()).lost == "", "a new one lost nothing"
    await journal.append(Batch((scaled(1), scaled(2))))
    crashed = tmp_path / "crashed" / "journal.db"
    crashed.parent.mkdir()
    shutil.copy(path, crashed)  # without its log
    first = SqliteJournal(crashed, backups=backups)
    assert "begun before and holds nothing" in (await first.open()).lost
    await first.close()
    await journal.backup(backups / "journal-1.db")
    second = SqliteJournal(crashed, backups=backups)
    assert (await second.open()).lost == (
        "the journal ends at event 0, its backup journal-1.db at 2"
    )
    await second.close()
    await journal.append(Batch((scaled(3),)))
    await journal.close()
    whole = SqliteJournal(path, backups=backups)
    assert (await whole.open()).lost == ""
    await whole.close()


def test_what_was_lost_is_told_where_everybody_looks() -> None:
    event = ev.EngineStarted(version="1", pid=7, after_crash=True, lost="the journal ends at 3")
    text, tone = sentence(event, None)
    assert text == "engine 1 started: the journal ends at 3; what is not in it is forgotten"
    assert tone == "bad"
