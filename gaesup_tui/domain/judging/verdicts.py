"""The judge's answer at one look, as numbers; ``words`` makes the sentence."""

from __future__ import annotations

from typing import Literal, NamedTuple

from gaesup_tui.domain.judging.effects import Effect
from gaesup_tui.domain.judging.settings import Metric

Kind = Literal["PROMOTE", "CONTINUE", "ABORT", "NO EVIDENCE"]

Cause = Literal[
    "harm",  # ABORT: sure that something is worse, and by as much as the tolerance
    "no data for too long",  # ABORT: the policy of a metric says so
    "clear",  # PROMOTE: sure that nothing is worse by the tolerance
    "not started",  # CONTINUE, and the following too
    "gathering",
    "suspicious",  # something looks worse: no promotion until that is settled
    "not critical",  # sure of harm, in a metric that may not abort: a person decides
    "warming up",
    "soaking",
    "waiting",  # a record is late; its counts are held
    "inconclusive",  # the planned time is over without a decision: a matter of policy
    "blind",  # NO EVIDENCE, and the following too: one arm's counts are missing
    "late",  # nothing was seen of either
    "counter reset",
    "several series",
    "buckets differ",
    "bad data",
    "idle",  # neither arm has requests
    "no canary requests",
    "no baseline requests",
    "metric missing",
    "too few requests",
]


class Judgement(NamedTuple):
    """What the judge says after one tick."""

    kind: Kind
    cause: Cause
    number: int
    """Number of the tick it was said after; -1 before the first."""
    end_s: float
    evidence: float = 1.0
    """Fortune of the bets on harm, all metrics: 1 is nothing known, 1 / alpha is key 1."""
    harm: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    """What each metric adds to it, in the order of ``METRICS``."""
    certainty: tuple[float | None, float | None, float | None, float | None] = (None,) * 4
    """Per metric, fortune of the bets on "not worse by the tolerance"; None: not asked for."""
    metric: Metric | None = None
    """What an ABORT, a suspicion or a missing metric is about."""
    effect: Effect | None = None
    """The estimates since the likely onset that turned, or nearly turned, the second key."""
    since_s: float | None = None
    """The likely onset of the harm, or since when nothing could be judged."""
    note: str = ""
    """Why a record was rejected."""

    @property
    def inconclusive(self) -> bool:
        """The planned time is over and neither key has turned; what then is a policy."""
        return self.cause == "inconclusive"

    @property
    def final(self) -> bool:
        """An ABORT stays one."""
        return self.kind == "ABORT"
