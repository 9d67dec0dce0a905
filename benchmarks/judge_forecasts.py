"""How well what the judge says of the waiting time holds, over healthy rollouts.

"Said" is what a person reads: the number, rounded as it is shown, and the span beside it, at every
tenth second while the verdict's sentence has them. A number must be within 1.5 times of what
happened, in four rollouts of five; every rollout counts the same. Not promoted within the hour, a
number that says otherwise is wrong; an aborted one is left out, and counted aloud.
"""

from __future__ import annotations

import importlib
import math
import sys
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from pathlib import Path
from statistics import fmean, median
from typing import NamedTuple

from benchmarks.judge_stdio import start_of, tick_of
from gaesup_tui.domain.judging import State, Tick, step
from gaesup_tui.domain.judging.forecast import Forecast, forecast, recent_rates
from gaesup_tui.domain.judging.waiting import about

NEAR = 1.5
EVERY_S = 10.0
_UNIT_S = {"s": 1, "min": 60, "h": 3600}


class Run(NamedTuple):
    """One healthy rollout."""

    end_s: float
    """When it was decided, or the last tick."""
    kind: str
    said: list[Forecast]
    scenario: str = ""


Watched = tuple[str, State, Iterable[Tick]]
"""The name of its scenario, empty where it is one of its own; the judge before; its traffic."""


def healthy_suite(folder: Path, runs: int, seed: int) -> Iterator[Watched]:
    """``runs`` seeds of each healthy scenario of the judge benchmark in ``folder``."""
    sys.path.insert(0, str(folder.resolve()))
    simulator = importlib.import_module("canarysim")
    for scenario in importlib.import_module("scenarios").healthy():
        for number in range(seed, seed + runs):
            run = simulator.generate(scenario, number)
            told = simulator.config_of(scenario, 0.01, 0.95, run)
            messages = (
                tick_of(simulator.tick_message(run, i, scenario.tick)) for i in range(len(run["t"]))
            )
            yield scenario.name, start_of(told), messages


def watch(scenario: str, state: State, ticks: Iterable[Tick]) -> Run:
    """Judge until the first decision; what is said on the way."""
    said: list[Forecast] = []
    for tick in ticks:
        state, verdict = step(state, tick)
        if verdict.kind in ("PROMOTE", "ABORT"):
            break
        asked = tick.end_s % EVERY_S == 0 and verdict.cause in ("gathering", "inconclusive")
        rates = recent_rates(state) if asked else None
        now = forecast(state, rates) if rates else None
        if now is not None and math.isfinite(now.seconds):
            said.append(now)
    return Run(state.end_s, state.verdict.kind, said, scenario)


def report(runs: list[Run]) -> None:
    promoted = [run for run in runs if run.kind == "PROMOTE"]
    aborted = sum(run.kind == "ABORT" for run in runs)
    print(f"{len(runs)} healthy runs, {len(promoted)} promoted within the hour, {aborted} aborted")
    judged = [run for run in runs if run.kind != "ABORT" and run.said]
    _say("a number that is said (goal: 80 % within 1.5 times)", judged, _point)
    _say("  the time left, where it is said", judged, _left)
    _say("  the whole time, where it is said", judged, _whole)
    _say("were the middle always said: left", promoted, lambda said: (said.seconds, 0.0))
    _say("were it always said: whole", promoted, lambda said: (said.at_s + said.seconds, said.at_s))
    inside = fmean(
        fmean(said.early_s <= run.end_s - said.at_s <= said.late_s for said in run.said)
        for run in promoted
        if run.said
    )
    print(f"ends within the span that is said: {100 * inside:.1f} %")
    against_medians(runs)


def against_medians(runs: list[Run]) -> None:
    """The middle that is worked out at a rollout's first forecast, as the whole time from its
    start, against the median of its scenario: luck is left out of what happened, so this is how
    right the sum is, not what one person will see. A scenario of which half or more is not
    promoted within the hour has no median and is left out, and counted aloud."""
    every, middles, without = [], [], 0
    for name, group in groupby(runs, lambda run: run.scenario):
        same = list(group)
        times = [run.end_s if run.kind == "PROMOTE" else math.inf for run in same]
        firsts = [run.said[0].at_s + run.said[0].seconds for run in same if run.said]
        if not name or not firsts or math.isinf(typical_s := median(times)):
            without += bool(name)
            continue
        every += [first / typical_s for first in firsts]
        middles.append(median(firsts) / typical_s)
        print(f"  {name}: forecast {median(firsts):.0f} s, median {typical_s:.0f} s")
    if middles:
        print(
            f"first forecast against its scenario's median: of {len(middles)} scenarios "
            f"{100 * fmean(map(_near, middles)):.1f} % within {NEAR:g} times, of {len(every)} "
            f"rollouts {100 * fmean(map(_near, every)):.1f} %; {without} scenarios have no median"
        )


def _near(ratio: float) -> bool:
    return 1 / NEAR <= ratio <= NEAR


Point = tuple[float, float] | None
"""Seconds as they are said, and how many of them have passed already."""


def _left(said: Forecast) -> Point:
    return None if said.left_s is None else (_as_read(said.left_s), 0.0)


def _whole(said: Forecast) -> Point:
    if said.left_s is not None or said.whole_s is None:
        return None
    return _as_read(said.whole_s), said.at_s


def _point(said: Forecast) -> Point:
    return _left(said) or _whole(said)


def _as_read(seconds: float) -> float:
    number, unit = about(seconds).split()
    return float(number) * _UNIT_S[unit]


def _say(name: str, runs: list[Run], point: Callable[[Forecast], Point]) -> None:
    """The first number of each run, all of them, and how much of the waiting time has one."""
    first: list[bool] = []
    every: list[float] = []
    for run in runs:
        held = [hold for said in run.said if (hold := _holds(run, said, point(said))) is not None]
        if held:
            first.append(held[0])
            every.append(fmean(held))
    waited = [run for run in runs if run.kind == "PROMOTE" and run.said]
    share = fmean(fmean(point(said) is not None for said in run.said) for run in waited)
    if not first:
        print(f"{name}: never")
        return
    print(
        f"{name}: in {len(first)} runs, {100 * share:.0f} % of the waiting time; within "
        f"{NEAR:g} times: the first {100 * fmean(first):.1f} %, all {100 * fmean(every):.1f} %"
    )


def _holds(run: Run, said: Forecast, point: Point) -> bool | None:
    """None where nobody knows: not decided within the hour, and the number does not deny that."""
    if point is None:
        return None
    seconds, passed_s = point
    happened_s = run.end_s - said.at_s + passed_s
    if run.kind != "PROMOTE":
        return False if seconds * NEAR < happened_s else None
    return _near(seconds / happened_s)
