"""What keeps the journal short and safe to lose: snapshots, backups, and old events removed."""

from __future__ import annotations

import asyncio
import logging
import time
from pathlib import Path

from gaesup_tui.domain.world import World
from gaesup_tui.engine.journal import Journal, JournalError
from gaesup_tui.engine.ports import Clock
from gaesup_tui.engine.retention import Retention

log = logging.getLogger("gaesup.engine.upkeep")

SNAPSHOT_EVERY = 2000
QUIET_S, MOST_PILED = 1.0, 10_000
"""A snapshot waits until nothing was committed for so long, since a stop of a thousand rollouts
must not wait behind it; but not when so many events have piled up since the last one."""
BACKUP_EVERY_S = 3600.0
KEEP_BACKUPS = 6


class Upkeep:
    """Takes snapshots as events pile up; each hour a backup, and then removes old events."""

    def __init__(
        self, journal: Journal, clock: Clock, backups: Path, retention: Retention | None = None
    ) -> None:
        self._journal = journal
        self._clock = clock
        self._backups = backups
        self._retention = retention
        self._snapshot_seq = 0
        self._world = World()
        """The last one committed."""
        self._waiting: asyncio.Task[None] | None = None
        self._saving: asyncio.Task[None] | None = None
        self.error: str | None = None
        """Why the last backup, snapshot or removal failed; what is needed is safe all the same."""

    def restored(self, snapshot_seq: int) -> None:
        """Where the newest snapshot stands."""
        self._snapshot_seq = snapshot_seq

    def committed(self, world: World) -> None:
        """Takes a snapshot, at a quiet moment, when enough was committed since the last one."""
        self._world = world
        is_due = world.seq - self._snapshot_seq >= SNAPSHOT_EVERY
        if is_due and (self._waiting is None or self._waiting.done()):
            self._waiting = asyncio.get_running_loop().create_task(self._when_quiet())

    async def _when_quiet(self) -> None:
        while self._world.seq - self._snapshot_seq < MOST_PILED:
            before = self._world.seq
            await self._clock.sleep(QUIET_S)
            if self._world.seq == before:
                break
        self._saving = asyncio.get_running_loop().create_task(self.snapshot(self._world))
        await asyncio.wait({self._saving})

    async def snapshot(self, world: World) -> None:
        """One of this world, now."""
        self._snapshot_seq = world.seq
        try:
            await self._journal.save_snapshot(world.snapshot())
        except JournalError as error:
            self.error = str(error)
            log.warning("no snapshot: %s", error)

    async def run(self) -> None:
        """A backup each hour, until cancelled; what it holds may then be removed if it is old."""
        while True:
            await self._clock.sleep(BACKUP_EVERY_S)
            try:
                await self.backup(None)
                if self._retention:
                    await self._retention.prune()
                self.error = None
            except (JournalError, OSError) as error:
                self.error = str(error)
                log.warning("no backup, or nothing old removed: %s", error)

    async def backup(self, path: Path | None) -> Path:
        """A copy of the journal; None: a dated one beside it, of which the newest are kept."""
        if path is not None:
            await self._journal.backup(path)
            return path
        stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(self._clock.now()))
        path = self._backups / f"journal-{stamp}.db"
        await self._journal.backup(path)
        await asyncio.to_thread(self._prune)
        return path

    def _prune(self) -> None:
        for old in sorted(self._backups.glob("journal-*.db"))[:-KEEP_BACKUPS]:
            old.unlink(missing_ok=True)

    async def settle(self) -> None:
        """Waits for a snapshot in hand, and for no other."""
        if self._waiting is not None:
            self._waiting.cancel()
            await asyncio.wait({self._waiting, *((self._saving,) if self._saving else ())})
