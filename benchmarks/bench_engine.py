"""The engine's figures: decision to durable, replay, and a stop with a thousand active rollouts.

``python benchmarks/bench_engine.py [--state DIR]``. The journal is the real one, on the disk of
``--state``; the control of the first figure is SQLite alone, one synced commit of the same size.
The backend of the last figure is a world in memory: it measures the engine, not a node.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import hashlib
import sqlite3
import statistics
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path

from gaesup_tui.domain import commands as cmd
from gaesup_tui.domain import events as ev
from gaesup_tui.domain.command_rules import decide_command
from gaesup_tui.domain.deployment import Deployment
from gaesup_tui.domain.errors import Unavailable
from gaesup_tui.domain.observation import (
    Counters,
    DeploymentSeen,
    Observation,
    ReplicaSeen,
    RevisionSeen,
)
from gaesup_tui.domain.revision import Revision, make_revision
from gaesup_tui.domain.rollout import ENGINE, Actor
from gaesup_tui.domain.rollout_rules import Look, decide_look
from gaesup_tui.domain.route import Route
from gaesup_tui.domain.steps import Check
from gaesup_tui.domain.strategy_spec import StrategySpec
from gaesup_tui.domain.world import World
from gaesup_tui.engine.bench import Bench
from gaesup_tui.engine.clock import SystemClock
from gaesup_tui.engine.engine import Engine
from gaesup_tui.engine.journal import Batch
from gaesup_tui.engine.pasts import Pasts
from gaesup_tui.engine.ports import LogLine, Places, ProbeReply
from gaesup_tui.engine.records import Records
from gaesup_tui.engine.sqlite_journal import SqliteJournal

KIM = Actor(name="kim", uid=1000)
SPEC = StrategySpec.model_validate(
    {"canary": {"steps": [{"weight": 25}, {"pause": {"expiry": "1h"}}], "bake": 0}}
)


class World1000:
    """A backend in memory: every call is in force at once and seen a moment later."""

    def __init__(self) -> None:
        self.weights: dict[str, dict[str, int]] = {}
        self.wanted: dict[str, dict[str, int]] = {}
        self._news = asyncio.Event()
        self.on_traffic = asyncio.Event()

    async def start(self) -> None:
        """There is nothing to start."""

    async def ensure(self, deployment: str, revision: Revision, replicas: int) -> None:
        wanted = self.wanted.setdefault(deployment, {})
        wanted[revision.id] = replicas
        if not replicas:
            del wanted[revision.id]
        self._news.set()

    async def set_traffic(self, deployment: str, route: Route) -> None:
        self.weights[deployment] = dict(route.weights)
        self.on_traffic.set()
        self._news.set()

    async def probe(
        self, deployment: str, revision: str, check: Check, timeout_s: float
    ) -> ProbeReply:
        return ProbeReply(200, b"", 0.001)

    async def observations(self) -> AsyncIterator[Observation]:
        while True:
            seen = {key: self.seen(key) for key in self.wanted}
            yield Observation(time.time(), "1", seen)
            self._news.clear()
            try:
                async with asyncio.timeout(1.0):
                    await self._news.wait()
                await asyncio.sleep(0.05)
            except TimeoutError:
                continue

    def seen(self, key: str) -> DeploymentSeen:
        revisions = {
            name: RevisionSeen(
                count, tuple(ReplicaSeen(f"{name}-{n}", "ready", 0.0) for n in range(count))
            )
            for name, count in self.wanted[key].items()
        }
        return DeploymentSeen(self.weights.get(key, {}), revisions)

    def logs(
        self, deployment: str, *, revision: str | None, replica: str | None, tail: int, follow: bool
    ) -> AsyncIterator[LogLine]:
        raise Unavailable("there are no logs here")

    async def close(self) -> None:
        """There is nothing to close."""


def revision(unit: str, version: str, directory: Path) -> Revision:
    body = version.encode()
    path = directory / f"{version}.wasm"
    path.write_bytes(body)
    return make_revision(unit, version, hashlib.sha256(body).hexdigest(), str(path))


def percentiles(values: list[float]) -> str:
    cuts = statistics.quantiles(values, n=100)
    return f"p50 {cuts[49] * 1000:.2f} ms, p99 {cuts[98] * 1000:.2f} ms"


def new_engine(directory: Path, backend: World1000) -> Engine:
    return Engine(
        SqliteJournal(directory / "journal.db"),
        {"local": backend},
        clock=SystemClock(),
        judge=Bench(Records(directory / "judged"), Pasts(directory / "habits")),
        places=Places(directory, directory),
        version="bench",
    )


# Decision to durable.


def bare_commits(directory: Path, size: int, count: int) -> list[float]:
    db = sqlite3.connect(directory / "control.db", isolation_level=None)
    db.execute("pragma locking_mode = exclusive")
    db.execute("pragma journal_mode = wal")
    db.execute("pragma synchronous = full")
    db.execute("create table event (seq integer primary key, data text)")
    body, took = "x" * size, []
    for _ in range(count):
        began = time.perf_counter()
        db.execute("insert into event (data) values (?)", (body,))
        took.append(time.perf_counter() - began)
    db.close()
    return took


async def decisions(directory: Path, count: int) -> list[float]:
    engine = new_engine(directory, World1000())
    await engine.start()
    key = "cart@production"
    await engine.submit(cmd.Deploy(deployment=key, revision=revision("cart", "v1", directory)), KIM)
    took = []
    for number in range(count):
        command = cmd.Scale(deployment=key, replicas=1 + number % 3)
        began = time.perf_counter()
        await engine.submit(command, KIM)
        took.append(time.perf_counter() - began)
    await engine.stop()
    return took


# Replay.


class Tale:
    """Rollouts told by the rules alone, as fast as they go."""

    def __init__(self, directory: Path) -> None:
        self.world = World()
        self.events: list[ev.Recorded] = []
        self._directory = directory

    def _record(self, events: list[ev.Event], by: Actor) -> None:
        for event in events:
            at = 1_700_000_000.0 + self.world.seq
            recorded = ev.Recorded(seq=self.world.seq + 1, at=at, by=by, event=event)
            self.world.apply(recorded)
            self.events.append(recorded)

    def rollout(self, key: str, version: str) -> None:
        unit = key.partition("@")[0]
        deploy = cmd.Deploy(
            deployment=key,
            revision=revision(unit, version, self._directory),
            strategy="canary",
            spec=SPEC,
            replicas=2,
        )
        self._record(decide_command(self.world, deploy, KIM, 0.0), KIM)
        while (state := self.world.deployments[key]).active:
            now = 1_700_000_000.0 + self.world.seq
            events = decide_look(state, Look(as_wished(state)), now)
            if events:
                self._record(events, ENGINE)
            else:
                promote = cmd.Promote(deployment=key)
                self._record(decide_command(self.world, promote, KIM, now), KIM)


def as_wished(state: Deployment) -> DeploymentSeen:
    revisions = {
        name: RevisionSeen(
            count, tuple(ReplicaSeen(f"{name}-{n}", "ready", 0.0) for n in range(count)), Counters()
        )
        for name, (_, count) in state.replica_wishes().items()
        if count
    }
    return DeploymentSeen(state.weights(), revisions)


async def replay(directory: Path, rollouts: int, per_deployment: int) -> None:
    tale = Tale(directory)
    for number in range(rollouts):
        unit = f"unit-{number // per_deployment}"
        tale.rollout(f"{unit}@production", f"v{number % per_deployment}")
    journal = SqliteJournal(directory / "replay.db")
    await journal.open()
    for start in range(0, len(tale.events), 500):
        await journal.append(Batch(tuple(tale.events[start : start + 500])))
    await journal.close()
    for what in ("from the first event", "from a snapshot"):
        journal = SqliteJournal(directory / "replay.db")
        gc.collect()
        gc.disable()  # as the engine does while it starts
        began = time.perf_counter()
        restored = await journal.open()
        read = time.perf_counter()
        world = World.restore(restored.snapshot) if restored.snapshot else World()
        world.apply_all(restored.tail)
        done = time.perf_counter()
        gc.enable()
        print(
            f"replay of {rollouts} rollouts of {rollouts // per_deployment} deployments, "
            f"{len(tale.events)} events, {what}: {done - began:.3f} s "
            f"({read - began:.3f} read and checked, {done - read:.3f} folded; goal 1 s)"
        )
        assert world.deployments == tale.world.deployments
        await journal.save_snapshot(world.snapshot())
        await journal.close()


# Stop.


async def stop_all(directory: Path, count: int) -> None:
    backend = World1000()
    engine = new_engine(directory, backend)
    await engine.start()
    first, second = (revision("cart", version, directory) for version in ("v1", "v2"))
    keys = [f"unit-{number}@production" for number in range(count)]

    async def all_sent(deploys: list[cmd.Deploy]) -> None:
        await asyncio.gather(*(engine.submit(deploy, KIM) for deploy in deploys))

    async def until_weights(expected: dict[str, int]) -> None:
        while not all(backend.weights.get(key) == expected for key in keys):
            backend.on_traffic.clear()
            await backend.on_traffic.wait()

    await all_sent([cmd.Deploy(deployment=key, revision=first) for key in keys])
    number = -1
    while any(d.active for d in engine.world.deployments.values()):
        number = await engine.changed(number)
    await all_sent(
        [cmd.Deploy(deployment=k, revision=second, strategy="canary", spec=SPEC) for k in keys]
    )
    await until_weights({first.id: 75, second.id: 25})
    await engine.stop()
    engine = new_engine(directory, backend)
    await engine.start()
    gc.collect()
    gc.freeze()  # as the engine's process does once it has started
    await asyncio.sleep(2.0)
    began, cpu = time.perf_counter(), time.process_time()
    receipt = await engine.submit(cmd.Stop(why="bench"), KIM)
    durable = time.perf_counter() - began
    await until_weights({first.id: 100})
    stable = time.perf_counter() - began
    print(
        f"stop with {count} active rollouts: {len(receipt.events)} events answered after "
        f"{durable * 1000:.0f} ms, all at stable after {stable:.3f} s, "
        f"{time.process_time() - cpu:.3f} s of CPU (goal 1 s)"
    )
    await engine.stop()


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--state", help="a directory on the disk to measure")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=asked.state) as name:
        directory = Path(name)
        control = bare_commits(directory, 300, 500)
        (directory / "decisions").mkdir()
        took = await decisions(directory / "decisions", 500)
        ratio = statistics.median(took) / statistics.median(control)
        print(f"decision to durable: {percentiles(took)} (goal p50 5 ms)")
        print(
            f"  control, one bare synced commit: {percentiles(control)}; ratio of p50 {ratio:.2f}"
        )
        for sub in ("replay", "stop"):
            (directory / sub).mkdir()
        await replay(directory / "replay", 1000, 10)
        await stop_all(directory / "stop", 1000)


if __name__ == "__main__":
    asyncio.run(main())
