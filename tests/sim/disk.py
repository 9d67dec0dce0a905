"""A disk that survives the engine, and a journal on it that is slow, fails, and forgets what was
not yet durable when the power went."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from random import Random

from gaesup_tui.domain.events import Recorded
from gaesup_tui.domain.world import Snapshot
from gaesup_tui.engine.journal import Answer, Batch, JournalError, Restored

RETRY_S = 6.0
"""The longest the engine waits before it writes again what it could not."""


@dataclass
class Disk:
    """What is durable."""

    on_durable: Callable[[tuple[Recorded, ...]], None]
    events: list[Recorded] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    snapshot: Snapshot | None = None
    removed: int = 0
    """How many events, from the first on, nobody can read any more; ``events`` remembers them for
    those who check."""
    full_until: float = 0.0
    slow_until: float = 0.0
    slow_s: float = 0.0
    """How long a slow write takes; 0 leaves it to chance."""
    limbo: Batch | None = None
    """Handed to the disk; whether it lasts shows after the next crash or write."""

    def lags(self, now: float) -> bool:
        """Whether ways back may be in force that it does not hold yet."""
        return self.limbo is not None or now < max(self.full_until, self.slow_until) + RETRY_S

    def keep(self, batch: Batch) -> None:
        assert [e.seq for e in batch.events] == list(
            range(len(self.events) + 1, len(self.events) + 1 + len(batch.events))
        ), "numbers have gaps or repeat"
        self.limbo = None
        self.events += batch.events
        self.answers += batch.answers
        self.on_durable(batch.events)

    def crash(self, random: Random) -> None:
        """The power goes: what was on its way lasts or not, as chance has it."""
        limbo, self.limbo = self.limbo, None
        if limbo is not None and random.random() < 0.5:
            self.keep(limbo)


class SimJournal:
    """A ``Journal`` on such a disk."""

    def __init__(self, disk: Disk, random: Random, now: Callable[[], float]) -> None:
        self._disk = disk
        self._random = random
        self._now = now

    async def open(self) -> Restored:
        await asyncio.sleep(0)
        disk = self._disk
        after = disk.snapshot.seq if disk.snapshot else 0
        if disk.removed > after:
            raise JournalError("events that a replay needs are gone")
        return Restored(disk.snapshot, tuple(disk.events[after:]), tuple(disk.answers[-200:]))

    async def append(self, batch: Batch) -> None:
        disk, random = self._disk, self._random
        disk.limbo = batch
        if self._now() < disk.slow_until:
            await asyncio.sleep(disk.slow_s or random.choice((0.05, 0.3, 1.0, 7.0)))
        else:
            await asyncio.sleep(random.choice((0.0, 0.0005, 0.002, 0.01)))
        if self._now() < disk.full_until:
            if random.random() < 0.7:
                disk.limbo = None  # else: it may have reached the disk all the same
            raise JournalError("the disk is full")
        disk.keep(batch)

    async def read(
        self, after: int, limit: int, deployment: str | None = None
    ) -> tuple[Recorded, ...]:
        await asyncio.sleep(0)
        events = self._disk.events
        found = (events[n] for n in range(max(after, self._disk.removed), len(events)))
        return tuple(islice((e for e in found if deployment in (None, e.deployment)), limit))

    async def read_before(
        self, before: int | None, limit: int, deployment: str | None = None
    ) -> tuple[Recorded, ...]:
        await asyncio.sleep(0)
        found = self._disk.events[self._disk.removed : None if before is None else before - 1]
        return tuple(e for e in reversed(found) if deployment in (None, e.deployment))[:limit]

    async def save_snapshot(self, snapshot: Snapshot) -> None:
        await asyncio.sleep(0.001)
        if self._now() < self._disk.full_until:
            raise JournalError("the disk is full")
        self._disk.snapshot = snapshot

    async def oldest_snapshot(self) -> str | None:
        await asyncio.sleep(0.001)
        return self._disk.snapshot.model_dump_json() if self._disk.snapshot else None

    async def prune(self, before_at: float, through: int, limit: int) -> int:
        disk = self._disk
        needed = disk.snapshot.seq if disk.snapshot else 0
        first = last = disk.removed
        while last < min(first + limit, through, needed - 1) and disk.events[last].at < before_at:
            last += 1
        await asyncio.sleep(self._random.choice((0.0, 0.001, 0.05)))
        if self._now() < disk.full_until:
            raise JournalError("the disk is full")
        disk.removed = max(disk.removed, last)
        disk.answers = [answer for answer in disk.answers if answer.first > last]
        return last - first

    async def backup(self, path: Path) -> None:
        await asyncio.sleep(0.001)
        if self._now() < self._disk.full_until:
            raise JournalError("the disk is full")

    async def close(self) -> None:
        await asyncio.sleep(0)
