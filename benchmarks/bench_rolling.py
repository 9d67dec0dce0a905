"""A rolling update of 20 replicas under load, on the real node.

    python benchmarks/bench_rolling.py [--replicas N] [--rps N] [--surge N] [--unavailable N]

Asks the node itself, many times a second, how many replicas are ready. Goals: no failed request,
and never fewer ready than ``maxUnavailable`` lets be. The load average is printed, too.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.strategy_bench import Load, busy, latency
from gaesup_backends.local.client import NodeClient
from tests.real.stack import CART, Stack, running_stack

EVERY_S = 0.02


class ReadyWatch:
    """The numbers of ready replicas the node reports while it runs."""

    def __init__(self, stack: Stack) -> None:
        self.counts: list[int] = []
        self.there: list[int] = []
        """Replicas that are not on their way out, at the same moments."""
        self._socket = stack.places.runtime / "local" / "node.sock"
        self._over = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)
        self._thread.start()

    async def _run(self) -> None:
        node = await NodeClient.connect(self._socket)
        try:
            while not self._over.is_set():
                reply = await node.request("state")
                self._count(reply["state"]["deployments"].get(CART, {}))
                await asyncio.sleep(EVERY_S)
        finally:
            await node.close()

    def _count(self, deployment: Mapping[str, Any]) -> None:
        revisions = deployment.get("revisions", {}).values()
        states = [replica["state"] for found in revisions for replica in found["replicas"]]
        self.counts.append(states.count("ready"))
        leaving = states.count("draining") + states.count("gone")
        self.there.append(len(states) - leaving)

    def end(self) -> None:
        """Stops."""
        self._over.set()
        self._thread.join(10)


def measure(replicas: int, rps: float, rules: dict[str, Any]) -> dict[str, Any]:
    """All of it, as numbers."""
    quiet = {"guards": [], "autoAbort": False}
    with running_stack() as stack:
        stack.write_project({"cart": {"strategy": "rolling", "rolling": rules, **quiet}}, replicas)
        stack.serve("cart", "v41")
        whole = "all ready"
        stack.until(CART, lambda row: row["ready"] == replicas, whole, deadline_s=60)
        load, watch = Load(stack, rps), ReadyWatch(stack)
        time.sleep(1.0)
        began = time.monotonic()
        stack.deploy("cart", "v42")
        stack.until(CART, lambda row: row["version"] == "v42", "on v42", deadline_s=180)
        took_s = time.monotonic() - began
        time.sleep(0.5)
        watch.end()
        replies = load.end()
    return {
        "replicas": replicas,
        "rules": rules,
        "took_s": round(took_s, 1),
        "requests": len(replies),
        "failed": sum(reply.failed for reply in replies),
        "fewest_ready": min(watch.counts),
        "most_there": max(watch.there),
        "looks": len(watch.counts),
        "latency": latency(replies),
        "load average": busy(),
    }


def main() -> int:
    """1 when a goal was missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--replicas", type=int, default=20)
    parser.add_argument("--rps", type=float, default=300.0)
    parser.add_argument("--surge", type=int, default=1)
    parser.add_argument("--unavailable", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    rules = {"maxSurge": asked.surge, "maxUnavailable": asked.unavailable, "bake": "1s"}
    found = measure(asked.replicas, asked.rps, rules)
    if asked.json:
        print(json.dumps(found))
    else:
        for name, value in found.items():
            print(f"{name:14} {value}")
    fine = found["failed"] == 0 and found["fewest_ready"] >= asked.replicas - asked.unavailable
    return 0 if fine and found["most_there"] <= asked.replicas + asked.surge else 1


if __name__ == "__main__":
    sys.exit(main())
