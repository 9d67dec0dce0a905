"""Figures that need the whole system: real engine, node, units of the shop and traffic.

    python benchmarks/bench_system.py [--json] [ROW ...]

Without ROW all of them, in about two minutes; `--help` lists them. Each figure stands beside a
control of the same run. The machine must be otherwise quiet: the load average is printed, too.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import yaml

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.real.stack import CART, GAESUP, Stack, kill, running_stack, waits_for_person  # noqa: E402

ABORTS = 40
RPS = 1000
DECISIONS = 200
STATUS_RUNS = 20
IDLE_S = 20.0
STOP_ROLLOUTS = 12
RESTARTS = 5
HALF: dict[str, Any] = {"steps": [{"weight": 50}, {"pause": {"expiry": "30m"}}], "bake": "0s"}
"""Half of the requests: two milliseconds between two of the canary at 1,000 a second."""


class Figure(NamedTuple):
    """One line of the table."""

    name: str
    value: str
    goal: str = ""


Row = Callable[[], Iterator[Figure]]


def spread(values_s: list[float]) -> str:
    """p50, p99 and the worst, in milliseconds."""
    ordered = sorted(values_s)
    p99 = ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]
    middle = statistics.median(ordered)
    return (
        f"p50 {middle * 1000:.1f} ms  p99 {p99 * 1000:.1f} ms  "
        f"max {ordered[-1] * 1000:.1f} ms  (n={len(ordered)})"
    )


# An abort with traffic flowing.


class Abort(NamedTuple):
    """Moments of one abort, on the monotonic clock."""

    confirmed: float
    recorded: float
    seen: float
    rested: float
    """The next canary begins after it."""


class Reply(NamedTuple):
    """One request of the load."""

    sent: float
    status: int
    revision: str


def abort() -> Iterator[Figure]:
    """From a confirmed abort to the last request the canary got."""
    with running_stack() as stack:
        stack.write_project({"cart": {"canary": HALF, "guards": []}})
        stack.serve("cart", "v41")
        samples = stack.home / "samples"
        load = start_load(stack, samples)
        aborts = [one_abort(stack) for _ in range(ABORTS)]
        load.communicate(timeout=30)
        replies = read_replies(samples)
    yield from abort_figures(aborts, replies)


def start_load(stack: Stack, samples: Path) -> subprocess.Popen[bytes]:
    words = [str(stack.port), "cart.production.localhost", str(RPS), str(samples)]
    command = [sys.executable, str(ROOT / "benchmarks" / "system_load.py"), *words]
    return subprocess.Popen(command, env=stack.environment, stdin=subprocess.PIPE)


def one_abort(stack: Stack) -> Abort:
    """A canary that gets half of the traffic, and its abort."""
    stack.deploy("cart", "v42")
    stack.until(CART, waits_for_person, "at its gate")
    time.sleep(0.25)  # traffic of both sides, also when the machine is slow
    confirmed = time.monotonic()
    stack.ask("abort", why="benchmark")
    recorded = time.monotonic()
    stack.until(CART, lambda row: weight_seen(row) == 0, "back")
    seen = time.monotonic()
    stack.until(CART, lambda row: row["rollout"] and row["rollout"]["phase"] == "finished", "rest")
    return Abort(confirmed, recorded, seen, time.monotonic())


def read_replies(samples: Path) -> list[Reply]:
    rows = (line.split() for line in samples.read_text().splitlines())
    return [Reply(float(sent), int(status), revision) for sent, _, status, revision in rows]


def abort_figures(aborts: list[Abort], replies: list[Reply]) -> Iterator[Figure]:
    canary = sorted(r.sent for r in replies if r.revision.startswith("v42"))
    last_s, after_record, after_seen, counted = [], 0, 0, 0
    for this in aborts:
        mine = [sent for sent in canary if this.confirmed - 0.2 < sent < this.rested]
        counted += bool(mine)
        last_s.append(max([sent - this.confirmed for sent in mine if sent > this.confirmed] or [0]))
        after_record += sum(sent > this.recorded for sent in mine)
        after_seen += sum(sent > this.seen for sent in mine)
    wrong = sum(reply.status >= 500 or reply.status == 0 for reply in replies)
    rate = len(replies) / (replies[-1].sent - replies[0].sent)
    yield Figure(
        f"abort confirmed → canary gets no request, {rate:.0f} req/s",
        spread(last_s),
        "p50 ≤ 50 ms, p99 ≤ 250 ms",
    )
    yield Figure(
        "  confirmed → recorded (the engine's answer)",
        spread([a.recorded - a.confirmed for a in aborts]),
    )
    yield Figure(
        "  confirmed → seen on the route (`gaesup abort` returns)",
        spread([a.seen - a.confirmed for a in aborts]),
    )
    yield Figure("  aborts with canary traffic before", f"{counted} of {len(aborts)}")
    yield Figure("  requests the canary got, sent after `recorded`", str(after_record))
    yield Figure("  requests the canary got, sent after `seen`", str(after_seen), "0")
    yield Figure("  replies of 5xx and broken connections", f"{wrong} of {len(replies)}", "0")


# Decisions.


class Listener:
    """A client of the event stream; notes when each event arrived."""

    def __init__(self, stack: Stack) -> None:
        self.arrived: dict[int, tuple[float, float]] = {}
        """By number: Unix time of the event, and of its arrival."""
        self._client = stack.client
        self.attached = threading.Event()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        for message in self._client.stream():
            self.attached.set()
            if message.kind == "journal":
                self.arrived[message.data["seq"]] = (message.data["at"], time.time())


def decisions() -> Iterator[Figure]:
    """From a command to its durable answer, and to the event stream of another client."""
    with running_stack() as stack:
        stack.serve("cart", "v41")
        stack.canary_at_gate()
        listener = Listener(stack)
        assert listener.attached.wait(10)
        control = [synced_write(stack.places.state / "control") for _ in range(DECISIONS)]
        took, asked = [], {}
        for number in range(DECISIONS):
            began = time.monotonic()
            wall = time.time()
            receipt = stack.ask("resume" if number % 2 else "pause")
            took.append(time.monotonic() - began)
            asked[receipt["seq"]] = wall
            assert receipt["durable"]
        until = time.monotonic() + 5
        while not asked.keys() <= listener.arrived.keys() and time.monotonic() < until:
            time.sleep(0.01)
        events = [listener.arrived[seq] for seq in asked]
    yield Figure("decision → durable, as its client sees it", spread(took), "p50 ≤ 5 ms")
    ratio = statistics.median(took) / statistics.median(control)
    yield Figure("  control: 4 KiB appended, fsynced", f"{spread(control)}  ratio {ratio:.1f}")
    yield Figure("state change → on the event stream", spread([b - a for a, b in events]))
    whole = [listener.arrived[seq][1] - wall for seq, wall in asked.items()]
    yield Figure("  command sent → on another's stream", spread(whole))


def synced_write(path: Path) -> float:
    began = time.monotonic()
    with path.open("ab") as file:
        file.write(b"x" * 4096)
        file.flush()
        os.fsync(file.fileno())
    return time.monotonic() - began


# What a command costs.


def status() -> Iterator[Figure]:
    """`gaesup status --json` with the shop deployed, against Python alone."""
    with shop() as stack:
        gaesup = str(Path(sys.executable).with_name("gaesup"))
        ours, python = [], []
        for _ in range(STATUS_RUNS):
            ours.append(wall(stack, [gaesup, "status", "--json"]))
            python.append(wall(stack, [sys.executable, "-c", "pass"]))
    ratio = statistics.median(ours) / statistics.median(python)
    yield Figure("gaesup status --json", spread(ours), "≤ 150 ms")
    yield Figure("  control: python -c pass", f"{spread(python)}  ratio {ratio:.1f}")


def wall(stack: Stack, command: list[str]) -> float:
    began = time.monotonic()
    subprocess.run(command, env=stack.environment, check=True, capture_output=True)
    return time.monotonic() - began


# Idle.


def shop() -> Any:
    """The four units on their good versions, two replicas each."""
    from contextlib import contextmanager

    @contextmanager
    def deployed() -> Iterator[Stack]:
        good = {"cart": "v41", "catalog": "v21", "checkout": "v12", "search": "v7"}
        with running_stack() as stack:
            for unit, version in good.items():
                stack.deploy(unit, version)
            for unit in good:
                stack.until(f"{unit}@production", lambda r: r["status"] == "healthy", "healthy")
            yield stack

    return deployed()


def idle() -> Iterator[Figure]:
    """CPU of engine and node with the shop deployed and nobody there; then with one watcher."""
    with shop() as stack:
        parts = {"engine": [stack.engine_pid], "node": [stack.node_pid]}
        parts["workers and zygote"] = [
            pid
            for pid, words in stack.processes().items()
            if "zygote" in words and pid != stack.node_pid
        ]
        alone = shares(parts, IDLE_S)
        listener = Listener(stack)
        assert listener.attached.wait(10)
        watched = shares(parts, IDLE_S / 2)
    for name, percent in alone.items():
        goal = "" if name.startswith("workers") else "≤ 1 %"
        text = f"{percent:.2f} % of a core  (with one client on the stream {watched[name]:.2f} %)"
        yield Figure(f"idle CPU over {IDLE_S:.0f} s: {name}", text, goal)


def shares(parts: dict[str, list[int]], seconds: float) -> dict[str, float]:
    before = {name: sum(map(cpu_s, pids)) for name, pids in parts.items()}
    began = time.monotonic()
    time.sleep(seconds)
    took = time.monotonic() - began
    return {n: 100 * (sum(map(cpu_s, pids)) - before[n]) / took for n, pids in parts.items()}


def cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


# The emergency stop.


def stop() -> Iterator[Figure]:
    """Every rollout of a real node aborted to stable by one command."""
    with running_stack() as stack:
        keys = many_environments(stack)
        for version in ("v41", "v42"):
            for key in keys:
                deploy_to(stack, key, version)
            want: Callable[[Any], bool] = (
                waits_for_person if version == "v42" else lambda row: row["status"] == "healthy"
            )
            for key in keys:
                stack.until(key, want, version, 90.0)
        began = time.monotonic()
        stack.client.command({"action": "stop", "scope": "", "why": "benchmark"})
        recorded = time.monotonic() - began
        while any(moving(row) for row in stack.client.status()["deployments"]):
            time.sleep(0.002)
        seen = time.monotonic() - began
    text = f"recorded {recorded * 1000:.0f} ms, all routes seen at stable {seen * 1000:.0f} ms"
    yield Figure(f"emergency stop of {len(keys)} real rollouts", text, "≤ 1 s")


def many_environments(stack: Stack) -> list[str]:
    names = [f"region{number}" for number in range(STOP_ROLLOUTS)]
    stack.write_project({"cart": {"canary": HALF, "guards": []}})
    document = yaml.safe_load(stack.project.read_text())
    document["environments"].update({n: {"backend": "local", "replicas": 1} for n in names})
    stack.project.write_text(yaml.safe_dump(document))
    return [f"cart@{name}" for name in names]


def deploy_to(stack: Stack, key: str, version: str) -> None:
    from gaesup_tui.service.project import deploy_command, load

    environment = key.partition("@")[2]
    command = deploy_command(load(stack.project), "cart", version, environment, "benchmark")
    stack.client.command(command.model_dump(mode="json"))


def moving(row: Any) -> bool:
    rollout = row["rollout"]
    return bool(rollout and rollout["phase"] != "finished" and rollout["weight_seen"] != 0)


# Deaths.


def deaths() -> Iterator[Figure]:
    """kill -9 of the engine and of the node with a canary under way, until all is back."""
    engine_s, node_s = [], []
    with running_stack() as stack:
        stack.serve("cart", "v41")
        stack.canary_at_gate()
        for _ in range(RESTARTS):
            stack.kill_engine()
            began = time.monotonic()
            subprocess.run([*GAESUP, "engine", "start"], env=stack.environment, check=True,
                           capture_output=True)  # fmt: skip
            stack.until(CART, lambda row: weight_seen(row) == 25, "seen again")
            engine_s.append(time.monotonic() - began)
        for _ in range(RESTARTS):
            node = stack.node_pid
            kill(node)
            began = time.monotonic()
            stack.until(CART, lambda row: served_again(stack, row, node), "serving again")  # noqa: B023
            node_s.append(time.monotonic() - began)
    yield Figure("engine killed → a new one stands where it stood", spread(engine_s))
    yield Figure("node killed → both revisions ready again", spread(node_s))


def weight_seen(row: Any) -> int | None:
    return row["rollout"]["weight_seen"] if row["rollout"] else None


def served_again(stack: Stack, row: Any, old: int) -> bool:
    seen_now = (row["seen_at"] or 0) > time.time() - 1.5
    whole = row["ready"] == row["replicas"] and weight_seen(row) == 25
    return bool(stack.node_pid != old and seen_now and whole)


ROWS: dict[str, Row] = {
    "abort": abort,
    "decisions": decisions,
    "status": status,
    "idle": idle,
    "stop": stop,
    "deaths": deaths,
}


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("rows", nargs="*", metavar="ROW", help=", ".join(ROWS))
    parser.add_argument("--json", action="store_true", help="one JSON object per figure")
    asked = parser.parse_args()
    if unknown := set(asked.rows) - ROWS.keys():
        parser.error(f"there is no row {', '.join(sorted(unknown))}; there are {', '.join(ROWS)}")
    for name in asked.rows or ROWS:
        before = os.getloadavg()[0]
        for figure in ROWS[name]():
            if asked.json:
                print(json.dumps({"row": name, "load": before, **figure._asdict()}), flush=True)
            else:
                goal = f"   [goal {figure.goal}]" if figure.goal else ""
                print(f"{figure.name:58} {figure.value}{goal}", flush=True)
        if not asked.json:
            print(f"  load average before: {before:.2f} on {os.cpu_count()} cores", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
