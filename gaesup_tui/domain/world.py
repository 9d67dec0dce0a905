"""All that the journal tells: deployments, stops, trains. Folded from events, nothing else."""

from __future__ import annotations

from collections.abc import Iterable

from gaesup_tui.domain import calendar_fold, standing, train_fold
from gaesup_tui.domain import deployment as deployments
from gaesup_tui.domain import events as ev
from gaesup_tui.domain.deployment import Deployment
from gaesup_tui.domain.model import Frozen, Text
from gaesup_tui.domain.policy import Calendar, OpenWindow
from gaesup_tui.domain.rollout import Actor
from gaesup_tui.domain.train import Train
from gaesup_tui.domain.turns import Course

_SEVERITY = ("stop", "rollback", "freeze")


def in_scope(key: str, scope: str) -> bool:
    """Whether a deployment is in a scope: empty is everything, else its environment or itself."""
    return not scope or scope == key or key.partition("@")[2] == scope


class Stop(Frozen):
    """An emergency stop, a freeze or a global rollback in force."""

    scope: str
    """Empty for everything, else an environment or a deployment."""
    mode: str
    """``stop``, ``freeze`` or ``rollback``."""
    by: Actor
    at: float
    why: Text = ""
    course: Course | None = None
    """Where a global rollback stands; None for a stop and a freeze."""

    def covers(self, key: str) -> bool:
        """Whether the deployment ``key`` is in its scope."""
        return in_scope(key, self.scope)


class Snapshot(Frozen):
    """A world as one value, to begin a replay from."""

    seq: int
    at: float
    deployments: tuple[Deployment, ...]
    stops: tuple[Stop, ...]
    clean: bool
    trains: tuple[Train, ...] = ()
    calendar: Calendar = Calendar()


