"""A backend whose world outlives the engine, and that fails in every way a real one does."""

from __future__ import annotations

import asyncio
import contextlib
import heapq
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from random import Random

from gaesup_tui.domain.errors import Unavailable
from gaesup_tui.domain.observation import (
    Counters,
    DeploymentSeen,
    Observation,
    ReplicaSeen,
    RevisionSeen,
)
from gaesup_tui.domain.revision import Revision
from gaesup_tui.domain.route import NO_RULES, Route, Rules
from gaesup_tui.domain.steps import Check
from gaesup_tui.engine.ports import LogLine, ProbeReply

RATE = 400.0
"""Requests per second to each deployment."""


@dataclass
class Running:
    """A revision as it runs."""

    wanted: int = 0
    changed_at: float = 0.0
    ready_after_s: float = 0.4
    sick: bool = False
    ok: float = 0.0
    errors: float = 0.0


@dataclass
class Place:
    """One deployment in the world."""

    weights: dict[str, int] = field(default_factory=dict)
    revisions: dict[str, Running] = field(default_factory=dict)
    rules: Rules = NO_RULES


class Fleet:
    """The world itself. ``traffic_asked`` is called with every split the engine asks for."""

    def __init__(
        self, random: Random, traffic_asked: Callable[[str, Mapping[str, int]], None]
    ) -> None:
        self._random = random
        self.traffic_asked = traffic_asked
        self.places: dict[str, Place] = {}
        self.boot = 1
        self.calm = False
        """No faults from now on."""
        self.sick: set[str] = set()
        """Revisions that never become ready, or answer with errors."""
        self.unready: set[str] = set()
        self.now = 0.0
        self._late: list[tuple[float, int, Callable[[], None]]] = []
        self._number = 0
        self._kept: list[Observation] = []

    def advance(self, now: float) -> None:
        """Lets time pass: late calls land, requests are served."""
        while self._late and self._late[0][0] <= now:
            heapq.heappop(self._late)[2]()
        passed = now - self.now
        if passed <= 0:
            return
        self.now = now
        for place in self.places.values():
            for revision, weight in place.weights.items():
                running = place.revisions.get(revision)
                if running is None:
                    continue
                served = RATE * passed * weight / 100
                bad = 0.5 if running.sick else 0.0
                running.ok += served * (1 - bad)
                running.errors += served * bad

    def later(self, delay_s: float, change: Callable[[], None]) -> None:
        self._number += 1
        heapq.heappush(self._late, (self.now + delay_s, self._number, change))

    def restart(self) -> None:
        """The backend's own process dies and comes back empty."""
        self.boot += 1
        self.places.clear()
        self._late.clear()

    def ensure(self, key: str, revision: str, replicas: int) -> None:
        place = self.places.setdefault(key, Place())
        running = place.revisions.get(revision)
        if running is None:
            if not replicas:
                return
            running = place.revisions[revision] = Running(sick=revision in self.sick)
        if running.wanted != replicas:
            if replicas > running.wanted:
                running.changed_at = self.now
            running.wanted = replicas
        if not replicas:
            del place.revisions[revision]
            place.weights.pop(revision, None)

    def split(self, key: str, route: Route) -> None:
        place = self.places.setdefault(key, Place())
        unknown = route.weights.keys() - place.revisions.keys()
        if unknown:
            raise Unavailable(f"{key} has no revision {', '.join(unknown)}")
        place.weights, place.rules = dict(route.weights), route.rules

    def observe(self) -> Observation:
        return Observation(
            at=self.now,
            boot=str(self.boot),
            deployments={key: self._seen(place) for key, place in self.places.items()},
        )

    def _seen(self, place: Place) -> DeploymentSeen:
        revisions = {}
        for name, running in place.revisions.items():
            up = self.now >= running.changed_at + running.ready_after_s
            state = "ready" if up and name not in self.unready else "starting"
            replicas = tuple(
                ReplicaSeen(f"{name}-{n}", state, running.changed_at)  # type: ignore[arg-type]
                for n in range(running.wanted)
            )
            ok, errors = int(running.ok), int(running.errors)
            counters = Counters(ok, errors, 0, (0.1, 1.0), (ok + errors, 0, 0))
            revisions[name] = RevisionSeen(running.wanted, replicas, counters)
        return DeploymentSeen(dict(place.weights), revisions, place.rules)


class SimBackend:
    """The fleet as one engine's life reaches it."""

    def __init__(self, fleet: Fleet, random: Random, now: Callable[[], float]) -> None:
        self._fleet = fleet
        self._random = random
        self._now = now
        self._news = asyncio.Event()

    async def start(self) -> None:
        await self._trouble(lambda: None)

    async def _trouble(self, change: Callable[[], None]) -> None:
        """Makes the change, or fails as real backends do: at once, late, never, or after it was
        made all the same."""
        fleet, random = self._fleet, self._random
        fleet.advance(self._now())
        luck = 1.0 if fleet.calm else random.random()
        if luck < 0.03:
            raise Unavailable("connection refused")
        if luck < 0.05:
            change()
            raise Unavailable("connection reset")
        if luck < 0.07:
            fleet.later(random.uniform(0.1, 20.0), change_anyway(change))
            await asyncio.sleep(3600)
        if luck < 0.15:
            await asyncio.sleep(random.uniform(0.05, 2.0))
        else:
            await asyncio.sleep(0.001)
        fleet.advance(self._now())
        change()
        self._news.set()

    async def ensure(self, deployment: str, revision: Revision, replicas: int) -> None:
        await self._trouble(lambda: self._fleet.ensure(deployment, revision.id, replicas))

    async def set_traffic(self, deployment: str, route: Route) -> None:
        self._fleet.traffic_asked(deployment, route.weights)
        await self._trouble(lambda: self._fleet.split(deployment, route))

    async def probe(
        self, deployment: str, revision: str, check: Check, timeout_s: float
    ) -> ProbeReply:
        await self._trouble(lambda: None)
        return ProbeReply(500 if revision in self._fleet.sick else 200, b"", 0.01)

    async def observations(self) -> AsyncIterator[Observation]:
        fleet, random = self._fleet, self._random
        earlier: Observation | None = None
        while True:
            fleet.advance(self._now())
            luck = 1.0 if fleet.calm else random.random()
            observation = fleet.observe()
            if luck < 0.03:
                raise Unavailable("connection reset")
            if luck < 0.08:
                pass  # lost
            elif luck < 0.12 and earlier is not None:
                yield earlier  # repeated, or late and out of order
            elif luck < 0.16:
                await asyncio.sleep(random.uniform(0.1, 4.0))
                yield observation
            else:
                yield observation
            earlier = observation
            self._news.clear()
            try:
                async with asyncio.timeout(1.0):
                    await self._news.wait()
                await asyncio.sleep(0.05)
            except TimeoutError:
                pass

    def logs(
        self, deployment: str, *, revision: str | None, replica: str | None, tail: int, follow: bool
    ) -> AsyncIterator[LogLine]:
        raise Unavailable("a simulated fleet writes no logs")

    async def close(self) -> None:
        await asyncio.sleep(0)


def change_anyway(change: Callable[[], None]) -> Callable[[], None]:
    """The change as it lands when nobody waits for it any more: its errors are nobody's."""

    def landed() -> None:
        with contextlib.suppress(Unavailable):
            change()

    return landed
