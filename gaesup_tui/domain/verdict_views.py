"""A verdict as the console and the commands are shown it: plain JSON, typed, as in ``views``."""

from __future__ import annotations

from typing import TypedDict


class FindingView(TypedDict):
    metric: str
    base: float | None
    candidate: float | None
    difference: float | None
    low: float | None
    high: float | None
    tolerance: float
    base_requests: int
    candidate_requests: int
    state: str


class VerdictView(TypedDict):
    kind: str
    reason: str
    at: float | None
    findings: list[FindingView]
    toward_abort: float | None
    toward_promote: float | None
    """How far each key has turned, 0…1."""
    left_s: float | None
    """Until PROMOTE at this traffic, if nothing is wrong."""
    code: str
    fix: str
    helps: list[str]
    """Ids of the actions that help, the most helpful first."""
