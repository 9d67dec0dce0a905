"""The control for the node's throughput: the same front and router, units inside the process.

    python benchmarks/node_inline.py PORT_FILE MODULE CACHE_DIR

It says what the worker processes cost; it has none of their safety. Ends when its stdin closes.
"""

from __future__ import annotations

import asyncio
import hashlib
import sys
import threading
import time
from pathlib import Path

import uvloop

from gaesup_backends.local.abi import TICK_S, Limits, Program, Unit
from gaesup_backends.local.compile import Artifact, compile_artifact
from gaesup_backends.local.front import Front
from gaesup_backends.local.link import Call
from gaesup_backends.local.metrics import RevisionMetrics
from gaesup_backends.local.router import RevisionRoute, Router, TrafficTable


class InlineReplica:
    """Stands where a replica stands, and answers on the spot."""

    inflight = 0
    requests = 0

    def __init__(self, unit: Unit) -> None:
        self._unit = unit
        self.link = self

    def send(self, payload: bytes, call: Call) -> bool:
        """Enter the unit on the event loop."""
        call.done(0, self._unit.handle(payload))
        return True


async def main(port_file: Path, artifact: Artifact, cache_dir: Path) -> None:
    """Serve two revisions at 90 and 10 percent."""
    compiled = await compile_artifact(artifact, cache_dir)
    router = Router()
    routes = {}
    for name in ("v41-a", "v42-b"):
        program = Program(compiled.path, {}, fast=compiled.fast_calls)
        threading.Thread(target=tick, args=(program,), daemon=True).start()
        route = RevisionRoute(name, RevisionMetrics())
        route.ready = [InlineReplica(Unit(program, Limits(8 << 20, 0.25), b"{}"))]  # type: ignore[list-item]
        routes[name] = route
    router.put(TrafficTable("cart@production", {"v41-a": 90, "v42-b": 10}, routes))
    front = Front(router, lambda _: (404, ""))
    port = await front.listen("127.0.0.1", 0)
    await asyncio.to_thread(port_file.write_text, str(port))
    await asyncio.to_thread(sys.stdin.read)


def tick(program: Program) -> None:
    """The epoch must move, or a deadline would never come."""
    while True:
        time.sleep(TICK_S)
        program.engine.increment_epoch()


if __name__ == "__main__":
    module = Path(sys.argv[2])
    digest = hashlib.sha256(module.read_bytes()).hexdigest()
    artifact = Artifact(str(module), digest, ("stdio",), 8 << 20)
    uvloop.run(main(Path(sys.argv[1]), artifact, Path(sys.argv[3])))
