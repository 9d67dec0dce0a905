"""The journal in SQLite: one file, one connection, one thread.

WAL with ``locking_mode=EXCLUSIVE`` on a single connection avoids the WAL-reset corruption of
older SQLite versions (it needs two connections) and keeps a second engine out.
``synchronous=FULL`` makes a commit last through a power loss.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

from gaesup_tui.domain.events import Recorded
from gaesup_tui.domain.world import Snapshot
from gaesup_tui.engine.journal import KEEP_ANSWERS, Answer, Batch, JournalError, Restored
from gaesup_tui.engine.journal_care import (
    changed,
    forget_sums,
    keep_sums,
    left_alone,
    lost_part,
)

SCHEMA = 1
PRUNED = 2
"""The schema once events were removed: an older gaesup would replay the rest as if it were all."""
KEEP_SNAPSHOTS = 2
_TABLES = """
create table if not exists event (
    seq integer primary key, at real not null, deployment text not null,
    kind text not null, data text not null) strict;
create index if not exists event_of on event (deployment, seq);
create table if not exists snapshot (seq integer primary key, data text not null) strict;
create table if not exists answer (
    key text primary key, digest text not null,
    first integer not null, last integer not null) strict;
create index if not exists answer_age on answer (last);
"""
_EVENTS: TypeAdapter[tuple[Recorded, ...]] = TypeAdapter(tuple[Recorded, ...])
_T = TypeVar("_T")


class SqliteJournal:
    """A journal at ``path``; its directory becomes 0700 and its files 0600."""

    def __init__(self, path: Path, *, backups: Path | None = None) -> None:
        self.path = path
        self._backups = backups or path.parent / "backups"
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="journal")
        self._db: sqlite3.Connection | None = None
        self._closed = False
        self._schema = SCHEMA

    async def _call(self, work: Callable[[], _T]) -> _T:
        if self._closed:
            raise JournalError(f"the journal {self.path} is closed")
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, work)

    async def open(self) -> Restored:
        return await self._call(self._open)

    async def append(self, batch: Batch) -> None:
        await self._call(lambda: self._append(batch))

    async def read(
        self, after: int, limit: int, deployment: str | None = None
    ) -> tuple[Recorded, ...]:
        where = "" if deployment is None else "and deployment = ?"
        query = f"select data from event where seq > ? {where} order by seq limit ?"
        values = (after, limit) if deployment is None else (after, deployment, limit)
        return await self._call(lambda: self._read(query, values))

    async def read_before(
        self, before: int | None, limit: int, deployment: str | None = None
    ) -> tuple[Recorded, ...]:
        top = 2**62 if before is None else before
        where = "" if deployment is None else "and deployment = ?"
        query = f"select data from event where seq < ? {where} order by seq desc limit ?"
        values = (top, limit) if deployment is None else (top, deployment, limit)
        return await self._call(lambda: self._read(query, values))

    async def save_snapshot(self, snapshot: Snapshot) -> None:
        await self._call(lambda: self._save_snapshot(snapshot))

    async def oldest_snapshot(self) -> str | None:
        return await self._call(self._oldest_snapshot)

    async def prune(self, before_at: float, through: int, limit: int) -> int:
        return await self._call(lambda: self._prune(before_at, through, limit))

    async def backup(self, path: Path) -> None:
        await self._call(lambda: self._backup(path))

    async def close(self) -> None:
        if not self._closed:
            await self._call(self._close)
            self._closed = True
            self._thread.shutdown(wait=False)

    # Everything below runs on the one thread.

    def _open(self) -> Restored:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.path.parent.chmod(0o700)
            if size := left_alone(self.path):
                raise self._damaged(
                    f"it is empty, and {self.path.name}-wal holds {size} bytes of it"
                )
            begun_before = self.path.exists() and self.path.stat().st_size > 0
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600))
            self.path.chmod(0o600)
        except OSError as error:
            raise JournalError(
                f"cannot open the journal {self.path}: {error.strerror}",
                hint="make the directory writable for you, or set XDG_STATE_HOME to one that is",
            ) from None
        try:
            self._db = self._connect()
            return self._restore(self._db, begun_before=begun_before)
        except sqlite3.Error as error:
            self._close()
            raise self._cannot_open(error) from None
        except JournalError:
            self._close()
            raise

    def _connect(self) -> sqlite3.Connection:
        db = sqlite3.connect(self.path, isolation_level=None, timeout=0.2)
        self._db = db
        db.execute("pragma locking_mode = exclusive")
        db.execute("pragma journal_mode = wal")
        db.execute("pragma synchronous = full")
        db.execute("begin immediate")  # takes the lock that keeps a second engine out
        version = int(db.execute("pragma user_version").fetchone()[0])
        if version > PRUNED:
            db.execute("rollback")
            raise JournalError(
                f"the journal {self.path} was written by a newer gaesup (schema {version}, "
                f"this one knows {PRUNED})",
                hint=f"install that version again, or restore an older backup from {self._backups}",
            )
        self._schema = version or SCHEMA
        db.execute("commit")
        if version == 0:
            db.executescript(f"begin; {_TABLES} pragma user_version = {SCHEMA}; commit;")
            db.execute("pragma wal_checkpoint(truncate)")
        found = db.execute("pragma quick_check(1)").fetchone()[0]
        if found != "ok":
            raise self._damaged(str(found))
        return db

    def _restore(self, db: sqlite3.Connection, *, begun_before: bool) -> Restored:
        spoiled = changed(db, "snapshot", 0)
        kept = db.execute(
            "select data, seq from snapshot where seq <= (select coalesce(max(seq), 0) from event) "
            "order by seq desc"
        ).fetchall()
        # One that makes no sense only costs time: the one before it, or all events, tell the same.
        sound = (row for row in kept if row[1] not in spoiled)
        snapshot = next(filter(None, map(_snapshot, sound)), None)
        after = snapshot.seq if snapshot else 0
        first = db.execute("select min(seq) from event").fetchone()[0]
        if first is not None and first > after + 1:
            raise self._damaged(f"the events before {first} are gone, and no snapshot holds them")
        if wrong := changed(db, "event", after):
            raise self._damaged(f"event {min(wrong)} is not what was written there")
        tail = self._read("select data from event where seq > ? order by seq", (after,))
        rows = db.execute(
            "select key, digest, first, last from answer order by last desc limit ?",
            (KEEP_ANSWERS,),
        ).fetchall()
        lost = lost_part(db, self._backups, begun_before=begun_before)
        return Restored(snapshot, tail, tuple(Answer(*row) for row in reversed(rows)), lost)

    def _append(self, batch: Batch) -> None:
        db = self._opened()
        try:
            db.execute("begin immediate")
            if not batch.events:  # a trial: it has to reach the disk to say anything
                db.execute(f"pragma user_version = {self._schema}")
            texts = [e.model_dump_json() for e in batch.events]
            db.executemany(
                "insert into event values (?, ?, ?, ?, ?)",
                [
                    (e.seq, e.at, e.deployment, e.event.kind, text)
                    for e, text in zip(batch.events, texts, strict=True)
                ],
            )
            keep_sums(db, "event", zip((e.seq for e in batch.events), texts, strict=True))
            db.executemany(
                "insert or replace into answer values (?, ?, ?, ?)",
                [(a.key, a.digest, a.first, a.last) for a in batch.answers],
            )
            if not batch.events and not batch.answers:
                # Asked only to see whether it can be written: a commit without a page would
                # succeed on a full disk too.
                db.execute(f"pragma user_version = {self._schema}")
            db.execute("commit")
        except sqlite3.Error as error:
            with suppress(sqlite3.Error):
                db.execute("rollback")
            raise JournalError(
                f"cannot write the journal {self.path}: {error}",
                hint="free some space or make it writable; it is tried again by itself",
            ) from None

    def _read(self, query: str, values: tuple[object, ...]) -> tuple[Recorded, ...]:
        db = self._opened()
        try:
            rows = db.execute(query, values).fetchall()
        except sqlite3.Error as error:
            raise JournalError(f"cannot read the journal {self.path}: {error}") from None
        try:
            return _EVENTS.validate_json("[" + ",".join(row[0] for row in rows) + "]")
        except ValidationError as error:
            raise self._damaged(f"an event it holds makes no sense: {_first(error)}") from None

    def _save_snapshot(self, snapshot: Snapshot) -> None:
        db = self._opened()
        try:
            db.execute("begin immediate")
            text = snapshot.model_dump_json()
            db.execute("insert or replace into snapshot values (?, ?)", (snapshot.seq, text))
            keep_sums(db, "snapshot", [(snapshot.seq, text)])
            db.execute(
                "delete from snapshot where seq not in "
                "(select seq from snapshot order by seq desc limit ?)",
                (KEEP_SNAPSHOTS,),
            )
            db.execute(
                "delete from answer where last <= "
                "(select last from answer order by last desc limit 1 offset ?)",
                (KEEP_ANSWERS,),
            )
            db.execute("commit")
        except sqlite3.Error as error:
            with suppress(sqlite3.Error):
                db.execute("rollback")
            raise JournalError(f"cannot keep a snapshot in {self.path}: {error}") from None

    def _oldest_snapshot(self) -> str | None:
        try:
            row = (
                self._opened().execute("select data from snapshot order by seq limit 1").fetchone()
            )
        except sqlite3.Error as error:
            raise JournalError(f"cannot read the journal {self.path}: {error}") from None
        return str(row[0]) if row else None

    def _prune(self, before_at: float, through: int, limit: int) -> int:
        db = self._opened()
        try:
            db.execute("begin immediate")
            removed = prune(db, before_at, through, limit)
            if removed:
                forget_sums(db)
                db.execute(f"pragma user_version = {PRUNED}")
            db.execute("commit")
        except sqlite3.Error as error:
            with suppress(sqlite3.Error):
                db.execute("rollback")
            raise JournalError(f"cannot shorten the journal {self.path}: {error}") from None
        self._schema = PRUNED if removed else self._schema
        return removed

    def _backup(self, path: Path) -> None:
        db = self._opened()
        partial = path.with_name(path.name + ".part")
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            partial.unlink(missing_ok=True)
            os.close(os.open(partial, os.O_RDWR | os.O_CREAT, 0o600))
            copy = sqlite3.connect(partial)
            try:
                db.backup(copy)
                # A copy in WAL mode would need its own -wal beside it.
                copy.execute("pragma journal_mode = delete")
            finally:
                copy.close()
            partial.replace(path)
        except (OSError, sqlite3.Error) as error:
            with suppress(OSError):
                partial.unlink(missing_ok=True)
            why = error.strerror if isinstance(error, OSError) else error
            raise JournalError(
                f"cannot write the backup {path}: {why}", hint="name another place with --to"
            ) from None

    def _close(self) -> None:
        db, self._db = self._db, None
        if db is not None:
            with suppress(sqlite3.Error):
                db.close()

    def _opened(self) -> sqlite3.Connection:
        if self._db is None:
            raise JournalError(f"the journal {self.path} is closed")
        return self._db

    def _cannot_open(self, error: sqlite3.Error) -> JournalError:
        text = str(error)
        if "locked" in text or "busy" in text:
            return JournalError(
                f"another engine uses the journal {self.path}",
                hint="`gaesup engine status` shows it; `gaesup engine stop` ends it",
            )
        if isinstance(error, sqlite3.DatabaseError) and not isinstance(
            error, sqlite3.OperationalError
        ):
            return self._damaged(text)
        return JournalError(
            f"cannot open the journal {self.path}: {text}",
            hint="make it writable for you and see that the disk has space",
        )

    def _damaged(self, why: str) -> JournalError:
        found = sorted(self._backups.glob("*.db")) if self._backups.is_dir() else []
        if found:
            way = f"move {self.path}* away and copy the backup {found[-1]} to {self.path}"
        else:
            way = f"there is no backup in {self._backups}; move {self.path}* away to begin anew"
        return JournalError(f"the journal {self.path} is damaged: {why}", hint=way)


def _snapshot(row: tuple[str, int]) -> Snapshot | None:
    try:
        return Snapshot.model_validate_json(row[0])
    except ValidationError:
        return None


def prune(db: sqlite3.Connection, before_at: float, through: int, limit: int) -> int:
    """Removes the oldest events, within a transaction; see ``Journal.prune``. The event a snapshot
    was taken after stays: a snapshot from beyond the last event is not believed."""
    needed = db.execute("select min(seq) from snapshot").fetchone()[0]
    if needed is None:
        return 0
    oldest = db.execute("select seq, at from event order by seq limit ?", (limit,)).fetchall()
    last, end = 0, min(through, needed - 1)
    for seq, at in oldest:
        if seq > end or at >= before_at:
            break
        last = seq
    db.execute("delete from answer where first <= ?", (last,))
    return db.execute("delete from event where seq <= ?", (last,)).rowcount


def _first(error: ValidationError) -> str:
    where = error.errors(include_url=False, include_input=False)[0]
    return f"{'.'.join(map(str, where['loc']))}: {where['msg']}"
