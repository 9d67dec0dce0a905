"""What would flip the verdict: a copy of the state is stepped through imagined ticks."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate
from typing import NamedTuple

from gaesup_tui.domain.judging.feed import Arm, Tick
from gaesup_tui.domain.judging.forecast import recent_rates
from gaesup_tui.domain.judging.state import State
from gaesup_tui.domain.judging.step import step
from gaesup_tui.domain.judging.words import flip, slower

AHEAD_S = 60.0
SLOWDOWNS = (1.1, 1.25, 1.5, 2.0, 3.0, 5.0, 10.0)
"""Times the usual latency, as people say them."""


class Minute(NamedTuple):
    """A minute of the traffic as it is."""

    ticks: int
    canary: int
    """Requests a tick."""
    baseline: int
    usual: float
    """Error ratio."""


def flips(state: State) -> Iterator[str]:
    """What would abort it, in words; a few hundredths of a second. Nothing after an ABORT, and
    nothing without traffic to imagine."""
    said = flip(errors_to_abort(state)), slower(slowdown_to_abort(state))
    yield from filter(None, said)


def errors_to_abort(state: State) -> int | None:
    """How many more canary errors than usual in the next minute, at the present traffic, make it
    an ABORT; None where even errors alone would not, or there is no traffic to imagine."""
    minute = _minute(state)
    if minute is None:
        return None
    requests = minute.canary * minute.ticks
    low, high = 0, requests - round(requests * minute.usual)
    if not _aborts(state, minute, more=high):
        return None
    while low < high:
        middle = (low + high) // 2
        if _aborts(state, minute, more=middle):
            high = middle
        else:
            low = middle + 1
    return low


def slowdown_to_abort(state: State) -> float | None:
    """The first of ``SLOWDOWNS`` which, for a minute, makes it an ABORT; None where none does, or
    nothing is known of the latency."""
    minute = _minute(state)
    if minute is None or not state.law or not state.start.metrics.latency.enabled:
        return None
    return next((times for times in SLOWDOWNS if _aborts(state, minute, times=times)), None)


def _minute(state: State) -> Minute | None:
    rates = recent_rates(state)
    if rates is None or state.verdict.final:
        return None
    tick_s = state.start.tick_s
    canary, baseline = round(rates.canary_per_s * tick_s), round(rates.baseline_per_s * tick_s)
    if canary < 1 or baseline < 1:
        return None
    sums = state.counted.sums
    usual = sums.baseline_errors / sums.requests
    return Minute(max(2, round(AHEAD_S / tick_s)), canary, baseline, usual)


def _aborts(state: State, minute: Minute, more: int = 0, times: float = 1.0) -> bool:
    """Do ``more`` errors, spread evenly over the next ticks, or latencies so many times the usual
    end in an ABORT?"""
    start, ticks, canary, baseline = state.start, minute.ticks, minute.canary, minute.baseline
    weight = canary / (canary + baseline)
    slow, usual = (_cumulated(state, factor) if times > 1 else None for factor in (times, 1.0))
    for i in range(1, ticks + 1):
        # Cumulated, then differenced: rounding loses no error and no slow request.
        own = _share(canary * minute.usual * ticks + more, i, ticks)
        other = _share(baseline * minute.usual * ticks, i, ticks)
        imagined = Tick(
            number=state.number + 1,
            end_s=state.end_s + start.tick_s,
            weight=weight,
            canary=Arm(canary, min(own, canary), _counts(slow, canary, i)),
            baseline=Arm(baseline, min(other, baseline), _counts(usual, baseline, i)),
        )
        state, verdict = step(state, imagined)
        if verdict.kind == "ABORT":
            return verdict.cause == "harm"
    return False


def _share(total: float, i: int, ticks: int) -> int:
    return round(total * i / ticks) - round(total * (i - 1) / ticks)


def _cumulated(state: State, times: float) -> list[float]:
    """Share of requests at or below each bound, were every one ``times`` as slow."""
    total = sum(state.law)
    below = [count / total for count in accumulate(state.law)][:-1]
    bounds = state.start.bounds_s
    shares = []
    for bound in bounds:
        at = bound / times
        j = next((k for k, each in enumerate(bounds) if each >= at), len(bounds) - 1)
        left_s, left = (bounds[j - 1], below[j - 1]) if j else (0.0, 0.0)
        part = (at - left_s) / (bounds[j] - left_s)
        shares.append(left + min(part, 1.0) * (below[j] - left))
    return [*shares, 1.0]


def _counts(shares: list[float] | None, requests: int, i: int) -> tuple[int, ...] | None:
    """The requests of imagined tick ``i`` per bucket: what is rounded off comes in a later one."""
    if shares is None:
        return None
    now = [round(share * requests * i) - round(share * requests * (i - 1)) for share in shares]
    return tuple(max(b - a, 0) for a, b in zip([0, *now], now, strict=False))
