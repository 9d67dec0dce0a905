"""A real engine behind its real service on a real socket, over a backend that lives in memory.

``async with service(folder) as running`` in a test; or as a process of its own, to be killed:
``python -m tests.service_world`` (with GAESUP_HOME set) is the daemon with that backend.
"""

from __future__ import annotations

import asyncio
import hashlib
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any

from gaesup_tui.domain.errors import GaesupError, Unavailable
from gaesup_tui.domain.observation import (
    Counters,
    DeploymentSeen,
    Observation,
    ReplicaSeen,
    RevisionSeen,
)
from gaesup_tui.domain.revision import Revision, make_revision
from gaesup_tui.domain.route import Route
from gaesup_tui.domain.steps import Check
from gaesup_tui.engine import ports
from gaesup_tui.engine.bench import Bench
from gaesup_tui.engine.clock import SystemClock
from gaesup_tui.engine.engine import Engine
from gaesup_tui.engine.journal import Batch, JournalError
from gaesup_tui.engine.pasts import Pasts
from gaesup_tui.engine.ports import LogLine, ProbeReply
from gaesup_tui.engine.records import Records
from gaesup_tui.engine.sqlite_journal import SqliteJournal
from gaesup_tui.service.client import Client
from gaesup_tui.service.messages import Message
from gaesup_tui.service.places import Places
from gaesup_tui.service.server.listening import Door
from gaesup_tui.service.server.serving import Service

DEADLINE_S = 10.0


class MemoryBackend:
    """Does at once what it is asked and reports it; the world of every test here."""

    def __init__(self, requests_per_look: int = 20) -> None:
        self.weights: dict[str, dict[str, int]] = {}
        self.replicas: dict[str, dict[str, int]] = {}
        self.lines: list[LogLine] = []
        self.chatty = False
        """Whether following logs never comes to an end of lines."""
        self.broken = False
        """Whether every call that changes something fails."""
        self._requests_per_look = requests_per_look
        self._counts: dict[tuple[str, str], int] = {}
        self._changed = asyncio.Event()

    async def start(self) -> None:
        return

    def _check(self) -> None:
        if self.broken:
            raise Unavailable("the world is broken", hint="mend it")

    async def ensure(self, deployment: str, revision: Revision, replicas: int) -> None:
        self._check()
        there = self.replicas.setdefault(deployment, {})
        if replicas:
            there[revision.id] = replicas
        else:
            there.pop(revision.id, None)
        self._changed.set()

    async def set_traffic(self, deployment: str, route: Route) -> None:
        self._check()
        self.weights[deployment] = dict(route.weights)
        self._changed.set()

    async def probe(
        self, deployment: str, revision: str, check: Check, timeout_s: float
    ) -> ProbeReply:
        return ProbeReply(200, b"ok", 0.001)

    async def observations(self) -> AsyncIterator[Observation]:
        while True:
            self._changed.clear()
            yield self._look()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), 0.25)
            await asyncio.sleep(0.002)  # many changes are one look, as with a real backend

    def _look(self) -> Observation:
        now = time.time()
        return Observation(
            at=now,
            boot="memory",
            deployments={key: self._seen(key, now) for key in self.replicas},
            endpoint="127.0.0.1:7411",
        )

    def _seen(self, key: str, now: float) -> DeploymentSeen:
        weights = self.weights.get(key, {})
        for revision, weight in weights.items():
            more = self._requests_per_look * weight // 100
            self._counts[key, revision] = self._counts.get((key, revision), 0) + more
        return DeploymentSeen(
            weights=weights,
            revisions={
                revision: RevisionSeen(
                    wanted=count,
                    replicas=tuple(
                        ReplicaSeen(f"{revision}-{n}", "ready", now) for n in range(count)
                    ),
                    counters=self._counters(key, revision),
                )
                for revision, count in self.replicas[key].items()
            },
        )

    def _counters(self, key: str, revision: str) -> Counters:
        count = self._counts.get((key, revision), 0)
        return Counters(ok=count, bounds_s=(0.01, 0.1), buckets=(count, 0, 0))

    async def logs(
        self, deployment: str, *, revision: str | None, replica: str | None, tail: int, follow: bool
    ) -> AsyncIterator[LogLine]:
        for line in self.lines[-tail:] if tail else []:
            yield line
        while follow:
            if self.chatty:
                yield LogLine(time.time(), "v1-00000000", "v1-0", "stdout", "x" * 200)
                await asyncio.sleep(0)
            else:
                await asyncio.sleep(3600)

    async def close(self) -> None:
        return


class FullDisk(SqliteJournal):
    """A journal whose disk can be filled and freed."""

    full = False

    async def append(self, batch: Batch) -> None:
        if self.full:
            raise JournalError("the journal cannot be written: no space left", hint="free some")
        await super().append(batch)


