"""Replicas as the world has them: the engine never takes away so many that fewer are ready than the
strategy allows, never starts more than its surge, and takes none from under the traffic."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import ceil, floor
from typing import TYPE_CHECKING

from gaesup_tui.domain.rolling_spec import RollingSpec

from .broken import must

if TYPE_CHECKING:
    from .course import Course

QUIET_S = 10.0
"""So long after a change behind its back the engine may still act on what it saw before."""


def _part(amount: int | str, of: int) -> float:
    return float(amount) if isinstance(amount, int) else int(amount.rstrip("%")) * of / 100


@dataclass
class Capacity:
    """What people allowed when they asked for a rollout, by its candidate."""

    rolling: dict[str, RollingSpec] = field(default_factory=dict)

    def _limits(self, course: Course) -> tuple[int, int]:
        """(surge, unavailable), as Kubernetes rounds them; (0, 0) where nothing is taken away
        before its successor is whole."""
        if course.rollout.spec.strategy != "rolling":
            return 0, 0
        spec, of = self.rolling[course.rollout.candidate.id], course.replicas
        surge = ceil(_part(spec.max_surge, of))
        unavailable = floor(_part(spec.max_unavailable, of))
        return (surge, unavailable) if surge or unavailable else (0, 1)

    def least(self, course: Course) -> int:
        """How many have to stay ready, unless fewer were without the engine's doing."""
        if course.rollout.base is None:
            return 0
        surge, unavailable = self._limits(course)
        floor_ = 1 if surge and course.least_asked else 0
        return max(course.least_asked - unavailable, floor_, 0)

    def check(self, key: str, course: Course, ready: tuple[int, int], gone: str) -> None:
        """``ready`` before and after a call; ``gone``: a revision the call took the last replica
        of while the route sends requests to it."""
        before, after = ready
        least = self.least(course)
        must(not (gone and least), f"{key}: {gone} was taken from under the traffic")
        must(
            after >= before or after >= least,
            f"{key}: {after} ready of {before} before, at least {least} must be",
        )

    def check_surge(self, key: str, course: Course, wanted: Mapping[str, int], more: str) -> None:
        """``wanted`` after a call, by revision; ``more``: the one it started replicas of. What is
        too much for a number scaled to since only has not gone yet, if nothing was started."""
        rollout = course.rollout
        if rollout.spec.strategy != "rolling" or course.phase != "forward":
            return
        if rollout.base is None or (course.rescaled and not more):
            return
        if not course.rescaled and wanted.get(rollout.base.id, 0) > rollout.base_wanted:
            return  # scaled down just before it began, and that is not over yet
        whole = course.replicas if course.rescaled else max(rollout.replicas, rollout.base_wanted)
        most = whole + self._limits(course)[0]
        # What an earlier rollout left is still going, perhaps, and is not counted.
        total = sum(wanted.get(each.id, 0) for each in (rollout.base, rollout.candidate))
        must(total <= most, f"{key}: {total} replicas, at most {most} may be")
