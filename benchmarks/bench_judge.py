"""The judge's own figures: one tick, the size of its state, and how well it forecasts.

``python benchmarks/bench_judge.py [tick|forecast] [--runs N]``. Processor time, so that a shared
machine counts less; beside it a control, a fixed loop of plain Python in the same process. Traffic
is drawn here from a seeded generator: 200 requests/s, 10 % canary, 48 latency buckets.
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
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from gaesup_tui.domain.judging import Arm, Start, Tick, begin, step
from gaesup_tui.domain.judging.account import explain
from gaesup_tui.domain.judging.forecast import EARLY, LATE, Rates, forecast, recent_rates
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

    def ticks(self, count: int, per_s: float, share: float) -> list[Tick]:
        return [
            Tick(i, (i + 1) * TICK_S, share, self.arm(per_s * share), self.arm(per_s * (1 - share)))
            for i in range(count)
        ]


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


def bench_forecast(runs: int) -> None:
    """Forecasts before the start and at every half minute they are shown, against what happened:
    the time that was left, and the whole time it took. Every run counts the same."""
    start = Start()
    before: list[float] = []
    left: list[list[float]] = []
    whole: list[list[float]] = []
    for seed in range(runs):
        service = Service(100 + seed, start)
        rng = random.Random(seed)
        per_s, share = rng.choice((100.0, 200.0, 400.0)), rng.choice((0.1, 0.25, 0.5))
        state = begin(start, [service.arm(per_s) for _ in range(120)])
        ahead = forecast(state, Rates(per_s * share, per_s * (1 - share)))
        shown: list[tuple[float, float]] = []
        for tick in service.ticks(TICKS, per_s, share):
            state, verdict = step(state, tick)
            if verdict.kind in ("PROMOTE", "ABORT"):
                break
            rates = recent_rates(state)
            now = forecast(state, rates) if rates and tick.number % 6 == 5 else None
            if now is not None:
                shown.append((tick.end_s, now.seconds))
        if verdict.kind != "PROMOTE" or ahead is None:
            print(f"seed {seed}: {verdict.kind} {verdict.cause}")
            continue
        end_s = verdict.end_s
        before.append(ahead.seconds / end_s)
        left.append([said / (end_s - at) for at, said in shown])
        whole.append([(at + said) / end_s for at, said in shown])
    for name, ratios in (
        ("before the start", [[ratio] for ratio in before]),
        ("the time left", left),
        ("the whole time", whole),
    ):
        _say_forecast(name, [run for run in ratios if run])


def _say_forecast(name: str, runs: list[list[float]]) -> None:
    near = statistics.fmean(
        statistics.fmean(1 / 1.5 <= ratio <= 1.5 for ratio in run) for run in runs
    )
    inside = statistics.fmean(
        statistics.fmean(EARLY <= 1 / ratio <= LATE for ratio in run) for run in runs
    )
    middle = statistics.median(ratio for run in runs for ratio in run)
    print(
        f"{name}: forecast / measured median {middle:.2f}, within 1.5 times {100 * near:.0f} %, "
        f"ends within the span said {100 * inside:.0f} % ({len(runs)} runs)"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("tick", "forecast"), nargs="?", default="tick")
    parser.add_argument("--runs", type=int, default=5)
    given = parser.parse_args()
    (bench_tick if given.what == "tick" else bench_forecast)(given.runs)


if __name__ == "__main__":
    main()