class Running:
    """A service under test."""

    def __init__(
        self, folder: Path, engine: Engine, service: Service, backend: Any, journal: FullDisk
    ) -> None:
        self.journal = journal
        self.folder = folder
        self.socket = folder / "engine.sock"
        self.engine = engine
        self.service = service
        self.backend: MemoryBackend = backend
        self.client = Client(self.socket)

    async def call(self, method: Callable[..., Any], *values: Any, **named: Any) -> Any:
        """A call of the blocking client, beside the engine's loop."""
        return await asyncio.to_thread(method, *values, **named)

    async def deploy(self, key: str, version: str, **more: Any) -> Any:
        command = deploy_command(self.folder, key, version, **more)
        return await self.call(self.client.command, command)

    async def until(self, holds: Callable[[], object], what: str) -> None:
        """Waits until something is so in the engine; looks again with every change."""
        number = 0
        try:
            async with asyncio.timeout(DEADLINE_S):
                while not holds():
                    number = await self.engine.changed(number)
        except TimeoutError:
            raise AssertionError(f"not within {DEADLINE_S:g} s: {what}") from None

    async def at_gate(self, key: str) -> None:
        """Waits until the rollout of ``key`` stands where a person must decide."""
        await self.until(
            lambda: (w := self.engine.waiting(key)) is not None and w.person, f"{key} at its gate"
        )

    async def at_rest(self, key: str) -> None:
        await self.until(
            lambda: (
                (state := self.engine.world.deployments.get(key)) is not None
                and state.active is None
                and state.stable is not None
            ),
            f"{key} at rest",
        )


GATED: dict[str, Any] = {
    "canary": {"steps": [{"weight": 10}, {"pause": {}}, {"weight": 50}, {"pause": {}}], "bake": 0}
}


def deploy_command(folder: Path, key: str, version: str, **more: Any) -> dict[str, Any]:
    """A ``Deploy`` of a module of its own for every version."""
    module = folder / f"{key.partition('@')[0]}-{version}.wasm"
    module.write_bytes(b"\0asm\x01\0\0\0" + version.encode())
    digest = hashlib.sha256(module.read_bytes()).hexdigest()
    revision = make_revision(key.partition("@")[0], version, digest, str(module))
    return {
        "action": "deploy",
        "deployment": key,
        "revision": revision.model_dump(mode="json"),
        "strategy": "canary",
        "spec": GATED,
        **more,
    }


@contextmanager
def short_folder() -> Iterator[Path]:
    """A folder whose sockets have short paths; pytest's own are too deep."""
    folder = Path(tempfile.mkdtemp(prefix="gsv-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@asynccontextmanager
async def service(
    folder: Path, backend: MemoryBackend | None = None, keep_history_s: float | None = None
) -> AsyncIterator[Running]:
    """The engine, served until the block ends."""
    backend = backend or MemoryBackend()
    places = ports.Places(runtime=folder, state=folder / "state")
    places.state.mkdir(mode=0o700, exist_ok=True)
    journal = FullDisk(places.state / "journal.db")
    engine = Engine(
        journal,
        {"local": backend},
        clock=SystemClock(),
        judge=Bench(Records(places.state / "judged"), Pasts(places.state / "habits")),
        places=places,
        version="test",
        keep_history_s=keep_history_s,
    )
    await engine.start()
    served = Service(engine)
    door = Door(folder / "engine.lock", folder / "engine.sock")
    door.lock()
    running = asyncio.create_task(served.run(door))
    await served.serving.wait()
    try:
        yield Running(folder, engine, served, backend, journal)
    finally:
        served.stop("test over")
        await running
        await engine.stop("test over")
        door.close()


class Watcher:
    """A client attached to the stream, in a thread of its own, as another person would be."""

    def __init__(self, client: Client, after: int | None = None, **more: Any) -> None:
        self.messages: list[Message] = []
        self.error: GaesupError | None = None
        self._client, self._after, self._more = client, after, more
        self._news = threading.Condition()
        self.over = False
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        try:
            for message in self._client.stream(self._after, **self._more):
                with self._news:
                    self.messages.append(message)
                    self._news.notify_all()
        except GaesupError as error:
            self.error = error
        finally:
            with self._news:
                self.over = True
                self._news.notify_all()

    def of(self, kind: str) -> list[Any]:
        with self._news:
            return [message.data for message in self.messages if message.kind == kind]

    def wait(self, holds: Callable[[Watcher], object], what: str) -> None:
        """Until what came so far satisfies ``holds``."""
        with self._news:
            if not self._news.wait_for(lambda: holds(self), DEADLINE_S):
                raise AssertionError(f"not within {DEADLINE_S:g} s: {what}; {self.error}")

    async def until(self, holds: Callable[[Watcher], object], what: str) -> None:
        await asyncio.to_thread(self.wait, holds, what)


def main() -> int:
    """The daemon with a backend in memory."""
    from gaesup_tui.service.server import daemon

    def find(_: ports.Places) -> dict[str, ports.Backend]:
        return {"local": MemoryBackend()}

    return daemon.main(find)


def places_below(folder: Path) -> Places:
    """What ``GAESUP_HOME=folder`` means."""
    from gaesup_tui.service import places

    return places.find({"GAESUP_HOME": str(folder)})


if __name__ == "__main__":
    sys.exit(main())
