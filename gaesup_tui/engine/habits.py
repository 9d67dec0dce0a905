"""How deployments behaved while nothing moved: the judge's history of the base.

Kept in memory and, every few minutes and at the end, on the disk, so that an engine that has just
begun knows it too. A rollout's record takes its part along.
"""

from __future__ import annotations

import zlib
from array import array
from collections import deque
from collections.abc import Iterable

from gaesup_tui.domain.judging import Arm
from gaesup_tui.domain.judging.counters import increment
from gaesup_tui.domain.observation import Counters
from gaesup_tui.engine.pasts import Past, Pasts

KEPT_TICKS = 360
"""Half an hour of ticks of 5 s."""
SAVED_TICKS = 60
"""A life that is cut short loses at most so many: five minutes."""
NEW_AT_ONCE = 50
"""Deployments that are begun at one observation: a past is read for each."""
_EARLY_S = 0.25
"""Observations come about once a second: one just before the tick is meant for it."""
_NOTHING = b""


def arm_of(counters: Counters, bounds_s: tuple[float, ...]) -> Arm:
    """The totals as the judge counts; latency only in the buckets that were agreed on."""
    latency = counters.buckets if bounds_s and counters.bounds_s == bounds_s else None
    return Arm(counters.requests, counters.errors, latency, counters.conversions)


class Habit:
    """One revision alone with its traffic, tick by tick."""

    __slots__ = ("_at", "_before", "_boot", "_ticks", "_unsaved", "bounds_s", "revision")

    def __init__(
        self, revision: str, bounds_s: tuple[float, ...], ticks: Iterable[bytes], unsaved: int = 0
    ) -> None:
        self.revision = revision
        self.bounds_s = bounds_s
        self._at = 0.0
        self._boot = ""
        self._before = Arm(0, 0, None)
        self._ticks: deque[bytes] = deque(ticks, maxlen=KEPT_TICKS)
        self._unsaved = unsaved
        """Ticks since it was saved."""

    def due(self, at: float, tick_s: float) -> bool:
        """Whether a tick is over since the last one."""
        return not 0 <= at - self._at < tick_s - _EARLY_S

    def take(self, at: float, boot: str, counters: Counters, tick_s: float) -> None:
        """Takes in what was counted until ``at``. What spans more than a tick, since the engine or
        the backend was away, is no tick and is left out."""
        now, passed_s = arm_of(counters, self.bounds_s), at - self._at
        if 0 < passed_s < 2 * tick_s:
            grown = increment({self._boot: self._before}, {boot: now})
            if grown.arm is not None and not grown.restarts:
                self._ticks.append(_packed(grown.arm))
                self._unsaved += 1
        self._at, self._boot, self._before = at, boot, now

    def to_save(self, least: int) -> Past | None:
        """What to save, if at least so many ticks are unsaved."""
        if self._unsaved < least or not self._ticks:
            return None
        self._unsaved = 0
        return Past(self.revision, self.bounds_s, self._at, tuple(self._ticks))

    def arms(self) -> tuple[Arm, ...]:
        """Oldest first."""
        buckets = len(self.bounds_s) + 1 if self.bounds_s else 0
        return tuple(_unpacked(packed, buckets) for packed in self._ticks)


class Habits:
    """The habit of each deployment's stable revision."""

    def __init__(self, tick_s: float, pasts: Pasts) -> None:
        self._tick_s = tick_s
        self._pasts = pasts
        self._of: dict[str, Habit] = {}
        self._new = NEW_AT_ONCE

    def look(self) -> None:
        """A new observation is gone through."""
        self._new = NEW_AT_ONCE

    def due(self, key: str, at: float) -> bool:
        """Whether it is time to ``take``: a thousand deployments are asked each second."""
        habit = self._of.get(key)
        return self._new > 0 if habit is None else habit.due(at, self._tick_s)

    def take(self, key: str, revision: str, at: float, boot: str, counters: Counters) -> None:
        """What the only revision that serves has counted so far."""
        habit = self._of.get(key)
        if habit is None or (habit.revision, habit.bounds_s) != (revision, counters.bounds_s):
            habit = self._begin(key, revision, counters.bounds_s, at)
        habit.take(at, boot, counters, self._tick_s)
        if past := habit.to_save(SAVED_TICKS):
            self._pasts.save(key, past)

    def of(
        self, key: str, revision: str, bounds_s: tuple[float, ...], now: float
    ) -> tuple[Arm, ...]:
        """The past half hour of a revision in these buckets; empty when it is not known."""
        habit = self._of.get(key)
        if habit is None:
            habit = self._begin(key, revision, bounds_s, now)
        if (habit.revision, habit.bounds_s) != (revision, bounds_s):
            return ()
        return habit.arms()

    def close(self) -> None:
        """Saves what is not saved."""
        for key, habit in self._of.items():
            if past := habit.to_save(1):
                self._pasts.save(key, past)
        self._pasts.close()

    def _begin(self, key: str, revision: str, bounds_s: tuple[float, ...], now: float) -> Habit:
        """Goes on from what an earlier life saved, if it is about the same."""
        known = self._of.get(key)
        self._new -= 1
        past = None if known else self._pasts.load(key, now)
        same = past is not None and (past.revision, past.bounds_s) == (revision, bounds_s)
        ticks = past.ticks if past and same else ()
        # Not all at the same moment: a thousand began together.
        unsaved = zlib.crc32(key.encode()) % SAVED_TICKS
        self._of[key] = habit = Habit(revision, bounds_s, ticks, unsaved)
        return habit


def _packed(arm: Arm) -> bytes:
    """A tick in about a hundred bytes: most of the buckets at the slow end are empty."""
    if not arm.requests and arm.conversions is None:
        return _NOTHING
    converted = 0 if arm.conversions is None else arm.conversions + 1
    counts = array("Q", (arm.requests, arm.errors, converted, *(arm.latency or ())))
    while len(counts) > 3 and not counts[-1]:
        counts.pop()
    return counts.tobytes()


def _unpacked(packed: bytes, buckets: int) -> Arm:
    if len(packed) < 24 or len(packed) % 8:
        return Arm(0, 0, (0,) * buckets if buckets else None)
    requests, errors, converted, *counted = array("Q", packed)
    latency = (*counted, *(0,) * (buckets - len(counted)))
    return Arm(requests, errors, latency if buckets else None, converted - 1 if converted else None)
