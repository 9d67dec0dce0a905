"""The emergency stop: a node with fifty real rollouts under traffic, and a slow backend with two
hundred.

``python benchmarks/bench_stop.py [--real N] [--slow N]``. The real ones are units of the shop on
one node, each with a replica of both revisions and half of its traffic on the new one; the figure
is from the stop's command to the moment the node's live routes show all of them at stable. The
slow backend takes 5 s for each call for traffic, or never answers: there the figure is until every
call was issued, and nothing may be forgotten once it answers again.
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import yaml

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.strategy_bench import busy
from gaesup_backends.local.client import NodeClient
from gaesup_tui.domain.commands import COMMAND
from gaesup_tui.domain.rollout import Actor
from gaesup_tui.domain.route import Route
from tests.real.stack import SHOP, Stack, waits_for_person
from tests.real.traffic import flowing
from tests.service_world import MemoryBackend, deploy_command, service, short_folder

KIM = Actor(name="kim", uid=1000)
HALF = {
    "steps": [{"weight": 50}, {"pause": {"expiry": "1h", "onExpiry": "abort"}}],
    "bake": "0s",
}
GOAL_S = 1.0
ANSWER_S = 5.0
"""How long the slow backend takes for a call."""


# A real node.


def write_project(stack: Stack, names: list[str]) -> None:
    """As many units as names, all on the modules of the shop's cart."""
    stack.write_project({})
    document = yaml.safe_load(stack.project.read_text(encoding="utf-8"))
    cart = {**document["units"]["cart"], "canary": HALF, "smokeTests": [], "dependsOn": []}
    document.pop("trains", None)
    document["environments"]["production"]["replicas"] = 1
    document["units"] = dict.fromkeys(names, cart)
    stack.project.write_text(yaml.safe_dump(document), encoding="utf-8")


def all_at(stack: Stack, names: list[str], version: str, holds: Callable[[Any], object]) -> None:
    """Deploys a version everywhere and waits until every row is so."""
    for name in names:
        stack.deploy(name, version)
    for name in names:
        stack.until(f"{name}@production", holds, f"at {version}", deadline_s=120)


async def at_stable(stack: Stack, names: list[str]) -> tuple[float, float]:
    """Stops everything; seconds until the stop was confirmed, and until every live route is back
    at stable."""
    node = await NodeClient.connect(stack.places.runtime / "local" / "node.sock")
    keys = {f"{name}@production" for name in names}
    try:
        began = time.perf_counter()
        stop = {"action": "stop", "why": "the benchmark's fire"}
        pressed = asyncio.create_task(asyncio.to_thread(stack.client.command, stop))
        confirmed = 0.0
        while True:
            state = (await node.request("state"))["state"]["deployments"]
            now = time.perf_counter() - began
            if pressed.done() and not confirmed:
                confirmed = now
            moving = [key for key in keys if len(state[key]["weights"]) != 1]
            if confirmed and not moving:
                return confirmed, now
            await asyncio.sleep(0.005)
    finally:
        await node.close()


def real(count: int) -> None:
    """Fifty rollouts on one node."""
    names = [f"cart{number:02d}" for number in range(count)]
    home = Path(tempfile.mkdtemp(prefix="gst-"))
    stack = Stack(home)
    try:
        write_project(stack, names)
        stack.start()
        all_at(stack, names, "v41", lambda row: row["status"] == "healthy")
        all_at(stack, names, "v42", waits_for_person)
        with flowing(stack.port, names[0], 100) as one, flowing(stack.port, names[-1], 100) as two:
            one.next_second()
            confirmed, took = asyncio.run(at_stable(stack, names))
        failed = sum(one.end().errors.values()) + sum(two.end().errors.values())
        print(
            f"{count} rollouts on one node: all live routes at stable {took * 1000:.0f} ms after "
            f"the stop was asked for (confirmed after {confirmed * 1000:.0f} ms), "
            f"{failed} failed requests; goal {GOAL_S:g} s: {'met' if took <= GOAL_S else 'MISSED'}"
        )
    finally:
        stack.close()
        shutil.rmtree(home, ignore_errors=True)


