"""What a judge says, with everything needed to say why."""

from __future__ import annotations

from typing import Literal

from gaesup_tui.domain.model import Frozen, Text

VerdictKind = Literal["PROMOTE", "CONTINUE", "ABORT", "NO EVIDENCE"]


NOT_CRITICAL = "not critical"
"""The ``code`` of a CONTINUE that only a person can end: see ``judging.verdicts``."""
_NOT_SURE = "nothing wrong was seen, and not enough to be sure"


class Finding(Frozen):
    """One metric of the candidate against the base."""

    metric: Literal["errors", "p95", "conversion", "traffic"]
    base: float | None
    candidate: float | None
    """Ratios of 0…1 for errors and conversion, seconds for p95, for traffic the requests that the
    weight promised and those that came; None is no data."""
    difference: float | None
    """The harm, positive when worse: absolute for errors, relative for the others."""
    low: float | None
    high: float | None
    """Interval of the difference, valid whenever it is looked at."""
    tolerance: float
    """The difference at which harm begins, in the same terms as ``difference``."""
    base_requests: int
    candidate_requests: int
    state: Literal["ok", "unsure", "harm", "no data"]


class Verdict(Frozen):
    """The judge's answer at one look."""

    kind: VerdictKind
    reason: Text
    findings: tuple[Finding, ...] = ()
    toward_abort: float | None = None
    toward_promote: float | None = None
    """How far each key has turned, 0…1: evidence, not probability. None: not known."""
    left_s: float | None = None
    """Seconds until PROMOTE at this traffic, if nothing is wrong; None: nobody can know."""
    left_span_s: tuple[float, float] | None = None
    """Between which seconds from now it comes in four of five healthy rollouts."""
    whole_s: float | None = None
    """Seconds from the start to PROMOTE; known sooner than ``left_s``, since what has passed is
    certain. Both are there only where they are likely to hold within 1.5 times."""
    code: str = ""
    """Which kind of it: ``late``, ``no canary requests``, ``too few requests`` …"""
    fix: Text = ""
    """What to look at or to mend, where waiting alone does not help."""
    helps: tuple[str, ...] = ()
    """Ids of the actions that help, the most helpful first."""

    def is_like(self, other: Verdict) -> bool:
        """Whether it asks the same of people; only its numbers or its words differ."""
        return self.kind == other.kind and self.asks == other.asks

    @property
    def asks(self) -> bool:
        """Whether only a person can end it."""
        return self.code == NOT_CRITICAL

    def when_over(self) -> Verdict:
        """As it stands once nothing is compared any more: without what would come of waiting."""
        said = _NOT_SURE if self.code == "gathering" else self.reason
        return self.model_copy(update={"reason": said, "left_s": None, "fix": "", "helps": ()})
