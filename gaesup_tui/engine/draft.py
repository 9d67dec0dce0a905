"""Decisions on a copy of the world: what becomes true if, and only if, it gets into the journal."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field

from gaesup_tui.domain import events as ev
from gaesup_tui.domain.commands import Command
from gaesup_tui.domain.deployment import Deployment
from gaesup_tui.domain.events import Event, Recorded
from gaesup_tui.domain.gradual import is_gradual
from gaesup_tui.domain.rollout import Actor, Rollout
from gaesup_tui.domain.steps import AwaitReady, Scale, SetTraffic
from gaesup_tui.domain.train_fold import fits as fits_train
from gaesup_tui.domain.world import World
from gaesup_tui.engine.journal import Answer, Batch


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a command led to."""

    seq: int
    """The last event's number."""
    events: tuple[Recorded, ...]
    durable: bool = True
    """False: acted from memory, since the journal cannot be written; recorded as soon as it can,
    perhaps under other numbers."""
    repeated: bool = False
    """The idempotency key was used before: this is the first answer again."""


@dataclass(eq=False, slots=True)
class Order:
    """A command on its way to a decision, and where its answer goes."""

    command: Command
    by: Actor
    answer: asyncio.Future[Receipt]
    key: str = ""
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """One decided event."""

    recorded: Recorded
    safe: bool
    """It leads back, or holds: it may act before it is recorded."""
    order: Order | None = None


@dataclass(slots=True)
class Draft:
    """A world with decisions folded into it, and those decisions."""

    world: World
    entries: list[Entry] = field(default_factory=list)
    refusals: list[tuple[Order, Exception]] = field(default_factory=list)
    base: World | None = None
    """What it was begun on."""

    @classmethod
    def on(cls, world: World) -> Draft:
        """A draft that begins with this world and leaves it as it is."""
        return cls(world.copy(), base=world)

    def record(
        self,
        events: Iterable[Event],
        by: Actor,
        now: float,
        *,
        safe: bool,
        order: Order | None = None,
    ) -> None:
        """Numbers events, times them, and folds them in."""
        for event in events:
            self.add(event, by, max(now, self.world.at), safe=safe, order=order)

    def add(self, event: Event, by: Actor, at: float, *, safe: bool, order: Order | None) -> None:
        """Numbers one event and folds it in. ``safe``: it leads back, and acts also unrecorded."""
        recorded = Recorded(seq=self.world.seq + 1, at=at, by=by, event=event)
        self.world.apply(recorded)
        self.entries.append(Entry(recorded, safe, order))

    def take_safe(self, entries: Iterable[Entry]) -> None:
        """Takes over, under new numbers, those decisions that lead back and still mean something
        here, where what led forward beside them did not happen."""
        for entry in entries:
            old = entry.recorded
            if not entry.safe or not fits(self.world, old.event):
                continue
            at = max(old.at, self.world.at)
            self.add(old.event, old.by, at, safe=entry.safe, order=entry.order)

    def keys(self) -> set[str]:
        """The deployments it changes."""
        return {entry.recorded.deployment for entry in self.entries} - {""}

    def orders(self) -> list[Order]:
        """The commands it carries out, in order."""
        return list(dict.fromkeys(entry.order for entry in self.entries if entry.order))

    def receipt(self, order: Order, *, durable: bool) -> Receipt:
        """What a command did here. ``durable``: whether the journal has it."""
        events = tuple(entry.recorded for entry in self.entries if entry.order is order)
        return Receipt(events[-1].seq, events, durable)

    def batch(self) -> Batch:
        """What goes into the journal."""
        events = tuple(entry.recorded for entry in self.entries)
        return Batch(events, tuple(self._answers()))

    def _answers(self) -> Iterable[Answer]:
        for order in self.orders():
            if order.key:
                of = [entry.recorded.seq for entry in self.entries if entry.order is order]
                yield Answer(order.key, order.digest, of[0], of[-1])


def fits(world: World, event: Event) -> bool:
    """Whether a decision that leads back would change anything in this world."""
    state = world.deployments.get(getattr(event, "deployment", ""))
    rollout = state.active if state else None
    match event:
        case ev.RetreatStarted():
            return rollout is not None and (rollout.phase == "forward" or is_gradual(rollout))
        case ev.RolloutCreated(rollout=new):
            if state is None or world.frozen(state.key):
                return False
            return _still_rolls_back(state, new)
        case ev.StepCompleted(index=index):
            if rollout is None or rollout.index != index:
                return False
            # What let a rollback go on, a resume or a release, may not have happened.
            stands = rollout.paused is not None or world.frozen(rollout.deployment)
            return rollout.phase == "back" or (rolls_back(rollout) and not stands)
        case ev.GlobalRollbackTurn(scope=scope, group=group):
            courses = (stop.course for stop in world.stops if stop.scope == scope)
            return any(course and course.group + 1 == group for course in courses)
        case ev.RolloutFinished():
            return rollout is not None and rollout.phase == "back" and rollout.step is None
        case ev.VerdictGiven():
            return rollout is not None
        case ev.HoldSet():  # recorded right after the way back it speaks of
            return rollout is not None and rollout.phase == "back"
        case ev.TrainTurned(train=name) | ev.TrainWentBack(train=name):
            train = world.train(name)
            return train is not None and fits_train(train, event)
    return True


def _still_rolls_back(state: Deployment, new: Rollout) -> bool:
    """Whether a rollback still leaves what it was decided to leave."""
    stable = state.stable.id if state.stable else None
    leaves = new.base.id if new.base else None
    is_next = new.id == f"{state.key}#{state.rollouts + 1}"
    return new.spec.strategy == "rollback" and not state.active and is_next and stable == leaves


def rolls_back(rollout: Rollout) -> bool:
    """Whether its present step brings a known good revision back. What comes after, the end of
    the bake and the end of what it leaves, is for a journal to know first: whoever only has the
    journal would want that again."""
    if rollout.phase != "forward" or rollout.spec.strategy != "rollback":
        return False
    match rollout.step:
        case Scale(side="candidate") | AwaitReady() | SetTraffic():
            return True
    return False


def leads_back(events: Iterable[Event]) -> bool:
    """Whether a way back begins among these."""
    return any(isinstance(event, ev.RetreatStarted) for event in events)
