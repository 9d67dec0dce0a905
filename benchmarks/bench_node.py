"""The node's figures, each against a control in the same run.

    python benchmarks/bench_node.py [--json]

Load comes from wrk when it is there, else from node_load.py, and from node_load.py wherever single
replies count. Takes about a minute. On a shared machine compare ratios, not rates.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import re
import shutil
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import median
from typing import Any

import wasmtime

from gaesup_backends.local.client import NodeClient, NodeGone

HERE = Path(__file__).parent
CART = "cart@production"
STABLE, CANARY = "v41-a", "v42-b"
SECONDS = 4.0
FLIPS = 40
DEADLINE_MS = 250
PAIRS = 3

REPLY = "Status: 200\\0d\\0acontent-type: text/plain\\0d\\0a\\0d\\0ahello\\0a"
REPLY_BYTES = 47
UNIT = f"""(module
  (memory (export "memory") 4)
  (data (i32.const 1024) "{REPLY}")
  (func (export "gsu_abi") (result i32) (i32.const 1))
  (func (export "gsu_alloc") (param i32) (result i32) (i32.const 65536))
  (func (export "gsu_handle") (param i32 i32) (result i64)
    %s (i64.const {(1024 << 32) | REPLY_BYTES})))"""
TINY = UNIT % ""
SPINNER = UNIT % "(loop $l (br $l))"

Result = dict[str, Any]
RULES: dict[str, Result] = {
    "none": {},
    "key and conversion": {
        "sticky": {"cookie": "user"},
        "salt": "1",
        "conversion": {"method": "GET", "path": "/*"},
    },
    "match": {"target": CANARY, "match": [{"header": "x-beta", "equals": "1"}]},
    "mirror 20 %": {"target": CANARY, "mirror_percent": 20},
}


class Node:
    """A node under load."""

    def __init__(self, client: NodeClient, port: int, pid: int) -> None:
        self.client = client
        self.port = port
        self.pid = pid

    async def apply(self, revision_id: str, path: Path) -> None:
        """Apply a module with one replica and wait until it is ready."""
        revision = {
            "id": revision_id,
            "version": revision_id.split("-")[0],
            "artifact": str(path),
            "sha256": digest(path),
            "memory_bytes": 16 << 20,
            "deadline_ms": DEADLINE_MS,
            "capabilities": [],
        }
        await self.client.request("apply_revision", deployment=CART, revision=revision, replicas=1)
        while True:
            state = (await self.client.request("state"))["state"]
            replicas = state["deployments"][CART]["revisions"][revision_id]["replicas"]
            if [replica["state"] for replica in replicas] == ["ready"]:
                return
            await asyncio.sleep(0.05)

    async def weights(self, rules: Result | None = None, **weights: int) -> None:
        """Set the traffic table."""
        named = {name.replace("_", "-"): weight for name, weight in weights.items()}
        await self.client.request("set_traffic", deployment=CART, weights=named, rules=rules or {})

    def cpu_s(self) -> float:
        """CPU the front used so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / 100


