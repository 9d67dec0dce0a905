"""Freeze windows: nothing begins in one and nothing goes forward in it, unless somebody broke the
glass, and then no further than that reaches. Folded from the journal in the simplest way."""

from __future__ import annotations

from dataclasses import dataclass, field

from gaesup_tui.domain import events as ev
from gaesup_tui.domain.events import Recorded
from gaesup_tui.domain.rollout import ENGINE
from gaesup_tui.domain.steps import Analyse, AwaitTrain, Bake, Compare, Pause

from .broken import must
from .course import Course


@dataclass
class Freezes:
    """The windows that have begun, and the glass that was broken, as the journal told it."""

    open: set[tuple[str, str]] = field(default_factory=set)
    """By scope and name."""
    lifted: set[tuple[str, str]] = field(default_factory=set)
    """Of those, what somebody removed: over, though its end is not recorded yet."""
    glass: dict[str, ev.GlassBroken] = field(default_factory=dict)
    """Of the rollout that moves, by deployment."""
    let_go: int = 0
    """Number of the event by which a hold was last released."""
    unexcused: dict[str, str] = field(default_factory=dict)
    """What went forward in a window, in this batch, and has not shown its broken glass yet."""

    def take(self, recorded: Recorded, course: Course | None) -> None:
        """Before the event is folded into its course."""
        key, event = recorded.deployment, recorded.event
        match event:
            case ev.WindowBegan(scope=scope, name=name):
                must((scope, name) not in self.open, f"window {name} began twice")
                self.open.add((scope, name))
            case ev.WindowEnded(scope=scope, name=name):
                must((scope, name) in self.open, f"window {name} ended before it began")
                self.open.discard((scope, name))
                self.lifted.discard((scope, name))
            case ev.WindowRemoved(scope=scope, name=name):
                self.lifted |= self.open & {(scope, name)}
            case ev.WindowAdded(scope=scope, window=window):
                self.lifted.discard((scope, window.name))
            case ev.RolloutCreated(rollout=rollout):
                self.glass.pop(key, None)
                if rollout.spec.strategy != "rollback":
                    self._forward(key, event.kind)
            case ev.RolloutResumed() if self.let_go == recorded.seq - 1:
                pass  # with the hold its pause is over; the window still stands
            case ev.DecisionMade() | ev.RolloutResumed() if course and not _safe(course):
                self._forward(key, event.kind)
            case ev.HoldReleased():
                self.let_go = recorded.seq
            case ev.GlassBroken():
                must((event.who or recorded.by) != ENGINE, f"{key}: the engine broke the glass")
                self.glass[key] = event
                self.unexcused.pop(key, None)
            case ev.StepCompleted() if course and recorded.by == ENGINE and not _safe(course):
                stands = self._covers(key) and not self._excused(key, course, recorded.at)
                must(not stands, f"{key}: went on in a freeze window")

    def batch_over(self) -> None:
        """What is recorded together has been told."""
        must(not self.unexcused, f"in a freeze window, and no glass broken: {self.unexcused}")

    def _forward(self, key: str, kind: str) -> None:
        if self._covers(key):
            broken = key in self.glass and kind != "rollout_created"
            self.unexcused.update({} if broken else {key: kind})

    def _covers(self, key: str) -> bool:
        return any(
            scope in ("", key, key.partition("@")[2]) for scope, _ in self.open - self.lifted
        )

    def _excused(self, key: str, course: Course, at: float) -> bool:
        """Whether broken glass lets the present step end."""
        glass = self.glass.get(key)
        if glass is None or at >= glass.until:
            return False
        gate = isinstance(course.plan[course.index], Pause | Analyse | Compare | AwaitTrain | Bake)
        passed = course.full or course.index in course.decided
        return not (glass.one_step and gate) or passed


def _safe(course: Course) -> bool:
    return course.phase == "back" or course.rollout.spec.strategy == "rollback"
