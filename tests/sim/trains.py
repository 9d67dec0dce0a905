"""Release trains: no unit runs ahead of what it asks, none goes on before the others are where it
is, and all go back in reverse. Folded from the journal in the simplest way."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from gaesup_tui.domain import events as ev
from gaesup_tui.domain.events import Recorded
from gaesup_tui.domain.steps import AwaitTrain, Scale
from gaesup_tui.domain.turns import GROUP_DEADLINE_S

from .broken import must
from .course import Course


@dataclass
class _Train:
    groups: list[list[str]]
    rollouts: dict[str, str] = field(default_factory=dict)
    """Id of a unit's rollout, once it began."""
    aside: set[str] = field(default_factory=set)
    turn: int = 0
    turn_began: float = 0.0
    back: bool = False
    over: bool = False


@dataclass
class Trains:
    """All there were, by name."""

    left: Callable[[str], bool]
    """Whether a deployment is in a global rollback: its turn is that one's, not the train's."""
    known: dict[str, _Train] = field(default_factory=dict)

    def take(self, recorded: Recorded, courses: Mapping[str, Course]) -> None:
        """One event of a train."""
        match recorded.event:
            case ev.TrainStarted() as event:
                self._started(event)
            case ev.TrainMoved(train=name, group=group, begins=begins):
                self._moved(self.known[name], group, begins, courses)
            case ev.TrainPromoted(train=name, aside=aside):
                self.known[name].aside |= set(aside)
            case ev.TrainSetAside(train=name, units=units):
                self.known[name].aside |= set(units)
            case ev.TrainTurned(train=name, to="back"):
                train = self.known[name]
                must(not train.back, f"{name}: two ways back")
                train.back, train.turn, train.turn_began = True, len(train.groups), recorded.at
            case ev.TrainFinished(train=name):
                self.known[name].over = True
            case ev.TrainWentBack() as event:
                self._went_back(self.known[event.train], event, recorded.at, courses)

    def carry(self, key: str) -> bool:
        """Whether a train under way has it."""
        trains = (train for train in self.known.values() if not train.over)
        return any(key in group for train in trains for group in train.groups)

    def _started(self, event: ev.TrainStarted) -> None:
        groups = [[car.key for car in group] for group in event.groups]
        train = self.known[event.train] = _Train(groups)
        for number, group in enumerate(event.groups):
            later = {key for keys in groups[number:] for key in keys}
            for car in group:
                if car.aside:
                    train.aside.add(car.key)
                for unit in car.order.depends_on:
                    other = f"{unit}@{event.environment}"
                    must(other not in later - {car.key}, f"{car.key} goes before {other}")

    def _moved(
        self, train: _Train, group: int, begins: tuple[str, ...], courses: Mapping[str, Course]
    ) -> None:
        must(not train.back, "a train begins units on its way back")
        for rollout in begins:
            key = rollout.partition("#")[0]
            must(key in train.groups[group], f"{key} is not in group {group}")
            train.rollouts[key] = rollout
        for key in (k for earlier in train.groups[:group] for k in earlier):
            if key not in train.aside and begins:
                there = self._serves(train, key, courses)
                must(there, f"group {group} began while {key} was not there yet")

    @staticmethod
    def _serves(train: _Train, key: str, courses: Mapping[str, Course]) -> bool:
        course = courses[key]
        if course.rollout.id != train.rollouts.get(key):
            return False
        if course.phase == "finished":
            return course.stable == course.rollout.candidate.id
        return course.phase == "forward" and course.weight == 100

    def arrives(self, name: str, courses: Mapping[str, Course]) -> None:
        """A unit lets go of its base: all of the train have to be as far."""
        train = self.known[name]
        for key in (k for group in train.groups for k in group):
            if key in train.aside:
                continue
            must(self._serves(train, key, courses), f"{name} arrived without {key}")
            course = courses[key]
            left = [s for s in course.plan[course.index :] if not isinstance(s, AwaitTrain | Scale)]
            must(not left, f"{name} arrived while {key} still had {left} before it")

    def _went_back(
        self, train: _Train, event: ev.TrainWentBack, at: float, courses: Mapping[str, Course]
    ) -> None:
        must(train.back, "a train goes back that was not turned")
        must(event.group < train.turn, f"group {event.group} goes back after {train.turn}")
        before = train.groups[train.turn] if train.turn < len(train.groups) else []
        ours = [key for key in before if not self.left(key)]
        moving = [key for key in ours if self._goes_back(train, key, courses)]
        late = set(moving) - set(event.late)
        must(not late, f"group {event.group} goes back while {late} do not rest")
        waited = at >= train.turn_began + GROUP_DEADLINE_S
        must(waited or not moving, f"{moving} were cut short")
        train.turn, train.turn_began = event.group, at

    @staticmethod
    def _goes_back(train: _Train, key: str, courses: Mapping[str, Course]) -> bool:
        """Whether its own rollout is still on the way back with its traffic or its base."""
        course = courses.get(key)
        if course is None or course.rollout.id != train.rollouts.get(key):
            return False
        left = course.plan[course.index :]
        gone = course.phase == "back" and not [s for s in left[:-1] if not isinstance(s, Scale)]
        return course.phase == "forward" or (course.phase == "back" and not gone)