# A slow backend.


class SlowBackend(MemoryBackend):
    """Takes its time for traffic once it is ``slow``; every fourth deployment hangs until it is
    ``mended``. What it was asked for happens in the end, whether somebody still waits or not."""

    def __init__(self) -> None:
        super().__init__()
        self.slow = False
        self.mended = asyncio.Event()
        self.asked_at: dict[str, float] = {}

    async def set_traffic(self, deployment: str, route: Route) -> None:
        if not self.slow:
            await super().set_traffic(deployment, route)
            return
        self.asked_at.setdefault(deployment, time.perf_counter())
        if int(deployment[1:4]) % 4 == 0:
            await self.mended.wait()
        await asyncio.shield(asyncio.create_task(self._late(deployment, route)))

    async def _late(self, deployment: str, route: Route) -> None:
        await asyncio.sleep(0.0 if self.mended.is_set() else ANSWER_S)
        await super().set_traffic(deployment, route)


async def seconds_until(holds: Callable[[], Awaitable[bool]], began: float) -> float:
    """Looks twenty times a second, as a console would; how long it took since ``began``."""
    while not await holds():  # noqa: ASYNC110 - what is looked at are answers of the service
        await asyncio.sleep(0.05)
    return time.perf_counter() - began


async def slow(count: int) -> None:
    """Two hundred rollouts on a backend that is slow or hangs."""
    keys = [f"u{number:03d}@production" for number in range(count)]
    with short_folder() as folder:
        backend = SlowBackend()
        async with service(folder, backend) as it:
            for version in ("v1", "v2"):
                # Not by way of clients: their threads are those the engine works with here.
                commands = [deploy_command(folder, key, version) for key in keys]
                deploys = [COMMAND.validate_python(each) for each in commands]
                await asyncio.gather(*(it.engine.submit(each, KIM) for each in deploys))
                for key in keys:
                    await (it.at_rest(key) if version == "v1" else it.at_gate(key))
            backend.slow = True
            began = time.perf_counter()
            await it.call(it.client.command, {"action": "stop", "why": "the benchmark's fire"})
            confirmed = time.perf_counter() - began

            async def all_asked() -> bool:
                return len(backend.asked_at) == count

            async def still() -> list[str]:
                shown = (await it.call(it.client.snapshot))["engine"]["still"]
                return list(shown)

            async with asyncio.timeout(60):
                await seconds_until(all_asked, began)
            issued = max(backend.asked_at.values()) - began
            shown = {0.0: len(await still())}
            for at in (3.0, 20.0):
                await asyncio.sleep(max(0.0, at - (time.perf_counter() - began)))
                shown[at] = len(await still())
            mended_at = time.perf_counter()
            backend.mended.set()

            async def at_rest() -> bool:
                return not await still()

            async with asyncio.timeout(60):
                rest = await seconds_until(at_rest, mended_at)
            wrong = [
                key
                for key in keys
                if backend.weights[key] != it.engine.world.deployments[key].weights()
            ]
    steps = ", ".join(f"{left} after {at:g} s" for at, left in shown.items())
    print(
        f"{count} rollouts on a backend that answers after {ANSWER_S:g} s or hangs: confirmed "
        f"after {confirmed * 1000:.0f} ms, every call issued after {issued * 1000:.0f} ms "
        f"(goal {GOAL_S:g} s: {'met' if issued <= GOAL_S else 'MISSED'}); shown as still moving: "
        f"{steps}; all at rest {rest:.1f} s after it answered again, forgotten: {len(wrong)}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--real", type=int, default=50, help="rollouts on the node; 0 for none")
    parser.add_argument("--slow", type=int, default=200, help="on the slow backend; 0 for none")
    asked = parser.parse_args()
    assert SHOP.exists()
    if asked.real:
        real(asked.real)
    if asked.slow:
        asyncio.run(slow(asked.slow))
    print(f"load {busy()}")


if __name__ == "__main__":
    main()
