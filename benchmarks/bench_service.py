"""The service's figures: ``python benchmarks/bench_service.py [--deployments N]``.

A real daemon on a real socket with a backend in memory, so that what is measured is journal,
engine, views, socket and client. Beside each answer stands that of ``/v1/hello`` in the same run:
what the machine and the transport cost at that moment.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from gaesup_tui.domain.errors import Unavailable
from gaesup_tui.service.client import Client
from gaesup_tui.service.wire import Exchange
from tests.service_world import deploy_command, places_below

CART = "cart@production"
IDLE_S = 5.0


def percentile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def show(name: str, values_s: list[float]) -> None:
    p50, p95 = (1000 * percentile(values_s, share) for share in (0.5, 0.95))
    print(f"{name:<58} p50 {p50:7.2f} ms   p95 {p95:7.2f} ms   n {len(values_s)}")


def timed(call: Callable[[], object], times: int) -> list[float]:
    took = []
    for _ in range(times):
        began = time.perf_counter()
        call()
        took.append(time.perf_counter() - began)
    return took


def fetched(client: Client, path: str) -> bytes:
    """An answer's bytes, not parsed: what the engine and the socket take."""
    exchange = Exchange(client.socket, 10.0)
    try:
        exchange.ask("GET", path, b"", {})
        return b"".join(exchange.pieces())
    finally:
        exchange.close()


def cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def rss_mib(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


class Stream:
    """Notes when each event and each change of a deployment arrives at another client."""

    def __init__(self, client: Client) -> None:
        self.at: dict[object, float] = {}
        self.over = False
        """Set it to let go with the next message."""
        self._news = threading.Condition()
        threading.Thread(target=self._read, args=(client,), daemon=True).start()
        self.wait("hello")

    def _read(self, client: Client) -> None:
        for message in client.stream():
            now = time.perf_counter()
            if self.over:
                return
            with self._news:
                self.at.setdefault(message.kind, now)
                if message.kind == "journal":
                    self.at.setdefault(message.data["seq"], now)
                elif message.kind == "changes":
                    for view in message.data["deployments"]:
                        self.at.setdefault((view["key"], view["seq"]), now)
                self._news.notify_all()

    def wait(self, what: object) -> float:
        with self._news:
            assert self._news.wait_for(lambda: what in self.at, 10.0), what
            return self.at[what]


def decisions(client: Client, stream: Stream) -> None:
    answered, told, shown = [], [], []
    for number in range(100):
        action = "pause" if number % 2 == 0 else "resume"
        began = time.perf_counter()
        seq = client.command({"action": action, "deployment": CART})["seq"]
        answered.append(time.perf_counter() - began)
        told.append(stream.wait(seq) - began)
        shown.append(stream.wait((CART, seq)) - began)
        time.sleep(0.31)  # nobody decides more often; changes that come all the time are held back
    show("command sent → durable and answered", answered)
    show("command sent → event at another client", told)
    show("command sent → changed view at another client", shown)


def fill(client: Client, folder: Path, count: int) -> None:
    def one(number: int) -> None:
        client.command(deploy_command(folder, f"u{number}@production", "v1"))

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(one, range(count)))
    while sum(row["status"] == "healthy" for row in client.status()["deployments"]) < count:
        time.sleep(0.2)


def stop(client: Client, folder: Path, count: int) -> None:
    """Canaries everywhere, then one stop: until a watching client is shown all of them back."""

    def one(number: int) -> None:
        client.command(deploy_command(folder, f"u{number}@production", "v2"))

    def waiting() -> int:
        rows = client.status()["deployments"]
        return sum(row["status"] == "waiting" for row in rows)

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(one, range(count)))
    while waiting() < count:
        time.sleep(0.5)
    times: dict[str, float] = {}

    def press() -> None:
        times["pressed"] = time.perf_counter()
        client.command({"action": "stop", "why": "measured"})
        times["answered"] = time.perf_counter()

    pressing = threading.Thread(target=press)
    back: set[str] = set()
    for message in client.stream():
        if message.kind == "beat" and "pressed" not in times:
            pressing.start()
        elif message.kind == "changes":
            for view in message.data["deployments"]:
                if view["rollout"] and view["rollout"]["weight_seen"] == 0:
                    back.add(view["key"])
            if len(back) >= count:
                break
    shown = time.perf_counter() - times["pressed"]
    pressing.join()
    answered = times["answered"] - times["pressed"]
    print(f"{f'stop of {count} canaries → durable and answered':<58} {1000 * answered:7.0f} ms")
    print(f"{f'stop of {count} canaries → all shown at stable':<58} {1000 * shown:7.0f} ms")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--deployments", type=int, default=1000)
    count = parser.parse_args().deployments
    with tempfile.TemporaryDirectory(prefix="gsb-") as name:
        folder = Path(name)
        daemon = subprocess.Popen(
            [sys.executable, "-m", "tests.service_world"],
            env={**os.environ, "GAESUP_HOME": name},
        )
        try:
            measure(Client(places_below(folder).socket), folder, daemon.pid, count)
        finally:
            daemon.terminate()
            daemon.wait()


def measure(client: Client, folder: Path, pid: int, count: int) -> None:
    began = time.perf_counter()
    while True:
        try:
            client.hello()
            break
        except Unavailable:
            time.sleep(0.01)
    print(f"{'engine started → answers':<58} {1000 * (time.perf_counter() - began):7.0f} ms")
    client.command(deploy_command(folder, CART, "v1"))
    while client.status(CART)["deployments"][0]["status"] != "healthy":
        time.sleep(0.05)
    client.command(deploy_command(folder, CART, "v2"))
    while client.status(CART)["deployments"][0]["status"] != "waiting":
        time.sleep(0.05)
    stream = Stream(client)
    decisions(client, stream)
    stream.over = True
    fill(client, folder, count - 1)
    show("hello (control)", timed(client.hello, 200))
    show(f"snapshot of {count}, as bytes", timed(lambda: fetched(client, "/v1/snapshot"), 50))
    show(f"snapshot of {count}, parsed", timed(client.snapshot, 20))
    show(f"status of {count}, parsed", timed(client.status, 20))
    show("status of one", timed(lambda: client.status(CART), 50))
    show(f"series of {count}", timed(lambda: fetched(client, "/v1/series?points=30"), 10))
    size = len(json.dumps(client.snapshot())) / count
    print(f"{'snapshot per deployment':<58} {size:7.0f} B")
    cost = cpu_s(pid)
    time.sleep(IDLE_S)
    idle = 100 * (cpu_s(pid) - cost) / IDLE_S
    print(f"{f'engine at rest: {count} deployments, seen 4 times a second':<58} {idle:7.1f} % CPU")
    stop(client, folder, count - 1)
    print(f"{'engine memory':<58} {rss_mib(pid):7.1f} MiB")


if __name__ == "__main__":
    main()
