"""Deployments that were taken away: only by a person, only at rest, and nothing of them returns by
itself. Folded from the journal in the simplest way."""

from __future__ import annotations

from dataclasses import dataclass, field

from gaesup_tui.domain import events as ev
from gaesup_tui.domain.events import Recorded
from gaesup_tui.domain.rollout import ENGINE
from gaesup_tui.domain.steps import AwaitTrain

from .broken import must
from .course import Course


@dataclass
class Deletions:
    """What is deleted now."""

    gone: set[str] = field(default_factory=set)

    def take(self, recorded: Recorded, course: Course | None, *, bound: bool) -> bool:
        """Before the event is folded; whether it deletes. ``bound``: stopped, or on a train."""
        key, event = recorded.deployment, recorded.event
        match event:
            case ev.DeploymentDeleted():
                must(recorded.by != ENGINE, f"{key}: the engine deleted it")
                must(course is not None and key not in self.gone, f"{key}: deleted from nothing")
                assert course is not None
                must(course.phase == "finished", f"{key}: deleted while it moves")
                must(not bound, f"{key}: deleted under a stop or on a train")
                self.gone.add(key)
                return True
            case ev.RolloutCreated(rollout=rollout) if key in self.gone:
                asked = recorded.by != ENGINE or any(
                    isinstance(s, AwaitTrain) for s in rollout.plan
                )
                must(asked, f"{key}: came back by itself")
                must(rollout.spec.strategy != "rollback", f"{key}: rolled back to what was deleted")
                must(rollout.base is None, f"{key}: begins from what was deleted")
                self.gone.discard(key)
            case _:
                must(key not in self.gone, f"{key}: {event.kind} after it was deleted")
        return False
