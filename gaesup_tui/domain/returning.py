"""How one gets back, and how long it takes. What was not measured here is not promised."""

from __future__ import annotations

from typing import Protocol

from gaesup_tui.domain.observation import DeploymentSeen
from gaesup_tui.domain.revision import Revision
from gaesup_tui.domain.rollout import Rollout
from gaesup_tui.domain.text import duration


class Pace(Protocol):
    """What is seen of a deployment, and how long changes took lately."""

    @property
    def seen(self) -> DeploymentSeen | None:
        """None: its backend has not been seen lately."""

    @property
    def switch_s(self) -> float | None:
        """How long a traffic change took until it was seen; None: not measured."""

    @property
    def start_s(self) -> float | None:
        """How long replicas took until they were ready; None: not measured."""

    @property
    def starts(self) -> int:
        """From how many starts that is known."""


def way_back_line(rollout: Rollout, pace: Pace) -> str:
    """``v41 is warm, 4 of 4: about 0.3 s``."""
    if rollout.base is None:
        return "none: this is the first revision; abort takes it away"
    if not rollout.active:
        return f"last good one is cold: {_cold(pace)}"
    return _to(rollout.base, rollout.base_wanted, pace)


def rollback_line(target: Revision, wanted: int, pace: Pace) -> str:
    """``v41 is cold: fetch and start about 4 s, last 3 starts``, or as warm as it is."""
    there = pace.seen.revision(target.id) if pace.seen else None
    if there is None or not there.ready:
        return f"{target.version} is cold: {_cold(pace)}"
    return _to(target, wanted, pace)


def _to(revision: Revision, wanted: int, pace: Pace) -> str:
    if pace.seen is None:
        return f"{revision.version}; how warm it is cannot be seen now"
    there = pace.seen.revision(revision.id)
    ready = there.ready if there else 0
    if ready >= wanted:
        return f"{revision.version} is warm, {ready} of {wanted}: {_about(pace.switch_s)}"
    total = None
    if pace.switch_s is not None and pace.start_s is not None:
        total = pace.switch_s + pace.start_s
    return f"{revision.version} has {ready} of {wanted} ready: {_about(total)} for all of it"


def _cold(pace: Pace) -> str:
    if pace.start_s is None:
        return "fetch and start, time not measured yet"
    took = pace.start_s + (pace.switch_s or 0.0)
    last = "last start" if pace.starts == 1 else f"last {pace.starts} starts"
    return f"fetch and start {_about(took)}, {last}"


def _about(seconds: float | None) -> str:
    if seconds is None:
        return "time not measured yet"
    return f"about {duration(seconds)}" if seconds >= 0.1 else "under 0.1 s"
