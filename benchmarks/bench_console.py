"""The console's figures in a real terminal, beside the smallest Textual program.

``python benchmarks/bench_console.py [--quick]``. The engine behind it is canned and a process of
its own, so that the console alone is measured; the terminal is 120x40 unless a row says otherwise.
"""

from __future__ import annotations

import argparse
import compileall
import contextlib
import json
import os
import random
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pyte

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.terminal_meter import Line, Meter

ROOT = Path(__file__).parent.parent
_MINIMAL = (
    "from textual.app import App\n"
    "from textual.widgets import Static\n"
    "class Minimal(App):\n"
    "    def compose(self):\n"
    "        yield Static('ready: a minimal Textual program')\n"
    "Minimal().run()\n"
)
_CONSOLE = "import sys; from gaesup_tui.console.app import run; sys.exit(run(sys.argv[1:]))"
_PAINTED_CELLS = 8


class Bench:
    """Starts engines and consoles in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._socket = folder / "e.sock"
        self._environment = {
            **os.environ,
            "GAESUP_HOME": str(folder / "home"),
            "PYTHONPATH": str(ROOT),
        }

    @contextlib.contextmanager
    def engine(self, *flags: str) -> Iterator[subprocess.Popen[bytes]]:
        """A canned engine, as a process."""
        command = [sys.executable, "-m", "tests.console_fixture", str(self._socket), *flags]
        process = subprocess.Popen(command, env=self._environment, cwd=ROOT, stdin=subprocess.PIPE)
        try:
            give_up = time.monotonic() + 20
            while not self._answers():
                if time.monotonic() > give_up:
                    raise SystemExit("the canned engine did not start")
                time.sleep(0.05)
            yield process
        finally:
            process.kill()
            process.wait()

    def _answers(self) -> bool:
        with socket.socket(socket.AF_UNIX) as probe:
            return probe.connect_ex(str(self._socket)) == 0

    @contextlib.contextmanager
    def console(self, *flags: str, line: Line | None = None) -> Iterator[Meter]:
        """The console in a terminal."""
        words = ["--socket", str(self._socket), "--keys", str(self._folder / "none.yaml")]
        meter = Meter(
            [sys.executable, "-c", _CONSOLE, *words, *flags], self._environment, line=line
        )
        try:
            yield meter
        finally:
            meter.end()

    @contextlib.contextmanager
    def minimal(self) -> Iterator[Meter]:
        """The control."""
        meter = Meter([sys.executable, "-c", _MINIMAL], self._environment)
        try:
            yield meter
        finally:
            meter.end()


def painted(screen: pyte.Screen) -> bool:
    """Whether something can be read."""
    return sum(len(row.strip()) for row in screen.display) >= _PAINTED_CELLS


def body(screen: pyte.Screen) -> object:
    """The rows under the frame, with where the cursor's look is."""
    return tuple(
        (row, screen.buffer[n][0].bg, screen.buffer[n][2].bg)
        for n, row in enumerate(screen.display)
        if 2 <= n < 38
    )


def spread(values: list[float]) -> tuple[float, float, float]:
    """Median, 99th percentile, worst; NaN when nothing was measured."""
    if not values:
        return (float("nan"),) * 3
    ordered = sorted(values)
    return (
        statistics.median(ordered),
        ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))],
        ordered[-1],
    )


def report(figure: str, value: str, goal: str) -> None:
    """One row of the table."""
    print(f"{figure:<58} {value:<34} {goal}", flush=True)


# Figures -----------------------------------------------------------------------------------


