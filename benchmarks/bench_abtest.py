"""How often an A/B test is wrong, how often it is right, and how long it takes.

``python benchmarks/bench_abtest.py [--tests N] [--days N] [--only NAME] [--intervals]``. Each test
is looked at every simulated minute, as an engine that is watched would, until it has an answer or
its time is over. Users come at random and convert some minutes after they came; both are drawn
from a seeded generator. Beside it stands what a z-test at 5 % says that is looked at as often.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import statistics
import sys
import time
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from gaesup_tui.domain.abtest.asking import ask
from gaesup_tui.domain.abtest.counts import Arm, Split, Terms
from gaesup_tui.domain.abtest.difference import difference

Z_95 = 1.959964


@dataclass(frozen=True)
class Scenario:
    """Two arms with known truth."""

    name: str
    base: float
    """Converted users per user."""
    lift: float = 0.0
    """Of the candidate, as a share of that."""
    per_minute: float = 100.0
    share: float = 0.5
    """As planned."""
    share_true: float | None = None
    lag_minutes: int = 10
    """Between coming and converting."""
    drift: bool = False
    """Both arms convert half as well at night, and half as many users come."""
    min_effect: float = 0.05
    min_users: int = 1000


SCENARIOS = (
    Scenario("A/A 3 %", 0.03),
    Scenario("A/A 3 %, nights", 0.03, drift=True),
    Scenario("A/A 3 %, an hour late", 0.03, lag_minutes=60),
    Scenario("A/A 0.4 %, few users", 0.004, per_minute=40, min_users=100),
    Scenario("A/A 50 %", 0.5, per_minute=30, min_users=100),
    Scenario("A/A 6 %, share 10 %", 0.06, share=0.1, min_users=200),
    Scenario("A/A 6 %, 20 % matters", 0.06, min_effect=0.2),
    Scenario("+5 % of 6 %", 0.06, 0.05),
    Scenario("+10 % of 6 %", 0.06, 0.10),
    Scenario("+20 % of 6 %", 0.06, 0.20),
    Scenario("-10 % of 6 %", 0.06, -0.10),
    Scenario("+10 % of 6 %, share 10 %", 0.06, 0.10, share=0.1),
    Scenario("52/48 instead of 50/50", 0.06, share_true=0.52),
    Scenario("53/47 instead of 50/50", 0.06, share_true=0.53),
    Scenario("12/88 instead of 10/90", 0.06, share=0.1, share_true=0.12),
)


def users(rng: random.Random, mean: float) -> int:
    """Poisson: exact where it is small, normal where nobody could tell."""
    if mean > 30:
        return max(0, round(rng.gauss(mean, math.sqrt(mean))))
    limit, count, product = math.exp(-mean), 0, rng.random()
    while product > limit:
        count += 1
        product *= rng.random()
    return count


def minutes(scenario: Scenario, seed: int, count: int) -> Iterator[Split]:
    """What is counted at the end of each minute. Users who convert and users who do not are two
    streams, so every user has one arm and one fate."""
    rng = random.Random(f"{scenario.name} {seed}")
    true = scenario.share if scenario.share_true is None else scenario.share_true
    shares = (1 - true, true)
    late: deque[list[int]] = deque()
    came, converted = [0, 0], [0, 0]
    for minute in range(count):
        night = 0.75 + 0.25 * math.cos(2 * math.pi * minute / 1440) if scenario.drift else 1.0
        ratios = (scenario.base * night, scenario.base * night * (1 + scenario.lift))
        new = []
        for arm, (share, ratio) in enumerate(zip(shares, ratios, strict=True)):
            mean = scenario.per_minute * night * share
            new.append(users(rng, mean * ratio))
            came[arm] += new[arm] + users(rng, mean * (1 - ratio))
        late.append(new)
        if len(late) > scenario.lag_minutes:
            for arm, more in enumerate(late.popleft()):
                converted[arm] += more
        yield Split(Arm(came[0], converted[0]), Arm(came[1], converted[1]), "")


@dataclass(frozen=True)
class Outcome:
    kind: str
    users: int
    minute: int
    z_test: bool
    """Whether the z-test named a winner by then."""


def run(scenario: Scenario, seed: int, count: int) -> Outcome:
    terms = Terms(
        share=scenario.share,
        min_run_s=3600.0,
        max_run_s=count * 60.0,
        min_users=scenario.min_users,
        min_effect=scenario.min_effect,
        risk=0.05,
    )
    fooled = False
    for minute, split in enumerate(minutes(scenario, seed, count), 1):
        found = ask(split, terms, minute * 60.0)
        fooled = fooled or z_test(split, terms)
        if found.kind != "measuring":
            return Outcome(found.kind, split.users, minute, fooled)
    raise AssertionError("a test ends at its longest run")


def z_test(split: Split, terms: Terms) -> bool:
    """Two proportions at 5 %, as they are compared in many places, with the same least users."""
    base, new = split.base, split.candidate
    if min(base.users, new.users) < terms.min_users:
        return False
    pooled = (base.converted + new.converted) / split.users
    error = math.sqrt(pooled * (1 - pooled) * (1 / base.users + 1 / new.users))
    difference = new.converted / new.users - base.converted / base.users
    return error > 0 and abs(difference) > Z_95 * error


def fixed_users(scenario: Scenario, power: float = 0.8) -> float:
    """Users of both arms that one fixed test at 5 % needs for 80 % power."""
    if not scenario.lift:
        return math.nan
    was, new = scenario.base, scenario.base * (1 + scenario.lift)
    z = Z_95 + statistics.NormalDist().inv_cdf(power)
    variance = was * (1 - was) / (1 - scenario.share) + new * (1 - new) / scenario.share
    return float(z**2 * variance / (new - was) ** 2)


def report(scenario: Scenario, tests: int, days: float) -> dict[str, object]:
    began, count = time.process_time(), round(days * 1440)
    found = [run(scenario, seed, count) for seed in range(tests)]
    kinds = Counter(each.kind for each in found)
    true = "better" if scenario.lift > 0 else "worse" if scenario.lift < 0 else ""
    right = "broken split" if scenario.share_true is not None else true
    answered = [each for each in found if each.kind == right] if right else []
    winners = kinds["better"] + kinds["worse"] - (kinds[true] if true else 0)
    looks = sum(each.minute for each in found)
    return {
        "scenario": scenario.name,
        "tests": tests,
        "looks": looks,
        "wrong_winner_percent": round(100 * winners / tests, 2),
        "found_percent": round(100 * len(answered) / tests, 1) if right else None,
        "answers": dict(kinds),
        "median_users": statistics.median([e.users for e in answered]) if answered else None,
        "median_hours": round(statistics.median([e.minute for e in answered]) / 60, 1)
        if answered
        else None,
        "fixed_test_users": None if math.isnan(n := fixed_users(scenario)) else round(n),
        "z_test_percent": round(100 * sum(each.z_test for each in found) / tests, 1),
        "us_per_minute": round(1e6 * (time.process_time() - began) / looks, 1),
    }


def interval_wrong(scenario: Scenario, tests: int, days: float) -> float:
    """Percent of tests whose interval, looked at every minute to the end whatever was answered,
    ever left the true difference out."""
    true, count, wrong = scenario.base * scenario.lift, round(days * 1440), 0
    for seed in range(tests):
        for split in minutes(scenario, seed, count):
            found = difference(split.base, split.candidate, scenario.min_effect, 0.05)
            if found and not found.low <= true <= found.high:
                wrong += 1
                break
    return round(100 * wrong / tests, 2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tests", type=int, default=1000)
    parser.add_argument("--days", type=float, default=1.0, help="longest run of a test")
    parser.add_argument("--only", default="", help="scenarios whose name contains this")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--intervals", action="store_true", help="how often intervals are wrong")
    args = parser.parse_args()
    for scenario in SCENARIOS:
        if args.only not in scenario.name:
            continue
        if args.intervals:
            if not scenario.drift:
                wrong = interval_wrong(scenario, args.tests, args.days)
                print(f"{scenario.name:26} interval ever wrong {wrong:5} %", flush=True)
            continue
        line = report(scenario, args.tests, args.days)
        if args.json:
            print(json.dumps(line), flush=True)
            continue
        found = "" if line["found_percent"] is None else f"found {line['found_percent']} %"
        after = f"after {line['median_users']:,.0f} users" if line["median_users"] else ""
        fixed = f"(fixed test {line['fixed_test_users']:,})" if line["fixed_test_users"] else ""
        print(
            f"{scenario.name:26} wrong winner {line['wrong_winner_percent']:5} %  "
            f"z-test {line['z_test_percent']:5} %  {found} {after} {fixed}  {line['answers']}",
            flush=True,
        )


if __name__ == "__main__":
    main()
