"""A zygote that hangs is replaced: workers can be started and ended again."""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gaesup_backends.local import spawner as spawning
from gaesup_backends.local.spawner import Spawner, Started
from gaesup_backends.local.worker import WorkerSpec

from .node_rig import children

pytestmark = pytest.mark.real

PR_SET_CHILD_SUBREAPER = 36

NOWHERE = WorkerSpec("/nowhere.cwasm", "{}", 1 << 26, 0.5, True, {}, None)
"""A worker that is made, finds nothing to run and leaves with 3."""


class Heard:
    """What the spawner told."""

    def __init__(self) -> None:
        self.forked: dict[int, int] = {}
        self.refused: dict[int, str] = {}
        self.exited: dict[int, int] = {}
        self.spawner = Spawner(
            self.forked.__setitem__, self.refused.__setitem__, self.exited.__setitem__
        )
        self._started: list[Started] = []

    def spawn(self) -> int:
        started = self.spawner.spawn(NOWHERE)
        self._started.append(started)
        return started.ticket

    async def until(self, holds: object) -> None:
        """Ticks, as the node does, until something is true."""
        assert callable(holds)
        async with asyncio.timeout(20):
            while not holds():
                self.spawner.look_after_zygote()
                self.spawner.reap_orphans()
                await asyncio.sleep(0.02)

    @property
    def zygote(self) -> int | None:
        """Its process, None while there is none."""
        for pid in children(os.getpid()):
            if b"local.zygote" in Path(f"/proc/{pid}/cmdline").read_bytes():
                return pid
        return None

    def close(self) -> None:
        self.spawner.close()
        for started in self._started:
            started.link.close()
            os.close(started.stdout_fd)
            os.close(started.stderr_fd)


@pytest.fixture
async def heard() -> AsyncIterator[Heard]:
    heard = Heard()
    heard.spawner.start()
    yield heard
    heard.close()
    # A spawner makes its process take in orphans: those of the tests to come are not ours.
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)


async def test_a_zygote_that_hangs_is_replaced_and_orders_are_given_again(
    heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = heard.spawn()
    await heard.until(lambda: first in heard.forked and heard.exited)
    assert list(heard.exited.values()) == [3]
    hangs = heard.zygote
    assert hangs is not None
    os.kill(hangs, signal.SIGSTOP)
    monkeypatch.setattr(spawning, "HANGS_AFTER_S", 0.3)
    second = heard.spawn()
    await heard.until(lambda: second in heard.refused)
    monkeypatch.setattr(spawning, "HANGS_AFTER_S", 15.0)
    assert heard.refused == {second: "the zygote died"}
    await heard.until(lambda: heard.zygote not in (None, hangs))
    third = heard.spawn()
    await heard.until(lambda: third in heard.forked and len(heard.exited) == 2)


async def test_the_nodes_own_pause_is_not_the_zygotes_silence(
    heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = heard.spawn()
    await heard.until(lambda: first in heard.forked)
    zygote = heard.zygote
    monkeypatch.setattr(spawning, "HANGS_AFTER_S", -1.0)
    heard.spawn()
    heard.spawner.look_after_zygote(late_s=60.0)
    monkeypatch.setattr(spawning, "HANGS_AFTER_S", 15.0)
    await heard.until(lambda: len(heard.exited) == 2)
    assert heard.zygote == zygote
