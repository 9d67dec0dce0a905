"""The judge at work: one trial per active rollout, fed from what is seen of the backends.

A trial begins when the candidate first gets a share of the live route and goes through all
weights to the end. Every tick is recorded, so that an engine that starts again knows what the
last one knew.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable

from gaesup_tui.domain.deployment import Deployment
from gaesup_tui.domain.fresh import compared_with, copy_of_base
from gaesup_tui.domain.judged import TICK_S, start_of, verdict_of
from gaesup_tui.domain.judged_record import Entry, Record, Totals, entry_line, head_line
from gaesup_tui.domain.rollout import Rollout
from gaesup_tui.domain.verdict import NOT_CRITICAL, Verdict
from gaesup_tui.engine.habits import Habits, arm_of
from gaesup_tui.engine.pasts import Pasts
from gaesup_tui.engine.records import Records
from gaesup_tui.engine.sight import Sight
from gaesup_tui.engine.trial import Trial

log = logging.getLogger("gaesup.engine.bench")

MOST_TICKS_AT_ONCE = 300
"""Ticks read back from records at one observation: about a tenth of a second's work."""
FEW_TICKS = 50
"""With a quarter of all trials, what is judged at one observation: a thousand rollouts that began
together come to be judged at different seconds."""
_QUIET = ("CONTINUE", "NO EVIDENCE")


