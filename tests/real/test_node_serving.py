"""The node serves: routing, weights, pins, stickiness, scale, and what it reports."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator

import pytest

from gaesup_backends.local.client import NodeRefused

from .node_rig import (
    CART,
    Rig,
    children,
    fetch,
    gone,
    pid_of,
    ready,
    running_node,
    worker_pids,
)
from .node_units import build, on_path, wat

pytestmark = pytest.mark.real


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    async with running_node() as rig:
        yield rig


async def revisions_seen(rig: Rig, count: int, **headers: str) -> Counter[str]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    seen: Counter[str] = Counter()
    for _ in range(count):
        seen[(await rig.get(headers=named)).revision] += 1
    return seen


async def two_revisions(rig: Rig) -> None:
    await rig.deploy("v41-a", wat("stable\n"))
    await rig.deploy("v42-b", wat("canary\n"))


async def test_a_unit_answers_by_host_and_by_path(rig: Rig) -> None:
    await rig.deploy("v41-a", wat("hello\n"))
    await rig.traffic(v41_a=100)
    by_host = await rig.get("/x?y=1")
    by_path = await fetch(rig.port, f"/_/{CART}/x?y=1")
    assert (by_host.status, by_host.body, by_host.revision) == (200, b"hello\n", "v41-a")
    assert (by_path.status, by_path.body) == (200, b"hello\n")


async def test_the_unit_gets_the_request_as_the_abi_says(rig: Rig) -> None:
    echo = (
        "(memory.copy (i32.const 2048) (i32.const 1024) (i32.const 41))"
        "(memory.copy (i32.const 2089) (local.get $p) (local.get $n))"
        "(return (call $reply (i32.const 2048) (i32.add (local.get $n) (i32.const 41))))"
    )
    await rig.deploy("v41-a", wat("", handle=echo))
    await rig.traffic(v41_a=100)
    reply = await fetch(
        rig.port,
        f"/_/{CART}/kv/one?two=3",
        method="PUT",
        headers={"X-Thing": "Yes", "te": "trailers"},
        body=b"\0binary\xff",
    )
    head, _, body = reply.body.partition(b"\r\n\r\n")
    first, *lines = head.split(b"\r\n")
    assert first == b"PUT /kv/one?two=3 HTTP/1.1"
    assert b"x-thing: Yes" in lines
    assert not any(line.startswith((b"te:", b"connection:", b"content-length:")) for line in lines)
    assert body == b"\0binary\xff"


async def test_weights_split_traffic_and_change_at_once(rig: Rig) -> None:
    await two_revisions(rig)
    await rig.traffic(v41_a=50, v42_b=50)
    assert set(await revisions_seen(rig, 60)) == {"v41-a", "v42-b"}
    await rig.traffic(v41_a=100, v42_b=0)
    assert await revisions_seen(rig, 60) == {"v41-a": 60}
    assert (await rig.state())["weights"] == {"v41-a": 100, "v42-b": 0}


async def test_no_weights_answer_503_to_everybody(rig: Rig) -> None:
    await two_revisions(rig)
    await rig.traffic()
    reply = await rig.get()
    pinned = await rig.get(headers={"x-gaesup-revision": "v41-a"})
    assert (reply.status, reply.headers["retry-after"]) == (503, "1")
    assert pinned.status == 503


async def test_a_pin_reaches_a_revision_without_weight(rig: Rig) -> None:
    await two_revisions(rig)
    await rig.traffic(v41_a=100)
    pinned = await rig.get(headers={"x-gaesup-revision": "v42-b"})
    unknown = await rig.get(headers={"x-gaesup-revision": "v99-x"})
    assert (pinned.body, pinned.revision) == (b"canary\n", "v42-b")
    assert unknown.status == 404


async def test_a_client_stays_with_its_revision_and_few_move(rig: Rig) -> None:
    await two_revisions(rig)
    clients = [f"client-{number}" for number in range(60)]

    async def assignment() -> dict[str, str]:
        return {
            client: (await rig.get(headers={"x-gaesup-client": client})).revision
            for client in clients
        }

    await rig.traffic(v41_a=90, v42_b=10)
    before = await assignment()
    assert before == await assignment()
    await rig.traffic(v41_a=50, v42_b=50)
    after = await assignment()
    moved_back = [c for c in clients if before[c] == "v42-b" and after[c] == "v41-a"]
    assert moved_back == []
    assert Counter(after.values())["v42-b"] > Counter(before.values())["v42-b"]


async def test_a_cookie_is_set_only_where_asked_for_and_then_honoured(rig: Rig) -> None:
    await two_revisions(rig)
    await rig.traffic(v41_a=50, v42_b=50)
    assert "set-cookie" not in (await rig.get()).headers
    await rig.traffic(v41_a=50, v42_b=50, rules={"sticky": True})
    first = await rig.get()
    cookie = first.headers["set-cookie"].split(";")[0]
    again = {(await rig.get(headers={"cookie": f"a=b; {cookie}"})).revision for _ in range(20)}
    assert again == {first.revision}


async def test_scale_up_and_down(rig: Rig) -> None:
    await rig.deploy("v41-a", wat(), replicas=3)
    await rig.traffic(v41_a=100)
    for _ in range(9):
        await rig.get()
    replicas = (await rig.state())["revisions"]["v41-a"]["replicas"]
    assert [replica["id"] for replica in replicas] == ["v41-1", "v41-2", "v41-3"]
    assert all(replica["requests"] == 3 for replica in replicas)
    pids = {replica["pid"] for replica in replicas}
    await rig.deploy("v41-a", wat(), replicas=1)
    state = await rig.until(lambda s: len(s["revisions"]["v41-a"]["replicas"]) == 1)
    for pid in pids - set(worker_pids(state)):
        await gone(pid)
    assert (await rig.get()).status == 200


async def test_removing_a_revision_loses_no_request(rig: Rig) -> None:
    await two_revisions(rig)
    await rig.traffic(v41_a=50, v42_b=50)
    failures: list[int] = []
    stop = asyncio.Event()

    async def client() -> None:
        while not stop.is_set():
            status = (await rig.get()).status
            if status != 200:
                failures.append(status)

    clients = [asyncio.create_task(client()) for _ in range(4)]
    await rig.traffic(v42_b=100)
    await rig.deploy("v41-a", wat("stable\n"), replicas=0, wait=False)
    await rig.until(lambda state: list(state["revisions"]) == ["v42-b"])
    stop.set()
    await asyncio.gather(*clients)
    assert failures == []


async def test_applying_again_changes_nothing(rig: Rig) -> None:
    await rig.deploy("v41-a", wat(), replicas=2)
    before = worker_pids(await rig.state())
    await rig.deploy("v41-a", wat(), replicas=2)
    assert worker_pids(await rig.state()) == before


async def test_minds_that_change_quickly_end_where_they_ended(rig: Rig) -> None:
    # The module is new, so the first orders fall into its compilation.
    path = build(rig.modules, "v41-a", wat("quick\n"))
    for replicas in (2, 0, 1, 0, 3, 0, 2):
        await rig.apply(path, "v41-a", replicas=replicas)
    await rig.traffic(v41_a=100)
    state = await rig.until(lambda s: ready(s, "v41-a") == 2)
    assert len(state["revisions"]["v41-a"]["replicas"]) == 2
    assert (await rig.get()).body == b"quick\n"
    zygote = children(pid_of(rig))[0]
    assert sorted(children(zygote)) == sorted(worker_pids(state))


async def test_unready_takes_no_traffic(rig: Rig) -> None:
    never = '(func (export "gsu_ready") (result i32) (i32.const 1))'
    await rig.deploy("v42-b", wat(functions=never), wait=False)
    await rig.until(
        lambda s: [r["state"] for r in s["revisions"]["v42-b"]["replicas"]] == ["unready"]
    )
    await rig.traffic(v42_b=100)
    reply = await rig.get()
    assert reply.status == 503
    assert b"no ready replica" in reply.body
    assert (await rig.state())["revisions"]["v42-b"]["requests"]["5xx"] == 1


async def test_a_replica_becomes_ready_when_the_unit_says_so(rig: Rig) -> None:
    third_time = (
        "(global $asked (mut i32) (i32.const 0))"
        '(func (export "gsu_ready") (result i32)'
        " (global.set $asked (i32.add (global.get $asked) (i32.const 1)))"
        " (i32.lt_u (global.get $asked) (i32.const 3)))"
    )
    await rig.deploy("v42-b", wat(functions=third_time))


async def test_a_probe_is_answered_and_not_counted(rig: Rig) -> None:
    await rig.deploy("v42-b", wat("smoke\n"))
    reply = await rig.ask(
        "probe", deployment=CART, revision="v42-b", method="GET", path="/", timeout_s=2
    )
    assert (reply["status"], base64.b64decode(reply["body"])) == (200, b"smoke\n")
    assert reply["headers"] == {"content-type": "text/plain"}
    assert sum((await rig.state())["revisions"]["v42-b"]["requests"].values()) == 0


async def test_metrics_and_list_are_on_the_local_host_only(rig: Rig) -> None:
    await rig.deploy("v41-a", wat())
    await rig.traffic(v41_a=100)
    await rig.get()
    metrics = (await fetch(rig.port, "/metrics")).body.decode()
    labels = 'deployment="cart@production",revision="v41-a"'
    assert f'gaesup_requests_total{{{labels},class="2xx"}} 1' in metrics
    assert f'gaesup_request_duration_seconds_bucket{{{labels},le="+Inf"}} 1' in metrics
    assert f'gaesup_replica_ready{{{labels},replica="v41-1"}} 1' in metrics
    assert "cart@production  v41-a:100" in (await fetch(rig.port, "/")).body.decode()
    assert (await fetch(rig.port, "/metrics", host="example.org")).status == 404


async def test_head_keep_alive_and_pipelining(rig: Rig) -> None:
    await rig.deploy("v41-a", wat("hello\n"))
    await rig.traffic(v41_a=100)
    head = await rig.get(method="HEAD")
    assert (head.headers["content-length"], head.body) == ("6", b"")
    reader, writer = await asyncio.open_connection("127.0.0.1", rig.port)
    request = b"GET /a HTTP/1.1\r\nhost: cart.production.localhost\r\n\r\n"
    writer.write(request * 40)
    async with asyncio.timeout(5):
        for _ in range(40):
            await reader.readuntil(b"hello\n")
    writer.close()


async def test_config_and_host_functions_reach_the_unit(rig: Rig) -> None:
    shows_config = (
        '(func (export "gsu_init") (param $p i32) (param $n i32) (result i32)'
        " (call $log (i32.const 2) (local.get $p) (local.get $n)) (i32.const 0))"
    )
    log = '(import "gaesup" "log" (func $log (param i32 i32 i32)))'
    await rig.deploy("v41-a", wat(imports=log, functions=shows_config), config={"errors": "5"})
    line = await rig.line(lambda line: line.startswith("warn: "))
    assert json.loads(line.removeprefix("warn: ")) == {
        "revision": "v41-a",
        "version": "v41",
        "unit": "cart",
        "env": "production",
        "config": {"errors": "5"},
    }


async def test_logs_can_be_followed(rig: Rig) -> None:
    log = '(import "gaesup" "log" (func $log (param i32 i32 i32)))'
    says = on_path("l", "(call $log (i32.const 1) (i32.const 1070) (i32.const 5))")
    await rig.deploy("v41-a", wat("hello\n", imports=log, handle=says))
    await rig.traffic(v41_a=100)
    follower = await rig.connect()
    try:
        lines = follower.logs(CART, tail=0, revision="v41-a")
        first = asyncio.ensure_future(anext(lines))
        await asyncio.sleep(0)
        async with asyncio.timeout(5):
            while not first.done():
                await rig.get("/l")
        assert first.result()["replica"] == "v41-1"
        assert first.result()["stream"] == "stderr"
        assert first.result()["line"].startswith("info: ")
    finally:
        await follower.close()


async def test_bad_input_changes_nothing_and_says_why(rig: Rig) -> None:
    await rig.deploy("v41-a", wat())
    await rig.traffic(v41_a=100)
    for weights, why in (
        ({"v41-a": 130}, "130 is not a whole percent"),
        ({"v41-a": 60}, "add up to 60"),
        ({"v99-x": 100}, "no revision v99-x"),
    ):
        with pytest.raises(NodeRefused, match=why):
            await rig.ask("set_traffic", deployment=CART, weights=weights)
    with pytest.raises(NodeRefused, match=r"revision\.colour: unknown field"):
        await rig.ask("apply_revision", deployment=CART, revision={"colour": "red"}, replicas=1)
    with pytest.raises(NodeRefused, match="op must be one of"):
        await rig.ask("dance")
    assert (await rig.state())["weights"] == {"v41-a": 100}


async def test_a_removed_deployment_is_gone(rig: Rig) -> None:
    await rig.deploy("v41-a", wat(), replicas=2)
    await rig.traffic(v41_a=100)
    pids = worker_pids(await rig.state())
    await rig.ask("remove", deployment=CART)
    await rig.until(lambda state: not state["revisions"])
    for pid in pids:
        await gone(pid)
    assert (await rig.get()).status == 404


async def test_a_killed_worker_comes_back_and_its_sibling_serves(rig: Rig) -> None:
    await rig.deploy("v41-a", wat(), replicas=2)
    await rig.traffic(v41_a=100)
    victim = (await rig.state())["revisions"]["v41-a"]["replicas"][0]
    os.kill(victim["pid"], signal.SIGKILL)
    statuses = Counter([(await rig.get()).status for _ in range(50)])
    assert statuses[200] >= 49
    state = await rig.until(
        lambda s: ready(s, "v41-a") == 2 and s["revisions"]["v41-a"]["replicas"][0]["restarts"] == 1
    )
    replica = state["revisions"]["v41-a"]["replicas"][0]
    assert replica["last_exit"] == "exit 137 (killed)"
    assert replica["pid"] != victim["pid"]


async def test_a_killed_zygote_costs_nothing_and_is_replaced(rig: Rig) -> None:
    await rig.deploy("v41-a", wat())
    await rig.traffic(v41_a=100)
    worker = worker_pids(await rig.state())[0]
    zygote = next(pid for pid in children(pid_of(rig)) if pid != worker)
    os.kill(zygote, signal.SIGKILL)
    assert {(await rig.get()).status for _ in range(30)} == {200}
    await rig.deploy("v41-a", wat(), replicas=2)
    assert worker in worker_pids(await rig.state())
    os.kill(worker, signal.SIGKILL)
    await rig.until(lambda s: ready(s, "v41-a") == 2 and worker not in worker_pids(s))


async def test_a_killed_node_leaves_no_worker(rig: Rig) -> None:
    await rig.deploy("v41-a", wat(handle=on_path("s", "(loop $l (br $l))")), replicas=2)
    await rig.traffic(v41_a=100)
    pids = worker_pids(await rig.state())
    port, process = rig.port, rig.process
    assert process is not None
    process.kill()
    await process.wait()
    for pid in pids:
        await gone(pid)
    await rig.start()
    assert (await rig.state())["revisions"] == {}
    assert rig.port == port


async def test_sigterm_drains_and_leaves_nothing(rig: Rig) -> None:
    await rig.deploy("v41-a", wat(), replicas=2)
    pids = worker_pids(await rig.state())
    process = rig.process
    assert process is not None
    process.terminate()
    assert await asyncio.wait_for(process.wait(), 5) == 0
    for pid in pids:
        await gone(pid)
    assert not (rig.runtime_dir / "node.sock").exists()


async def test_a_second_node_in_the_same_place_refuses(rig: Rig) -> None:
    second = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "gaesup_backends.local.node",
        "--runtime-dir",
        str(rig.runtime_dir),
        "--state-dir",
        str(rig.directory / "s"),
        stderr=asyncio.subprocess.PIPE,
    )
    _, errors = await asyncio.wait_for(second.communicate(), 5)
    assert second.returncode == 2
    assert b"another node serves" in errors
    assert (await rig.ask("hello"))["pid"] == pid_of(rig)
