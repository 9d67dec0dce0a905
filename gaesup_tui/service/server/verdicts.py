"""How judgements went, told on from where the last who asked left off.

An hour of one is a third of a second's work to go through, and a screen that shows it asks every
few seconds: so the last few stories are kept, each with what it was told.
"""

from __future__ import annotations

import asyncio
import threading
from collections import OrderedDict

from gaesup_tui.domain.judged_record import Record
from gaesup_tui.domain.judged_story import Story
from gaesup_tui.domain.verdict_views import VerdictHistory
from gaesup_tui.engine.engine import Engine

KEPT = 8


class Stories:
    """The stories of the rollouts that were asked for last."""

    def __init__(self) -> None:
        self._stories: OrderedDict[str, tuple[float, Story]] = OrderedDict()
        """By rollout: when its judgement began, and the story."""
        self._lock = threading.Lock()

    async def of(self, engine: Engine, rollout: str) -> VerdictHistory:
        """The story of a rollout so far.

        Raises:
            NotFound: nothing was recorded, or it is no longer kept.
            Unavailable: the record cannot be read.
        """
        record = await engine.judged(rollout)
        return await asyncio.to_thread(self._told, record)

    def _told(self, record: Record) -> VerdictHistory:
        with self._lock:
            known = self._stories.pop(record.rollout, None)
            if known is None or known[0] != record.began_at or known[1].ticks > len(record.entries):
                known = record.began_at, Story(record)
            self._stories[record.rollout] = known
            while len(self._stories) > KEPT:
                self._stories.popitem(last=False)
            _, story = known
            story.tell(record.entries[story.ticks :])
            return story.view()
