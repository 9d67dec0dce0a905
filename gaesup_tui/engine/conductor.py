"""One task that owns the world: everything that is decided, is decided here, one after the other.

It drains all that queued up, decides on a draft, appends the draft to the journal as one batch,
and only when that is durable swaps it in, answers, and tells. Ways to safety are the exception:
when the journal does not answer in time or cannot be written, what leads back acts from memory
and is recorded as soon as possible. Nothing that leads forward is ever in force unrecorded.

Four worlds: ``durable`` is in the journal; ``writing`` is a draft on its way there; ``held`` is
what acted already and still has to be recorded; ``world`` is what is in force.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, replace

from gaesup_tui.domain.commands import COMMAND, Command
from gaesup_tui.domain.errors import Frozen, Invalid, Unavailable
from gaesup_tui.domain.events import Event, Recorded
from gaesup_tui.domain.rollout import ENGINE, Actor
from gaesup_tui.domain.world import World
from gaesup_tui.engine.decisions import (
    Eyes,
    decide_looks,
    decide_order,
    decide_times,
    next_due,
    urgent,
)
from gaesup_tui.engine.draft import Draft, Entry, Order, Receipt
from gaesup_tui.engine.journal import KEEP_ANSWERS, Answer, Journal, JournalError
from gaesup_tui.engine.ports import Clock

PATIENCE_S = 0.1
"""How long a way to safety waits for the journal before it acts from memory."""
SLOW_S = 2.0
"""After this long without an answer of the journal, the engine calls itself frozen."""
RETRY_S = (0.5, 1.0, 2.0, 4.0, 5.0)
KEEP_RECENT = 2000


@dataclass(slots=True)
class _Writing:
    draft: Draft
    task: asyncio.Task[None]
    since: float
    exposed: bool = False
    """Whether its safe part acts already."""


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
        self._journal = journal
        self._clock = clock
        self._eyes = eyes
        self._on_world = on_world
        self._on_committed = on_committed
        self.world = World()
        self._durable = World()
        self._writing: _Writing | None = None
        self._held: list[Entry] = []
        self._tip = World()
        """All of it: durable, being written, and held."""
        self._active: set[str] = set()
        self._urgent: deque[Order] = deque()
        self._orders: deque[Order] = deque()
        self._looked: set[str] = set()
        self._wake = asyncio.Event()
        self._failures = 0
        self._retry_at = 0.0
        self.frozen: str | None = None
        self._ending = False
        self._answers: OrderedDict[str, Answer] = OrderedDict()
        self._open: dict[str, Order] = {}
        self._recent: deque[Recorded] = deque(maxlen=KEEP_RECENT)

    # What others call.

    def restore(self, world: World, answers: Iterable[Answer], recent: Iterable[Recorded]) -> None:
        """Stands where the journal says the engine stood. Before ``run``."""
        self.world = self._durable = self._tip = world
        self._answers.update((answer.key, answer) for answer in answers)
        self._recent.extend(recent)
        self._active = {key for key, state in world.deployments.items() if state.active}

    async def note(self, event: Event) -> None:
        """Records an event of the engine's own life; kept for later if it cannot be written."""
        draft = Draft.on(self._tip)
        draft.record([event], ENGINE, self._clock.now(), safe=True)
        self._begin_write(draft)
        assert self._writing is not None
        await asyncio.wait({self._writing.task}, timeout=SLOW_S)
        if self._writing.task.done():
            self._settle()

    async def submit(
        self, command: Command, by: Actor, idempotency_key: str | None = None
    ) -> Receipt:
        """See ``Engine.submit``."""
        key = digest = ""
        if idempotency_key:
            key = f"{by.name if by.uid is None else by.uid}/{idempotency_key}"
            digest = hashlib.sha256(COMMAND.dump_json(command)).hexdigest()[:32]
            if earlier := await self._earlier(key, digest):
                return earlier
        if self._ending:
            raise Unavailable("the engine is stopping", hint="try again in a moment")
        answer: asyncio.Future[Receipt] = asyncio.get_running_loop().create_future()
        order = Order(command, by, answer, key, digest)
        if key:
            self._open[key] = order
            answer.add_done_callback(lambda _: self._open.pop(key, None))
        (self._urgent if urgent(self.world, command) else self._orders).append(order)
        self._wake.set()
        # Shielded: a caller who goes away does not take the decision back.
        return await asyncio.shield(answer)

    def looked(self, backend: str) -> None:
        """A backend was observed: decide about every rollout that moves there."""
        deployments = self.world.deployments
        self._looked.update(key for key in self._active if deployments[key].backend == backend)
        if self._looked:
            self._wake.set()

    def look_at(self, key: str) -> None:
        """Something new is known about one deployment."""
        self._looked.add(key)
        self._wake.set()

    async def run(self) -> None:
        """Decides until ``end``."""
        while not self._ending:
            await self._wait()
            self._step()

    async def end(self, event: Event) -> None:
        """Finishes what is being written, records a last event, refuses what is still queued."""
        self._ending = True
        self._wake.set()
        if self._writing:
            await asyncio.wait({self._writing.task}, timeout=SLOW_S)
            if self._writing.task.done():
                self._settle()
        for order in (*self._urgent, *self._orders):
            _refuse(order, Unavailable("the engine is stopping", hint="try again in a moment"))
        if self._writing is None:
            draft = self._in_force()
            draft.record([event], ENGINE, self._clock.now(), safe=True)
            self._held = []
            self._begin_write(draft)
            with suppress(JournalError):
                await asyncio.wait_for(self._written(), SLOW_S)
                self._settle()

    @property
    def durable_world(self) -> World:
        """What the journal holds, and nothing else."""
        return self._durable

    # One turn.

    async def _wait(self) -> None:
        """Until there is something to do."""
        writing, now = self._writing, self._clock.now()
        if writing and not writing.exposed:
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
        if self._writing and self._writing.task.done():
            self._settle()
        if self._writing is None and self.frozen is None:
            if self._held:
                self._write_held()
            else:
                self._decide()
            return
        if self._writing and not self._writing.exposed:
            # The journal takes its time: what leads back acts now.
            self._writing.exposed = True
            self._act(self._writing.draft)
        self._decide_away()
        if self._writing is None and self._clock.now() >= self._retry_at:
            self._write_held()

    def _decide(self) -> None:
        """All that follows from everything queued, as one draft on its way to the journal."""
        now = self._clock.now()
        draft = Draft.on(self._durable)
        orders = (*self._urgent, *self._orders)
        self._urgent.clear()
        self._orders.clear()
        for order in orders:
            decide_order(draft, order, now, self._recent)
        active = self._active | draft.keys()
        decide_times(draft, active, now, away=False)
        looked = (self._looked | draft.keys()) & draft.world.deployments.keys()
        self._looked = set()
        decide_looks(draft, looked, self._eyes, now, away=False)
        if draft.entries:
            self._begin_write(draft)
        else:
            self._answer_refusals(draft)

    def _decide_away(self) -> None:
        """What may happen while the journal does not take anything."""
        now = self._clock.now()
        draft = Draft.on(self._tip)
        while self._urgent:
            decide_order(draft, self._urgent.popleft(), now, self._recent)
        if self._writing and now - self._writing.since >= SLOW_S and self.frozen is None:
            self.frozen = f"the journal has not answered for {SLOW_S:g} s"
            self._on_world(set())
        if self.frozen:
            self._refuse_orders()
        keys = self._active & draft.world.deployments.keys()
        decide_times(draft, keys, now, away=True)
        decide_looks(draft, self._looked & keys, self._eyes, now, away=True)
        self._looked = set()
        self._answer_refusals(draft)
        if draft.entries:
            self._tip = draft.world
            self._held += draft.entries
            self._act(draft)

    def _refuse_orders(self) -> None:
        while self._orders:
            _refuse(self._orders.popleft(), self._frozen_error())

    def _frozen_error(self) -> Frozen:
        return Frozen(
            f"nothing moves forward: {self.frozen}",
            hint="abort and stop still act; they are recorded once the journal can be written",
        )

    # To the journal and back.

    def _begin_write(self, draft: Draft) -> None:
        self._tip = draft.world
        task = asyncio.get_running_loop().create_task(self._journal.append(draft.batch()))
        task.add_done_callback(lambda _: self._wake.set())
        self._writing = _Writing(draft, task, self._clock.now())

    async def _written(self) -> None:
        assert self._writing is not None
        await asyncio.wait({self._writing.task})

    def _write_held(self) -> None:
        """Tries the journal again: with what acted already, or with nothing, just to see."""
        draft = self._in_force()
        self._held = []
        self._begin_write(draft)
        assert self._writing is not None
        self._writing.exposed = True

    def _in_force(self) -> Draft:
        """What acts: all that is durable, and what leads back besides."""
        draft = Draft.on(self._durable)
        if self._writing:
            draft.take_safe(self._writing.draft.entries)
        draft.take_safe(self._held)
        return draft

    def _act(self, decided: Draft) -> None:
        """Puts what leads back in force, and answers the commands that led there."""
        draft = self._in_force()
        if draft.entries:
            self._swap(draft.world, draft.keys())
        for order in decided.orders():
            if any(entry.safe for entry in decided.entries if entry.order is order):
                _answer(order, decided.receipt(order, durable=False))

    def _swap(self, world: World, keys: set[str]) -> None:
        self.world = world
        for key in keys:
            state = world.deployments.get(key)
            if state is not None and state.active:
                self._active.add(key)
            else:
                self._active.discard(key)
        self._on_world(keys)

    def _settle(self) -> None:
        writing = self._writing
        assert writing is not None
        self._writing = None
        error = writing.task.exception()
        if error is None:
            self._committed(writing)
        else:
            self._failed(writing.draft, error)

    def _committed(self, writing: _Writing) -> None:
        draft = writing.draft
        self._durable = draft.world
        self._failures = 0
        thawed, self.frozen = self.frozen is not None, None
        events = tuple(entry.recorded for entry in draft.entries)
        self._recent.extend(events)
        for answer in draft.batch().answers:
            self._answers[answer.key] = answer
            if len(self._answers) > KEEP_ANSWERS:
                self._answers.popitem(last=False)
        # What was held meanwhile was decided on top of this draft: the tip has both.
        tip = self._tip if self._held else draft.world
        self._tip = tip
        keys = draft.keys() | {e.recorded.deployment for e in self._held} - {""}
        if events or thawed:
            self._swap(tip, keys)
        if events:
            self._on_committed(events)
        for order in draft.orders():
            _answer(order, draft.receipt(order, durable=True))
        self._answer_refusals(draft)
        if self._held or self._orders or self._urgent or self._looked:
            self._wake.set()

    def _failed(self, draft: Draft, error: BaseException) -> None:
        """Nothing of the draft is recorded. What leads back acts all the same; the rest never
        happened, and whoever asked for it is told."""
        if self.frozen is None or self._failures == 0:
            self.frozen = str(error)
        self._retry_at = self._clock.now() + RETRY_S[min(self._failures, len(RETRY_S) - 1)]
        self._failures += 1
        kept = Draft.on(self._durable)
        kept.take_safe((*draft.entries, *self._held))
        self._held, self._tip = kept.entries, kept.world
        self._swap(kept.world, draft.keys() | kept.keys())
        for order in kept.orders():
            _answer(order, kept.receipt(order, durable=False))
        for order in draft.orders():
            _refuse(order, self._frozen_error())
        for order, _ in draft.refusals:
            _refuse(order, self._frozen_error())
        # What was seen may lead back without the part that was dropped.
        self._looked |= self._active
        self._wake.set()

    # Answers.

    def _answer_refusals(self, draft: Draft) -> None:
        for order, refusal in draft.refusals:
            _refuse(order, refusal)

    async def _earlier(self, key: str, digest: str) -> Receipt | None:
        """The first answer to this key, if there was one or is one on its way."""
        order, answer = self._open.get(key), self._answers.get(key)
        known = order.digest if order else answer.digest if answer else digest
        if known != digest:
            raise Invalid(
                "this idempotency key was used for another command",
                hint="use a new key for every command",
            )
        if order:
            return replace(await asyncio.shield(order.answer), repeated=True)
        if answer:
            events = await self._journal.read(answer.first - 1, answer.last - answer.first + 1)
            return Receipt(answer.last, events, repeated=True)
        return None


def _answer(order: Order, receipt: Receipt) -> None:
    if not order.answer.done():
        order.answer.set_result(receipt)


def _refuse(order: Order, error: Exception) -> None:
    if not order.answer.done():
        order.answer.set_exception(error)
        order.answer.exception()  # seen: nobody may be waiting any more
