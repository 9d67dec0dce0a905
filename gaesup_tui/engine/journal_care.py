"""What SQLite does not see: a changed letter in what was written, and a part that is gone.

Each event and each snapshot has a checksum beside it. One without is older than this and believed.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from zlib import crc32

_SUMS = """
create table if not exists checksum (
    what text not null, seq integer not null, crc integer not null,
    primary key (what, seq)) strict, without rowid;
"""


def keep_sums(db: sqlite3.Connection, what: str, written: Iterable[tuple[int, str]]) -> None:
    """Within the transaction that writes them: ``event`` or ``snapshot``, by number. The table is
    made with the first: a journal of before is opened on a full disk too."""
    db.execute(_SUMS)
    db.executemany(
        "insert or replace into checksum values (?, ?, ?)",
        [(what, seq, crc32(text.encode())) for seq, text in written],
    )


def forget_sums(db: sqlite3.Connection) -> None:
    """Of what was removed, within the same transaction."""
    if not _has_sums(db):
        return
    for what in ("event", "snapshot"):
        db.execute(
            "delete from checksum where what = ? and seq < "
            f"(select coalesce(min(seq), 0) from {what})",
            (what,),
        )


def changed(db: sqlite3.Connection, what: str, after: int) -> set[int]:
    """Numbers of those whose text is not what was written."""
    if not _has_sums(db):
        return set()
    rows = db.execute(
        f"select seq, data, crc from {what} join checksum using (seq) where what = ? and seq > ?",
        (what, after),
    )
    return {seq for seq, text, crc in rows if crc32(text.encode()) != crc}


def _has_sums(db: sqlite3.Connection) -> bool:
    return bool(db.execute("select 1 from sqlite_master where name = 'checksum'").fetchone())


def left_alone(path: Path) -> int:
    """Bytes of a log whose journal is gone or empty: SQLite would delete it, and with it all that
    had not been moved into the journal."""
    try:
        if path.stat().st_size:
            return 0
    except FileNotFoundError:
        pass
    try:
        return path.with_name(path.name + "-wal").stat().st_size
    except FileNotFoundError:
        return 0


def lost_part(db: sqlite3.Connection, backups: Path, *, begun_before: bool) -> str:
    """What shows that the journal had more than it has; empty when nothing does."""
    last = int(db.execute("select coalesce(max(seq), 0) from event").fetchone()[0])
    newest = max(backups.glob("*.db"), default=None, key=lambda path: path.name)
    if newest and (kept := _last_of(newest)) > last:
        return f"the journal ends at event {last}, its backup {newest.name} at {kept}"
    if begun_before and not last:
        return "the journal was begun before and holds nothing: was its -wal file lost?"
    return ""


def _last_of(backup: Path) -> int:
    try:
        with closing(sqlite3.connect(f"{backup.as_uri()}?mode=ro", uri=True)) as db:
            return int(db.execute("select coalesce(max(seq), 0) from event").fetchone()[0])
    except sqlite3.Error:
        return 0
