"""Hostile units, clients and modules: the stable revision goes on, and a person sees why."""

from __future__ import annotations

import asyncio
import hashlib
import os
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from . import node_units
from .node_rig import (
    CART,
    Rig,
    children,
    fetch,
    gone,
    parse,
    pid_of,
    ready,
    running_node,
    states,
    worker_pids,
)
from .node_units import HOSTILE, SPIN, build, on_path, wat

pytestmark = pytest.mark.real

HOSTILE_PIN = {"x-gaesup-revision": "v42-h"}


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    """A node with a stable revision that has all traffic and a hostile one reached by pin."""
    async with running_node() as rig:
        await rig.deploy("v41-a", wat("stable\n"))
        await rig.deploy("v42-h", HOSTILE)
        await rig.traffic(v41_a=100)
        yield rig


async def stable_is_well(rig: Rig) -> None:
    replies = [await rig.get() for _ in range(10)]
    assert {(r.status, r.body) for r in replies} == {(200, b"stable\n")}


@pytest.mark.parametrize(
    ("path", "status", "trap"),
    [
        ("/t", 502, "unreachable"),
        ("/s", 504, "deadline"),
        ("/e", 504, "deadline"),
        ("/r", 502, "stack_overflow"),
        ("/d", 502, "integer_division_by_zero"),
        ("/p", 502, "bad_pointer"),
        ("/q", 502, "bad_pointer"),
        ("/g", 502, "bad_response"),
        ("/n", 502, "bad_response"),
        ("/c", 502, "bad_response"),
    ],
)
async def test_a_call_that_goes_wrong_is_one_error_of_its_revision(
    rig: Rig, path: str, status: int, trap: str
) -> None:
    reply = await rig.get(path, headers=HOSTILE_PIN)
    assert (reply.status, reply.revision) == (status, "v42-h")
    assert b"\x1b" not in b"".join(v.encode() for v in reply.headers.values()) + reply.body
    seen = (await rig.state())["revisions"]["v42-h"]
    assert seen["traps"] == {trap: 1}
    assert seen["requests"]["5xx"] == 1
    after = await rig.get("/", headers=HOSTILE_PIN)
    assert (after.status, after.body) == (200, b"hello\n")
    await stable_is_well(rig)


async def test_a_spinning_call_ends_at_its_deadline_while_stable_serves(rig: Rig) -> None:
    started = time.monotonic()
    spinning = asyncio.create_task(rig.get("/s", headers=HOSTILE_PIN))
    served = 0
    slowest_s = 0.0
    while not spinning.done():
        before = time.monotonic()
        assert (await rig.get()).status == 200
        slowest_s = max(slowest_s, time.monotonic() - before)
        served += 1
    duration_s = time.monotonic() - started
    assert 0.1 <= duration_s < 0.3
    assert served >= 10
    assert slowest_s < 0.09


async def test_a_unit_that_keeps_trapping_is_backed_off_and_says_why(rig: Rig) -> None:
    for _ in range(5):
        await rig.get("/t", headers=HOSTILE_PIN)
    state = await rig.until(
        lambda s: s["revisions"]["v42-h"]["replicas"][0]["last_exit"] is not None
    )
    replica = state["revisions"]["v42-h"]["replicas"][0]
    assert replica["last_exit"] == "trap unreachable"
    await rig.until(lambda s: ready(s, "v42-h") == 1)
    await rig.line(lambda line: line == "process ended: trap unreachable")


async def test_memory_is_refused_at_the_limit_and_the_reason_names_it(rig: Rig) -> None:
    await rig.get("/e", headers=HOSTILE_PIN)
    await rig.line(lambda line: "killed: deadline of 100 ms (memory limit 8 MiB)" in line)
    replica = (await rig.state())["revisions"]["v42-h"]["replicas"][0]
    assert replica["memory_bytes"] <= 8 * 1024 * 1024