class Bench:
    """``seen`` after every observation; ``verdict`` and ``decision`` whenever somebody looks."""

    def __init__(self, records: Records, pasts: Pasts) -> None:
        self._records = records
        self._habits = Habits(TICK_S, pasts)
        self._trials: dict[str, Trial] = {}
        """By rollout."""
        self._looked_for: set[str] = set()
        """Rollouts whose record of an earlier life was looked for."""
        self._unfit: set[str] = set()
        """Rollouts that cannot be judged; said once."""
        self._turns = 0
        """Ticks that may still be judged at this observation."""
        self._verdicts: dict[str, tuple[int, str, Verdict]] = {}
        """By rollout, what was said after which tick, and with which trouble of the disk."""

    def seen(self, sight: Sight, states: Iterable[Deployment]) -> None:
        """Takes in the newest observation of one backend; ``states`` are its deployments."""
        self._habits.look()
        budget, active, keys = MOST_TICKS_AT_ONCE, set(), set()
        self._turns = FEW_TICKS + len(self._trials) // 4
        for state in states:
            keys.add(state.key)
            rollout = state.active
            if rollout is None:
                self._rest(sight, state)
                continue
            active.add(rollout.id)
            if rollout.id not in self._looked_for and budget > 0:
                self._looked_for.add(rollout.id)
                budget -= self._restore(rollout)
            if rollout.id in self._looked_for:
                self._watch(sight, rollout)
        self._forget(keys, active)

    def decision(self, rollout: Rollout, now: float) -> Verdict | None:
        """The verdict to act on. While it stays what the journal has and nothing follows from it,
        that one is given back: to word a new one takes a millisecond."""
        trial = self._trial(rollout, now)
        if trial is None:
            return None
        said, known = trial.state.verdict, rollout.verdict
        same = known is not None and (known.kind, known.asks) == (
            said.kind,
            said.cause == NOT_CRITICAL,
        )
        if known is not None and same and said.kind in _QUIET:
            return known
        return self.verdict(rollout, now)

    def verdict(self, rollout: Rollout, now: float) -> Verdict | None:
        """The verdict to show; None when there is nothing to compare. Once one side has all the
        traffic it is the last one there was."""
        trial = self._trial(rollout, now) or self._trials.get(rollout.id)
        if trial is None or trial.state.number < 0:
            return None
        number, trouble = trial.state.number, self._trouble()
        known = self._verdicts.get(rollout.id)
        if known is None or known[:2] != (number, trouble):
            known = number, trouble, verdict_of(trial.state, trouble)
            self._verdicts[rollout.id] = known
        return known[2]

    def record(self, rollout: str) -> Record | None:
        """What was recorded of a rollout; reads the disk. Raises as ``Records.read``."""
        return self._records.read(rollout)

    def close(self) -> None:
        """Lets the last lines be written."""
        self._habits.close()
        self._records.close()

    # One deployment.

    def _rest(self, sight: Sight, state: Deployment) -> None:
        """Nothing moves: the only revision that serves becomes the history of the next rollout."""
        at, stable = sight.placed_at, state.stable
        if stable is None or not self._habits.due(state.key, at):
            return
        seen, counters = sight.seen(state.key), sight.counters(state.key, stable.id)
        if counters is not None and seen is not None and dict(seen.weights) == {stable.id: 100}:
            self._habits.take(state.key, stable.id, at, sight.boot, counters)

    def _watch(self, sight: Sight, rollout: Rollout) -> None:
        trial, weight = self._trials.get(rollout.id), _share(sight, rollout)
        if not _compares(rollout) or weight is None:
            if trial is not None:
                trial.rest(sight.placed_at)
            return
        if trial is None:
            trial = self._begin(sight, rollout, weight)
        if trial is None:
            return
        if trial.due(sight.placed_at) and self._turns > 0:
            self._turns -= 1
            totals = _totals(sight, rollout, trial.state.start.bounds_s)
            self._write(rollout.id, trial.take(sight.placed_at, totals, weight))
        else:
            trial.pass_by(weight)

    def _begin(self, sight: Sight, rollout: Rollout, weight: float) -> Trial | None:
        """None while one side was never ready: there is nothing to begin from."""
        if rollout.base is None or rollout.id in self._unfit:
            return None
        key, base = rollout.deployment, rollout.base
        against, counters = compared_with(rollout), sight.counters(key, rollout.candidate.id)
        if counters is None or against is None or sight.counters(key, against.id) is None:
            return None
        start = start_of(rollout.spec, counters.bounds_s)
        at = sight.placed_at
        history = self._habits.of(key, base.id, start.bounds_s, at)
        try:
            trial = Trial(start, history, at, weight)
        except ValueError as error:
            # A backend with buckets that cannot be: everything else about it is still of use.
            log.error("%s is not judged: %s", rollout.id, error)
            self._unfit.add(rollout.id)
            return None
        self._trials[rollout.id] = trial
        record = Record(
            rollout.id, base.version, rollout.candidate.version, round(at, 3), start, history
        )
        self._records.begin(rollout.id, head_line(record))
        return trial

    def _trial(self, rollout: Rollout, now: float) -> Trial | None:
        """The trial as it is now: also when nothing was seen for a while."""
        trial = self._trials.get(rollout.id)
        if trial is None or not _compares(rollout):
            return None
        self._write(rollout.id, trial.wait(now))
        return trial if trial.state.number >= 0 else None

    def _write(self, rollout: str, entries: list[Entry]) -> None:
        for entry in entries:
            self._records.append(rollout, entry_line(entry))

    def _trouble(self) -> str:
        why = self._records.trouble
        return f"its record cannot be written: {why}" if why else ""

    # Lives.

    def _restore(self, rollout: Rollout) -> int:
        """Goes on with what an earlier life of the engine recorded; the ticks it took."""
        try:
            record = self._records.read(rollout.id)
        except (OSError, ValueError) as error:
            log.warning("the judge begins %s anew: %s", rollout.id, error)
            return 1
        if record is None:
            return 1
        trial = Trial(record.start, record.history, record.began_at, 0.0)
        trial.resume(record.entries)
        self._trials[rollout.id] = trial
        return len(record.entries)

    def _forget(self, keys: set[str], active: set[str]) -> None:
        over = self._looked_for - active
        for rollout in [each for each in over if each.rpartition("#")[0] in keys]:
            self._looked_for.discard(rollout)
            self._unfit.discard(rollout)
            self._trials.pop(rollout, None)
            self._verdicts.pop(rollout, None)


def _compares(rollout: Rollout) -> bool:
    return (
        rollout.phase == "forward" and rollout.base is not None and 0 < rollout.weight_percent < 100
    )


def _share(sight: Sight, rollout: Rollout) -> float | None:
    """The candidate's share of what both sides get on the live route; None when one has all."""
    seen, copy = sight.seen(rollout.deployment), copy_of_base(rollout)
    if seen is None:
        return None
    candidate = seen.weights.get(rollout.candidate.id, 0)
    other = seen.weights.get(copy.id, 0) if copy else 100 - candidate
    return candidate / (candidate + other) if candidate > 0 and other > 0 else None


def _totals(sight: Sight, rollout: Rollout, bounds_s: tuple[float, ...]) -> Totals:
    against = compared_with(rollout)
    assert against is not None  # the caller looked
    canary, baseline = (
        sight.counters(rollout.deployment, side.id) for side in (rollout.candidate, against)
    )
    return Totals(
        sight.boot,
        None if canary is None else arm_of(canary, bounds_s),
        None if baseline is None else arm_of(baseline, bounds_s),
    )
