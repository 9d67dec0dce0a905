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
    """Until PROMOTE at this traffic, if nothing is wrong; None where it cannot be one number."""
    left_span_s: list[float] | None
    """Its early and its late end."""
    whole_s: float | None
    """From the start to PROMOTE."""
    code: str
    fix: str
    helps: list[str]
    """Ids of the actions that help, the most helpful first."""


BandView = list[float]
"""Low end, estimate, high end, in tolerances: 1 is the limit."""


class PointView(TypedDict):
    """One moment of a judgement."""

    at: float
    end_s: float
    """Since it began."""
    kind: str
    toward_abort: float
    toward_promote: float
    bands: dict[str, BandView]
    """By metric; one that is not there had no data."""


class TurnView(TypedDict):
    """The verdict became another."""

    at: float
    end_s: float
    kind: str
    code: str
    reason: str
    findings: list[FindingView]


class VerdictHistory(TypedDict):
    """A judgement from its beginning."""

    rollout: str
    base: str
    candidate: str
    kind: str
    reason: str
    """The last verdict."""
    began_at: float
    tick_s: float
    ticks: int
    past_s: float
    """How much of the base's past it knew."""
    points: list[PointView]
    turns: list[TurnView]
    left_out: int
    """Turns between the first ones and the last ones."""
    flips: list[str]
    """What would make another verdict of the last one."""
