"""How long the read-only commands take, beside a Python that does nothing.

``python benchmarks/bench_cli.py`` starts an engine of its own, without deployments:
what is measured is the start of the command and one question to the engine.
"""

from __future__ import annotations

import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROUNDS = 15
MAIN = "import sys; from gaesup_tui.cli.main import main; sys.exit(main())"


def wall_ms(code: str, words: list[str], environment: dict[str, str]) -> float:
    """Wall time of one process, milliseconds."""
    began = time.perf_counter()
    subprocess.run(
        [sys.executable, "-c", code, *words],
        env=environment,
        stdout=subprocess.DEVNULL,
        check=True,
    )
    return (time.perf_counter() - began) * 1000


def main() -> int:
    """Prints one line per command: median and worst of all rounds, and the ratio to nothing."""
    with tempfile.TemporaryDirectory(prefix="gb-") as home:
        environment = {**os.environ, "GAESUP_HOME": home}
        subprocess.run([sys.executable, "-c", MAIN, "engine", "start"], env=environment, check=True)
        try:
            measure(environment)
        finally:
            stop(environment, Path(home))
    return 0


def measure(environment: dict[str, str]) -> None:
    """Interleaved, so that a busy machine is equally unfair to all."""
    lines = {
        "python -c pass": ("pass", []),
        "gaesup status --json": (MAIN, ["status", "--json"]),
        "gaesup history": (MAIN, ["history"]),
        "gaesup --help": (MAIN, ["--help"]),
        "gaesup completion (live)": (MAIN, ["completion", "bash", "2", "gaesup", "promote", ""]),
    }
    times: dict[str, list[float]] = {name: [] for name in lines}
    for _ in range(ROUNDS):
        for name, (code, words) in lines.items():
            times[name].append(wall_ms(code, words, environment))
    control = statistics.median(times["python -c pass"])
    for name, taken in times.items():
        median = statistics.median(taken)
        print(
            f"{name:26} p50 {median:6.1f} ms  worst {max(taken):6.1f} ms  × {median / control:.2f}"
        )


def stop(environment: dict[str, str], home: Path) -> None:
    """Ends the engine and the node it started."""
    subprocess.run([sys.executable, "-c", MAIN, "engine", "stop"], env=environment, check=False)
    facts = home / "run" / "local" / "node.json"
    if not facts.exists():
        return
    pid = int(json.loads(facts.read_text())["pid"])
    os.kill(pid, signal.SIGTERM)
    until = time.monotonic() + 10.0
    while Path(f"/proc/{pid}").exists() and time.monotonic() < until:
        time.sleep(0.02)


if __name__ == "__main__":
    sys.exit(main())
