"""People who decide at bad moments: on old screens, twice, while all is stopped, while it burns."""

from __future__ import annotations

import asyncio
import hashlib
from datetime import UTC, datetime
from pathlib import Path
from random import Random

from gaesup_tui.domain import commands as cmd
from gaesup_tui.domain.deployment import Deployment
from gaesup_tui.domain.errors import GaesupError, Moved
from gaesup_tui.domain.events import RetreatStarted
from gaesup_tui.domain.revision import Revision, make_revision
from gaesup_tui.domain.rollout import Actor
from gaesup_tui.domain.windows import FreezeWindow
from gaesup_tui.engine.draft import Receipt
from gaesup_tui.engine.engine import Engine

from . import wishes
from .broken import must
from .disk import Disk
from .fleet import Fleet
from .oracle import Oracle

KEYS = ("cart@production", "cart@staging", "search@production", "mail@production")
KIM = Actor(name="kim", uid=1000)
LEE = Actor(name="lee", uid=1001)


class People:
    """They outlive the engine and remember what they were told."""

    def __init__(
        self, random: Random, files: Path, fleet: Fleet, oracle: Oracle, disk: Disk
    ) -> None:
        self._random = random
        self._files = files
        self._fleet = fleet
        self._oracle = oracle
        self._disk = disk
        self._version = 0
        self._old_seq: dict[str, int] = {}
        self._unanswered: tuple[cmd.Command, str, Actor] | None = None
        self._keys = 0
        self._two_persons = random.random() < 0.5
        """Whether their file asks for two persons in staging."""
        self.quiet = False
        """No new rollouts: only bring to an end what moves."""
        self.promises: list[Receipt] = []
        """Acknowledged, but not yet durable."""

    def crashed(self) -> None:
        self.promises.clear()

    async def act(self, engine: Engine) -> None:
        """For as long as this engine lives."""
        random = self._random
        if self._unanswered:
            await self._ask(engine, *self._unanswered)
        while True:
            await asyncio.sleep(random.expovariate(1.4))
            key = random.choice(KEYS)
            command = self._choose(engine, engine.world.deployments.get(key), key)
            if command is not None:
                self._keys += 1
                its_key = f"k{self._keys}" if random.random() < 0.5 else ""
                await self._ask(engine, command, its_key, random.choice((KIM, KIM, KIM, LEE)))

    async def _ask(self, engine: Engine, command: cmd.Command, key: str, by: Actor) -> None:
        self._unanswered = (command, key, by) if key else None
        if isinstance(command, cmd.Abort) and command.gradual:
            self._oracle.slowly.add(command.deployment)
        if isinstance(command, cmd.Rollback):
            self._oracle.rollback_asked(command.deployment)
        if isinstance(command, cmd.GlobalRollback):
            self._oracle.rollback_asked(command.scope)
        before = {k: d.active for k, d in engine.world.deployments.items() if d.active}
        try:
            receipt = await engine.submit(command, by, key or None)
        except GaesupError as refusal:
            if isinstance(refusal, Moved):
                must("moved since you looked" in str(refusal), f"who moved it? {refusal}")
            self._unanswered = None
            return
        self._unanswered = None
        self._check(receipt, key)
        if isinstance(command, cmd.Abort | cmd.Rollback | cmd.Stop):
            for event in receipt.events:
                rollout, what = before.get(event.deployment), event.event
                if isinstance(what, RetreatStarted) and rollout:
                    self._oracle.acknowledged(event.deployment, rollout.id, what.plan)

    def _check(self, receipt: Receipt, key: str) -> None:
        if receipt.durable:
            for event in receipt.events:
                held = self._disk.events[event.seq - 1]
                must(held == event, "acknowledged, but not in the journal")
        else:
            self.promises.append(receipt)
        if key and receipt.durable and self._random.random() < 0.2:
            same = [a for a in self._disk.answers if a.key.endswith(f"/{key}")]
            must(len(same) == 1, f"{len(same)} answers for one key")

    def kept_promises(self) -> None:
        """What was acknowledged from memory is in the journal by now."""
        told = {(e.at, e.event.kind, e.deployment) for e in self._disk.events}
        for receipt in self.promises:
            for event in receipt.events:
                must(
                    (event.at, event.event.kind, event.deployment) in told
                    or any(e.event == event.event and e.at >= event.at for e in self._disk.events),
                    f"acknowledged from memory and never recorded: {event}",
                )

    # What they ask for.

    def _choose(self, engine: Engine, state: Deployment | None, key: str) -> cmd.Command | None:
        random = self._random
        if engine.world.stops and random.random() < 0.3:
            scope = random.choice(engine.world.stops).scope
            return cmd.Release(scope=scope, why="over")
        if not self.quiet and random.random() < 0.012:
            scope = random.choice(("", "production", "staging", key))
            mode = "stop" if random.random() < 0.6 else "freeze"
            return cmd.Stop(scope=scope, mode=mode, why="smoke in the room")
        if not self.quiet and random.random() < 0.01:
            scope = random.choice(("", "production", "staging", key))
            return cmd.GlobalRollback(scope=scope, why="all of it was wrong")
        if not self.quiet and random.random() < 0.012:
            return self._window(engine, key)
        if state and random.random() < 0.08:
            return self._claim(state)
        if engine.world.calendar.open and state and state.active and random.random() < 0.3:
            full = random.random() < 0.3
            return cmd.Promote(deployment=key, full=full, break_glass="it cannot wait")
        if (on_train := self._train(engine)) is not None:
            return on_train
        if state is None or state.active is None:
            return self._begin(state, key)
        return self._on_active(state, key)

    def _train(self, engine: Engine) -> cmd.Command | None:
        """A train begins, or one that is under way is told what to do."""
        random = self._random
        active = [train for train in engine.world.trains if train.active]
        if active and random.random() < 0.2:
            train = random.choice(active)
            expect = train.seq if random.random() < 0.7 else None
            if random.random() < 0.8:
                return cmd.TrainPromote(train=train.name, expect_seq=expect, why="well")
            return cmd.TrainAbort(train=train.name, why="not well")
        if self.quiet or random.random() > 0.04:
            return None
        self._version += 1
        keys = random.sample([key for key in KEYS if key.endswith("@production")], 2)
        orders = [self._deploy(key, engine.world.deployments.get(key)) for key in keys]
        return cmd.TrainStart(
            train=f"t{self._version}",
            environment="production",
            orders=tuple(orders),
            gate=random.choice(("before", "between", "none")),
            on_failure=random.choice(("rollback", "hold", "continue")),
            at_once=random.choice((None, 1)),
            expiry_s=random.choice((None, 15.0)),
        )

    def _window(self, engine: Engine, key: str) -> cmd.Command:
        """A freeze window of some seconds, or the end of one."""
        random, added = self._random, engine.world.calendar.added
        if added and random.random() < 0.3:
            return cmd.RemoveWindow(name=random.choice(added).window.name, why="over")
        begins = int(engine.now()) + random.choice((0, 1, 4))
        ends = begins + random.choice((1, 3, 10))
        stamps = [f"{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%S}" for at in (begins, ends)]
        self._version += 1
        window = FreezeWindow(name=f"w{self._version}", begins=stamps[0], ends=stamps[1])
        scope = random.choice(("", "production", "staging", key))
        return cmd.AddWindow(scope=scope, window=window, why="audit")

    def _claim(self, state: Deployment) -> cmd.Command | None:
        """Takes a deployment in hand, or lets it go."""
        random, key = self._random, state.key
        if state.lock and random.random() < 0.6:
            return cmd.Unlock(deployment=key, why=random.choice(("mine", "they went home")))
        if self.quiet:
            return None
        if random.random() < 0.5:
            return cmd.Hold(deployment=key, why="let me look")
        return cmd.Lock(deployment=key, why="a migration", for_s=random.choice((None, 2.0, 30.0)))

    def _on_active(self, state: Deployment, key: str) -> cmd.Command | None:
        random = self._random
        expect = state.seq if random.random() < 0.7 else self._old_seq.get(key)
        self._old_seq[key] = state.seq
        if state.active and state.active.paused and random.random() < 0.5:
            return cmd.Resume(deployment=key)
        if state.hold and random.random() < 0.25:
            return cmd.ReleaseHold(deployment=key, why="looked at it")
        if state.active and state.active.spec.rolling and random.random() < 0.15:
            return cmd.Scale(deployment=key, replicas=random.choice((1, 2, 3, 4, 6, 8)))
        luck = random.random()
        if luck < 0.43:
            return cmd.Promote(deployment=key, expect_seq=expect)
        if luck < 0.45:
            return cmd.Promote(deployment=key, break_glass="it cannot wait")
        if luck < 0.50 or self.quiet:
            return cmd.Promote(deployment=key, full=True)
        if luck < 0.56:
            return cmd.Abort(deployment=key)
        if luck < 0.575:
            return cmd.Abort(deployment=key, gradual=True)
        if luck < 0.59:
            return cmd.Rollback(deployment=key)
        if luck < 0.64:
            return cmd.Pause(deployment=key, expect_seq=expect)
        if luck < 0.68:
            return cmd.Scale(deployment=key, replicas=random.choice((0, 1, 2, 3)))
        if luck < 0.72:
            return self._deploy(key, state)
        if luck < 0.75:
            return cmd.StepBack(deployment=key, expect_seq=expect)
        if luck < 0.78:
            return cmd.Extend(deployment=key, by_s=random.choice((1.0, 20.0)))
        if luck < 0.80:
            return cmd.Ignore(deployment=key, why="known", expect_seq=expect)
        return cmd.Ack(deployment=key) if state.notice else None

    def _begin(self, state: Deployment | None, key: str) -> cmd.Command | None:
        random = self._random
        if self.quiet or key in self._oracle.unsettled:
            return None
        if state and state.hold and random.random() < 0.5:
            return cmd.ReleaseHold(deployment=key, why="looked at it")
        luck = random.random()
        if state and luck < 0.15:
            return cmd.Retry(deployment=key, start=random.choice(("start", "failed")))
        if state and luck < 0.25:
            return cmd.Rollback(deployment=key)
        if state and luck < 0.33:
            return cmd.Delete(deployment=key, why="moved away")
        if state and luck < 0.38:
            return cmd.Scale(deployment=key, replicas=random.choice((0, 1, 2, 3)))
        return self._deploy(key, state)

    def _deploy(self, key: str, state: Deployment | None) -> cmd.Deploy:
        random = self._random
        revision = self._revision(key)
        luck = random.random()
        if luck < 0.12:
            self._fleet.sick.add(revision.id)
        elif luck < 0.2:
            self._fleet.unready.add(revision.id)
        strategy = random.choice(wishes.STRATEGIES)
        deploy = cmd.Deploy.model_validate(
            {
                "deployment": key,
                "revision": revision,
                "strategy": strategy,
                "steps": wishes.careful(random) if strategy == "careful" else [],
                "replicas": random.choice((None, 1, 2, 3, 4)),
                "spec": wishes.spec(random),
                "conversion": {"path": "/orders"} if random.random() < 0.5 else None,
                "checks": [{"path": "/health"}] if random.random() < 0.3 else [],
                "policy": self._policy(key),
                "depends_on": random.choice(((), (), ("search",), ("mail", "search"))),
            }
        )
        self._oracle.capacity.rolling[revision.id] = deploy.spec.rolling
        return deploy

    def _policy(self, key: str) -> dict[str, object] | None:
        """What their file says of staging."""
        if not key.endswith("@staging"):
            return None
        return {"environment": "staging", "two_persons": self._two_persons}

    def _revision(self, key: str) -> Revision:
        self._version += 1
        body = b"module %d" % (self._version % 7)
        path = self._files / f"{self._version % 7}.wasm"
        if not path.exists():
            path.write_bytes(body)
        unit, sha256 = key.partition("@")[0], hashlib.sha256(body).hexdigest()
        return make_revision(unit, f"v{self._version}", sha256, str(path))