async def test_a_unit_that_never_starts_backs_off_longer_each_time(rig: Rig) -> None:
    broken = '(func (export "gsu_init") (param i32 i32) (result i32) (unreachable))'
    await rig.deploy("v43-x", wat(functions=broken), wait=False)
    state = await rig.until(
        lambda s: (
            any(r["restarts"] >= 2 for r in s["revisions"]["v43-x"]["replicas"])
            and states(s, "v43-x") == ["backoff"]
        )
    )
    replica = state["revisions"]["v43-x"]["replicas"][0]
    assert "unreachable" in replica["last_exit"]
    assert replica["next_start_at"] - replica["since"] > 0.5
    await stable_is_well(rig)


async def test_a_refused_configuration_is_told(rig: Rig) -> None:
    refuses = '(func (export "gsu_init") (param i32 i32) (result i32) (i32.const 7))'
    await rig.deploy("v43-x", wat(functions=refuses), wait=False)
    state = await rig.until(lambda s: states(s, "v43-x") == ["backoff"])
    assert "gsu_init answered 7" in state["revisions"]["v43-x"]["replicas"][0]["last_exit"]


async def test_three_failed_health_polls_restart_a_replica(rig: Rig) -> None:
    sick = '(func (export "gsu_health") (result i32) (i32.const 3))'
    await rig.deploy("v43-x", wat(functions=sick), wait=False)
    state = await rig.until(
        lambda s: any(r["last_exit"] for r in s["revisions"]["v43-x"]["replicas"])
    )
    replica = state["revisions"]["v43-x"]["replicas"][0]
    assert replica["last_exit"] == "unhealthy: gsu_health answered 3"
    assert replica["consecutive_health_failures"] >= 3


async def test_a_health_check_that_spins_is_a_failure_not_a_hang(rig: Rig) -> None:
    stuck = f'(func (export "gsu_health") (result i32) {SPIN} (i32.const 0))'
    await rig.deploy("v43-x", wat(functions=stuck), wait=False)
    await rig.until(
        lambda s: any(
            r["consecutive_health_failures"] >= 1 for r in s["revisions"]["v43-x"]["replicas"]
        )
    )
    await stable_is_well(rig)


async def deploy_sleeper(rig: Rig, deadline_ms: int = 100) -> None:
    imports = (
        '(import "wasi_snapshot_preview1" "poll_oneoff"'
        " (func $poll (param i32 i32 i32 i32) (result i32)))"
    )
    # One clock subscription, relative, of 2^40 ns: the epoch cannot interrupt the host.
    sleep = on_path(
        "z",
        "(i32.store (i32.const 8208) (i32.const 1))"
        "(i64.store (i32.const 8216) (i64.const 1099511627776))"
        "(drop (call $poll (i32.const 8192) (i32.const 8704) (i32.const 1) (i32.const 9000)))",
    )
    text = wat(imports=imports, handle=sleep)
    await rig.deploy("v43-z", text, capabilities=["clock"], deadline_ms=deadline_ms)


async def test_a_sleep_in_the_host_is_killed_too(rig: Rig) -> None:
    await deploy_sleeper(rig)
    started = time.monotonic()
    reply = await rig.get("/z", headers={"x-gaesup-revision": "v43-z"})
    assert reply.status == 502
    assert time.monotonic() - started < 1.5
    state = await rig.until(lambda s: s["revisions"]["v43-z"]["replicas"][0]["last_exit"])
    assert "no answer" in state["revisions"]["v43-z"]["replicas"][0]["last_exit"]


async def test_a_worker_asleep_in_the_host_leaves_when_the_node_is_killed(rig: Rig) -> None:
    await deploy_sleeper(rig, deadline_ms=60_000)
    pid = (await rig.state())["revisions"]["v43-z"]["replicas"][0]["pid"]
    asleep = asyncio.create_task(rig.get("/z", headers={"x-gaesup-revision": "v43-z"}))
    await rig.until(lambda s: s["revisions"]["v43-z"]["inflight"] == 1)
    zygote = next(child for child in children(pid_of(rig)) if child != pid)
    os.kill(zygote, signal.SIGKILL)
    os.kill(pid_of(rig), signal.SIGKILL)
    await asyncio.gather(asleep, return_exceptions=True)
    await gone(pid)


