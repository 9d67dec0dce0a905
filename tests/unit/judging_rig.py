"""Two arms with known truth, drawn from a seeded generator, for tests of the judge."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from statistics import NormalDist

from gaesup_tui.domain.judging import Arm, Judgement, Metrics, Start, State, Tick, begin, step

BOUNDS_S = tuple(0.010 * 1.4**i for i in range(16))


@dataclass(frozen=True)
class Service:
    """What the users of one arm get."""

    errors: float = 0.01
    median_s: float = 0.060
    conversions: float | None = 0.06

    def arm(self, rng: random.Random, requests: int) -> Arm:
        errors = some(rng, requests, self.errors)
        latency = [0] * (len(BOUNDS_S) + 1)
        for bucket in rng.choices(range(len(latency)), cum_weights=law(self.median_s), k=requests):
            latency[bucket] += 1
        converted = None if self.conversions is None else some(rng, requests, self.conversions)
        return Arm(requests, errors, tuple(latency), converted)


def some(rng: random.Random, requests: int, share: float) -> int:
    """How many of the requests, each with the same chance."""
    return rng.choices((1, 0), cum_weights=(share, 1.0), k=requests).count(1)


@cache
def law(median_s: float) -> tuple[float, ...]:
    """Shares of log-normal latencies at or below each bound."""
    deviations = (math.log(bound / median_s) / 0.5 for bound in BOUNDS_S)
    return (*(NormalDist().cdf(z) for z in deviations), 1.0)


GOOD = Service()


@dataclass(frozen=True)
class Traffic:
    """A rollout as the router counts it."""

    canary: Service = GOOD
    baseline: Service = GOOD
    weight: float = 0.25
    per_tick: int = 200
    tick_s: float = 5.0
    bad_from: int = 0
    """The canary is as good as the baseline before this tick."""
    arrives: float = 1.0
    """Share of the canary's traffic that reaches it."""

    def ticks(self, count: int, seed: int = 1) -> list[Tick]:
        rng = random.Random(seed)
        ticks = []
        for i in range(count):
            bad = i >= self.bad_from
            mine = some(rng, self.per_tick, self.weight)
            service = self.canary if bad else self.baseline
            arrived = round(mine * self.arrives) if bad else mine
            ticks.append(
                Tick(
                    number=i,
                    end_s=(i + 1) * self.tick_s,
                    weight=self.weight,
                    canary=service.arm(rng, arrived),
                    baseline=self.baseline.arm(rng, self.per_tick - mine),
                )
            )
        return ticks

    def history(self, count: int = 60, seed: int = 2) -> list[Arm]:
        rng = random.Random(seed)
        return [self.baseline.arm(rng, self.per_tick) for _ in range(count)]


START = Start(bounds_s=BOUNDS_S)


def with_metrics(**changes: object) -> Start:
    """``START`` with policies changed: ``with_metrics(latency={"no_data": "fail"})``."""
    metrics = Metrics()
    for name, fields in changes.items():
        assert isinstance(fields, dict)
        metrics = metrics._replace(**{name: getattr(metrics, name)._replace(**fields)})
    return START._replace(metrics=metrics)


def judge(
    ticks: Sequence[Tick], start: Start = START, history: Sequence[Arm] = ()
) -> tuple[State, list[Judgement]]:
    """The state after all ticks, and every verdict on the way."""
    state, verdicts = begin(start, history), []
    for tick in ticks:
        state, verdict = step(state, tick)
        verdicts.append(verdict)
    return state, verdicts


def kinds(verdicts: Sequence[Judgement]) -> set[str]:
    return {verdict.kind for verdict in verdicts}


def first(verdicts: Sequence[Judgement], kind: str) -> int | None:
    """Number of the first tick with this verdict."""
    return next((verdict.number for verdict in verdicts if verdict.kind == kind), None)