@asynccontextmanager
async def node(directory: Path, stable: Path, canary: Path) -> AsyncIterator[Node]:
    """A node with two revisions."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "gaesup_backends.local.node",
        "--runtime-dir",
        str(directory / "r"),
        "--state-dir",
        str(directory / "s"),
        stdout=asyncio.subprocess.DEVNULL,
    )
    client = None
    try:
        while client is None:
            try:
                client = await NodeClient.connect(directory / "r" / "node.sock")
            except NodeGone:
                await asyncio.sleep(0.02)
        hello = await client.request("hello")
        running = Node(client, hello["data_port"], hello["pid"])
        await running.apply(STABLE, stable)
        await running.apply(CANARY, canary)
        yield running
        await client.close()
    finally:
        process.terminate()
        await process.wait()


async def output(*command: str) -> str:
    """Run a program and return what it prints."""
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    printed, _ = await process.communicate()
    return printed.decode()


async def load(port: int, connections: int, seconds: float, *more: str) -> Result:
    """Load from node_load.py."""
    command = [sys.executable, str(HERE / "node_load.py"), str(port), str(connections)]
    report: Result = json.loads(await output(*command, str(seconds), *more))
    return report


async def rate(port: int, connections: int, *headers: str, seconds: float = SECONDS) -> float:
    """Requests per second of a closed loop."""
    wrk = shutil.which("wrk")
    if wrk is None:
        more = [part for header in headers for part in ("--header", header)]
        return float((await load(port, connections, seconds, *more))["rps"])
    named = [part for header in headers for part in ("-H", header)]
    url = f"http://127.0.0.1:{port}/_/{CART}/"
    printed = await output(wrk, "-t1", f"-c{connections}", f"-d{seconds:.0f}s", *named, url)
    found = re.search(r"Requests/sec:\s+([\d.]+)", printed)
    if found is None or "Non-2xx" in printed or "Socket errors" in printed:
        raise SystemExit(f"a rate of errors is no rate; the load generator said:\n{printed}")
    return float(found[1])


async def throughput(directory: Path, tiny: Path) -> Result:
    """Workers against the same router with units inside; alternating, best of each."""
    port_file = directory / "port"
    inline = await asyncio.create_subprocess_exec(
        sys.executable,
        str(HERE / "node_inline.py"),
        str(port_file),
        str(tiny),
        str(directory / "c"),
        stdin=asyncio.subprocess.PIPE,
    )
    inline_port = await asyncio.to_thread(wait_for_port, port_file)
    async with node(directory, tiny, tiny) as running:
        await running.weights(v41_a=90, v42_b=10)
        workers, control = [], []
        for _ in range(2):
            workers.append(await rate(running.port, 16))
            control.append(await rate(inline_port, 16))
        before = running.cpu_s()
        await asyncio.sleep(5)
        idle_percent = (running.cpu_s() - before) / 5 * 100
    inline.terminate()
    await inline.wait()
    return {
        "rps": max(workers),
        "inline_rps": max(control),
        "ratio": round(max(workers) / max(control), 2),
        "idle_cpu_percent": round(idle_percent, 2),
    }


async def rules(directory: Path, tiny: Path) -> Result:
    """Each kind of rule against none, alternating, best of each."""
    rates: dict[str, float] = dict.fromkeys(RULES, 0.0)
    async with node(directory, tiny, tiny) as running:
        for _ in range(2):
            for name, said in RULES.items():
                await running.weights(said, v42_b=10, v41_a=90)
                found = await rate(running.port, 16, "cookie: a=b; user=me", seconds=2.0)
                rates[name] = max(rates[name], found)
    return {name: round(found / rates["none"], 2) for name, found in rates.items()}


def wait_for_port(port_file: Path) -> int:
    """The port a process writes when it listens."""
    while not (port_file.exists() and port_file.read_text()):
        time.sleep(0.05)
    return int(port_file.read_text())


async def weight_change(directory: Path, tiny: Path) -> Result:
    """Flip all traffic between two revisions under 16 closed-loop clients."""
    samples_file = directory / "samples"
    flips: list[tuple[float, float, str]] = []
    async with node(directory, tiny, tiny) as running:
        await running.weights(v41_a=100)
        loading = asyncio.create_task(
            load(running.port, 16, FLIPS * 0.1 + 1.0, "--samples", str(samples_file))
        )
        await asyncio.sleep(0.6)
        for flip in range(FLIPS):
            old = STABLE if flip % 2 == 0 else CANARY
            called = time.monotonic()
            if flip % 2 == 0:
                await running.weights(v42_b=100)
            else:
                await running.weights(v41_a=100)
            flips.append((called, time.monotonic(), old))
            await asyncio.sleep(0.1)
        report = await loading
    samples = json.loads(samples_file.read_text())
    lags_ms, late = [], 0
    for number, (called, acknowledged, old) in enumerate(flips):
        end = flips[number + 1][0] if number + 1 < len(flips) else acknowledged + 0.05
        replies = [s for s in samples if s[3] == old and called <= s[1] < end]
        lags_ms.append(max((s[1] - called for s in replies), default=0.0) * 1000)
        late += sum(acknowledged < s[0] < end for s in replies)
    lags_ms.sort()
    return {
        "p50_ms": round(median(lags_ms), 2),
        "max_ms": round(lags_ms[-1], 2),
        "sent_after_acknowledgement": late,
        "rps": report["rps"],
    }


async def spinner(directory: Path, tiny: Path, spinning: Path) -> Result:
    """A stable's throughput alone and beside a canary that never returns, in adjacent pairs."""
    pins = f"x-gaesup-revision: {STABLE}", f"x-gaesup-revision: {CANARY}"
    samples_file = directory / "samples"
    async with node(directory, tiny, spinning) as running:
        await running.weights(v41_a=100)
        pairs, kills_ms, sleeps_ms = [], [], []
        for _ in range(PAIRS):
            alone = await rate(running.port, 4, pins[0])
            more = "--pause", "0.05", "--samples", str(samples_file), "--header", pins[1]
            hostile = asyncio.create_task(load(running.port, 2, SECONDS, *more))
            sleeping = asyncio.create_task(sleep_times_ms())
            beside = await rate(running.port, 4, pins[0])
            await hostile
            sleeps_ms += await sleeping
            kills_ms += kill_times_ms(json.loads(samples_file.read_text()))
            pairs.append((beside / alone, alone))
    ratio, alone = sorted(pairs)[PAIRS // 2]
    return {
        "alone_rps": round(alone),
        "ratio": round(ratio, 2),
        "ratios": [round(found, 2) for found, _ in sorted(pairs)],
        "spins": len(kills_ms),
        "killed_p50_ms": round(median(kills_ms), 1),
        "killed_max_ms": round(max(kills_ms), 1),
        "sleep_p50_ms": round(median(sleeps_ms), 1),
        "sleep_max_ms": round(max(sleeps_ms), 1),
    }


async def sleep_times_ms() -> list[float]:
    """How long the deadline lasts for a process that only sleeps: what the machine adds."""
    times = []
    until = time.monotonic() + SECONDS - 1
    while time.monotonic() < until:
        started = time.monotonic()
        await asyncio.sleep(DEADLINE_MS / 1000)
        times.append((time.monotonic() - started) * 1000)
    return times


def kill_times_ms(samples: list[list[Any]]) -> list[float]:
    """How long each spin ran: two clients share one worker, so a spin starts when one ended."""
    ends = sorted(sample[1] for sample in samples if sample[2] == 504)
    sent = {sample[1]: sample[0] for sample in samples}
    times = []
    for number, end in enumerate(ends):
        start = max(sent[end], ends[number - 1]) if number else sent[end]
        times.append((end - start) * 1000)
    return times


def digest(path: Path) -> str:
    """What the revision is checked against."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def build(directory: Path, name: str, text: str) -> Path:
    """Assemble a module."""
    path = directory / f"{name}.wasm"
    path.write_bytes(bytes(wasmtime.wat2wasm(text)))
    return path


async def run() -> dict[str, Result]:
    """All rows."""
    directory = Path(tempfile.mkdtemp(prefix="gsu-"))
    try:
        tiny, spinning = build(directory, "tiny", TINY), build(directory, "spin", SPINNER)
        return {
            "throughput": await throughput(directory, tiny),
            "rules": await rules(directory, tiny),
            "weight_change": await weight_change(directory, tiny),
            "spinner": await spinner(directory, tiny, spinning),
        }
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def table(results: dict[str, Result]) -> str:
    """The rows as text with their goals."""
    split, change, spin = results["throughput"], results["weight_change"], results["spinner"]
    rows = [
        (
            "90/10 split, 16 connections",
            f"{split['rps']:.0f} req/s, {split['ratio']:.2f} x inline ({split['inline_rps']:.0f})",
            ">= 20000 req/s or >= 0.85 x",
        ),
        (
            "rules beside weights, of the rate without",
            ", ".join(f"{name} {ratio:.2f}" for name, ratio in results["rules"].items()),
            ">= 0.80; a copy is a request more",
        ),
        (
            "weight change: last old reply",
            f"p50 {change['p50_ms']} ms, max {change['max_ms']} ms at {change['rps']:.0f} req/s; "
            f"{change['sent_after_acknowledgement']} sent after the acknowledgement",
            "p50 <= 2 ms; 0",
        ),
        (
            "stable beside a spinning canary",
            f"{spin['ratio']:.2f} of {spin['alone_rps']} req/s (median of {spin['ratios']})",
            ">= 0.80",
        ),
        (
            f"spinner ended, deadline {DEADLINE_MS} ms",
            f"p50 {spin['killed_p50_ms']} ms, max {spin['killed_max_ms']} ms of {spin['spins']} "
            f"(a sleep: {spin['sleep_p50_ms']}, {spin['sleep_max_ms']})",
            f"<= {DEADLINE_MS + 30} ms",
        ),
        ("idle CPU of the front", f"{split['idle_cpu_percent']} %", "<= 1 %"),
    ]
    return "\n".join(f"{name:42} {figure:76} goal {goal}" for name, figure, goal in rows)


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--json", action="store_true", help="print the raw figures")
    options = parser.parse_args()
    results = asyncio.run(run())
    print(json.dumps(results, indent=2) if options.json else table(results))


if __name__ == "__main__":
    main()