async def test_escape_sequences_in_logs_are_spelled_out(rig: Rig) -> None:
    await rig.get("/l", headers=HOSTILE_PIN)
    await rig.get("/b", headers=HOSTILE_PIN)
    line = await rig.line(lambda line: "red" in line)
    assert line == "info: red \\x1b[31m alert \\x07\\x1b]0;x\\x07"
    await rig.line(lambda line: "pointer outside" in line)
    files = list((rig.directory / "s" / "logs" / CART).glob("v42-h.log"))
    assert b"\x1b" not in files[0].read_bytes()


async def test_a_log_flood_is_dropped_and_counted(rig: Rig) -> None:
    imports = '(import "gaesup" "log" (func $log (param i32 i32 i32)))'
    flood = (
        "(func $flood (local $i i32)"
        " (loop $more (call $log (i32.const 1) (i32.const 1024) (i32.const 20))"
        "  (local.set $i (i32.add (local.get $i) (i32.const 1)))"
        "  (br_if $more (i32.lt_u (local.get $i) (i32.const 1500)))))"
    )
    text = wat(imports=imports, functions=flood, handle="(call $flood)")
    await rig.deploy("v43-f", text, deadline_ms=2000)
    pin = {"x-gaesup-revision": "v43-f"}
    dropped = asyncio.create_task(rig.line(lambda line: "lines dropped" in line))
    while not dropped.done():
        assert (await rig.get(headers=pin)).status == 200
    assert "more than 500/s" in await dropped
    await stable_is_well(rig)


async def refused(rig: Rig, name: str, data: bytes, **changes: Any) -> str:
    """Apply a module that must be refused; the error a person sees."""
    path = rig.modules / f"{name}.wasm"
    path.write_bytes(data)
    await rig.apply(path, f"v50-{name}", **changes)
    state = await rig.until(lambda s: bool(s["revisions"][f"v50-{name}"]["error"]))
    seen = state["revisions"][f"v50-{name}"]
    assert seen["replicas"] == []
    await stable_is_well(rig)
    return str(seen["error"])


