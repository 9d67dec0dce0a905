"""How long users are hurt by a bad canary that nobody watches.

    python benchmarks/bench_autorollback.py [--json] [--runs N]

A canary that fails every fifth request gets half of 400 requests a second, on a real engine and
node, with the guards a unit has when nothing is said. Measured from the first failed reply to the
last request that the canary answered; requests that it answered and that were sent after the
switch was acknowledged (the node's route read back) are counted and must be 0. Ten runs take
about two minutes.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

import wasmtime
import yaml

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.bench_system import Reply, read_replies  # noqa: E402
from gaesup_tui.domain.steps import DEFAULT_GUARDS  # noqa: E402
from tests.real.node_units import escaped, wat  # noqa: E402
from tests.real.stack import CART, Stack, running_stack  # noqa: E402

RPS = 400
"""Half of them for the canary."""
GOAL_S = 4.0
FAILS = """
    (if (i32.eqz (i32.rem_u (global.get $count) (i32.const 5)))
      (then (return (call $reply (i32.const 4096) (i32.const {size})))))"""
CANARY: dict[str, Any] = {"steps": [{"weight": 50}, {"pause": {"expiry": "30m"}}], "bake": "0s"}


class Run(NamedTuple):
    """One automatic rollback, on the monotonic clock."""

    began: float
    seen: float
    """The route was read back: all traffic on stable."""
    rested: float
    cause: str


def write_units(stack: Stack) -> None:
    """v1 answers, v2 fails every fifth request."""
    folder = stack.home / "units"
    folder.mkdir()
    failure = "Status: 500\r\n\r\nno"
    handle = FAILS.format(size=len(failure))
    data = f'(data (i32.const 4096) "{escaped(failure)}")'
    for version, text in (("v1", wat()), ("v2", wat(handle=handle, data=data))):
        (folder / f"cart-{version}.wasm").write_bytes(bytes(wasmtime.wat2wasm(text)))
    cart = {
        "artifact": str(folder / "cart-{version}.wasm"),
        "versions": {"v1": {}, "v2": {}},
        "canary": CANARY,
        "smokeTests": [],
        "guards": [guard.model_dump(mode="json", by_alias=True) for guard in DEFAULT_GUARDS],
    }
    stack.write_project({"cart": cart})
    document = yaml.safe_load(stack.project.read_text())
    document.pop("trains", None)  # they name the shop's own versions
    stack.project.write_text(yaml.safe_dump(document))


def one(stack: Stack) -> Run:
    """A bad canary, until it is gone; automation is let go for the next."""
    began = time.monotonic()
    stack.deploy("cart", "v2")
    stack.until(CART, lambda row: row["rollout"] and row["rollout"]["cause"], "rolled back", 60.0)
    stack.until(CART, lambda row: row["rollout"] and row["rollout"]["weight_seen"] == 0, "seen")
    seen = time.monotonic()
    row = stack.until(
        CART, lambda row: row["rollout"] and row["rollout"]["phase"] == "finished", "at rest"
    )
    rested = time.monotonic()
    stack.ask("unhold", why="the next run")
    stack.ask("ack")
    time.sleep(1.0)
    rollout = row["rollout"]
    return Run(began, seen, rested, (rollout and rollout["cause"]) or "")


def measure(runs: int) -> dict[str, Any]:
    with running_stack() as stack:
        write_units(stack)
        stack.serve("cart", "v1")
        samples = stack.home / "samples"
        script = str(ROOT / "benchmarks" / "system_load.py")
        words = [str(stack.port), "cart.production.localhost", str(RPS), str(samples)]
        load = subprocess.Popen(
            [sys.executable, script, *words], env=stack.environment, stdin=subprocess.PIPE
        )
        time.sleep(2.0)
        done = [one(stack) for _ in range(runs)]
        load.communicate(timeout=30)
        replies = read_replies(samples)
    return figures(done, replies)


def figures(runs: list[Run], replies: list[Reply]) -> dict[str, Any]:
    took, hurt, after = [], [], 0
    for run in runs:
        mine = [r for r in replies if r.revision.startswith("v2") and run.began < r.sent]
        mine = [r for r in mine if r.sent < run.rested + 0.9]
        first = min(r.sent for r in mine if r.status >= 500)
        took.append(max(r.sent for r in mine) - first)
        hurt.append(sum(r.status >= 500 for r in mine))
        after += sum(r.sent > run.seen for r in mine)
    stable = [r for r in replies if r.revision.startswith("v1")]
    return {
        "runs": len(runs),
        "first_bad_to_last_request_s": sorted(round(s, 2) for s in took),
        "p50_s": round(statistics.median(took), 2),
        "goal_s": GOAL_S,
        "failed_requests_p50": statistics.median(hurt),
        "requests_after_acknowledged": after,
        "stable_errors": sum(r.status >= 500 or r.status == 0 for r in stable),
        "stable_requests": len(stable),
        "causes": sorted({run.cause.split(" over ")[0][:40] for run in runs}),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--json", action="store_true", help="one JSON object")
    parser.add_argument("--runs", type=int, default=10, metavar="N", help="rollbacks (10)")
    asked = parser.parse_args()
    load = os.getloadavg()[0]
    found = measure(asked.runs)
    if asked.json:
        print(json.dumps({"load": load, **found}))
        return 0
    times = found["first_bad_to_last_request_s"]
    print(f"first failed reply → last request of the canary: {RPS // 2} req/s, 20 % errors")
    print(f"  p50 {found['p50_s']} s   [goal p50 ≤ {GOAL_S:g} s]   all: {times}")
    print(f"  failed requests, p50 of {found['runs']}: {found['failed_requests_p50']:g}")
    print(f"  to the canary after the switch: {found['requests_after_acknowledged']}   [goal 0]")
    print(f"  errors of stable: {found['stable_errors']} of {found['stable_requests']}   [goal 0]")
    print(f"  causes: {'; '.join(found['causes'])}")
    print(f"  load average before: {load:.2f} on {os.cpu_count()} cores")
    return 0


if __name__ == "__main__":
    sys.exit(main())