def starts(bench: Bench, runs: int) -> None:
    """First paint and rows, in turn with the control."""
    ours: list[float] = []
    rows: list[float] = []
    control: list[float] = []
    with bench.engine("--rows", "1000"):
        for _ in range(runs):
            with bench.minimal() as meter:
                meter.until("ready")
                control.append((meter.first(painted) or 0) * 1000)
            with bench.console() as meter:
                rows.append((meter.until("cart@production") or float("nan")) * 1000)
                ours.append((meter.first(painted) or 0) * 1000)
    paint, least = statistics.median(control), min(control)
    report("control: minimal Textual program, first paint", f"{paint:.0f} ms (min {least:.0f})", "")
    ratio = statistics.median(ours) / paint
    report(
        "first paint",
        f"{statistics.median(ours):.0f} ms (min {min(ours):.0f}), {ratio:.2f} x",
        "<= 350 ms, <= 1.4 x",
    )
    report(
        "rows with 1,000 deployments",
        f"{statistics.median(rows):.0f} ms (min {min(rows):.0f})",
        "<= 550 ms",
    )


def slow_start(bench: Bench, runs: int) -> None:
    """Rows over a slow line."""
    for flags in ((), ("--low-bandwidth",)):
        found = []
        with bench.engine("--rows", "1000"):
            for _ in range(runs):
                with bench.console(*flags, line=Line(128, 0.150)) as meter:
                    found.append((meter.until("cart@production") or float("nan")) * 1000)
        name = "rows, 128 kbit/s, 150 ms RTT " + " ".join(flags)
        report(name, f"{statistics.median(found):.0f} ms", "<= 1,500 ms")


def volume(bench: Bench, seconds: float) -> None:
    """Bytes a second, processor and memory, at rest and under change."""
    cases: tuple[tuple[str, list[str], tuple[str, ...], str], ...] = (
        ("at rest, Now", [], (), "<= 1,500"),
        ("at rest, Deployments", ["2"], (), "<= 1,500"),
        ("1,000 rows, 20 changes/s, Now", [], ("--changes", "20"), "<= 4,000"),
        ("1,000 rows, 20 changes/s, Deployments", ["2"], ("--changes", "20"), "<= 4,000"),
        (
            "the same with 12 sparklines",
            ["2"],
            ("--changes", "20", "--sparks", "12"),
            "<= 8,000",
        ),
        (
            "1,000 changes/s with 12 sparklines",
            ["2"],
            ("--changes", "1000", "--sparks", "12"),
            "<= 40,000",
        ),
    )
    for name, keys, flags, goal in cases:
        with bench.engine("--rows", "1000", *flags), bench.console() as meter:
            meter.until("cart@production")
            for key in keys:
                meter.press(key)
            meter.wait(2.0)
            before = meter.cpu_s()
            began, ended = meter.wait(seconds)
            cpu = (meter.cpu_s() - before) / (ended - began) * 100
            rate = meter.bytes_between(began, ended) / (ended - began)
            value = f"{rate:,.0f} B/s, {cpu:.1f} % CPU, {meter.rss_mib():.0f} MiB"
            report(f"bytes/s: {name}", value, f"{goal} B/s; <= 80 MiB")