async def test_modules_are_refused_before_anything_of_them_runs(rig: Rig) -> None:
    good = build(rig.modules, "good", wat()).read_bytes()
    env = build(rig.modules, "env", wat(imports='(import "env" "system" (func))')).read_bytes()
    assert "WAT text" in await refused(rig, "text", wat().encode())
    assert "not a WebAssembly module" in await refused(rig, "zip", b"PK\x03\x04" * 100)
    assert "cut off" in await refused(rig, "cut", good[: len(good) // 2])
    assert "import env.system is not allowed" in await refused(rig, "imports", env)
    clock = wat(
        imports='(import "wasi_snapshot_preview1" "clock_time_get"'
        " (func (param i32 i64 i32) (result i32)))"
    )
    told = await refused(rig, "clock", build(rig.modules, "c", clock).read_bytes())
    assert "needs capability 'clock'" in told
    big = build(rig.modules, "big", wat(pages=500)).read_bytes()
    assert "memory starts with 32768000 bytes" in await refused(rig, "memory", big)
    assert "limit is 8388608" in await refused(rig, "size", b"\0asm\x01\0\0\0" + bytes(9 << 20))


async def test_a_wrong_digest_a_missing_file_and_a_wrong_type_are_told(rig: Rig) -> None:
    path = build(rig.modules, "v60-a", wat())
    digest = hashlib.sha256(b"other").hexdigest()
    await rig.apply(path, "v60-a", sha256=digest)
    state = await rig.until(lambda s: bool(s["revisions"]["v60-a"]["error"]))
    assert "it changed since the revision was made" in state["revisions"]["v60-a"]["error"]
    other = build(rig.modules, "v61-a", wat("never compiled\n"))
    revision = node_units.revision(other, "v61-a", artifact=str(rig.modules / "nowhere.wasm"))
    await rig.ask("apply_revision", deployment=CART, revision=revision, replicas=1)
    state = await rig.until(lambda s: bool(s["revisions"]["v61-a"]["error"]))
    assert "nowhere.wasm cannot be read: No such file" in state["revisions"]["v61-a"]["error"]
    wrong = wat().replace("(param $n i32) (result i32)", "(param $n i64) (result i32)")
    wrong = wrong.replace("(i32.gt_u (local.get $n) (i32.const 131072))", "(i32.const 0)")
    told = await refused(rig, "type", build(rig.modules, "t", wrong).read_bytes())
    assert "'gsu_alloc' has type ['i64'] -> ['i32']" in told


async def test_bad_pointers_from_the_allocator_never_leave_the_memory(rig: Rig) -> None:
    await rig.deploy("v43-p", wat(alloc="(i32.const 0xfffffff0)"), wait=False)
    state = await rig.until(lambda s: states(s, "v43-p") == ["backoff"])
    assert "bad_alloc" in state["revisions"]["v43-p"]["replicas"][0]["last_exit"]


async def test_a_start_function_that_spins_is_ended(rig: Rig) -> None:
    spins = f"(func $go {SPIN}) (start $go)"
    await rig.deploy("v43-s", wat(functions=spins), wait=False)
    state = await rig.until(lambda s: states(s, "v43-s") == ["backoff"])
    assert "deadline" in state["revisions"]["v43-s"]["replicas"][0]["last_exit"]


async def test_a_compile_bomb_stays_in_its_process(rig: Rig) -> None:
    # Many values alive over many branches: quadratic work for a register allocator.
    body = "".join(
        f"(if (local.get {i % 50}) (then (local.set {i * 7 % 50} "
        f"(i32.add (local.get {i * 3 % 50}) (local.get {i * 11 % 50})))))"
        for i in range(60_000)
    )
    bomb = f'(func (export "bomb") (param i32 i32) (local {"i32 " * 50}) {body})'
    path = await asyncio.to_thread(build, rig.modules, "v70-b", wat(functions=bomb))
    assert path.stat().st_size < 8 << 20
    await rig.apply(path, "v70-b")
    verdict = asyncio.create_task(
        rig.until(lambda state: bool(state["revisions"]["v70-b"]["error"]))
    )
    served = 0
    while not verdict.done():
        assert (await rig.get()).status == 200
        served += 1
    assert "the compiler was stopped" in (await verdict)["revisions"]["v70-b"]["error"]
    assert served > 100


async def test_a_10_mb_body_is_refused_with_413(rig: Rig) -> None:
    reply = await rig.get("/", method="POST", body=bytes(10 * 1024 * 1024))
    assert reply.status == 413
    assert b"more than 4194304 bytes" in reply.body
    await stable_is_well(rig)


async def test_a_chunked_body_without_end_is_cut(rig: Rig) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", rig.port)
    writer.write(
        b"POST / HTTP/1.1\r\nhost: cart.production.localhost\r\ntransfer-encoding: chunked\r\n\r\n"
    )
    chunk = b"10000\r\n" + bytes(65536) + b"\r\n"
    answer = asyncio.create_task(reader.read())
    sent = 0
    while not answer.done() and sent < 10_000:
        try:
            writer.write(chunk)
            await writer.drain()
        except ConnectionError:
            break
        sent += 1
    assert parse(await answer).status == 413
    writer.close()
    await stable_is_well(rig)


async def test_a_large_body_reaches_the_unit_and_a_refusal_is_413(rig: Rig) -> None:
    fits = await rig.get("/", method="POST", body=bytes(100_000))
    refused = await rig.get("/", method="POST", body=bytes(200_000))
    assert fits.status == 200
    assert (refused.status, refused.revision) == (413, "v41-a")
    assert b"refused memory for a request of" in refused.body
    await stable_is_well(rig)


async def test_malformed_requests_get_400(rig: Rig) -> None:
    for raw in (
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET / HTTP/1.1\r\nbad header\r\n\r\n",
        b"GET / HTTP/1.1\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n",
        b"GET / HTTP/1.1\r\nx: a\r\n b\x00c\r\n\r\n",
    ):
        reader, writer = await asyncio.open_connection("127.0.0.1", rig.port)
        writer.write(raw)
        async with asyncio.timeout(5):
            answer = await reader.read()
        writer.close()
        assert answer == b"" or parse(answer).status == 400, raw
    await stable_is_well(rig)


async def test_headers_without_end_get_431(rig: Rig) -> None:
    reply = await rig.get("/", headers={f"x-{number}": "y" * 1000 for number in range(40)})
    assert reply.status == 431


async def test_2000_idle_connections_cost_nothing(rig: Rig) -> None:
    connections = [await asyncio.open_connection("127.0.0.1", rig.port) for _ in range(2000)]
    try:
        before = cpu_s(pid_of(rig))
        await asyncio.sleep(2)
        used = cpu_s(pid_of(rig)) - before
        await stable_is_well(rig)
        assert used / 2 < 0.10
    finally:
        for _, writer in connections:
            writer.close()


async def test_a_client_that_never_reads_is_not_buffered_for(rig: Rig) -> None:
    large = "(return (call $reply (i32.const 1024) (i32.const 240000)))"
    await rig.deploy("v43-l", wat(handle=large))
    request = (
        b"GET / HTTP/1.1\r\nhost: cart.production.localhost\r\nx-gaesup-revision: v43-l\r\n\r\n"
    )
    reader, writer = await asyncio.open_connection("127.0.0.1", rig.port, limit=1024)
    before = rss_bytes(pid_of(rig))
    writer.write(request * 400)
    # One at a time: when the first replies stay unread, no further request is served.
    await rig.until(lambda state: state["revisions"]["v43-l"]["requests"]["2xx"] >= 4)
    await stable_is_well(rig)
    served = (await rig.state())["revisions"]["v43-l"]["requests"]["2xx"]
    assert served < 60
    assert rss_bytes(pid_of(rig)) - before < 30 << 20
    for _ in range(served + 10):
        await reader.readexactly(240_000)
    writer.transport.abort()


async def test_a_reply_too_large_to_carry_is_no_reply(rig: Rig) -> None:
    grow = (
        "(drop (memory.grow (i32.const 300)))"
        "(return (call $reply (i32.const 1024) (i32.const 18000000)))"
    )
    await rig.deploy("v43-l", wat(handle=grow), memory_bytes=64 << 20)
    reply = await rig.get(headers={"x-gaesup-revision": "v43-l"})
    assert reply.status == 502
    assert (await rig.state())["revisions"]["v43-l"]["traps"] == {"bad_response": 1}


async def test_a_slow_reader_does_not_hold_others_up(rig: Rig) -> None:
    large = (
        "(i32.store (i32.const 1024) (i32.load (i32.const 1024)))"
        "(return (call $reply (i32.const 1024) (i32.const 240000)))"
    )
    await rig.deploy("v43-l", wat(handle=large))
    request = (
        b"GET / HTTP/1.1\r\nhost: cart.production.localhost\r\nx-gaesup-revision: v43-l\r\n\r\n"
    )
    slow = [await asyncio.open_connection("127.0.0.1", rig.port, limit=1024) for _ in range(20)]
    for _, writer in slow:
        writer.write(request * 16)
    await stable_is_well(rig)
    fresh = await rig.get(headers={"x-gaesup-revision": "v43-l"})
    assert (fresh.status, len(fresh.body)) == (200, 240000 - 41)
    for _, writer in slow:
        writer.transport.abort()


async def test_clients_that_hang_up_early_leave_nothing_behind(rig: Rig) -> None:
    for _ in range(20):
        _, writer = await asyncio.open_connection("127.0.0.1", rig.port)
        writer.write(
            b"GET /s HTTP/1.1\r\nhost: cart.production.localhost\r\n"
            b"x-gaesup-revision: v42-h\r\n\r\n"
        )
        await writer.drain()
        writer.transport.abort()
    await rig.until(lambda s: s["revisions"]["v42-h"]["inflight"] == 0)
    await stable_is_well(rig)


async def test_too_much_at_once_is_503_with_retry_after(rig: Rig) -> None:
    replies = await asyncio.gather(*(rig.get("/s", headers=HOSTILE_PIN) for _ in range(100)))
    statuses = Counter(reply.status for reply in replies)
    busy = next(reply for reply in replies if reply.status == 503)
    assert statuses[503] >= 30
    assert busy.headers["retry-after"] == "1"
    await stable_is_well(rig)


async def test_workers_know_nothing_of_the_nodes_environment(rig: Rig) -> None:
    imports = (
        '(import "wasi_snapshot_preview1" "environ_sizes_get"'
        " (func $env (param i32 i32) (result i32)))"
    )
    count = (
        "(drop (call $env (i32.const 8192) (i32.const 8196)))"
        "(if (i32.load (i32.const 8192)) (then (unreachable)))"
    )
    await rig.deploy("v43-e", wat(imports=imports, handle=count), env={"A": "b"})
    assert (await rig.get(headers={"x-gaesup-revision": "v43-e"})).status == 200


async def test_a_forged_compiled_module_is_not_loaded(rig: Rig) -> None:
    cache = rig.directory / "s" / "compiled"
    for compiled in cache.glob("*.cwasm"):
        compiled.write_bytes(b"\x7fELF forged")
    before = worker_pids(await rig.state())
    assert before
    assert rig.process is not None
    rig.process.kill()
    await rig.process.wait()
    await rig.start()
    await rig.deploy("v41-a", wat("stable\n"))
    await rig.traffic(v41_a=100)
    await stable_is_well(rig)
    assert {path.stat().st_mode & 0o777 for path in cache.iterdir()} == {0o600}


def rss_bytes(pid: int) -> int:
    """Resident memory of a process."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096


def cpu_s(pid: int) -> float:
    """CPU seconds a process used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


async def test_the_local_page_survives_odd_targets(rig: Rig) -> None:
    for target in ("/_/", "/_/x", "/_/nobody@nowhere/", "/_/cart@production", "/%00", "/..%2f"):
        assert (await fetch(rig.port, target)).status in (200, 404)


async def test_a_cpu_share_is_kept_without_being_taken_for_a_hang(rig: Rig) -> None:
    work = (
        "(func $work (local $i i32) (loop $more"
        " (local.set $i (i32.add (local.get $i) (i32.const 1)))"
        " (br_if $more (i32.lt_u (local.get $i) (i32.const 10000000)))))"
    )
    text = wat(functions=work, handle="(call $work)")
    await rig.deploy("v43-w", text, cpu_share=0.2, deadline_ms=2000)
    pid = (await rig.state())["revisions"]["v43-w"]["replicas"][0]["pid"]
    until = time.monotonic() + 2.5

    async def client() -> set[int]:
        statuses = set()
        while time.monotonic() < until:
            statuses.add((await rig.get(headers={"x-gaesup-revision": "v43-w"})).status)
        return statuses

    started, before = time.monotonic(), cpu_s(pid)
    seen = await asyncio.gather(*(client() for _ in range(4)))
    share = (cpu_s(pid) - before) / (time.monotonic() - started)
    assert set().union(*seen) == {200}
    assert 0.05 < share < 0.35
