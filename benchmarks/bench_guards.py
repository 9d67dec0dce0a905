"""How often the guards a unit has when nothing is said act on healthy releases, and how soon on bad
ones.

``python benchmarks/bench_guards.py SUITE [--seeds N] [--first SEED] [--only WORD]``. ``SUITE`` is
the folder of the judge's benchmark (its ``canarysim.py`` and ``scenarios.py``; they need numpy, so
``PYTHONPATH`` must lead to it): services with known truth, an hour each. Every tick of theirs is
spread over its seconds, counted as a router counts, and looked at once a second, as the engine
does: the same series, windows, guards and their time to hold.
"""

from __future__ import annotations

import argparse
import importlib
import statistics
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from gaesup_tui.domain.deployment import Deployment
from gaesup_tui.domain.guards import breach, broken
from gaesup_tui.domain.observation import (
    Counters,
    DeploymentSeen,
    Observation,
    ReplicaSeen,
    RevisionSeen,
)
from gaesup_tui.domain.revision import make_revision
from gaesup_tui.domain.rollout import ENGINE, Rollout, StepRecord
from gaesup_tui.domain.steps import Bake, RolloutSpec, SetTraffic
from gaesup_tui.engine.sight import Sight

KEY = "cart@production"
BASE, CANDIDATE = (make_revision("cart", v, "0" * 64, "/cart.wasm") for v in ("v41", "v42"))
HEALTHY = ("AA", "STRESS")


def rollout_at(weight: float) -> Rollout:
    """A canary that has its share since before the first look, with the default guards."""
    percent = max(1, min(99, round(100 * weight)))
    plan = (SetTraffic(weight_percent=percent), Bake(duration_s=7200.0))
    return Rollout(
        id=f"{KEY}#1",
        deployment=KEY,
        spec=RolloutSpec(strategy="canary", plan=plan),
        base=BASE,
        candidate=CANDIDATE,
        replicas=2,
        by=ENGINE,
        at=0.0,
        plan=plan,
        index=1,
        step_began=0.0,
        records=(StepRecord(began=0.0, ended=0.0, result="done"),),
        weight_percent=percent,
        candidate_replicas=2,
        base_replicas=2,
    )


class Arm:
    """One side's counters, second by second."""

    def __init__(self, bounds_s: tuple[float, ...]) -> None:
        self.counters = Counters(bounds_s=bounds_s, buckets=(0,) * (len(bounds_s) + 1))

    def grow(self, requests: int, errors: int, latency: Any) -> None:
        old = self.counters
        self.counters = Counters(
            ok=old.ok + requests - errors,
            errors=old.errors + errors,
            bounds_s=old.bounds_s,
            buckets=tuple(map(sum, zip(old.buckets, latency.tolist(), strict=True))),
        )


def seconds_of(run: dict[str, Any], scenario: Any, seed: int) -> Iterator[tuple[Any, Any]]:
    """Per second what each side did: (requests, errors, latency)."""
    numpy: Any = importlib.import_module("numpy")
    rng, each = numpy.random.default_rng(seed), round(scenario.tick)
    even = [1 / each] * each
    for i in range(len(run["t"])):
        sides = []
        for side in ("c", "b"):
            latency = rng.multinomial(run[f"h_{side}"][i], even)
            # A cluster of retried errors falls within one second.
            size = max(1, round(scenario.err_cluster))
            whole, rest = divmod(int(run[f"e_{side}"][i]), size)
            errors = rng.multinomial(whole, even) * size + rng.multinomial(rest, even)
            sides.append((latency, errors))
        for second in range(each):
            now = []
            for latency, errors in sides:
                counted = latency[:, second]
                failed = int(errors[second])
                now.append((max(int(counted.sum()), failed), failed, counted))
            yield now[0], now[1]


def first_act(run: dict[str, Any], scenario: Any, seed: int) -> tuple[float, str] | None:
    """When and why a guard acted first; the hour goes on only until then."""
    bounds_s = tuple(float(bound) for bound in scenario.bounds())
    sides, sight = (Arm(bounds_s), Arm(bounds_s)), Sight()
    rollout = rollout_at(float(run["w"][0]))
    since: dict[int, float] = {}
    for n, both in enumerate(seconds_of(run, scenario, seed)):
        at = float(n + 1)
        weight = float(run["w"][int(n // scenario.tick)])
        if round(100 * weight) != rollout.weight_percent and weight >= 0.01:
            rollout = rollout_at(weight)
        for side, grown in zip(sides, both, strict=True):
            side.grow(*grown)
        seen = seen_of(sides)
        sight.take(Observation(at, "1", {KEY: seen}), at)
        look = sight.look(deployment_of(rollout), at, None, None)
        if look is None:
            continue
        found = broken(rollout, seen, look.windows, at, look.compared)
        since = {number: since.get(number, at) for number in found}
        cause = breach(rollout, seen, look.windows, at, look.compared, since)
        if cause is not None:
            return at, cause.reason
    return None


def seen_of(sides: tuple[Arm, Arm]) -> DeploymentSeen:
    ready = (ReplicaSeen("1", "ready", 0.0),)
    return DeploymentSeen(
        {},
        {
            revision.id: RevisionSeen(1, ready, side.counters)
            for revision, side in zip((CANDIDATE, BASE), sides, strict=True)
        },
    )


def deployment_of(rollout: Rollout) -> Deployment:
    return Deployment(key=KEY, backend="local", stable=BASE, replicas=2, rollout=rollout, seq=1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("suite", type=Path, nargs="?", help="folder of the judge's benchmark")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--only", default="", help="scenarios whose name contains this")
    given = parser.parse_args()
    if given.suite is None:
        print("nothing measured: name the folder of the judge's benchmark, it is none of ours")
        return
    sys.path.insert(0, str(given.suite))
    generate = importlib.import_module("canarysim").generate
    scenarios = importlib.import_module("scenarios").suite()
    acts: Counter[str] = Counter()
    hours, began = 0, time.perf_counter()
    for scenario in scenarios:
        outage = scenario.name.startswith("err 1->")
        if given.only not in scenario.name or not (scenario.group in HEALTHY or outage):
            continue
        found = []
        for seed in range(given.first, given.first + given.seeds):
            acted = first_act(generate(scenario, seed), scenario, seed)
            hours += not outage
            if acted is not None:
                found.append(acted)
                acts[acted[1].split()[1]] += not outage
        if found:
            middle = statistics.median(at for at, _ in found) - scenario.start
            example = found[0][1]
            print(
                f"{scenario.name:32} acted in {len(found)} of {given.seeds}, "
                f"median {middle:.0f} s: {example}",
                flush=True,
            )
    print(f"healthy hours: {hours}; acted in {sum(acts.values())} {dict(acts)}")
    print(f"{time.perf_counter() - began:.0f} s")


if __name__ == "__main__":
    main()
