"""What would flip the verdict: a copy of the state is stepped through imagined ticks."""

from __future__ import annotations

from gaesup_tui.domain.judging.feed import Arm, Tick
from gaesup_tui.domain.judging.forecast import recent_rates
from gaesup_tui.domain.judging.state import State
from gaesup_tui.domain.judging.step import step

AHEAD_S = 60.0


def errors_to_abort(state: State) -> int | None:
    """How many more canary errors than usual in the next minute, at the present traffic, make it
    an ABORT; None where even errors alone would not, or there is no traffic to imagine."""
    rates = recent_rates(state)
    if rates is None or state.verdict.final:
        return None
    tick_s = state.start.tick_s
    canary, baseline = round(rates.canary_per_s * tick_s), round(rates.baseline_per_s * tick_s)
    if canary < 1 or baseline < 1:
        return None
    sums = state.counted.sums
    usual = sums.baseline_errors / sums.requests
    ticks = max(2, round(AHEAD_S / tick_s))
    most = canary * ticks - round(canary * ticks * usual)
    low, high = 0, most
    if not _aborts(state, ticks, (canary, baseline), usual, high):
        return None
    while low < high:
        middle = (low + high) // 2
        if _aborts(state, ticks, (canary, baseline), usual, middle):
            high = middle
        else:
            low = middle + 1
    return low


def _aborts(state: State, ticks: int, requests: tuple[int, int], usual: float, more: int) -> bool:
    """Do ``more`` errors, spread evenly over the next ticks, end in an ABORT?"""
    canary, baseline = requests
    start, weight = state.start, canary / (canary + baseline)
    for i in range(1, ticks + 1):
        # Cumulated, then differenced: rounding loses no error.
        own = _share(canary * usual * ticks + more, i, ticks)
        other = _share(baseline * usual * ticks, i, ticks)
        imagined = Tick(
            number=state.number + 1,
            end_s=state.end_s + start.tick_s,
            weight=weight,
            canary=Arm(canary, min(own, canary), None),
            baseline=Arm(baseline, min(other, baseline), None),
        )
        state, verdict = step(state, imagined)
        if verdict.kind == "ABORT":
            return verdict.cause == "harm"
    return False


def _share(total: float, i: int, ticks: int) -> int:
    return round(total * i / ticks) - round(total * (i - 1) / ticks)
