"""The engine as one thing: what the service and the tests hold."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
from collections.abc import AsyncIterator, Coroutine, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from gaesup_tui.domain import events as ev
from gaesup_tui.domain.attending import attend
from gaesup_tui.domain.commands import Command, Deploy, TrainStart
from gaesup_tui.domain.deployment import Deployment
from gaesup_tui.domain.errors import NotFound, Unavailable
from gaesup_tui.domain.events import Recorded
from gaesup_tui.domain.freezing import standing_in
from gaesup_tui.domain.judged_record import Record
from gaesup_tui.domain.observation import DeploymentSeen
from gaesup_tui.domain.queueing import waiting_queued
from gaesup_tui.domain.rollout import Actor
from gaesup_tui.domain.rollout_rules import Look, SmokeResult
from gaesup_tui.domain.verdict import Verdict
from gaesup_tui.domain.waiting import Waiting, waiting
from gaesup_tui.domain.world import World
from gaesup_tui.engine.artifacts import ArtifactStore
from gaesup_tui.engine.clock import NotBefore
from gaesup_tui.engine.conductor import Conductor
from gaesup_tui.engine.draft import Receipt
from gaesup_tui.engine.journal import Journal
from gaesup_tui.engine.judge import Judge
from gaesup_tui.engine.observer import Observer
from gaesup_tui.engine.ports import Backend, Clock, LogLine, Places
from gaesup_tui.engine.reconciler import Reconciler
from gaesup_tui.engine.retention import Begins, Retention
from gaesup_tui.engine.stream import Hub, Subscription
from gaesup_tui.engine.upkeep import Upkeep

__all__ = ["Engine", "Receipt", "Subscription"]


log = logging.getLogger("gaesup.engine")

CANCEL_TRIES = 10
CANCEL_AGAIN_S = 0.3


@contextmanager
def _collector_off() -> Iterator[None]:
    """A replay makes many values and no garbage: looking for some doubles its time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


