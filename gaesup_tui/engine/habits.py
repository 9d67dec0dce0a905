"""How deployments behaved while nothing moved: the judge's history of the base.

Kept in memory only. A rollout's record takes its part along; an engine that has just begun has
none to give, and the judge is then more careful.
"""

from __future__ import annotations

from array import array
from collections import deque

from gaesup_tui.domain.judging import Arm
from gaesup_tui.domain.judging.counters import increment
from gaesup_tui.domain.observation import Counters

KEPT_TICKS = 360
"""Half an hour of ticks of 5 s."""
_EARLY_S = 0.25
"""Observations come about once a second: one just before the tick is meant for it."""
_NOTHING = b""


def arm_of(counters: Counters, bounds_s: tuple[float, ...]) -> Arm:
    """The totals as the judge counts; latency only in the buckets that were agreed on."""
    latency = counters.buckets if bounds_s and counters.bounds_s == bounds_s else None
    return Arm(counters.requests, counters.errors, latency)


class Habit:
    """One revision alone with its traffic, tick by tick."""

    __slots__ = ("_at", "_before", "_boot", "_ticks", "bounds_s", "revision")

    def __init__(self, revision: str, bounds_s: tuple[float, ...]) -> None:
        self.revision = revision
        self.bounds_s = bounds_s
        self._at = 0.0
        self._boot = ""
        self._before = Arm(0, 0, None)
        self._ticks: deque[bytes] = deque(maxlen=KEPT_TICKS)

    def due(self, at: float, tick_s: float) -> bool:
        return not 0 <= at - self._at < tick_s - _EARLY_S

    def take(self, at: float, boot: str, counters: Counters, tick_s: float) -> None:
        """Takes in what was counted until ``at``. What spans more than a tick, since the engine or
        the backend was away, is no tick and is left out."""
        now, passed_s = arm_of(counters, self.bounds_s), at - self._at
        if 0 < passed_s < 2 * tick_s:
            grown = increment({self._boot: self._before}, {boot: now})
            if grown.arm is not None and not grown.restarts:
                self._ticks.append(_packed(grown.arm))
        self._at, self._boot, self._before = at, boot, now

    def arms(self) -> tuple[Arm, ...]:
        """Oldest first."""
        buckets = len(self.bounds_s) + 1 if self.bounds_s else 0
        return tuple(_unpacked(packed, buckets) for packed in self._ticks)


class Habits:
    """The habit of each deployment's stable revision."""

    def __init__(self, tick_s: float) -> None:
        self._tick_s = tick_s
        self._of: dict[str, Habit] = {}

    def due(self, key: str, at: float) -> bool:
        """Whether it is time to ``take``: a thousand deployments are asked each second."""
        habit = self._of.get(key)
        return habit is None or habit.due(at, self._tick_s)

    def take(self, key: str, revision: str, at: float, boot: str, counters: Counters) -> None:
        """What the only revision that serves has counted so far."""
        habit = self._of.get(key)
        if habit is None or (habit.revision, habit.bounds_s) != (revision, counters.bounds_s):
            habit = self._of[key] = Habit(revision, counters.bounds_s)
        habit.take(at, boot, counters, self._tick_s)

    def of(self, key: str, revision: str, bounds_s: tuple[float, ...]) -> tuple[Arm, ...]:
        """The past half hour of a revision in these buckets; empty when it is not known."""
        habit = self._of.get(key)
        if habit is None or (habit.revision, habit.bounds_s) != (revision, bounds_s):
            return ()
        return habit.arms()


def _packed(arm: Arm) -> bytes:
    """A tick in about a hundred bytes: most of the buckets at the slow end are empty."""
    if not arm.requests:
        return _NOTHING
    counts = array("Q", (arm.requests, arm.errors, *(arm.latency or ())))
    while len(counts) > 2 and not counts[-1]:
        counts.pop()
    return counts.tobytes()


def _unpacked(packed: bytes, buckets: int) -> Arm:
    counts = array("Q", packed)
    requests, errors = (counts[0], counts[1]) if counts else (0, 0)
    latency = (*counts[2:], *(0,) * (buckets - max(len(counts) - 2, 0)))
    return Arm(requests, errors, latency if buckets else None)
