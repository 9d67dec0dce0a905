"""``step(state, tick) -> (state, verdict)``: the whole judge, one tick at a time.

No clock, no chance, no input or output: the same ticks give the same verdicts, live or replayed.
"""

from __future__ import annotations

import math
from operator import add

from gaesup_tui.domain.judging.bets import Odds
from gaesup_tui.domain.judging.comparing import compare
from gaesup_tui.domain.judging.deciding import blind, decide
from gaesup_tui.domain.judging.effects import Counted, Sums, keep
from gaesup_tui.domain.judging.feed import Arm, Tick, add_arms, check_tick
from gaesup_tui.domain.judging.onsets import mass
from gaesup_tui.domain.judging.state import Held, State, Waiting
from gaesup_tui.domain.judging.traffic import settle_traffic
from gaesup_tui.domain.judging.verdicts import Cause, Judgement


def step(state: State, tick: Tick) -> tuple[State, Judgement]:
    """One tick. A number seen before changes nothing, an ABORT stays one, and a record that cannot
    be believed is left out with its reason."""
    if tick.number <= state.number or state.verdict.final:
        return state, state.verdict
    fault = check_tick(tick, len(state.start.bounds_s) + 1)
    if fault is None and tick.end_s <= state.end_s:
        fault = f"its time {tick.end_s:g} s is not after {state.end_s:g} s"
    if fault is not None:
        state = _reject(state, tick, fault)
    else:
        state = state._replace(number=tick.number, end_s=tick.end_s, rejected=0, gap=tick.gap)
        state = _take(state, tick)
    return state, state.verdict


def _reject(state: State, tick: Tick, fault: str) -> State:
    """Leave the record out. What it should have carried is lost, so nothing is held for it."""
    rejected = state.rejected + 1
    state = state._replace(number=tick.number, rejected=rejected)
    # Its time may be nonsense: count ticks instead.
    now_s = state.end_s + rejected * state.start.tick_s
    said = blind(state._replace(end_s=now_s), "bad data", state.end_s, note=fault)
    return state._replace(verdict=said)


def _take(state: State, tick: Tick) -> State:
    held = _hold(state.held, tick, state.start.tick_s)
    if tick.canary is None or tick.baseline is None:
        state = state._replace(held=held)
        return state._replace(verdict=blind(state, _why_blind(tick), held.since_s))
    if held.canary is None or held.baseline is None:
        raise AssertionError("both arms were just added")
    if state.held is not None:
        state = state._replace(held=None)
    state = _judge(state, held.weight, held.canary, held.baseline)
    return state._replace(verdict=decide(state))


def _why_blind(tick: Tick) -> Cause:
    """Which kind of blindness it is."""
    if tick.gap == "reset":
        return "counter reset"
    if tick.gap == "series":
        return "several series"
    if tick.gap in ("canary", "baseline"):
        return "blind"
    return "late" if tick.canary is None and tick.baseline is None else "blind"


def _hold(held: Held | None, tick: Tick, tick_s: float) -> Held:
    """Add a tick to what waits; counters catch up, so both arms' sums belong together."""
    if held is None:
        return Held(tick.end_s - tick_s, 1, tick.weight, tick.canary, tick.baseline)
    return Held(
        since_s=held.since_s,
        ticks=held.ticks + 1,
        weight=tick.weight if tick.weight == held.weight else None,
        canary=_sum(held.canary, tick.canary),
        baseline=_sum(held.baseline, tick.baseline),
    )


def _sum(before: Arm | None, now: Arm | None) -> Arm | None:
    parts = [arm for arm in (before, now) if arm is not None]
    return add_arms(parts) if parts else None


def _judge(state: State, weight: float | None, canary: Arm, baseline: Arm) -> State:
    """Bet on what both arms did, then make it part of the past."""
    start = state.start
    odds = Odds(
        tick=state.tick,
        mass=mass(state.tick, state.planned),
        cap=math.log(1 / start.alpha_abort),
        kappa=start.kappa,
    )
    if weight is not None and 0 < weight < 1 and start.metrics.traffic.enabled:
        state = _traffic(state, weight, canary.requests, baseline.requests, odds)
    waiting: Waiting | None = None
    if state.waiting is not None or not (canary.requests and baseline.requests):
        waiting = _wait(state, weight, canary, baseline)
        canary, baseline = waiting.canary, waiting.baseline
    if canary.requests and baseline.requests:
        waiting = None
        state = compare(state, canary, baseline, state.end_s, odds)
        counted = _count(state, canary, baseline)
    else:
        sums, traffic = state.counted.sums, state.traffic
        sums = sums._replace(seen=traffic.seen, expected=traffic.expected)
        counted = state.counted._replace(sums=sums)
    tick = state.tick + 1
    return state._replace(tick=tick, counted=keep(counted, tick, state.end_s), waiting=waiting)


def _wait(state: State, weight: float | None, canary: Arm, baseline: Arm) -> Waiting:
    """The tick's counts added to those that found the other arm empty."""
    share = weight if weight is not None and weight < 1 else 0.0
    expected = baseline.requests * share / (1 - share)
    old = state.waiting
    if old is None:
        return Waiting(state.end_s - state.start.tick_s, canary, baseline, expected)
    return Waiting(
        old.since_s,
        add_arms((old.canary, canary)),
        add_arms((old.baseline, baseline)),
        old.expected + expected,
    )


def _traffic(state: State, weight: float, canary: int, baseline: int, odds: Odds) -> State:
    tolerance = state.start.metrics.traffic.tolerance
    bets = settle_traffic(state.traffic, weight, canary, baseline, tolerance, odds)
    seen_s = state.end_s if canary + baseline else state.data_s[3]
    return state._replace(traffic=bets, data_s=(*state.data_s[:3], seen_s))


def _count(state: State, canary: Arm, baseline: Arm) -> Counted:
    """Sums for the estimates; the baseline is standardised to the canary's traffic."""
    counted, old = state.counted, state.counted.sums
    ratio = canary.requests / baseline.requests
    sold = bought = 0.0
    if canary.conversions is not None and baseline.conversions is not None:
        sold, bought = canary.conversions, ratio * baseline.conversions
    sums = Sums(
        requests=old.requests + canary.requests,
        errors=old.errors + canary.errors,
        baseline_errors=old.baseline_errors + ratio * baseline.errors,
        conversions=old.conversions + sold,
        baseline_conversions=old.baseline_conversions + bought,
        seen=state.traffic.seen,
        expected=state.traffic.expected,
        baseline_requests=old.baseline_requests + baseline.requests,
    )
    own, other = counted.canary, counted.baseline
    if canary.latency is not None and baseline.latency is not None:
        total = sum(baseline.latency)
        if state.end_s > state.start.warmup_s and total:
            times = sum(canary.latency) / total
            own = tuple(map(add, own, canary.latency))
            other = tuple([a + times * b for a, b in zip(other, baseline.latency, strict=True)])
    return Counted(sums, own, other, counted.marks)
