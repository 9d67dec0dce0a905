"""What an A/B test counts: one row per user, never per request."""

from __future__ import annotations

from typing import NamedTuple


class Arm(NamedTuple):
    """One arm: different users since the traffic was split, and those of them who converted."""

    users: int
    converted: int

    @property
    def ratio(self) -> float | None:
        """Converted users per user, 0…1; None without a user."""
        return self.converted / self.users if self.users else None


class Split(NamedTuple):
    """Both arms, counted by one backend at one moment."""

    base: Arm
    candidate: Arm
    boot: str
    """The backend's life: its counters begin with it."""
    full: bool = False
    """Whether no more users can be counted."""

    @property
    def users(self) -> int:
        """Of both arms together."""
        return self.base.users + self.candidate.users


class Terms(NamedTuple):
    """What is asked of the test, fixed before it begins."""

    share: float
    """The candidate's share of the users, 0…1, both excluded."""
    min_run_s: float
    max_run_s: float
    min_users: int
    """Of each arm, before any answer."""
    min_effect: float
    """The smallest change of the conversion worth a decision, as a share of the base's."""
    risk: float
    """How often a test of two equal arms may name a winner, ever: 0.05 is 95 % confidence."""
