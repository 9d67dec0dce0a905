"""What the judge is fed: counts of both arms over the same interval, increments not totals.

None is "not known", never zero. An arm that is None catches up: its next record carries what was
missed. Counts that are lost for ever (a router that restarted) must be None in BOTH arms.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal, NamedTuple

Gap = Literal["", "late", "reset", "series", "buckets", "canary", "baseline"]
"""Why an arm is not known, as far as the one who counts can tell: nothing was seen in time; the
counters began anew; they jump back and forth, as when several series answer for one; the latency
buckets are not those that were agreed on; one side alone has no counters."""


class Arm(NamedTuple):
    """One arm in one tick."""

    requests: int
    errors: int
    """What the user got: 5xx, time-outs, connection failures, traps."""
    latency: tuple[int, ...] | None
    """Successful requests per bucket, not cumulative; the last bucket has no end."""
    conversions: int | None = None


class Tick(NamedTuple):
    """One interval of both arms."""

    number: int
    """Number of the interval; a number that was seen before changes nothing."""
    end_s: float
    """Seconds from the start of the judgement to the end of the interval."""
    weight: float | None
    """Share of the traffic the canary was meant to have; None: it changed inside the interval."""
    canary: Arm | None
    baseline: Arm | None
    gap: Gap = ""


def check_tick(tick: Tick, buckets: int) -> str | None:
    """Why the tick cannot be believed, in words, or None.

    ``buckets`` counts the one without end.
    """
    if not math.isfinite(tick.end_s) or tick.end_s < 0:
        return "its time is not a number of seconds"
    if tick.weight is not None and not 0 <= tick.weight <= 1:
        return f"its weight is {tick.weight}"
    for name, arm in (("canary", tick.canary), ("baseline", tick.baseline)):
        fault = arm and check_arm(arm, buckets)
        if fault:
            return f"{name}: {fault}"
    return None


def check_arm(arm: Arm, buckets: int) -> str | None:
    """Why these counts cannot be, in words, or None."""
    if not _count(arm.requests) or not _count(arm.errors):
        return "requests and errors must be counts of 0 or more"
    if arm.errors > arm.requests:
        return f"{arm.errors} errors of {arm.requests} requests"
    if arm.conversions is not None:
        if not _count(arm.conversions):
            return "conversions must be a count of 0 or more"
        if arm.conversions > arm.requests:
            return f"{arm.conversions} conversions of {arm.requests} requests"
    if arm.latency is None:
        return None
    if len(arm.latency) != buckets:
        return f"{len(arm.latency)} latency buckets instead of {buckets}"
    total = sum(arm.latency)
    if not math.isfinite(total) or min(arm.latency) < 0:
        return "latency buckets must be counts of 0 or more"
    # A scrape is not atomic: a few requests may be in the buckets and not yet in the total.
    if total > arm.requests * 1.05 + 5:
        return f"{total} requests in the latency buckets, {arm.requests} in all"
    return None


def _count(number: float) -> bool:
    return math.isfinite(number) and number >= 0


def add_arms(parts: Sequence[Arm]) -> Arm:
    """The counts of several ticks; what is not known in one is not known in the sum."""
    if len(parts) == 1:
        return parts[0]
    latency = [part.latency for part in parts if part.latency is not None]
    conversions = [part.conversions for part in parts if part.conversions is not None]
    return Arm(
        requests=sum(part.requests for part in parts),
        errors=sum(part.errors for part in parts),
        latency=(
            tuple(map(sum, zip(*latency, strict=True))) if len(latency) == len(parts) else None
        ),
        conversions=sum(conversions) if len(conversions) == len(parts) else None,
    )
