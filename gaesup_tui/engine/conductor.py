"""One task that owns the world: everything that is decided, is decided here, one after the other.

It drains all that queued up, decides on a draft, appends the draft to the journal as one batch,
and only when that is durable swaps it in, answers, and tells. Ways to safety are the exception:
when the journal does not answer in time or cannot be written, what leads back acts from memory
and is recorded as soon as possible. Nothing that leads forward is ever in force unrecorded.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress

from gaesup_tui.domain.commands import Command
from gaesup_tui.domain.errors import Frozen, Unavailable
from gaesup_tui.domain.events import Event, Recorded
from gaesup_tui.domain.rollout import ENGINE, Actor
from gaesup_tui.domain.world import World
from gaesup_tui.engine.answers import Answers
from gaesup_tui.engine.decisions import (
    Eyes,
    decide_calendar,
    decide_looks,
    decide_order,
    decide_queues,
    decide_times,
    decide_turns,
    needs_looks,
    next_due,
    urgent,
)
from gaesup_tui.engine.draft import Draft, Order, Receipt
from gaesup_tui.engine.journal import Answer, Journal
from gaesup_tui.engine.ledger import Ledger
from gaesup_tui.engine.ports import Clock

log = logging.getLogger("gaesup.engine")

PATIENCE_S = 0.1
"""How long a way to safety waits for the journal before it acts from memory."""
SLOW_S = 5.0
"""After this long without an answer of the journal, the engine calls itself frozen."""
RETRY_S = (0.5, 1.0, 2.0, 4.0, 5.0)
KEEP_RECENT = 2000


class Conductor:
    """``run`` it in a task; ``submit`` commands, tell it what was ``looked`` at."""

    def __init__(
        self,
        journal: Journal,
        clock: Clock,
        eyes: Eyes,
        on_world: Callable[[set[str]], None],
        on_committed: Callable[[tuple[Recorded, ...]], None],
    ) -> None:
        self._wake = asyncio.Event()
        self._ledger = Ledger(journal, self._wake.set)
        self._clock = clock
        self._eyes = eyes
        self._on_world = on_world
        self._on_committed = on_committed
        self.world = World()
        """What is in force."""
        self._active: set[str] = set()
        self._urgent: deque[Order] = deque()
        self._orders: deque[Order] = deque()
        self._looked: set[str] = set()
        self._told: list[Event] = []
        self._failures = 0
        self._retry_at = 0.0
        self.frozen: str | None = None
        self._ending = False
        self._answers = Answers(journal)
        self._recent: deque[Recorded] = deque(maxlen=KEEP_RECENT)

    # What others call.

    def restore(self, world: World, answers: Iterable[Answer], recent: Iterable[Recorded]) -> None:
        """Stands where the journal says the engine stood. Before ``run``."""
        self.world = world
        self._ledger.restore(world)
        self._answers.keep(answers)
        self._recent.extend(recent)
        now = self._clock.now()
        states = world.deployments.items()
        self._active = {key for key, state in states if needs_looks(state, now)}
        if world.queued:
            self._wake.set()

    async def note(self, event: Event) -> None:
        """Records an event of the engine's own life, after the windows that passed without it; kept
        for later if it cannot be written."""
        draft = Draft.on(self._ledger.tip)
        decide_calendar(draft, self._clock.now(), safe=True)
        draft.record([event], ENGINE, self._clock.now(), safe=True)
        writing = self._ledger.write(draft, self._clock.now())
        await asyncio.wait({writing.task}, timeout=SLOW_S)
        if writing.done:
            self._settle()

    def tell(self, event: Event) -> None:
        """Something happened that nobody decided: recorded with what is decided next."""
        self._told.append(event)
        self._wake.set()

    async def submit(
        self, command: Command, by: Actor, idempotency_key: str | None = None
    ) -> Receipt:
        """See ``Engine.submit``."""
        if idempotency_key and (
            earlier := await self._answers.earlier(command, by, idempotency_key)
        ):
            return earlier
        if self._ending:
            raise Unavailable("the engine is stopping", hint="try again in a moment")
        order = self._answers.order(command, by, idempotency_key)
        (self._urgent if urgent(command) else self._orders).append(order)
        self._wake.set()
        # Shielded: a caller who goes away does not take the decision back.
        return await asyncio.shield(order.answer)

    def looked(self, backend: str) -> None:
        """A backend was observed: decide about every rollout that moves there."""
        deployments = self.world.deployments
        self._looked.update(key for key in self._active if deployments[key].backend == backend)
        if self._looked or self.world.queued:  # a lock or a window may be over for what is queued
            self._wake.set()

    def look_at(self, key: str) -> None:
        """Something new is known about one deployment."""
        self._looked.add(key)
        self._wake.set()

    async def run(self) -> None:
        """Decides until ``end``."""
        while True:
            await self._wait()
            if self._ending:
                return  # the last writes are ``end``'s
            self._step()

    async def end(self, event: Event) -> None:
        """Finishes what is being written, records a last event, refuses what is still queued."""
        self._ending = True
        self._wake.set()
        await self._last_write()
        for order in (*self._urgent, *self._orders):
            _refuse(order, Unavailable("the engine is stopping", hint="try again in a moment"))
        if self._ledger.writing is None:
            draft = self._ledger.in_force()
            draft.record([event], ENGINE, self._clock.now(), safe=True)
            self._ledger.held = []
            self._ledger.write(draft, self._clock.now())
            await self._last_write()

    async def _last_write(self) -> None:
        writing = self._ledger.writing
        if writing:
            await asyncio.wait({writing.task}, timeout=SLOW_S)
            if writing.done:
                self._settle()

    @property
    def durable_world(self) -> World:
        """What the journal holds, and nothing else."""
        return self._ledger.durable

    # One turn.

    async def _wait(self) -> None:
        """Until there is something to do."""
        writing, now = self._ledger.writing, self._clock.now()
        if writing and not writing.acting:
            await asyncio.wait({writing.task}, timeout=PATIENCE_S)
            return
        if not self._wake.is_set():
            whens = [next_due(self.world, self._active, now)]
            if self.frozen and writing is None:
                whens.append(self._retry_at)
            if writing and not self.frozen:
                whens.append(writing.since + SLOW_S)
            until = min((when for when in whens if when is not None), default=None)
            timeout = None if until is None else max(0.0, until - now) + 0.001
            with suppress(TimeoutError):
                async with asyncio.timeout(timeout):
                    await self._wake.wait()
        self._wake.clear()

    def _step(self) -> None:
        if self._ledger.writing and self._ledger.writing.done:
            self._settle()
        writing = self._ledger.writing
        if writing is None and self.frozen is None:
            if self._ledger.held:
                self._ledger.write_held(self._clock.now())
            else:
                self._decide()
            return
        if writing and not writing.acting:
            # The journal takes its time: what leads back acts now.
            writing.acting = True
            self._act(writing.draft)
        self._decide_away()
        if writing is None and self._clock.now() >= self._retry_at:
            self._ledger.write_held(self._clock.now())

    def _decide(self) -> None:
        """All that follows from everything queued, as one draft on its way to the journal. Ways to
        safety go alone and first: nothing else may take their time."""
        now = self._clock.now()
        draft = Draft.on(self._ledger.durable)
        urgent_orders = tuple(self._urgent)
        self._urgent.clear()
        for order in urgent_orders:
            decide_order(draft, order, now, self._recent)
        if draft.entries:
            decide_turns(draft, now, away=True)
            self._looked |= draft.keys()
        else:
            self._decide_rest(draft, now)
        if draft.entries:
            self._ledger.write(draft, now)
        else:
            self._answer_refusals(draft)

    def _decide_rest(self, draft: Draft, now: float) -> None:
        draft.record(self._told, ENGINE, now, safe=True)
        self._told = []
        decide_calendar(draft, now)
        while self._orders:
            decide_order(draft, self._orders.popleft(), now, self._recent)
        decide_calendar(draft, now)  # a window that was taken away has put timers off until here
        decide_times(draft, self._active | draft.keys(), self._eyes, now, away=False)
        looked = (self._looked | draft.keys()) & draft.world.deployments.keys()
        self._looked = set()
        decide_looks(draft, looked, self._eyes, now, away=False)
        decide_turns(draft, now, away=False)
        decide_queues(draft, now)

    def _decide_away(self) -> None:
        """What may happen while the journal does not take anything."""
        now = self._clock.now()
        draft = Draft.on(self._ledger.tip)
        while self._urgent:
            decide_order(draft, self._urgent.popleft(), now, self._recent)
        writing = self._ledger.writing
        if writing and now - writing.since >= SLOW_S and self.frozen is None:
            self.frozen = f"the journal has not answered for {SLOW_S:g} s"
            log.warning("frozen: %s", self.frozen)
            self._on_world(set())
        if self.frozen:
            self._refuse_orders()
        keys = self._active & draft.world.deployments.keys()
        decide_times(draft, keys, self._eyes, now, away=True)
        decide_looks(draft, self._looked & keys, self._eyes, now, away=True)
        decide_turns(draft, now, away=True)
        self._looked = set()
        self._answer_refusals(draft)
        if draft.entries:
            self._ledger.hold(draft)
            self._act(draft)

    def _refuse_orders(self) -> None:
        while self._orders:
            _refuse(self._orders.popleft(), self._frozen_error())

    def _frozen_error(self) -> Frozen:
        return Frozen(
            f"nothing moves forward: {self.frozen}",
            hint="abort, stop and rollback still act; they are recorded once it can be written",
        )

    # What the journal says.

    def _act(self, decided: Draft) -> None:
        """Puts what leads back in force, and answers the commands that led there."""
        draft = self._ledger.in_force()
        if draft.entries:
            self._swap(draft.world, draft.keys())
        for order in decided.orders():
            if any(entry.safe for entry in decided.entries if entry.order is order):
                _answer(order, decided.receipt(order, durable=False))

    def _swap(self, world: World, keys: set[str]) -> None:
        self.world = world
        for key in keys:
            state = world.deployments.get(key)
            if state is not None and needs_looks(state, self._clock.now()):
                self._active.add(key)
            else:
                self._active.discard(key)
        self._on_world(keys)

    def _settle(self) -> None:
        draft, error = self._ledger.settle()
        if error is None:
            self._committed(draft)
        else:
            self._failed(draft, error)

    def _committed(self, draft: Draft) -> None:
        self._failures = 0
        thawed, self.frozen = self.frozen is not None, None
        if thawed:
            log.warning("the journal can be written again")
        events = tuple(entry.recorded for entry in draft.entries)
        self._recent.extend(events)
        self._answers.keep(draft.batch().answers)
        if events or thawed:
            self._swap(self._ledger.tip, draft.keys() | self._ledger.held_keys())
        if events:
            self._on_committed(events)
        for order in draft.orders():
            _answer(order, draft.receipt(order, durable=True))
        self._answer_refusals(draft)
        if (
            thawed
            or self._ledger.held
            or self._orders
            or self._urgent
            or self._looked
            or self._told
        ):
            self._wake.set()

    def _failed(self, draft: Draft, error: BaseException) -> None:
        """Nothing of the draft is recorded. What leads back acts all the same; the rest never
        happened, and whoever asked for it is told."""
        if self.frozen is None or self._failures == 0:
            self.frozen = str(error)
            log.warning("frozen: %s", error)
        self._retry_at = self._clock.now() + RETRY_S[min(self._failures, len(RETRY_S) - 1)]
        self._failures += 1
        self._swap(self._ledger.tip, draft.keys() | self._ledger.held_keys())
        kept = Draft(self._ledger.tip, self._ledger.held)
        for order in kept.orders():
            _answer(order, kept.receipt(order, durable=False))
        for order in (*draft.orders(), *(order for order, _ in draft.refusals)):
            _refuse(order, self._frozen_error())
        # What was seen may lead back without the part that was dropped.
        self._looked |= self._active
        self._wake.set()

    def _answer_refusals(self, draft: Draft) -> None:
        for order, refusal in draft.refusals:
            _refuse(order, refusal)


def _answer(order: Order, receipt: Receipt) -> None:
    if not order.answer.done():
        order.answer.set_result(receipt)


def _refuse(order: Order, error: Exception) -> None:
    if not order.answer.done():
        order.answer.set_exception(error)
        order.answer.exception()  # seen: nobody may be waiting any more
