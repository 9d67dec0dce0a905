"""One rollout before the judge: from totals seen now and then to ticks of 5 s.

Both arms are always counted between the same two observations. What was missed while nothing was
seen is caught up as long as the backend kept counting; what a restart of it took is not known in
either arm.
"""

from __future__ import annotations

from collections.abc import Sequence

from gaesup_tui.domain.judged_record import Entry, Totals
from gaesup_tui.domain.judging import Arm, Start, State, Tick, begin, step
from gaesup_tui.domain.judging.counters import increment
from gaesup_tui.domain.judging.feed import Gap

_EARLY_S = 0.25
"""Observations come about once a second: one just before the tick is meant for it."""
LATE_TICKS = 2
"""So many ticks without an observation are told to the judge as not known."""
_MOST_LATE = 720
MANY_FALLS = 2
"""Counters that fall so often within ``FALLS_TICKS``, in one life of the backend, are those of
several series that take turns: what they seem to gain in between is not to be believed either."""
FALLS_TICKS = 12


class Trial:
    """The state of one judgement and where its next tick begins. Times are Unix seconds."""

    def __init__(
        self, start: Start, history: Sequence[Arm], began_at: float, weight: float
    ) -> None:
        """Raises ``ValueError`` when the settings cannot be."""
        self.state: State = begin(start, history)
        self.began_at = began_at
        self._ticked_at = began_at
        self._number = -1
        """Of the last tick. The judge's own stands still after its ABORT; a replay with other
        settings may want to know how it went on."""
        self._fell_at: list[int] = []
        """Numbers of the last ticks in which a counter fell though the backend lived on."""
        self._totals: Totals | None = None
        self._weight: float | None = weight
        """The share since the last tick; None: it changed."""

    def resume(self, entries: Sequence[Entry]) -> None:
        """Goes through what was recorded of it."""
        for entry in entries:
            self.state, _ = step(self.state, entry.tick)
            self._number = entry.tick.number
            self._ticked_at = entry.at
            self._totals = entry.totals
            self._weight = entry.tick.weight
            # A clock may have been set back meanwhile: ticks go on from the last one.
            self.began_at = entry.at - entry.tick.end_s

    def rest(self, at: float) -> None:
        """One side gets everything: nothing can be compared until the traffic is split again."""
        self._totals, self._ticked_at = None, at

    def due(self, at: float) -> bool:
        """Whether the next tick is over, or the first one has still to begin."""
        passed_s = at - self._ticked_at
        # A clock that was set back is dealt with at once.
        return self._totals is None or not 0 <= passed_s < self.state.start.tick_s - _EARLY_S

    def pass_by(self, weight: float) -> None:
        """Takes note of the share on the route, and of nothing else."""
        if self._weight != weight:
            self._weight = None

    def take(self, at: float, totals: Totals, weight: float) -> list[Entry]:
        """Takes an observation in; the ticks that are over with it."""
        self.pass_by(weight)
        if self._totals is None:
            self._begin_at(at, totals, weight)
            return []
        if at < self._ticked_at:
            self._set_back(self._ticked_at - at)
            return []
        entries = self.wait(at)
        if self.due(at):
            entries.append(self._tick(at, totals))
            self._weight = weight
        return entries

    def wait(self, now: float) -> list[Entry]:
        """Ticks of which nothing was seen are over: they are not known, and that is not zero."""
        tick_s = self.state.start.tick_s
        missed = int((now - self._ticked_at + _EARLY_S) / tick_s) - LATE_TICKS + 1
        if self._totals is None or missed <= 0:
            return []
        entries = []
        for _ in range(min(missed, _MOST_LATE)):
            entries.append(self._step(self._ticked_at + tick_s, None, None, "late"))
        return entries

    def _set_back(self, by_s: float) -> None:
        """The clock was: how long the present tick has lasted is not known, so it begins now.
        What was counted in it is not lost."""
        self.began_at -= by_s
        self._ticked_at -= by_s

    def _begin_at(self, at: float, totals: Totals, weight: float) -> None:
        if totals.whole:
            self._totals, self._ticked_at, self._weight = totals, at, weight

    def _tick(self, at: float, now: Totals) -> Entry:
        before = self._totals
        assert before is not None
        if not before.whole or before.boot != now.boot:
            # Counted anew: both arms begin with the same observation, or one would seem to fall.
            return self._anew(at, now, _missing(now) or _missing(before) or "reset")
        canary, lost = _grown(before.canary, now.canary)
        baseline, lost_too = _grown(before.baseline, now.baseline)
        if lost or lost_too:
            self._fell_at = [*self._fell_at[1 - MANY_FALLS :], self._number + 1]
            return self._anew(at, now, "series" if self._flickers() else "reset")
        if self._flickers():
            return self._anew(at, now, "series")
        self._totals = Totals(
            now.boot, now.canary or before.canary, now.baseline or before.baseline
        )
        return self._step(at, canary, baseline, _missing(now) or _other_buckets(canary, baseline))

    def _flickers(self) -> bool:
        fell = self._fell_at
        return len(fell) == MANY_FALLS and self._number + 1 - fell[0] < FALLS_TICKS

    def _anew(self, at: float, now: Totals, gap: Gap) -> Entry:
        """What was gained since the last tick is not known in either arm."""
        self._totals = now if now.whole else Totals(now.boot, None, None)
        return self._step(at, None, None, gap)

    def _step(self, at: float, canary: Arm | None, baseline: Arm | None, gap: Gap) -> Entry:
        self._number += 1
        end_s = round(at - self.began_at, 3)
        tick = Tick(self._number, end_s, self._weight, canary, baseline, gap)
        self.state, _ = step(self.state, tick)
        self._ticked_at = at
        return Entry(tick, at, self._totals)


def _missing(totals: Totals) -> Gap:
    """Which side alone is not counted."""
    if totals.whole or (totals.canary is None and totals.baseline is None):
        return ""
    return "canary" if totals.canary is None else "baseline"


def _other_buckets(canary: Arm | None, baseline: Arm | None) -> Gap:
    """Latency that is not counted in the buckets of the start."""
    known = [arm for arm in (canary, baseline) if arm is not None]
    return "buckets" if any(arm.latency is None for arm in known) else ""


def _grown(before: Arm | None, now: Arm | None) -> tuple[Arm | None, bool]:
    """What one arm did, and whether its counters fell: then what it did before is lost."""
    if before is None or now is None:
        return None, False
    grown = increment({"": before}, {"": now})
    return grown.arm, bool(grown.restarts)
