"""What the benchmarks of strategies share: a stack under load, and what its requests say."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from tests.real.stack import Stack

ROOT = Path(__file__).resolve().parents[1]


class Reply(NamedTuple):
    """One request of the load; times on the system's monotonic clock."""

    sent: float
    received: float
    status: int
    revision: str

    @property
    def version(self) -> str:
        """Of the revision that answered."""
        return self.revision.partition("-")[0]

    @property
    def failed(self) -> bool:
        """Whether a user saw what no one should: no reply, or one of 500 and more."""
        return self.status == 0 or self.status >= 500


class Load:
    """Requests to cart at a fixed rate until ``end``."""

    def __init__(self, stack: Stack, rps: float) -> None:
        self._samples = stack.home / "samples"
        words = [str(stack.port), "cart.production.localhost", str(rps), str(self._samples)]
        command = [sys.executable, str(ROOT / "benchmarks" / "system_load.py"), *words]
        self._process = subprocess.Popen(
            command, env=stack.environment, stdin=subprocess.PIPE, cwd=ROOT
        )

    def end(self) -> list[Reply]:
        """Stops; every reply, in the order they were sent."""
        self._process.communicate(timeout=60)
        rows = (line.split() for line in self._samples.read_text().splitlines())
        replies = [Reply(float(s), float(r), int(code), rev) for s, r, code, rev in rows]
        return sorted(replies)


def spread(values_s: Iterable[float]) -> str:
    """p50 and the worst, in milliseconds."""
    ordered = sorted(values_s)
    return (
        f"p50 {statistics.median(ordered) * 1000:.1f} ms, "
        f"max {ordered[-1] * 1000:.1f} ms (n={len(ordered)})"
    )


def latency(replies: Iterable[Reply]) -> str:
    """p50 and p99 of all replies, in milliseconds."""
    ordered = sorted(reply.received - reply.sent for reply in replies)
    p99 = ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]
    return f"p50 {statistics.median(ordered) * 1000:.1f} ms, p99 {p99 * 1000:.1f} ms"


def busy() -> str:
    """How busy the machine was: figures of a busy one say little."""
    return f"{os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
