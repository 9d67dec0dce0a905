"""What a judge says, with everything needed to say why."""

from __future__ import annotations

from typing import Literal

from gaesup_tui.domain.model import Frozen, Text

VerdictKind = Literal["PROMOTE", "CONTINUE", "ABORT", "NO EVIDENCE"]


class Finding(Frozen):
    """One metric of the candidate against the base."""

    metric: Literal["errors", "p95"]
    base: float | None
    candidate: float | None
    """Ratios of 0…1 for errors, seconds for p95; None is no data."""
    difference: float | None
    low: float | None
    high: float | None
    """Interval of the difference: absolute for errors, relative to the base for p95."""
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
