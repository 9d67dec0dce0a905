"""The two-person rule: where an environment asks for it, nothing goes forward on the word of one.
Folded from the journal in the simplest way."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from gaesup_tui.domain import events as ev
from gaesup_tui.domain.events import Recorded
from gaesup_tui.domain.rollout import ENGINE, Actor
from gaesup_tui.domain.steps import Pause

from .broken import must
from .course import Course


class _Word(NamedTuple):
    by: Actor
    step: int
    full: bool


@dataclass
class Agreement:
    """Which environments ask for two, and who said yes to what."""

    two: set[str] = field(default_factory=set)
    words: dict[str, list[_Word]] = field(default_factory=dict)

    def take(self, recorded: Recorded, course: Course | None) -> None:
        """Before the event is folded into its course."""
        key, event = recorded.deployment, recorded.event
        match event:
            case ev.PolicyTaken(policy=policy):
                self.two.discard(policy.environment)
                self.two.update({policy.environment} if policy.two_persons else ())
            case ev.RolloutCreated(rollout=rollout):
                self.words[key] = []
                gated = isinstance(rollout.plan[0], Pause) and rollout.plan[0].second
                free = rollout.spec.strategy == "rollback" or not self._applies(key)
                must(free or gated, f"{key}: began on the word of one")
            case ev.ApprovalGiven(index=index, full=full):
                must(recorded.by != ENGINE, f"{key}: the engine approved")
                self.words[key].append(_Word(recorded.by, index, full))
            case ev.DecisionMade(index=index, full=full) if course and self._applies(key):
                if course.rollout.spec.strategy != "rollback":
                    agreed = self._agreed(key, course, index, full)
                    others = [one for one in agreed if one.uid != recorded.by.uid]
                    must(others, f"{key}: went forward on the word of {recorded.by.name} alone")

    def _applies(self, key: str) -> bool:
        return key.partition("@")[2] in self.two

    def _agreed(self, key: str, course: Course, index: int, full: bool) -> list[Actor]:
        step = course.plan[index]
        starter = [course.rollout.by] if isinstance(step, Pause) and step.second else []
        said = [w for w in self.words[key] if w.step == index and (w.full or not full)]
        return [*starter, *(word.by for word in said)]
