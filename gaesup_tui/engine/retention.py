"""What keeps the journal from growing without end: events that are old enough are removed.

Only what nothing needs any more: neither a replay, nor the story of a rollout or a train that
still moves. Before the first of them goes, the oldest snapshot is read back from the disk and
replayed: it must lead to the very world the engine stands in. What deployments are, what they can
go back to and what the judge was told is not in those events alone, and stays.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import NamedTuple

from pydantic import ValidationError

from gaesup_tui.domain.world import Snapshot, World
from gaesup_tui.engine.journal import Journal, JournalError
from gaesup_tui.engine.ports import Clock

log = logging.getLogger("gaesup.engine")

BATCH = 200
PAUSE_S = 0.05
"""Between two batches, so that a decision waits for one of them at most."""
PAGE = 500


class Begins(NamedTuple):
    """Where the journal begins since older events were removed."""

    seq: int
    at: float
    """When that first event happened, Unix seconds."""


class Retention:
    """``prune`` it now and then; ``begins`` says what was removed in this and earlier lives."""

    def __init__(
        self, journal: Journal, clock: Clock, world: Callable[[], World], keep_s: float | None
    ) -> None:
        """``world`` gives what is durable; ``keep_s`` None keeps everything."""
        self._journal = journal
        self._clock = clock
        self._world = world
        self.keep_s = keep_s
        self.begins: Begins | None = None
        """None while nothing was ever removed."""
        self._oldest_at: float | None = None

    async def look(self) -> None:
        """Reads where the journal begins."""
        found = await self._journal.read(0, 1)
        if found:
            self._oldest_at = found[0].at
            self.begins = Begins(found[0].seq, found[0].at) if found[0].seq > 1 else None

    async def prune(self) -> int:
        """Removes what is too old; returns how many events.

        Raises:
            JournalError: it cannot be written, or its snapshot does not lead here; what is needed
                is all there.
        """
        if self.keep_s is None:
            return 0
        if self._oldest_at is None:
            await self.look()
        before = min(self._clock.now() - self.keep_s, _moves_since(self._world()))
        if self._oldest_at is None or self._oldest_at >= before:
            return 0
        through = await self._verified()
        removed = 0
        while count := await self._journal.prune(before, through, BATCH):
            removed += count
            await self.look()
            await self._clock.sleep(PAUSE_S)
        if removed and self.begins:
            log.info("removed %d old events: the journal begins at %d", removed, self.begins.seq)
        return removed

    async def _verified(self) -> int:
        """The number of the oldest snapshot, once it was seen to lead to where the engine is."""
        text = await self._journal.oldest_snapshot()
        if text is None:
            return 0
        try:
            snapshot = await asyncio.to_thread(Snapshot.model_validate_json, text)
        except ValidationError:
            raise _distrusted("makes no sense") from None
        replayed, world = World.restore(snapshot), self._world()
        while page := await self._journal.read(replayed.seq, PAGE):
            replayed.apply_all(each for each in page if each.seq <= world.seq)
            if page[-1].seq >= world.seq:
                break
            await asyncio.sleep(0)
        if not await asyncio.to_thread(_same, replayed, world):
            raise _distrusted(f"of event {snapshot.seq} leads to another state than this one")
        return snapshot.seq


def _same(one: World, other: World) -> bool:
    return one.snapshot() == other.snapshot()


def _distrusted(why: str) -> JournalError:
    error = JournalError(f"a snapshot in the journal {why}: no old events are removed")
    log.error("%s", error)  # a fault of ours or of the disk, found before it could harm
    return error


def _moves_since(world: World) -> float:
    """When the oldest of what still moves began: its story stays whole."""
    began = [state.active.at for state in world.deployments.values() if state.active]
    began += [train.at for train in world.trains if train.active]
    began += [stop.at for stop in world.stops]
    return min(began, default=float("inf"))
