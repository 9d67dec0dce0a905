"""From counters that only grow, and sometimes restart, to the increments the judge is fed.

Differences are taken per series (one replica, one pod), then summed: a sum of counters falls when
a replica goes away. What a replica served between the last look and its crash is lost; restarts
are counted, since they are a matter for the guards.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from gaesup_tui.domain.judging.feed import Arm, add_arms


class Increment(NamedTuple):
    """What one arm did between two looks."""

    arm: Arm | None
    """None: no series was seen twice, so nothing is known."""
    restarts: int


def increment(before: Mapping[str, Arm], now: Mapping[str, Arm]) -> Increment:
    """The growth of every series that was there before; the keys name series, the arms hold their
    totals. A first sight has no increment, a vanished series leaves nothing."""
    parts, restarts = [], 0
    for name, total in now.items():
        old = before.get(name)
        if old is None:
            continue
        grown = _difference(old, total)
        if grown is None:
            restarts += 1
            grown = total
        parts.append(grown)
    return Increment(add_arms(parts) if parts else None, restarts)


def _difference(old: Arm, now: Arm) -> Arm | None:
    """None if any counter fell: the series began anew."""
    requests, errors = now.requests - old.requests, now.errors - old.errors
    latency = None
    if now.latency is not None and old.latency is not None:
        if len(now.latency) != len(old.latency):
            return None
        latency = tuple([a - b for a, b in zip(now.latency, old.latency, strict=True)])
    conversions = None
    if now.conversions is not None and old.conversions is not None:
        conversions = now.conversions - old.conversions
    if min(requests, errors, conversions or 0, *(latency or ())) < 0:
        return None
    return Arm(requests, errors, latency, conversions)