def keys(bench: Bench, count: int) -> None:
    """Key to paint: idle, under load, over a slow line."""
    cases = (
        ("idle", (), (), None, "p50 <= 8, p99 <= 30 ms"),
        ("1,000 changes/s", ("--changes", "1000"), (), None, "p99 <= 60 ms"),
        (
            "128 kbit/s, 200 ms RTT, 20 changes/s",
            ("--changes", "20"),
            (),
            Line(128, 0.200),
            "p99 <= 300 ms",
        ),
        (
            "the same with --low-bandwidth",
            ("--changes", "20"),
            ("--low-bandwidth",),
            Line(128, 0.200),
            "p99 <= 300 ms",
        ),
    )
    rng = random.Random(1)
    for name, engine_flags, flags, line, goal in cases:
        slow = line is not None
        with (
            bench.engine("--rows", "1000", *engine_flags),
            bench.console(*flags, line=line) as meter,
        ):
            meter.until("cart@production")
            meter.press("2")
            meter.wait(4.0 if slow else 2.0)
            pressed = []
            for number in range(count // 3 if slow else count):
                pressed.append(meter.press(("down", "up")[number % 2]))
                meter.wait((0.5 if slow else 0.2) * rng.uniform(0.7, 1.3))
            meter.wait(1.0)
            found = [s * 1000 for s in meter.answers(pressed, _cursor)]
        p50, p99, _ = spread(found)
        value = f"p50 {p50:.1f}, p99 {p99:.1f} ms ({len(found)}/{len(pressed)})"
        report(f"key to paint: {name}", value, goal)


def _cursor(screen: pyte.Screen) -> object:
    """Which line carries the cursor."""
    return tuple(n for n in range(3, 38) if screen.buffer[n][0].data in "▌>")


def changes(bench: Bench, count: int) -> None:
    """From a change in the engine to the screen."""
    with bench.engine("--rows", "1000", "--told") as engine, bench.console() as meter:
        assert engine.stdin is not None
        meter.until("cart@production")
        meter.press("2")
        meter.wait(2.0)
        rng = random.Random(2)
        told = []
        for number in range(count):
            order = {"key": "cart@production", "version": f"w{number:03}"}
            engine.stdin.write(json.dumps(order).encode() + b"\n")
            told.append(time.perf_counter())
            engine.stdin.flush()
            meter.wait(rng.uniform(0.7, 1.2))
        found = [s * 1000 for s in meter.answers(told, _versions)]
    p50, _, worst = spread(found)
    value = f"p50 {p50:.0f}, worst {worst:.0f} ms ({len(found)}/{count})"
    report("state change in the engine -> on screen", value, "p50 <= 300, worst <= 600 ms")


def _versions(screen: pyte.Screen) -> object:
    return next((row for row in screen.display if " cart " in row or "▌cart" in row), "")


def stop(bench: Bench) -> None:
    """The emergency stop with 1,000 rollouts that move: until the console shows all at rest."""
    with bench.engine("--rows", "1000", "--moving"), bench.console() as meter:
        meter.until("cart@production")
        meter.wait(1.0)
        pressed = meter.press("!")
        meter.until("freeze")
        opened = meter.answers([pressed], lambda s: any("freeze" in row for row in s.display))
        meter.wait(0.4)
        confirmed = meter.press("S")
        shown = meter.until("all at their stable revision")
    if shown is None or not opened:
        report("emergency stop, 1,000 active rollouts", "not shown", "<= 1,500 ms")
        return
    took = (shown + meter.began - confirmed) * 1000
    value = f"dialog {opened[0] * 1000:.0f} ms, all at stable {took:.0f} ms"
    report("emergency stop, 1,000 active rollouts", value, "<= 1,500 ms")


def main() -> int:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer rounds")
    parser.add_argument("--only", default="", help="one group: starts, slow, volume, keys ...")
    parser.add_argument(
        "--realtime",
        action="store_true",
        help="meter and console before all else on this machine (root): for a busy one",
    )
    given = parser.parse_args()
    quick = given.quick
    if given.realtime:
        # Children inherit it; the canned engine gives it back, so that it competes as others do.
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(10))
    groups = {
        "starts": lambda b: starts(b, 3 if quick else 9),
        "slow": lambda b: slow_start(b, 1 if quick else 3),
        "volume": lambda b: volume(b, 5.0 if quick else 15.0),
        "keys": lambda b: keys(b, 60 if quick else 200),
        "changes": lambda b: changes(b, 15 if quick else 40),
        "stop": stop,
    }
    # As after the first start: where Python may write no byte code, each start would compile anew
    # what changed, and the control would not.
    for package in ("gaesup_tui", "widgets"):
        compileall.compile_dir(ROOT / package, quiet=1)
    print(f"load {os.getloadavg()[0]:.1f}, {os.cpu_count()} processors, Python {sys.version[:6]}")
    with tempfile.TemporaryDirectory(prefix="gb-") as folder:
        bench = Bench(Path(folder))
        for name, group in groups.items():
            if given.only in ("", name):
                group(bench)
    return 0


if __name__ == "__main__":
    sys.exit(main())
