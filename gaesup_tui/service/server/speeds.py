"""How long changes take here, from the rollouts that were: what a way back may be promised from.

A traffic step ends when the live route shows the new share, so its length is the time from the
call to the sight of it; a "healthy" step's is that from replicas asked for to replicas ready.
"""

from __future__ import annotations

from collections import deque
from statistics import median

from gaesup_tui.domain import events as ev
from gaesup_tui.domain.rollout import Rollout
from gaesup_tui.domain.steps import AwaitReady, SetTraffic
from gaesup_tui.domain.world import World

KEEP = 15


class Speeds:
    """The last measured times; ``take`` every committed event."""

    def __init__(self, world: World) -> None:
        self._switches: deque[float] = deque(maxlen=KEEP)
        self._starts: deque[float] = deque(maxlen=KEEP)
        rollouts = [state.rollout for state in world.deployments.values() if state.rollout]
        for rollout in sorted(rollouts, key=lambda each: each.at):
            for index in range(len(rollout.records)):
                self._measure(rollout, index)

    def take(self, world: World, recorded: ev.Recorded) -> None:
        """Measures the step this event ended, if it did."""
        event = recorded.event
        state = world.deployments.get(recorded.deployment)
        if isinstance(event, ev.StepCompleted) and state and state.rollout:
            self._measure(state.rollout, event.index)

    def _measure(self, rollout: Rollout, index: int) -> None:
        if index >= min(len(rollout.records), len(rollout.spec.plan)):
            return
        record, step = rollout.records[index], rollout.spec.plan[index]
        if record.result != "done":
            return
        if isinstance(step, SetTraffic):
            self._switches.append(record.ended - record.began)
        elif isinstance(step, AwaitReady):
            self._starts.append(record.ended - record.began)

    @property
    def switch_s(self) -> float | None:
        """Median seconds from a traffic change to its sight; None when none was measured."""
        return median(self._switches) if self._switches else None

    @property
    def start_s(self) -> float | None:
        """Median seconds from replicas asked for to all of them ready."""
        return median(self._starts) if self._starts else None

    @property
    def starts(self) -> int:
        """How many starts that is from."""
        return len(self._starts)
