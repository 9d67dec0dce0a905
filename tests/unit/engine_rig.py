"""A whole engine under virtual time, on a disk and a fleet one can break."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any

from gaesup_tui.domain import commands as cmd
from gaesup_tui.domain.deployment import Deployment
from gaesup_tui.domain.errors import Invalid, Unavailable
from gaesup_tui.domain.observation import Observation
from gaesup_tui.domain.revision import Revision, make_revision
from gaesup_tui.domain.rollout import Actor
from gaesup_tui.domain.route import Route
from gaesup_tui.engine.engine import Engine
from gaesup_tui.engine.ports import Places
from tests.ratio_judge import RatioJudge
from tests.sim.disk import Disk, SimJournal
from tests.sim.fleet import Fleet, SimBackend, Witness
from tests.sim.virtual import VirtualLoop, virtual_loop

KEY = "cart@production"
KIM = Actor(name="kim", uid=1000)
MARA = Actor(name="mara", uid=1001)
GATED: dict[str, Any] = {
    "canary": {"steps": [{"weight": 10}, {"pause": None}, {"weight": 50}], "bake": 0},
    "autoAbort": False,
}


class RigClock:
    """Virtual time, ``ahead_s`` off."""

    def __init__(self, loop: VirtualLoop, ahead_s: float = 0.0) -> None:
        self._loop = loop
        self._ahead_s = ahead_s

    def now(self) -> float:
        return self._loop.time() + self._ahead_s

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class RigBackend(SimBackend):
    """The fleet, with calls that hang or fail when told to."""

    def __init__(self, fleet: Fleet, now: Callable[[], float]) -> None:
        super().__init__(fleet, Random(1), now)
        self.hanging: set[str] = set()
        self.failing: set[str] = set()
        self.calls: list[str] = []
        self.refusing = ""
        """The version it will never run."""
        self.blind = False
        """Nothing is observed."""
        self.stubborn = False
        """Its observations go on after the first cancellation."""

    async def _reach(self, call: str) -> None:
        self.calls.append(call)
        name = call.partition(" ")[0]
        if name in self.hanging:
            await asyncio.sleep(3600)
        if name in self.failing:
            raise Unavailable(f"{name} cannot be reached")

    async def observations(self) -> AsyncIterator[Observation]:
        async for observation in super().observations():
            if not self.blind:
                yield observation
            if self.stubborn:
                with suppress(asyncio.CancelledError):
                    await asyncio.sleep(3600)

    async def ensure(self, deployment: str, revision: Revision, replicas: int) -> None:
        await self._reach(f"ensure {revision.version} {replicas}")
        if revision.version == self.refusing and replicas:
            raise Invalid("it asks for too much memory")
        await super().ensure(deployment, revision, replicas)

    async def set_traffic(self, deployment: str, route: Route) -> None:
        await self._reach(f"traffic {sorted(route.weights.values())}")
        await super().set_traffic(deployment, route)


class Rig:
    """``run`` a story; ``restart`` begins a new life of the engine on the same disk."""

    def __init__(self, files: Path) -> None:
        self.files = files
        self.loop = virtual_loop(1_700_000_000.0)
        self.fleet = Fleet(Random(1), Witness())
        self.fleet.calm = True
        self.fleet.now = self.loop.time()
        self.disk = Disk(lambda events: None)
        self.keep_history_s: float | None = None
        self.backend = RigBackend(self.fleet, self.loop.time)
        self.engine = self._new(0.0)

    def _new(self, ahead_s: float) -> Engine:
        return Engine(
            SimJournal(self.disk, Random(1), self.loop.time),
            {"local": self.backend},
            clock=RigClock(self.loop, ahead_s),
            judge=RatioJudge(),
            places=Places(self.files, self.files),
            version="test",
            keep_history_s=self.keep_history_s,
        )

    def run(self, story: Callable[[Rig], Coroutine[Any, Any, None]]) -> None:
        async def whole() -> None:
            await self.engine.start()
            await story(self)

        self.loop.run(whole())
        self.loop.drop()
        assert not self.loop.errors, self.loop.errors

    async def restart(self, *, clean: bool = True, ahead_s: float = 0.0) -> None:
        if clean:
            await self.engine.stop()
        else:
            for task in asyncio.all_tasks():
                if task is not asyncio.current_task():
                    task.cancel()
            await asyncio.sleep(0.01)
        self.engine = self._new(ahead_s)
        await self.engine.start()

    @property
    def now(self) -> float:
        return self.loop.time()

    @property
    def deployment(self) -> Deployment:
        return self.engine.world.deployments[KEY]

    @property
    def live(self) -> list[int]:
        """The live shares, base first."""
        place = self.fleet.places[KEY]
        return [weight for _, weight in sorted(place.weights.items())]

    def kinds(self) -> list[str]:
        """What the journal holds."""
        return [e.event.kind for e in self.disk.events]

    def revision(self, version: str) -> Revision:
        body = version.encode()
        path = self.files / f"{version}.wasm"
        path.write_bytes(body)
        return make_revision("cart", version, hashlib.sha256(body).hexdigest(), str(path))

    async def deploy(self, version: str, **fields: Any) -> None:
        command = cmd.Deploy.model_validate(
            {"deployment": KEY, "revision": self.revision(version), **fields}
        )
        await self.engine.submit(command, KIM)

    async def until(self, holds: Callable[[], object], within_s: float = 30.0) -> None:
        """Lets time pass until it holds."""
        deadline = self.now + within_s
        while not holds():
            assert self.now < deadline, "it never came to hold"
            await asyncio.sleep(0.01)

    async def waiting_canary(self) -> None:
        """v41 serves; v42 has 10 % and waits for a person."""
        await self.deploy("v41", replicas=2)
        await self.until(lambda: self.deployment.stable)
        await self.deploy("v42", strategy="canary", spec=GATED)
        await self.until(lambda: self.deployment.active and self.deployment.active.index == 3)
        assert self.live == [90, 10]
