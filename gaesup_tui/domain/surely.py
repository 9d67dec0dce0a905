"""More than chance explains: what a guard that must be sure asks before it acts.

A limit is looked at every second for hours, so a handful of requests that went wrong together is
seen sooner or later on every healthy release. Two questions settle it, both by a bound on the
binomial tail so strict that asking for days does not make a false answer likely: is it more than
the limit, and is it more than the base does in the same time? Where the base is as bad, going back
would mend nothing. Requests go wrong in clumps (one client that retries, one pause), so each
counts as a part of one.
"""

from __future__ import annotations

import math

from gaesup_tui.domain.drops import SURELY, Compared, base_with_traffic
from gaesup_tui.domain.steps import Guard
from gaesup_tui.domain.telemetry import Delta, Window

CLUMP = 3.0
"""So many that went wrong together count as one."""
_SLOW_SHARE = 0.05
"""A p95 over the limit is more than so many requests over it."""


def surely_more(seen: float, of: float, share: float) -> bool:
    """Whether ``seen`` out of ``of`` is too many for a chance of at most ``share`` each."""
    if of <= 0 or not 0 < share < 1 or seen <= of * share:
        return False
    ratio = min(seen / of, 1.0)
    divergence = ratio * math.log(ratio / share)
    if ratio < 1:
        divergence += (1 - ratio) * math.log((1 - ratio) / (1 - share))
    return of / CLUMP * divergence > -math.log(SURELY)


def surely_more_errors(guard: Guard, window: Window, seen: Compared | None) -> bool:
    """``window`` is the candidate's."""
    base = base_with_traffic(guard, seen) if seen else None
    other = (base.errors, base.requests) if base else None
    return _surely(window.errors, window.requests, other, guard.above)


def surely_slower(guard: Guard, seen: Compared | None) -> bool:
    """By the requests that took longer than the limit: a p95 of few requests says little."""
    ours = seen.candidate if seen else None
    if seen is None or ours is None:
        return False
    base = base_with_traffic(guard, seen)
    other = (_slower(base, guard.above), sum(base.buckets)) if base else None
    return _surely(_slower(ours, guard.above), sum(ours.buckets), other, _SLOW_SHARE)


def _surely(bad: int, of: int, base: tuple[int, int] | None, limit: float) -> bool:
    if not surely_more(bad, of, limit):
        return False
    if base is None or not base[1]:
        return True
    return surely_more(bad, bad + base[0], of / (of + base[1]))


def _slower(delta: Delta, limit_s: float) -> int:
    """Requests in buckets that begin at the limit or beyond."""
    begin = (0.0, *delta.bounds_s)
    return sum(count for low, count in zip(begin, delta.buckets, strict=False) if low >= limit_s)
