"""The judge's own figures: one tick, the size of its state, and how well it forecasts.

``python benchmarks/bench_judge.py tick [--runs N]``. Processor time, so that a shared machine
counts less; beside it a control, a fixed loop of plain Python in the same process. Traffic is drawn
here from a seeded generator: 200 requests/s, 10 % canary, 48 latency buckets.

``python benchmarks/bench_judge.py forecast [--runs N] [--seed N] [--suite DIR]``: how well what is
said of the waiting time holds, on plain services drawn here, or on the healthy scenarios of the
judge benchmark in DIR (that one needs numpy), ``--runs`` seeds of each.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import statistics
import sys
import time
from bisect import bisect_left
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.judge_forecasts import Watched, healthy_suite, report, watch
from gaesup_tui.domain.judging import Arm, Start, Tick, begin, step
from gaesup_tui.domain.judging.account import explain
from gaesup_tui.domain.judging.saving import save_state

TICK_S = 5.0
TICKS = 720
HISTORY = 360


class Service:
    """Healthy traffic: log-normal latency with a heavy tail, 1 % errors, 6 % conversions."""

    def __init__(self, seed: int, start: Start) -> None:
        self.rng = random.Random(seed)
        law = [self._below(math.log(bound / 0.060)) for bound in start.bounds_s]
        self.cumulated = [*law, 1.0]
        self.buckets = len(self.cumulated)

    @staticmethod
    def _below(x: float) -> float:
        def normal(z: float) -> float:
            return 0.5 * math.erfc(-z / math.sqrt(2))

        return 0.98 * normal(x / 0.7) + 0.02 * normal((x - math.log(6)) / 1.1)

    def _count(self, mean: float) -> int:
        return max(0, round(self.rng.gauss(mean, math.sqrt(mean))))

    def arm(self, per_s: float, error_ratio: float = 0.01) -> Arm:
        requests = self._count(per_s * TICK_S)
        latency = [0] * self.buckets
        for _ in range(requests):
            latency[bisect_left(self.cumulated, self.rng.random())] += 1
        errors = sum(self.rng.random() < error_ratio for _ in range(requests))
        sold = sum(self.rng.random() < 0.06 for _ in range(requests))
        return Arm(requests, errors, tuple(latency), sold)

    def each_tick(self, count: int, per_s: float, share: float) -> Iterator[Tick]:
        for i in range(count):
            canary, baseline = self.arm(per_s * share), self.arm(per_s * (1 - share))
            yield Tick(i, (i + 1) * TICK_S, share, canary, baseline)

    def ticks(self, count: int, per_s: float, share: float) -> list[Tick]:
        return list(self.each_tick(count, per_s, share))


def control_ms() -> float:
    """A fixed piece of plain Python: 10,000 logarithms added up."""
    began = time.process_time()
    total = 0.0
    for i in range(10_000):
        total += math.log1p(i)
    return 1000 * (time.process_time() - began)


def bench_tick(runs: int) -> None:
    start = Start()
    service = Service(1, start)
    history = [service.arm(200.0) for _ in range(HISTORY)]
    ticks = service.ticks(TICKS, 200.0, 0.1)
    began = time.process_time()
    fresh = begin(start, history)
    print(f"begin with {HISTORY} ticks of history: {1000 * (time.process_time() - began):.1f} ms")
    control = [control_ms() for _ in range(20)]
    rows: list[list[float]] = []
    for _ in range(runs):
        state, row = fresh, []
        for tick in ticks:
            began = time.process_time()
            state, _ = step(state, tick)
            row.append(1000 * (time.process_time() - began))
        control.append(control_ms())
        rows.append(row)
    least = [min(same) for same in zip(*rows, strict=True)]
    for name, figures, beside in (
        ("as it came", [ms for row in rows for ms in row], statistics.median(control)),
        (f"the best of {runs} runs of each tick", least, min(control)),
    ):
        ordered = sorted(figures)
        print(
            f"one tick, all metrics, {name}: mean {statistics.fmean(figures):.3f} ms, "
            f"median {statistics.median(figures):.3f}, p99 {ordered[-len(ordered) // 100]:.3f}; "
            f"control {beside:.3f} ms"
        )
    share = statistics.fmean(least) / TICK_S * 100
    print(f"1,000 rollouts, each every {TICK_S:g} s: {share:.1f} % of a core")
    began = time.process_time()
    explain(state)
    print(f"explain: {1000 * (time.process_time() - began):.2f} ms")
    saved = json.dumps(save_state(state), separators=(",", ":"))
    record = json.dumps(ticks[0], separators=(",", ":"))
    print(f"saved state after {TICKS} ticks: {len(saved) / 1000:.0f} kB of JSON")
    print(f"one tick's record: {len(record)} bytes of JSON, an hour {len(record) * 0.72:.0f} kB")


def plain_services(runs: int, seed: int) -> Iterator[Watched]:
    """Healthy services of 100 to 400 requests/s, each with ten minutes of history."""
    start = Start()
    for number in range(seed, seed + runs):
        service, rng = Service(100 + number, start), random.Random(number)
        per_s, share = rng.choice((100.0, 200.0, 400.0)), rng.choice((0.1, 0.25, 0.5))
        history = [service.arm(per_s) for _ in range(120)]
        yield "", begin(start, history), service.each_tick(TICKS, per_s, share)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("tick", "forecast"), nargs="?", default="tick")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1, help="the first one")
    parser.add_argument("--suite", type=Path, help="folder of the judge benchmark")
    given = parser.parse_args()
    if given.what == "tick":
        bench_tick(given.runs)
        return
    if given.suite is None:
        services = plain_services(given.runs, given.seed)
    else:
        services = healthy_suite(given.suite, given.runs, given.seed)
    report([watch(*service) for service in services])


if __name__ == "__main__":
    main()
