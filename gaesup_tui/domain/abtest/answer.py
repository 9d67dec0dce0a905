"""An answer as the journal keeps it, with everything needed to say why."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from gaesup_tui.domain.model import Frozen, Text

AnswerKind = Literal[
    "no data",  # nothing tells users apart or counts their conversions
    "measuring",
    "better",
    "worse",
    "no difference",  # larger than the smallest worth a decision
    "undecided",  # the longest run is over; it goes on as long as nobody decides
    "broken split",  # users did not come in the shares they should have
]
FINAL: tuple[AnswerKind, ...] = ("better", "worse", "no difference", "broken split")
"""Said once: later users change nothing about them, but a split found broken voids the others."""


class ABAnswer(Frozen):
    """What the test says of the candidate against the base, and what it says it from."""

    kind: AnswerKind
    reason: Text
    """One sentence, whole."""
    base_users: int = Field(default=0, ge=0)
    base_converted: int = Field(default=0, ge=0)
    candidate_users: int = Field(default=0, ge=0)
    candidate_converted: int = Field(default=0, ge=0)
    difference: float | None = None
    """Candidate less base: 0.003 is 0.3 points. None while there is no telling."""
    low: float | None = None
    high: float | None = None
    """Interval of the difference, valid whenever it is looked at."""
    lift: float | None = None
    """The difference as a share of the base's conversion."""
    bound: float | None = None
    """The smallest difference worth a decision."""
    share: float = 0.5
    """The candidate's share of users as planned."""
    split_evidence: float = 0.0
    """How far the evidence against that share has come, 0…1; at 1 the split counts as broken."""
    at_least_s: float | None = None
    """Until an answer; None: nobody can know."""
    at_most_s: float | None = None
    about_s: float | None = None
    """Until an answer, if rates and difference stay as they are."""
    enough_s: float | None = None
    enough_users: int | None = None
    """Until a difference of just ``bound`` would be told, and the users of both arms by then."""
    boot: str = ""
    """The backend's life its users were counted in."""
    counted_from: float = 0.0
    """Unix seconds."""
    lost_users: int = 0
    """Counted in earlier lives of the backend and lost with them, as far as is known."""

    @property
    def users(self) -> int:
        """Of both arms together."""
        return self.base_users + self.candidate_users

    @property
    def final(self) -> bool:
        """Whether later users change nothing about it (``FINAL``)."""
        return self.kind in FINAL
