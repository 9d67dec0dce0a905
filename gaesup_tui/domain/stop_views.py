"""What people are shown of a stop and of a global rollback: before, and while it is in force.
Plain JSON, typed, as in ``views``.
"""

from __future__ import annotations

from typing import TypedDict

STOP_WORDS = {"stop": "stopped", "freeze": "frozen", "rollback": "rolled back"}
"""What a scope is, by the mode of the stop in force."""


class StopScope(TypedDict):
    """One choice of the stop dialog."""

    scope: str
    """Empty for everything, else an environment or a deployment."""
    title: str
    rollouts: list[str]
    """Deployments with an active rollout in it."""
    deployments: int


class StopPreview(TypedDict):
    """What a stop would take."""

    scopes: list[StopScope]
    switch_s: float | None
    """How long a traffic change took lately until it was seen; None: not measured yet."""


class TurnView(TypedDict):
    """What a global rollback means for one deployment."""

    deployment: str
    act: str
    """``abort``, ``rollback``, ``wait`` (on its way back already) or ``skip`` (cannot go back)."""
    leaves: str
    to: str
    text: str
    """In words: ``v42 → v41``, or why it cannot."""


class RollbackPreview(TypedDict):
    """What a global rollback of ``scope`` would do."""

    scope: str
    title: str
    groups: list[list[TurnView]]
    """Dependents first; each waits for the one before it."""
    skipped: list[TurnView]
    refused: str | None
    """Why it cannot begin."""


class RollbackView(TypedDict):
    """Where a global rollback in force stands."""

    scope: str
    by: str
    at: float
    why: str
    text: str
    """In one line: ``5 of 9 back, group 2 of 3``."""
    total: int
    back: int
    is_over: bool
    """Whether every group had its turn."""
    problems: list[str]
    """What did not come to rest in time, or did not hold."""
    skipped: list[str]