class Engine:
    """``start`` it, ``submit`` commands, read ``world`` and ``observer``, ``stop`` it."""

    def __init__(
        self,
        journal: Journal,
        backends: Mapping[str, Backend],
        *,
        clock: Clock,
        judge: Judge,
        places: Places,
        version: str = "",
        keep_history_s: float | None = None,
    ) -> None:
        """``keep_history_s``: how long events are kept at least; None: for ever."""
        self._journal = journal
        self._backends = dict(backends)
        self._raw_clock = clock
        self._clock: Clock = clock
        self._judge = judge
        self._version = version
        self._keep_history_s = keep_history_s
        self._artifacts = ArtifactStore(places.state / "artifacts")
        self._backups = places.state / "backups"
        self._hub = Hub()
        self._boots: dict[str, str] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._wire()

    def _wire(self) -> None:
        clock = self._clock
        self.observer = Observer(self._backends, clock, self._judge, self._on_seen)
        self._reconciler = Reconciler(
            self._backends, clock, self.observer, self._artifacts.here, self._on_smoke
        )
        self._conductor = Conductor(
            self._journal, clock, self._look, self._on_world, self._on_committed
        )
        self._retention = Retention(
            self._journal, clock, lambda: self._conductor.durable_world, self._keep_history_s
        )
        self._upkeep = Upkeep(self._journal, clock, self._backups, self._retention)

    # Life.

    async def start(self) -> None:
        """Replays the journal, then begins to work. Backends that cannot be reached yet are tried
        again by themselves.

        Raises:
            JournalError: it cannot be opened; says what to do.
        """
        with _collector_off():
            restored = await self._journal.open()
            world = World.restore(restored.snapshot) if restored.snapshot else World()
            world.apply_all(restored.tail)
        self._clock = NotBefore(self._raw_clock, world.at)
        self._wire()
        self._conductor.restore(world, restored.answers, restored.tail)
        self._upkeep.restored(restored.snapshot.seq if restored.snapshot else 0)
        await self._retention.look()
        started = ev.EngineStarted(
            version=self._version,
            pid=os.getpid(),
            after_crash=not world.clean,
            lost=restored.lost,
        )
        if restored.lost:
            log.warning(restored.lost)
        await self._conductor.note(started)
        for state in self.world.deployments.values():
            self._reconciler.wish(state)
        self._go(self._conductor.run(), "conductor")
        self._go(self._upkeep.run(), "upkeep")
        for name in self._backends:
            self._go(self.observer.watch(name), f"observer of {name}")

    def _go(self, work: Coroutine[Any, Any, None], name: str) -> None:
        self._tasks.append(asyncio.get_running_loop().create_task(work, name=name))

    async def stop(self, why: str = "") -> None:
        """Ends cleanly: what is in hand is recorded, backends keep running what they run."""
        await self._conductor.end(ev.EngineStopped(why=why))
        self._reconciler.close()
        await self._end_tasks()
        self._hub.close()
        for backend in self._backends.values():
            with suppress(Exception):  # it is let go of: what it says no longer matters
                await backend.close()
        await asyncio.to_thread(self._judge.close)
        await self._upkeep.settle()
        if self.frozen is None:
            # Never of ``world``: it may be ahead of the journal.
            await self._upkeep.snapshot(self._conductor.durable_world)
        await self._journal.close()

    async def _end_tasks(self) -> None:
        """A backend may swallow a cancellation (``asyncio.wait_for`` of Python 3.11 does, when its
        result comes in the same moment), so it is repeated."""
        running = set(self._tasks)
        for _ in range(CANCEL_TRIES):
            for task in running:
                task.cancel()
            if not running:
                return
            _, running = await asyncio.wait(running, timeout=CANCEL_AGAIN_S)
        for task in running:
            log.error("%s does not end", task.get_name())

    async def failed(self) -> BaseException:
        """Waits until a part of the engine breaks that never should; returns why. The owner then
        ends the process: a new life begins from the journal."""
        done, _ = await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
        task = next(iter(done))
        error = None if task.cancelled() else task.exception()
        return error or RuntimeError(f"the {task.get_name()} ended by itself")

    # What is.

    @property
    def world(self) -> World:
        """The present state; read only, replaced with every change."""
        return self._conductor.world

    @property
    def backends(self) -> tuple[str, ...]:
        """Names of the backends it has."""
        return tuple(self._backends)

    @property
    def frozen(self) -> str | None:
        """Why nothing moves forward: the journal cannot be written. None in health."""
        return self._conductor.frozen

    @property
    def upkeep_error(self) -> str | None:
        """Why the last snapshot or backup failed; None when it did not."""
        return self._upkeep.error

    @property
    def begins(self) -> Begins | None:
        """Where the journal begins, if older events were removed; None when it has all."""
        return self._retention.begins

    def now(self) -> float:
        """Unix seconds, as the engine's events are timed."""
        return self._clock.now()

    def seen(self, key: str) -> DeploymentSeen | None:
        """The deployment as last seen; None when its backend was not seen for 10 s."""
        state = self.world.deployments.get(key)
        return self.observer.seen(state) if state else None

    def look(self, key: str) -> Look | None:
        """What is decided from now: seen, windows, verdict. None without an active rollout, or
        while nothing fresh is seen."""
        state = self.world.deployments.get(key)
        return self._look(state, self._clock.now()) if state else None

    def verdict(self, key: str) -> Verdict | None:
        """What the judge says now about its rollout; None when there is nothing to compare."""
        state = self.world.deployments.get(key)
        return self.observer.verdict(state) if state else None

    async def judged(self, rollout: str) -> Record:
        """What the judge was told about a rollout, tick by tick.

        Raises:
            NotFound: nothing was recorded, or it is no longer kept.
            Unavailable: the record cannot be read.
        """
        try:
            record = await asyncio.to_thread(self._judge.record, rollout)
        except (OSError, ValueError) as error:
            raise Unavailable(f"the judge's record of {rollout}: {error}") from None
        if record is None:
            raise NotFound(
                f"there is no record of {rollout} at the judge",
                hint="it begins once traffic is split; the last 10 of a deployment are kept",
            )
        return record

    def waiting(self, key: str) -> Waiting | None:
        """Why its rollout, or what is queued, stands where it stands; None when nothing does."""
        state = self.world.deployments.get(key)
        if state is None:
            return None
        window = standing_in(self.world, state, self.now())
        why = waiting(state, self.observer.seen(state), self.world.stop_for(key), window)
        why = why or waiting_queued(self.world, state, self.now())
        return attend(state, why, self.now())

    def troubles(self, key: str) -> tuple[str, ...]:
        """Last errors of the calls that should make its wishes true; empty when all is well."""
        return self._reconciler.troubles(key)

    def strangers(self) -> Mapping[str, tuple[str, ...]]:
        """Per backend, what runs there and the journal does not know: reported, not touched."""
        return self.observer.strangers(self.world.deployments.values())

    def strange_revisions(self) -> Mapping[str, tuple[str, ...]]:
        """Per deployment, revisions that run there and its journal cannot explain."""
        return self._reconciler.strange_revisions()

    # What can be asked.

    async def submit(
        self, command: Command, by: Actor, idempotency_key: str | None = None
    ) -> Receipt:
        """Decides on a command; returns when what follows is durable (see ``Receipt``).

        Raises:
            Refused, Moved, Invalid, NotFound: as the domain decides; nothing was changed.
            Frozen: the journal cannot be written, and this leads forward.
            Unavailable: the engine stops, or the artifact store cannot be written.
        """
        if isinstance(command, Deploy):
            command = await self._fetched(command)
        elif isinstance(command, TrainStart):
            # All of them before any: a train that lacks one module does not start.
            orders = tuple([await self._fetched(order) for order in command.orders])
            command = command.model_copy(update={"orders": orders})
        return await self._conductor.submit(command, by, idempotency_key)

    async def _fetched(self, command: Deploy) -> Deploy:
        """The same deploy with its module in the store, for a backend there is."""
        if command.backend not in self._backends:
            known = ", ".join(sorted(self._backends)) or "none"
            raise NotFound(f"no backend is called {command.backend}", hint=f"there are: {known}")
        revision = await self._artifacts.accept(command.revision)
        return command.model_copy(update={"revision": revision})

    def subscribe(self) -> Subscription:
        """Every batch committed from now on; ``Subscription.seq`` is the last before it."""
        return self._hub.subscribe(self._conductor.durable_world.seq)

    @property
    def changes(self) -> int:
        """How often anything a view shows may have changed so far; see ``changed``."""
        return self._hub.number

    async def changed(self, since: int) -> int:
        """Waits until anything a view shows may have changed since number ``since``; returns the
        new number. Latest wins: many changes may be one return."""
        return await self._hub.changed(since)

    async def history(
        self, after: int = 0, limit: int = 500, deployment: str | None = None
    ) -> tuple[Recorded, ...]:
        """Committed events with a number above ``after``, oldest first."""
        return await self._journal.read(after, limit, deployment)

    async def history_before(
        self, before: int | None = None, limit: int = 200, deployment: str | None = None
    ) -> tuple[Recorded, ...]:
        """Committed events below ``before`` (None: the newest), newest first."""
        return await self._journal.read_before(before, limit, deployment)

    def logs(
        self,
        key: str,
        *,
        revision: str | None = None,
        replica: str | None = None,
        tail: int = 200,
        follow: bool = False,
    ) -> AsyncIterator[LogLine]:
        """Log lines of a deployment from its backend.

        Raises:
            NotFound: no such deployment.
            Unavailable: its backend is not installed, or (while reading) does not answer.
        """
        state = self.world.deployments.get(key)
        if state is None:
            raise NotFound(f"there is no deployment {key}", hint="`gaesup status` lists them")
        backend = self._backends.get(state.backend)
        if backend is None:
            raise Unavailable(f"no backend is called {state.backend}", hint="install it")
        return backend.logs(key, revision=revision, replica=replica, tail=tail, follow=follow)

    async def backup(self, path: Path | None = None) -> Path:
        """An online copy of the journal; None: a dated one in the state directory.

        Raises:
            JournalError: it cannot be written.
        """
        return await self._upkeep.backup(path)

    # What the parts tell each other.

    def _look(self, state: Deployment, now: float) -> Look | None:
        look = self.observer.look(state, now)
        if look is None or state.active is None:
            return look
        refused = self._reconciler.refusal(state.key, state.active.candidate.id)
        return replace(look, refused=refused) if refused else look

    def _on_seen(self, backend: str) -> None:
        sight = self.observer.sight(backend)
        assert sight is not None
        states = self.world.deployments.values()
        if self._boots.get(backend, sight.boot) != sight.boot:
            self._conductor.tell(ev.BackendRestarted(backend=backend))
        self._boots[backend] = sight.boot
        self._judge.seen(sight, [state for state in states if state.backend == backend])
        self._conductor.looked(backend)
        self._reconciler.observed(backend)
        self._hub.touch()

    def _on_smoke(self, key: str, result: SmokeResult) -> None:
        self.observer.smoke(key, result)
        self._conductor.look_at(key)

    def _on_world(self, keys: set[str]) -> None:
        for key in keys:
            state: Deployment | None = self.world.deployments.get(key)
            if state is not None:
                self._reconciler.wish(state)
        self._hub.touch()

    def _on_committed(self, events: tuple[Recorded, ...]) -> None:
        self._hub.publish(events)
        self._upkeep.committed(self._conductor.durable_world)
