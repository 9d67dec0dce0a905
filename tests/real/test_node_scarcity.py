"""A node that may open few files, or whose log cannot be written: it serves all the same."""

from __future__ import annotations

import asyncio
import os
import signal

import pytest

from .node_rig import ready, running_node, worker_pids
from .node_units import wat

pytestmark = pytest.mark.real

FEW_FILES = ("sh", "-c", 'ulimit -n 256; exec "$@"', "sh")
NO_LOG = ("sh", "-c", 'exec "$@" >/dev/full 2>&1', "sh")


async def test_idle_connections_never_take_what_workers_and_new_clients_need() -> None:
    """More of them than the node may open files: those that idle longest make room."""
    async with running_node(*FEW_FILES) as rig:
        await rig.deploy("v41-a", wat("stable\n"), replicas=2)
        await rig.traffic(v41_a=100)
        idle = [await asyncio.open_connection("127.0.0.1", rig.port) for _ in range(400)]
        try:
            assert {(await rig.get()).status for _ in range(20)} == {200}
            killed = worker_pids(await rig.state())[0]
            os.kill(killed, signal.SIGKILL)
            await rig.until(lambda s: ready(s, "v41-a") == 2 and killed not in worker_pids(s))
            reader, writer = idle[-1]
            writer.write(b"GET / HTTP/1.1\r\nhost: cart.production.localhost\r\n\r\n")
            async with asyncio.timeout(5):
                assert (await reader.readline()).startswith(b"HTTP/1.1 200 "), "the newest stayed"
                assert await idle[0][0].read(1) == b"", "the oldest was told that it is over"
        finally:
            for _, writer in idle:
                writer.transport.abort()


async def test_a_node_whose_log_cannot_be_written_starts_and_serves() -> None:
    """As after a crash on a disk that is full to the last byte."""
    async with running_node(*NO_LOG) as rig:
        await rig.deploy("v41-a", wat("stable\n"))
        await rig.traffic(v41_a=100)
        assert (await rig.get()).body == b"stable\n"