class World:
    """The present state. Values inside are frozen; the fold replaces them."""

    __slots__ = (
        "at",
        "calendar",
        "clean",
        "deployments",
        "queued",
        "seq",
        "stops",
        "trains",
    )

    def __init__(self) -> None:
        self.seq = 0
        self.at = 0.0
        """When the last event happened."""
        self.clean = True
        """Whether the engine's last life ended on purpose."""
        self.deployments: dict[str, Deployment] = {}
        self.stops: tuple[Stop, ...] = ()
        self.queued: frozenset[str] = frozenset()
        """Deployments for which a revision is queued."""
        self.trains: tuple[Train, ...] = ()
        """Release trains, and the last that finished."""
        self.calendar = Calendar()

    @classmethod
    def restore(cls, snapshot: Snapshot) -> World:
        """The world a snapshot was taken of."""
        world = cls()
        world.seq, world.at, world.clean = snapshot.seq, snapshot.at, snapshot.clean
        world.deployments = {d.key: d for d in snapshot.deployments}
        world.stops, world.trains = snapshot.stops, snapshot.trains
        world.queued = frozenset(d.key for d in snapshot.deployments if d.queued)
        world.calendar = snapshot.calendar
        return world

    def snapshot(self) -> Snapshot:
        """All of it as one value, to begin from later instead of from the first event."""
        return Snapshot(
            seq=self.seq,
            at=self.at,
            deployments=tuple(self.deployments.values()),
            stops=self.stops,
            clean=self.clean,
            trains=self.trains,
            calendar=self.calendar,
        )

    def copy(self) -> World:
        """A draft that can be folded on and thrown away."""
        other = World()
        other.seq, other.at, other.clean = self.seq, self.at, self.clean
        other.deployments = dict(self.deployments)
        other.stops, other.queued = self.stops, self.queued
        other.trains = self.trains
        other.calendar = self.calendar
        return other

    def apply(self, recorded: ev.Recorded) -> None:
        """Folds one event. Total and deterministic: replay is nothing else."""
        event = recorded.event
        match event:
            case ev.StopPressed(scope=scope, mode=mode, why=why):
                stop = Stop(scope=scope, mode=mode, by=recorded.by, at=recorded.at, why=why)
                others = (s for s in self.stops if s.scope != scope or s.course)
                self.stops = (*others, stop)
            case ev.GlobalRollbackStarted():
                self._roll_back(event, recorded)
            case ev.GlobalRollbackTurn():
                self.stops = tuple(_turned(stop, event, recorded.at) for stop in self.stops)
            case ev.StopReleased(scope=scope):
                self._release(scope, recorded.at)
            case _ if isinstance(event, train_fold.TrainEvent):
                self.trains = train_fold.apply(self.trains, recorded)
            case (
                ev.PolicyTaken()
                | ev.WindowAdded()
                | ev.WindowRemoved()
                | ev.WindowBegan()
                | ev.WindowEnded()
            ):
                before = self.calendar.open
                self.calendar = calendar_fold.apply(self.calendar, event, recorded)
                until = event.until if isinstance(event, ev.WindowEnded) else None
                self._thaw_after(before, recorded.at if until is None else until)
            case ev.BackendRestarted():
                pass
            case ev.EngineStarted():
                self.clean = False
            case ev.EngineStopped():
                self.clean = True
            case _:
                self._apply_deployment(recorded)
        self.seq = recorded.seq
        self.at = max(self.at, recorded.at)

    def apply_all(self, recorded: Iterable[ev.Recorded]) -> None:
        """Folds events in, in their order."""
        for each in recorded:
            self.apply(each)

    def _apply_deployment(self, recorded: ev.Recorded) -> None:
        key = recorded.deployment
        state = self.deployments.get(key)
        if state is None:
            if not isinstance(recorded.event, ev.RolloutCreated):
                return
            state = deployments.begin(recorded.event)
        state = self.deployments[key] = deployments.apply(state, recorded)
        if (state.queued is not None) is not (key in self.queued):
            self.queued = self.queued ^ {key}

    def _roll_back(self, event: ev.GlobalRollbackStarted, recorded: ev.Recorded) -> None:
        course = Course(groups=event.groups, skipped=event.skipped, group_began=recorded.at)
        stop = Stop(
            scope=event.scope,
            mode="rollback",
            by=recorded.by,
            at=recorded.at,
            why=event.why,
            course=course,
        )
        self.stops = (*(s for s in self.stops if s.scope != event.scope or not s.course), stop)

    def _release(self, scope: str, at: float) -> None:
        released = [stop for stop in self.stops if stop.scope == scope and stop.mode != "stop"]
        self.stops = tuple(stop for stop in self.stops if stop.scope != scope)
        for stop in released:
            for key, state in self.deployments.items():
                if stop.covers(key) and _stood(stop, state) and not self.frozen(key):
                    # The rest of it is put off when the window ends.
                    until = min((w.since for w in self.open_for(key)), default=at)
                    self.deployments[key] = standing.thawed(state, stop.at, until)
            self.trains = tuple(
                train_fold.thawed(train, stop.at, at)
                if any(stop.covers(car.key) for car in train.cars)
                else train
                for train in self.trains
            )

    def train(self, name: str) -> Train | None:
        """The train of that name, active or the last."""
        return next((train for train in self.trains if train.name == name), None)

    def open_for(self, key: str) -> list[OpenWindow]:
        """The freeze windows that have begun for a deployment, as recorded."""
        return [window for window in self.calendar.open if in_scope(key, window.scope)]

    def _thaw_after(self, before: tuple[OpenWindow, ...], at: float) -> None:
        """Puts off the timers of what stood still in windows that are over."""
        for window in (w for w in before if w not in self.calendar.open):
            for key, state in self.deployments.items():
                if in_scope(key, window.scope) and standing.stood_in_window(state, window.since):
                    self.deployments[key] = self._put_off(state, window.since, at)
            self.trains = tuple(
                train_fold.thawed(train, window.since, at)
                if any(in_scope(car.key, window.scope) for car in train.cars)
                else train
                for train in self.trains
            )

    def _put_off(self, state: Deployment, since: float, at: float) -> Deployment:
        until = min([at, *(w.since for w in self.open_for(state.key))])
        stop = self.stop_for(state.key)
        if stop and stop.mode == "freeze":
            until = min(until, stop.at)
        return standing.put_off(state, since, max(since, until))

    def find(self, key: str) -> Deployment | None:
        """A deployment that is there; one that was deleted is not."""
        state = self.deployments.get(key)
        return None if state is None or state.deleted else state

    def stop_for(self, key: str) -> Stop | None:
        """The stop or freeze in force for a deployment, the most severe first."""
        covering = [stop for stop in self.stops if stop.covers(key)]
        return min(covering, key=lambda stop: _SEVERITY.index(stop.mode), default=None)

    def frozen(self, key: str) -> bool:
        """Whether a freeze (not a stop) holds it where it stands."""
        stop = self.stop_for(key)
        return stop is not None and stop.mode == "freeze"

    def back_only(self, key: str) -> bool:
        """Whether a global rollback has come to it or will: nothing there goes forward but a
        rollback."""
        return any(stop.course and stop.covers(key) for stop in self.stops)


def _stood(stop: Stop, state: Deployment) -> bool:
    """Whether nothing of it moved while the stop was in force: a rollback moves in its own."""
    return stop.mode == "freeze" or not state.active or state.active.spec.strategy != "rollback"


def _turned(stop: Stop, event: ev.GlobalRollbackTurn, at: float) -> Stop:
    if stop.course is None or stop.scope != event.scope:
        return stop
    course = stop.course.model_copy(
        update={
            "group": event.group,
            "group_began": at,
            "late": (*stop.course.late, *event.late),
        }
    )
    return stop.model_copy(update={"course": course})
