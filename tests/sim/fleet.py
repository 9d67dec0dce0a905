"""A backend whose world outlives the engine, and that fails in every way a real one does."""

from __future__ import annotations

import asyncio
import contextlib
import heapq
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from zlib import crc32

from gaesup_tui.domain.errors import Unavailable
from gaesup_tui.domain.observation import (
    Counters,
    DeploymentSeen,
    Observation,
    ReplicaSeen,
    RevisionSeen,
)
from gaesup_tui.domain.revision import Revision
from gaesup_tui.domain.route import NO_RULES, Key, Route, Rules
from gaesup_tui.domain.steps import Check
from gaesup_tui.engine.ports import LogLine, ProbeReply

from .capacity import QUIET_S

READY_AFTER_S = 0.4
RATE = 400.0
"""Requests per second to each deployment."""


@dataclass
class Running:
    """A revision as it runs."""

    births: list[float] = field(default_factory=list)
    """When each replica was started."""
    sick: bool = False
    ok: float = 0.0
    errors: float = 0.0

    @property
    def wanted(self) -> int:
        return len(self.births)


@dataclass
class Place:
    """One deployment in the world."""

    weights: dict[str, int] = field(default_factory=dict)
    revisions: dict[str, Running] = field(default_factory=dict)
    rules: Rules = NO_RULES


class Witness:
    """Who is told what the engine asks for. This one does not look."""

    def traffic_asked(self, key: str, weights: Mapping[str, int]) -> None:
        """Called with every split, before it is made."""

    def routed(self, key: str, route: Route) -> None:
        """Called with every route that is in force now, where nothing else disturbed lately."""

    def disturbed(self, key: str) -> None:
        """Called when something else than the engine changes a place."""

    def replicas_changed(
        self, key: str, ready: tuple[int, int], wanted: Mapping[str, int], gone: str, more: str
    ) -> None:
        """Called when the engine changed a count of replicas in a place that nothing else
        disturbed lately: all that are ready, before and after; see ``Capacity.check``.
        ``more``: a revision that has more of them now; empty: none has."""


class Fleet:
    """The world itself; ``witness`` sees what is asked of it."""

    def __init__(self, random: Random, witness: Witness) -> None:
        self._random = random
        self.witness = witness
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
        self._disturbed: dict[str, float] = {}
        """When something last changed in a place that the engine did not just ask for."""

    def advance(self, now: float) -> None:
        """Lets time pass: late calls land, requests are served."""
        passed = now - self.now
        if passed <= 0:
            return
        self.now = now
        while self._late and self._late[0][0] <= now:
            heapq.heappop(self._late)[2]()
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

    def disturb(self, key: str) -> None:
        """Something changes there behind the engine's back."""
        self._disturbed[key] = self.now
        self.witness.disturbed(key)

    def _calm(self, key: str) -> bool:
        return self.now - self._disturbed.get(key, -QUIET_S) > QUIET_S

    def behind(self, key: str, change: Callable[[], None]) -> Callable[[], None]:
        """The change as it lands when nobody waits for it any more: behind the engine's back, and
        its errors are nobody's."""

        def landed() -> None:
            self.disturb(key)
            with contextlib.suppress(Unavailable):
                change()

        return landed

    def restart(self) -> None:
        """The backend's own process dies and comes back empty."""
        self.boot += 1
        for key in self.places:
            self.disturb(key)
        self.places.clear()
        self._late.clear()

    def ready(self, place: Place) -> int:
        """Replicas of all revisions that could answer now."""
        return sum(self._up(name, running) for name, running in place.revisions.items())

    def _up(self, name: str, running: Running) -> int:
        if name in self.unready:
            return 0
        return sum(self.now >= born + READY_AFTER_S for born in running.births)

    def ensure(self, key: str, revision: str, replicas: int) -> None:
        place = self.places.setdefault(key, Place())
        running = place.revisions.get(revision)
        if running is None:
            if not replicas:
                return
            running = place.revisions[revision] = Running(sick=revision in self.sick)
        if running.wanted == replicas:
            return
        before = self.ready(place)
        more = replicas - running.wanted
        running.births = [*running.births[:replicas], *[self.now] * more]
        gone = revision if not replicas and place.weights.get(revision) else ""
        if not replicas:
            del place.revisions[revision]
            place.weights.pop(revision, None)
        if self._calm(key):
            wanted = {name: there.wanted for name, there in place.revisions.items()}
            ready = (before, self.ready(place))
            started = revision if more > 0 else ""
            self.witness.replicas_changed(key, ready, wanted, gone, started)

    def split(self, key: str, route: Route) -> None:
        place = self.places.setdefault(key, Place())
        unknown = route.weights.keys() - place.revisions.keys()
        if unknown:
            raise Unavailable(f"{key} has no revision {', '.join(unknown)}")
        place.weights, place.rules = dict(route.weights), route.rules
        if self._calm(key):
            self.witness.routed(key, route)

    def observe(self) -> Observation:
        return Observation(
            at=self.now,
            boot=str(self.boot),
            deployments={key: self._seen(place) for key, place in self.places.items()},
        )

    def _seen(self, place: Place) -> DeploymentSeen:
        revisions = {}
        for name, running in place.revisions.items():
            never = name in self.unready
            replicas = tuple(
                ReplicaSeen(f"{name}-{n}", "starting", born)
                if never or self.now < born + READY_AFTER_S
                else ReplicaSeen(f"{name}-{n}", "ready", born + READY_AFTER_S)
                for n, born in enumerate(running.births)
            )
            ok, errors = int(running.ok), int(running.errors)
            users, converted = self._audience(name, place, ok)
            buckets = (ok + errors, 0, 0)
            counters = Counters(
                ok, errors, 0, (0.1, 1.0), buckets, converted, users, converted_users=converted
            )
            revisions[name] = RevisionSeen(running.wanted, replicas, counters)
        return DeploymentSeen(dict(place.weights), revisions, place.rules)

    @staticmethod
    def _audience(name: str, place: Place, ok: int) -> tuple[int | None, int | None]:
        """Users, and how many of them converted. Every tenth request is a user's first; the share
        that converts is the revision's own."""
        if not isinstance(place.rules.sticky, Key) or place.rules.conversion is None:
            return None, None
        users = ok // 10
        return users, users * (4 + crc32(name.encode()) % 3 * 3) // 100


class SimBackend:
    """The fleet as one engine's life reaches it."""

    def __init__(self, fleet: Fleet, random: Random, now: Callable[[], float]) -> None:
        self._fleet = fleet
        self._random = random
        self._now = now
        self._news = asyncio.Event()

    async def start(self) -> None:
        await self._trouble(lambda: None)

    async def _trouble(self, change: Callable[[], None], key: str = "") -> None:
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
            fleet.later(random.uniform(0.1, 20.0), fleet.behind(key, change))
            await asyncio.sleep(3600)
        if luck < 0.15:
            await asyncio.sleep(random.uniform(0.05, 2.0))
        else:
            await asyncio.sleep(0.001)
        fleet.advance(self._now())
        change()
        self._news.set()

    async def ensure(self, deployment: str, revision: Revision, replicas: int) -> None:
        await self._trouble(
            lambda: self._fleet.ensure(deployment, revision.id, replicas), deployment
        )

    async def set_traffic(self, deployment: str, route: Route) -> None:
        self._fleet.witness.traffic_asked(deployment, route.weights)
        await self._trouble(lambda: self._fleet.split(deployment, route), deployment)

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
