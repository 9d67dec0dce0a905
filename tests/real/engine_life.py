"""One life of a real engine in a process of its own, that can be told where to die.

``python -m tests.real.engine_life HOME [options]`` brings cart@production to v42 by a canary:
deploys v41, then v42, passes its gate, and ends. Every command carries an idempotency key, so a
life that follows a killed one asks for the same things again and nothing happens twice. It prints
one JSON object per line.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import os
import resource
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gaesup_backends.local.backend import LocalBackend
from gaesup_tui.domain import commands as cmd
from gaesup_tui.domain.deployment import Deployment
from gaesup_tui.domain.errors import GaesupError
from gaesup_tui.domain.revision import Revision, make_revision
from gaesup_tui.domain.rollout import Actor
from gaesup_tui.engine.bench import Bench
from gaesup_tui.engine.clock import SystemClock
from gaesup_tui.engine.engine import Engine
from gaesup_tui.engine.journal import Batch
from gaesup_tui.engine.pasts import Pasts
from gaesup_tui.engine.ports import Places
from gaesup_tui.engine.records import Records
from gaesup_tui.engine.sqlite_journal import SqliteJournal

KEY = "cart@production"
KIM = Actor(name="kim", uid=1000)
SHOP = Path(__file__).resolve().parents[2] / "examples" / "shop" / "artifacts"
SPEC: dict[str, Any] = {
    "canary": {
        "steps": [{"weight": 10}, {"pause": "200ms"}, {"weight": 50}, {"pause": None}],
        "bake": "200ms",
    },
    "autoAbort": False,
}


_QUIET = ("engine_started", "engine_stopped", "verdict_given")


class DeadlyJournal(SqliteJournal):
    """The real journal, and a death beside its first batch that moves something."""

    def __init__(self, path: Path, die: str) -> None:
        super().__init__(path)
        self._die = die

    async def append(self, batch: Batch) -> None:
        moves = any(e.event.kind not in _QUIET for e in batch.events)
        if moves and self._die == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        await super().append(batch)
        if moves and self._die == "after":
            os.kill(os.getpid(), signal.SIGKILL)


class AheadClock(SystemClock):
    """The machine's clock as if it had been set."""

    def __init__(self, ahead_s: float) -> None:
        super().__init__()
        self._offset_s = ahead_s

    def now(self) -> float:
        return super().now() + self._offset_s


def say(**facts: object) -> None:
    print(json.dumps(facts), flush=True)


def revision(version: str) -> Revision:
    path = SHOP / f"cart-{version}.wasm"
    return make_revision("cart", version, hashlib.sha256(path.read_bytes()).hexdigest(), str(path))


class Life:
    """The engine and what it is asked for."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def _state(self) -> Deployment | None:
        return self.engine.world.deployments.get(KEY)

    async def _sees(self, holds: Callable[[], object]) -> None:
        """Waits until it holds, looking again with every change."""
        number = -1
        while not holds():
            number = await self.engine.changed(number)

    def _arrived(self, version: str) -> bool:
        state = self._state()
        if state is None or state.active or state.stable is None:
            return False
        return state.stable.version == version

    def _at_gate(self) -> bool:
        state = self._state()
        step = state.active.step if state and state.active else None
        return step is not None and step.title() == "wait for you"

    async def _until(self, version: str) -> None:
        """Waits until ``version`` is stable, passing the gate on the way."""
        await self._sees(lambda: self._arrived(version) or self._at_gate())
        if self._at_gate():
            await self._ask(cmd.Promote(deployment=KEY), "promote")
        await self._sees(lambda: self._arrived(version))

    async def _ask(self, command: cmd.Command, key: str) -> None:
        receipt = await self.engine.submit(command, KIM, key)
        say(asked=key, seq=receipt.seq, durable=receipt.durable, repeated=receipt.repeated)

    async def canary(self) -> None:
        await self._ask(cmd.Deploy(deployment=KEY, revision=revision("v41")), "deploy v41")
        if not any(r.revision.version == "v41" for r in self._good()):
            await self._until("v41")
        deploy = {"deployment": KEY, "revision": revision("v42"), "strategy": "canary"}
        await self._ask(cmd.Deploy.model_validate({**deploy, "spec": SPEC}), "deploy v42")
        await self._until("v42")
        say(done=True, endpoint=self.engine.observer.endpoint("local"))

    def _good(self) -> tuple[Any, ...]:
        state = self._state()
        return state.good if state else ()

    async def full_disk(self) -> None:
        """The disk fills up while a canary stands at its gate; then a person aborts it."""
        await self._ask(cmd.Deploy(deployment=KEY, revision=revision("v41")), "deploy v41")
        await self._until("v41")
        deploy = {"deployment": KEY, "revision": revision("v42"), "strategy": "canary"}
        await self._ask(cmd.Deploy.model_validate({**deploy, "spec": SPEC}), "deploy v42")
        await self._sees(self._at_gate)
        # No file may grow beyond a page: to SQLite, that is a disk without space.
        _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
        try:
            await self._ask(cmd.Promote(deployment=KEY), "promote")
        except GaesupError as error:
            say(refused=error.code, why=str(error))
        await asyncio.sleep(1.2)  # it is tried again in this time, and must not be believed well
        say(still_frozen=self.engine.frozen is not None)
        await self._ask(cmd.Abort(deployment=KEY), "abort")
        await self._sees(lambda: self._weights() == {revision("v41").id: 100})
        say(returned=True, frozen=self.engine.frozen)
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
        await self._sees(lambda: self.engine.frozen is None and self._arrived("v41"))
        say(thawed=True)

    def _weights(self) -> dict[str, int]:
        seen = self.engine.seen(KEY)
        return dict(seen.weights) if seen else {}


async def live(asked: argparse.Namespace) -> None:
    home = Path(asked.home)
    places = Places(runtime=home / "runtime", state=home / "state")
    for place in (places.runtime, places.state):
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
    engine = Engine(
        DeadlyJournal(places.state / "journal.db", asked.die),
        {"local": LocalBackend(places)},
        clock=AheadClock(asked.ahead_s),
        judge=Bench(Records(places.state / "judged"), Pasts(places.state / "habits")),
        places=places,
        version="test",
    )
    await engine.start()
    state = engine.world.deployments.get(KEY)
    say(started=True, seq=engine.world.seq, now=engine.now(), known=state is not None)
    life = Life(engine)
    if asked.wait:
        await asyncio.sleep(3600)
    await (life.full_disk() if asked.full_disk else life.canary())
    await engine.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("home")
    parser.add_argument("--die", choices=("never", "before", "after"), default="never")
    parser.add_argument("--ahead-s", type=float, default=0.0)
    parser.add_argument("--full-disk", action="store_true")
    parser.add_argument("--wait", action="store_true", help="only hold the journal")
    try:
        asyncio.run(live(parser.parse_args()))
    except GaesupError as error:
        say(error=error.code, message=error.message, hint=error.hint)
        sys.exit(1)


if __name__ == "__main__":
    main()
