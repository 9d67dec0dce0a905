"""An A/B test as the console and the commands are shown it: plain JSON, typed, as in ``views``."""

from __future__ import annotations

from typing import TypedDict


class ArmView(TypedDict):
    version: str
    users: int
    converted: int
    ratio: float | None
    """Converted users per user."""
    share: float
    """Of all users, as planned."""
    share_seen: float | None


class ABView(TypedDict):
    kind: str
    """``not begun``, ``no data``, ``measuring``, ``better``, ``worse``, ``no difference``,
    ``undecided`` or ``broken split``: of the candidate, against the base."""
    reason: str
    """One sentence."""
    metric: str
    base: ArmView
    candidate: ArmView
    difference: float | None
    """Candidate less base: 0.003 is 0.3 points."""
    low: float | None
    high: float | None
    lift: float | None
    """The difference as a share of the base's conversion."""
    bound: float | None
    """The smallest difference worth a decision."""
    confidence: float
    split_evidence: float
    """How far the evidence for a broken split has come, 0…1."""
    min_users: int
    """Of each arm, before any answer."""
    min_effect: float
    """The smallest change worth a decision, as a share of the base's conversion."""
    counted_from: float | None
    lost_users: int
    earliest: float | None
    """When there may be an answer at this traffic; None: nobody can know."""
    latest: float | None
    """When it is undecided without one."""
    expected: float | None
    """When there is one, if everything stays as it is."""
    enough: float | None
    """When a difference of just ``bound`` would be told."""
    enough_users: int | None
    """Of both arms, by then."""
    key: str
    """What tells users apart: ``cookie shopper``."""
    follows: dict[str, str]
    """Kind of an answer to what happens then: ``promote``, ``abort`` or ``hold``."""
    next: str | None
    """Of ``follows``, what happens now; None while nothing does."""
