"""The course of a global rollback: which deployment goes back to what, and when its turn is."""

from __future__ import annotations

from typing import Literal

from gaesup_tui.domain.model import DeploymentKey, Frozen, Text

GROUP_DEADLINE_S = 90.0
"""How long a group may take until the next one begins without it: a rollback has 60 s to be ready,
and a backend that hangs must not keep the rest where they are."""


class Turn(Frozen):
    """What a global rollback means for one deployment."""

    deployment: DeploymentKey
    act: Literal["abort", "rollback", "wait", "skip"]
    """``wait``: it was on its way back already. ``skip``: it cannot go back, ``why`` says why."""
    leaves: str = ""
    """Version it comes from."""
    to: str = ""
    """Version it goes back to; empty: nothing serves then."""
    leaves_revision: str = ""
    """What is stable when a ``rollback`` is planned: if it is not any more, somebody was faster."""
    to_revision: str = ""
    why: Text = ""


class Course(Frozen):
    """Where a global rollback stands. ``group`` counts from 0: before the first has begun it is
    -1, and equal to their number it is over."""

    groups: tuple[tuple[Turn, ...], ...]
    """Dependents first."""
    skipped: tuple[Turn, ...] = ()
    group: int = -1
    group_began: float
    late: tuple[DeploymentKey, ...] = ()
    """What had not come to rest when its group's time was over."""

    @property
    def over(self) -> bool:
        """Whether every group had its turn."""
        return self.group >= len(self.groups)

    @property
    def turns(self) -> tuple[Turn, ...]:
        """All of them, in their order."""
        return tuple(turn for group in self.groups for turn in group)

    @property
    def at_work(self) -> tuple[Turn, ...]:
        """The turns of the present group."""
        return self.groups[self.group] if 0 <= self.group < len(self.groups) else ()

    @property
    def to_come(self) -> tuple[Turn, ...]:
        """The turns of the groups after the present one."""
        return tuple(turn for group in self.groups[self.group + 1 :] for turn in group)
