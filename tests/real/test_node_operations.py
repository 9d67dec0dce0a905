"""What an operator or a hard day does to a node: frozen workers, restarts, ports, nonsense."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import socket
import sys
from collections.abc import AsyncIterator
from typing import Any

import pytest

from .node_rig import CART, Rig, gone, pid_of, ready, running_node, worker_pids
from .node_units import HOSTILE, wat

pytestmark = pytest.mark.real

REQUESTS = (
    b"GET / HTTP/1.1\r\nhost: cart.production.localhost\r\n\r\n",
    b"POST /t HTTP/1.1\r\nhost: cart.production.localhost\r\ncontent-length: 5\r\n\r\nhello",
    b"POST / HTTP/1.1\r\nhost: cart.production.localhost\r\ntransfer-encoding: chunked\r\n"
    b"expect: 100-continue\r\n\r\n5\r\nhello\r\n0\r\nx: y\r\n\r\n",
    b"GET /_/cart@production/g HTTP/1.0\r\nconnection: keep-alive\r\ncookie: gsu-rev=1\r\n\r\n",
    b"GET / HTTP/1.1\r\nhost: cart.production.localhost\r\nupgrade: h2c\r\n\r\n",
    b"CONNECT a:443 HTTP/1.1\r\nhost: cart.production.localhost\r\n\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"GET /metrics HTTP/1.1\r\nhost: localhost\r\n\r\n",
)


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    async with running_node() as rig:
        await rig.deploy("v41-a", wat("stable\n"), replicas=2)
        await rig.traffic(v41_a=100)
        yield rig


async def test_a_frozen_worker_is_found_and_replaced(rig: Rig) -> None:
    frozen = worker_pids(await rig.state())[0]
    os.kill(frozen, signal.SIGSTOP)
    state = await rig.until(lambda s: ready(s, "v41-a") == 2 and frozen not in worker_pids(s))
    replica = state["revisions"]["v41-a"]["replicas"][0]
    assert "no answer" in replica["last_exit"]
    await gone(frozen)
    assert (await rig.get()).status == 200


async def test_a_restart_on_request_is_quick_and_no_crash(rig: Rig) -> None:
    before = (await rig.state())["revisions"]["v41-a"]["replicas"][0]
    await rig.ask("restart_replica", deployment=CART, replica="v41-1")
    state = await rig.until(
        lambda s: ready(s, "v41-a") == 2 and before["pid"] not in worker_pids(s)
    )
    after = state["revisions"]["v41-a"]["replicas"][0]
    assert after["last_exit"] == "restarted on request"
    assert after["since"] - before["since"] < 5


async def test_a_kill_on_request_goes_through_back_off(rig: Rig) -> None:
    await rig.ask("kill_replica", deployment=CART, replica="v41-2")
    state = await rig.until(lambda s: s["revisions"]["v41-a"]["replicas"][1]["state"] == "backoff")
    assert state["revisions"]["v41-a"]["replicas"][1]["last_exit"] == "killed on request"
    await rig.until(lambda s: ready(s, "v41-a") == 2)


async def test_a_port_that_is_taken_is_told(rig: Rig) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "gaesup_backends.local.node",
            "--runtime-dir",
            str(rig.directory / "other"),
            "--state-dir",
            str(rig.directory / "s"),
            "--port",
            str(port),
            stderr=asyncio.subprocess.PIPE,
        )
        _, errors = await asyncio.wait_for(process.communicate(), 10)
    assert process.returncode == 2
    assert f"data port {port} cannot be opened".encode() in errors


async def test_a_deployment_survives_a_log_directory_it_cannot_write(rig: Rig) -> None:
    logs = rig.directory / "s" / "logs"
    logs.mkdir(exist_ok=True)
    blocked = logs / "other@production"
    await asyncio.to_thread(blocked.write_text, "a file where a directory should be")
    await rig.deploy("v41-a", wat("stable\n"), deployment="other@production")
    await rig.traffic("other@production", v41_a=100)
    assert (await rig.get(deployment="other@production")).status == 200
    await rig.ask("kill_replica", deployment="other@production", replica="v41-1")
    await rig.line(lambda line: line.startswith("process ended"), "other@production")


def mutated(chance: random.Random) -> bytes:
    data = bytearray(chance.choice(REQUESTS) * chance.choice([1, 1, 1, 3, 40]))
    for _ in range(chance.choice([0, 1, 2, 5])):
        at = chance.randrange(len(data))
        if chance.random() < 0.4:
            data[at] = chance.randrange(256)
        elif chance.random() < 0.5:
            del data[at : at + chance.randrange(1, 9)]
        else:
            data[at:at] = chance.randbytes(chance.randrange(1, 8))
        data = data or bytearray(b"\r")
    return bytes(data)


async def send_nonsense(port: int, chance: random.Random) -> None:
    data = mutated(chance)
    cut = chance.randrange(len(data) + 1)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(data[:cut])
        await writer.drain()
        writer.write(data[cut:])
        if chance.random() < 0.5:
            writer.write_eof()
            async with asyncio.timeout(0.2):
                await reader.read(1000)
    except (ConnectionError, TimeoutError):
        return
    finally:
        writer.transport.abort()


async def test_nonsense_from_clients_upsets_nothing(rig: Rig) -> None:
    """The rig fails the test when the node printed a traceback."""
    await rig.deploy("v42-h", HOSTILE)
    await rig.traffic(v41_a=50, v42_h=50, rules={"sticky": True})
    chance = random.Random(7)
    for _ in range(40):
        await asyncio.gather(*(send_nonsense(rig.port, chance) for _ in range(16)))
    await rig.traffic(v41_a=100)
    await rig.until(lambda s: all(r["inflight"] == 0 for r in s["revisions"].values()))
    assert {(await rig.get()).body for _ in range(10)} == {b"stable\n"}


async def test_nonsense_on_the_control_socket_is_answered(rig: Rig) -> None:
    chance = random.Random(7)
    values: tuple[Any, ...] = (
        None,
        1,
        -1,
        "x",
        [],
        {},
        True,
        CART,
        "v41-a",
        "v41-1",
        {"v41-a": 100},
    )
    names: tuple[Any, ...] = (
        "hello",
        "apply_revision",
        "set_traffic",
        "probe",
        "state",
        "logs",
        5,
        None,
        [],
    )
    fields = ("deployment", "revision", "replicas", "weights", "rules", "path", "body", "tail")
    reader, writer = await asyncio.open_unix_connection(rig.runtime_dir / "node.sock")
    for number in range(200):
        given = {name: chance.choice(values) for name in fields if chance.random() < 0.7}
        message = {"id": number, "op": chance.choice(names), **given}
        line = json.dumps(message).encode() if chance.random() < 0.9 else b"{["
        writer.write(line + b"\n")
        async with asyncio.timeout(10):
            answer = json.loads(await reader.readline())
        assert answer["ok"] or answer["error"]["code"] != "internal", (message, answer)
    writer.close()
    assert (await rig.get()).status == 200


async def test_a_node_that_stands_still_under_load_costs_no_worker_and_no_request(rig: Rig) -> None:
    """Stopped for longer than any worker may take to answer; the answers wait to be read."""
    node, before = pid_of(rig), worker_pids(await rig.state())
    statuses: set[int] = set()
    ending = asyncio.Event()

    async def client() -> None:
        while not ending.is_set():
            statuses.add((await rig.get()).status)

    clients = [asyncio.create_task(client()) for _ in range(8)]
    for _ in range(5):
        await asyncio.sleep(0.15)
        os.kill(node, signal.SIGSTOP)
        await asyncio.sleep(0.6)
        os.kill(node, signal.SIGCONT)
    ending.set()
    await asyncio.gather(*clients)
    assert statuses == {200}
    assert worker_pids(await rig.state()) == before
