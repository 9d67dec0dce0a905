"""A replica's slot: why its process ended, and why it is not ready, is what the worker said."""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import AsyncIterator
from itertools import count
from typing import cast

import pytest

from gaesup_backends.local.frames import control_reply
from gaesup_backends.local.replica import Replica
from gaesup_backends.local.spawner import Spawner, Started
from gaesup_backends.local.worker import WorkerSpec

SPEC = WorkerSpec("unit.cwasm", "{}", 1 << 26, 0.5, True, {}, None)


class Zygote:
    """Hands out the ends of workers that the test plays."""

    def __init__(self) -> None:
        self.worker: socket.socket | None = None
        self.killed: list[int] = []
        self._pipes: list[int] = []
        self._tickets = count(1)

    def spawn(self, _: WorkerSpec) -> Started:
        ours, self.worker = socket.socketpair()
        ours.setblocking(False)
        out, err = os.pipe(), os.pipe()
        self._pipes += [out[1], err[1]]
        return Started(next(self._tickets), ours, out[0], err[0])

    def kill(self, pid: int) -> None:
        self.killed.append(pid)

    def close(self) -> None:
        for fd in self._pipes:
            os.close(fd)
        if self.worker:
            self.worker.close()


@pytest.fixture
async def slot() -> AsyncIterator[tuple[Replica, Zygote, asyncio.Event]]:
    zygote, changed = Zygote(), asyncio.Event()
    spawner = cast(Spawner, zygote)
    replica = Replica("v42-1", "v42-a", SPEC, spawner, changed.set, lambda _: None)
    replica.tick(asyncio.get_running_loop().time() + 1e9)
    replica.forked(4242)
    yield replica, zygote, changed
    zygote.close()
    replica.end("the test is over")
    if replica.state != "backoff":
        replica.exited(0)


async def until(replica: Replica, changed: asyncio.Event, state: str) -> None:
    async with asyncio.timeout(5):
        while replica.state != state:
            changed.clear()
            await changed.wait()


async def test_the_last_word_of_a_worker_counts_though_its_exit_is_heard_of_first(
    slot: tuple[Replica, Zygote, asyncio.Event],
) -> None:
    replica, zygote, changed = slot
    assert zygote.worker
    zygote.worker.send(control_reply({"op": "leaving", "reason": "start failed: no table"}))
    replica.exited(3)
    zygote.worker.close()
    await until(replica, changed, "backoff")
    assert (replica.last_exit, replica.pid) == ("start failed: no table", None)
    assert zygote.killed == []  # its number may be another process's by now


async def test_one_that_ends_without_a_word_is_told_by_its_exit_code(
    slot: tuple[Replica, Zygote, asyncio.Event],
) -> None:
    replica, _, changed = slot
    replica.exited(-9)
    await until(replica, changed, "backoff")  # also when nothing closes its end of the link
    assert replica.last_exit == "exit 137 (killed)"


async def test_what_is_not_ready_says_what_it_answered(
    slot: tuple[Replica, Zygote, asyncio.Event],
) -> None:
    replica, zygote, changed = slot
    assert zygote.worker
    said = {"op": "health", "health": 0, "memory_bytes": 0, "cpu_s": 0.0}
    zygote.worker.send(control_reply({**said, "ready": 7}))
    await until(replica, changed, "unready")
    assert replica.as_state()["problem"] == "gsu_ready answered 7"
    zygote.worker.send(control_reply({**said, "ready": 0}))
    await until(replica, changed, "ready")
    assert replica.as_state()["problem"] is None


async def test_time_in_which_the_node_stood_still_is_not_time_the_worker_took(
    slot: tuple[Replica, Zygote, asyncio.Event],
) -> None:
    """Stopped for a minute, the node finds answers it has not read yet: they come first."""
    replica, zygote, changed = slot
    assert zygote.worker
    said = {"op": "health", "health": 0, "ready": 0, "memory_bytes": 0, "cpu_s": 0.0}
    zygote.worker.send(control_reply(said))
    await until(replica, changed, "ready")
    now = time.monotonic()
    replica.tick(now + 1.0)  # asks how it is; the answer is on its way
    replica.forgive(60.0, now + 61.0)
    replica.tick(now + 61.0)
    assert (replica.state, zygote.killed) == ("ready", [])
    replica.tick(now + 63.0)
    assert zygote.killed == [4242], "one that stays silent is ended all the same"
