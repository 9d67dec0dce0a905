"""One seed: a small world, its people and its bad luck, told from beginning to end."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from gaesup_tui.domain import commands as cmd
from gaesup_tui.domain.errors import GaesupError
from gaesup_tui.domain.world import World
from gaesup_tui.engine import upkeep
from gaesup_tui.engine.engine import Engine
from gaesup_tui.engine.ports import Places
from tests.ratio_judge import RatioJudge

from .broken import must
from .disk import Disk, SimJournal
from .fleet import Fleet, SimBackend
from .oracle import Oracle
from .person import KEYS, KIM, LEE, People
from .virtual import VirtualLoop, virtual_loop

SETTLE_WITHIN_S = 400.0
CALM_WITHIN_S = 600.0
PATIENCE = 20
KEEP_HISTORY_S = 60.0
_LIVES = ((0.75, 1, 50), (0.2, 30, 100), (0.04, 100, 300), (1.0, 300, 1000))
"""Share of the lives of the engine, and the least and the most callbacks they last."""


@dataclass
class Tally:
    """What a number of seeds came to."""

    rollouts: int = 0
    crashes: int = 0
    crashed_rollouts: int = 0
    """Active rollouts, summed over the crashes that hit them."""
    outcomes: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)

    def add(self, other: Tally) -> None:
        self.rollouts += other.rollouts
        self.crashes += other.crashes
        self.crashed_rollouts += other.crashed_rollouts
        self.outcomes += other.outcomes
        self.kinds += other.kinds


class _Clock:
    """The machine's clock: monotonic within a life, set back or forward between two."""

    def __init__(self, loop: VirtualLoop, ahead_s: float) -> None:
        self._loop = loop
        self._ahead_s = ahead_s

    def now(self) -> float:
        return self._loop.time() + self._ahead_s

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class _Faults(logging.Handler):
    """What the engine logs as a fault of its own is one."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.found: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.found.append(logging.Formatter().format(record))


class Story:
    """``tell`` it; everything in it follows from its seed."""

    def __init__(self, seed: int, files: Path, rollouts: int = 40) -> None:
        self._random = Random(seed)
        self._promoted: Counter[str] = Counter()
        """How often a train was helped on in the end, by name."""
        self._files = files
        self._rollouts = rollouts
        self._now = self._began = 1_700_000_000.0
        self._ahead_s = 0.0
        self._oracle = Oracle()
        self._fleet = Fleet(self._random, self._oracle)
        self._fleet.now = self._now
        self._disk = Disk(self._oracle.durable)
        self._oracle.lags = lambda: self._disk.lags(self._fleet.now)
        self._people = People(self._random, files, self._fleet, self._oracle, self._disk)
        self._faults = _Faults()
        self.tally = Tally()

    def tell(self) -> Tally:
        upkeep.SNAPSHOT_EVERY, upkeep.BACKUP_EVERY_S = 20, 3.0
        log = logging.getLogger("gaesup.engine")
        log.propagate = False
        log.addHandler(self._faults)
        try:
            return self._tell()
        finally:
            log.removeHandler(self._faults)
            log.propagate = True

    def journal_tail(self, events: int = 30) -> list[str]:
        """What was recorded last, a line each; for whoever looks into a seed that fails."""
        return [
            f"{each.at - self._began:8.3f} {each.by.name} {each.event!r:.240}"
            for each in self._disk.events[-events:]
        ]

    def _tell(self) -> Tally:
        while self._oracle.kinds["rollout_created"] < self._rollouts:
            self._life()
            self._misfortune()
        self._ending()
        self.tally.rollouts = self._oracle.kinds["rollout_created"]
        self.tally.outcomes = self._oracle.outcomes
        self.tally.kinds = self._oracle.kinds
        return self.tally

    def _engine(self, loop: VirtualLoop) -> Engine:
        return Engine(
            SimJournal(self._disk, self._random, loop.time),
            {"local": SimBackend(self._fleet, self._random, loop.time)},
            clock=_Clock(loop, self._ahead_s),
            judge=RatioJudge(),
            places=Places(self._files, self._files),
            version="sim",
            keep_history_s=KEEP_HISTORY_S,
        )

    # Life and death.

    def _life(self) -> None:
        """One life of the engine: so many steps, then the power goes."""
        random, loop = self._random, virtual_loop(self._now)
        steps = self._steps()
        with loop:
            engine = self._engine(loop)
            task = loop.create_task(self._live(engine))
            for _ in range(steps):
                loop.step()
                if task.done() or self._oracle.broken:
                    break
            self._whole()
            if task.done():
                task.result()
        must(not loop.errors, f"the loop complained: {loop.errors}")
        self._now = loop.time()
        active = len([c for c in self._oracle.courses.values() if c.phase != "finished"])
        loop.drop()
        if self._disk.lags(self._now):
            # A way back that acted from memory may be forgotten: the next life knows nothing of it.
            for key in self._fleet.places:
                self._fleet.disturb(key)
        self._disk.crash(random)
        self._whole()
        self._oracle.crashed()
        self._people.crashed()
        if not task.done():
            self.tally.crashes += 1
            self.tally.crashed_rollouts += active

    def _whole(self) -> None:
        if self._oracle.broken:
            raise self._oracle.broken
        must(not self._faults.found, f"the engine logged a fault: {self._faults.found[:1]}")

    def _steps(self) -> int:
        """How many callbacks a life lasts: often too few to do anything, seldom many."""
        luck = self._random.random()
        for share, least, most in _LIVES:
            if luck < share:
                return self._random.randint(least, most)
            luck -= share
        raise AssertionError("the shares make one")

    async def _live(self, engine: Engine) -> None:
        await engine.start()
        people = asyncio.ensure_future(self._people.act(engine))
        watch = asyncio.ensure_future(self._watch())
        failed = asyncio.ensure_future(engine.failed())
        leave = asyncio.ensure_future(self._leave(engine, failed))
        done, _ = await asyncio.wait(
            (people, watch, failed, leave), return_when=asyncio.FIRST_COMPLETED
        )
        if failed in done and not failed.cancelled():
            raise failed.result()
        await asyncio.wait({leave} if leave in done or failed in done else done)
        for task in done - {failed}:
            task.result()

    async def _leave(self, engine: Engine, failed: asyncio.Future[BaseException]) -> None:
        """Sometimes the engine is stopped as it should be."""
        await asyncio.sleep(self._random.choice((1.0, 4.0, 1e9, 1e9)))
        failed.cancel()
        await engine.stop("upgrade")

    async def _watch(self) -> None:
        """Sees that what is finished comes to be as it was finished."""
        while True:
            await asyncio.sleep(0.5)
            self._settled()

    def _settled(self) -> None:
        self._fleet.advance(asyncio.get_running_loop().time())
        for key in list(self._oracle.unsettled):
            place = self._fleet.places.get(key)
            live = place.weights if place else {}
            if live == self._oracle.wanted(key):
                del self._oracle.unsettled[key]
                continue
            since = self._oracle.unsettled[key]
            must(
                self._oracle.at - since < SETTLE_WITHIN_S,
                f"{key}: {live} long after its end, wanted {self._oracle.wanted(key)}",
            )

    def _misfortune(self) -> None:
        """What happens while nobody watches."""
        random, disk, fleet = self._random, self._disk, self._fleet
        self._now += random.choice((0.0, 0.0, 0.01, 0.5, 3.0))
        luck = random.random()
        if luck < 0.01:
            disk.full_until = self._now + random.uniform(0.5, 20.0)
        elif luck < 0.02:
            disk.slow_until = self._now + random.uniform(0.5, 20.0)
        elif luck < 0.023:
            fleet.restart()
        elif luck < 0.025:
            self._ahead_s += random.choice((-3600.0, -5.0, 5.0, 3600.0))
        elif luck < 0.03 and fleet.places:
            key = random.choice(list(fleet.places))
            place = fleet.places[key]
            if len(place.revisions) == 2:
                one, other = place.revisions
                place.weights = {one: 37, other: 63}
                fleet.disturb(key)

    # The end.

    def _ending(self) -> None:
        """Luck turns: no more faults, and everything must come to rest."""
        self._fleet.calm = self._people.quiet = True
        self._disk.full_until = self._disk.slow_until = 0.0
        loop = virtual_loop(self._now)
        with loop:
            loop.run(self._rest(self._engine(loop)))
        must(not loop.errors, f"the loop complained: {loop.errors}")

    async def _rest(self, engine: Engine) -> None:
        await engine.start()
        deadline = asyncio.get_running_loop().time() + CALM_WITHIN_S
        while True:
            await asyncio.sleep(1.0)
            self._whole()
            states, trains = engine.world.deployments.values(), engine.world.trains
            moving = any(d.active or d.queued for d in states) or any(t.active for t in trains)
            self._settled()
            if not moving and not self._oracle.unsettled:
                break
            must(
                asyncio.get_running_loop().time() < deadline,
                f"never came to rest: {[engine.waiting(key) for key in engine.world.deployments]}, "
                f"{[t for t in engine.world.trains if t.active]}, "
                f"{self._oracle.unsettled}",
            )
            await self._help(engine)
        await asyncio.sleep(30.0)
        self._check_rest(engine)
        before = engine.world
        await engine.stop()
        self._check_replay(before)

    async def _help(self, engine: Engine) -> None:
        commands: list[cmd.Command] = [
            cmd.Release(scope=stop.scope, why="over")
            for stop in engine.world.stops
            if stop.course is None or stop.course.over
        ]
        for train in engine.world.trains:
            if train.phase in ("gate", "held"):
                self._promoted[train.name] += 1
                # What is held again and again for a reason that stays is given up in the end.
                end = self._promoted[train.name] > PATIENCE
                give_up = cmd.TrainAbort(train=train.name, why="over")
                commands.append(give_up if end else cmd.TrainPromote(train=train.name, why="over"))
        for state in engine.world.deployments.values():
            if state.lock:
                commands.append(cmd.Unlock(deployment=state.key, why="over"))
            if state.hold:
                commands.append(cmd.ReleaseHold(deployment=state.key, why="over"))
            if state.active and state.active.paused:
                commands.append(cmd.Resume(deployment=state.key))
            if state.active:
                commands.append(cmd.Promote(deployment=state.key, full=True))
        for command in commands:
            for one in (KIM, LEE):  # two have to agree in places
                with suppress(GaesupError):  # refused: it moves by itself
                    await engine.submit(command, one)

    def _check_rest(self, engine: Engine) -> None:
        must(engine.frozen is None, "frozen with a good disk")
        for key in KEYS:
            state, place = engine.world.deployments.get(key), self._fleet.places.get(key)
            if state is None:
                continue
            live = place.weights if place else {}
            must(live == self._oracle.wanted(key), f"{key}: rests at {live}")
            wished = {r: n for r, (_, n) in state.replica_wishes().items() if n}
            runs = {r: there.wanted for r, there in place.revisions.items()} if place else {}
            must(runs == wished, f"{key}: {runs} run, {wished} are wished")
            gone = key in self._oracle.deletions.gone
            must(not gone or not (runs or live), f"{key}: {runs} run, and it was deleted")
            must(not engine.troubles(key), f"{key}: {engine.troubles(key)}")
            queued = state.queued.deploy.revision.id if state.queued else None
            must(queued == self._oracle.queued.get(key), f"{key}: {queued} is queued")
            must(state.colour == self._oracle.colours.get(key, ""), f"{key}: is {state.colour}")
        self._people.kept_promises()

    def _check_replay(self, before: World) -> None:
        """From the first event, and from the snapshot: the same world both times."""
        whole = World()
        whole.apply_all(self._disk.events)
        assert self._disk.snapshot is not None
        short = World.restore(self._disk.snapshot)
        short.apply_all(self._disk.events[self._disk.snapshot.seq :])
        for world in (before, short):
            must(world.deployments == whole.deployments, "a replay leads elsewhere")
            must(world.stops == whole.stops, "a replay has other stops")
        must(short.seq == whole.seq == len(self._disk.events), "the snapshot is not the last word")
