"""What people have taken in hand: a held deployment never moves by itself, and nobody but its
holder leads a locked one forward.

Folded from the journal in the simplest way; knows nothing of the engine's rules.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gaesup_tui.domain import events as ev
from gaesup_tui.domain.events import Recorded
from gaesup_tui.domain.rollout import ENGINE, Actor
from gaesup_tui.domain.steps import Analyse, AwaitTrain, Bake, Compare, Pause, SetTraffic

from .broken import must

if TYPE_CHECKING:
    from .course import Course


@dataclass
class _Lock:
    by: Actor
    until: float | None


@dataclass
class Claims:
    """Holds and locks, as the journal told them so far."""

    held: set[str] = field(default_factory=set)
    cleared: dict[str, int] = field(default_factory=dict)
    """The step after which a person let a held deployment take a share."""
    locks: dict[str, _Lock] = field(default_factory=dict)

    def take(self, recorded: Recorded, course: Course | None) -> None:
        """Before the event is folded into its course."""
        key, event = recorded.deployment, recorded.event
        match event:
            case ev.HoldSet():
                must(key not in self.held, f"{key}: held twice")
                self.held.add(key)
                self.cleared.pop(key, None)
                if course:
                    course.full = False  # what was said before the hold does not count after it
            case ev.HoldReleased():
                self.held.discard(key)
            case ev.LockSet(for_s=for_s):
                until = None if for_s is None else recorded.at + for_s
                self.locks[key] = _Lock(recorded.by, until)
            case ev.LockReleased(broken_of=broken_of):
                gone = self.locks.pop(key)
                whose = gone.by.name if gone.by != recorded.by else ""
                must(broken_of == whose, f"{key}: a lock of {gone.by.name} ended for {broken_of}")
            case ev.DeploymentDeleted():
                self.held.discard(key)
                self.locks.pop(key, None)
            case ev.DecisionMade(index=index, share=True):
                self.cleared[key] = index
            case ev.RolloutCreated(rollout=rollout) if key in self.held and recorded.by == ENGINE:
                back = rollout.spec.strategy == "rollback"
                must(back, f"{key}: a rollout began by itself while held")
            case ev.StepCompleted() if course and key in self.held and course.phase == "forward":
                self._held(key, course, event, recorded.by)
        self._locked(key, recorded, course)

    def _held(self, key: str, course: Course, event: ev.StepCompleted, by: Actor) -> None:
        if course.full or course.rollout.spec.strategy == "rollback" or by != ENGINE:
            return
        step = course.plan[event.index]
        must(
            not isinstance(step, Pause | Analyse | Compare | AwaitTrain | Bake),
            f"{key}: a wait ended while held",
        )
        after = course.plan[event.index + 1 : event.index + 2]
        for share in after:
            if isinstance(share, SetTraffic) and share.weight_percent > course.weight:
                let = self.cleared.get(key) == event.index
                must(let, f"{key}: took {share.weight_percent} % while held")

    def _locked(self, key: str, recorded: Recorded, course: Course | None) -> None:
        lock = self.locks.get(key)
        if lock is None or (lock.until is not None and lock.until <= recorded.at):
            return
        forward = isinstance(recorded.event, ev.DecisionMade | ev.RolloutCreated | ev.HoldReleased)
        if isinstance(recorded.event, ev.RolloutCreated):
            forward = recorded.event.rollout.spec.strategy != "rollback"
        if forward and recorded.by != ENGINE:
            must(recorded.by == lock.by, f"{key}: {recorded.event.kind} past the lock of {lock.by}")
