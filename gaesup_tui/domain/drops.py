"""Drops a guard acts on: fewer requests, or fewer conversions, than there should be.

A drop is a breach only when chance does not explain it: what was seen is compared with the most
that may be lost, by a bound on the binomial tail so strict that looking again and again for days
does not make a false one likely.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gaesup_tui.domain.rollout import Rollout
from gaesup_tui.domain.steps import Guard, SetTraffic
from gaesup_tui.domain.telemetry import Delta
from gaesup_tui.domain.text import duration, percent

SURELY = 1e-6
"""The chance at each look that a drop within the limit is taken for one beyond it, at most."""
LEAST_PAST = 5
"""Fewer past windows do not say how low the traffic is at times by itself."""


@dataclass(frozen=True, slots=True)
class Compared:
    """What is compared over one window length. None or empty: not seen, and no evidence."""

    candidate: Delta | None = None
    base: Delta | None = None
    """Both since the present share is on the route."""
    total: float | None = None
    """Requests to the whole deployment in the window."""
    past: Sequence[float] = ()
    """The same of earlier windows of that length, from before the drop may have begun."""
    base_before: Delta | None = None
    """The base's largest sample, for when it gets no traffic any more."""


Comparisons = Mapping[float, Compared]


def surely_fewer(seen: float, of: float, share: float) -> bool:
    """Whether ``seen`` out of ``of`` is too few for a chance of at least ``share`` each: the
    Chernoff bound of the binomial tail is below ``SURELY``."""
    if of <= 0 or not 0 < share < 1 or seen >= of * share:
        return False
    ratio = seen / of
    divergence = (1 - ratio) * math.log((1 - ratio) / (1 - share))
    if ratio > 0:
        divergence += ratio * math.log(ratio / share)
    return of * divergence > -math.log(SURELY)


def share_since(rollout: Rollout) -> float | None:
    """Since when the present share is seen on the route; None while it is being changed."""
    if isinstance(rollout.step, SetTraffic):
        return None
    ends = [
        record.ended
        for step, record in zip(rollout.spec.plan, rollout.records, strict=False)
        if isinstance(step, SetTraffic)
    ]
    return ends[-1] if ends else None


def traffic_lost(guard: Guard, rollout: Rollout, seen: Compared) -> str | None:
    """How much of its requests the candidate, or the whole deployment, lost beyond the limit."""
    return _share_lost(guard, rollout, seen) or _total_lost(guard, seen)


def _share_lost(guard: Guard, rollout: Rollout, seen: Compared) -> str | None:
    """Against what its weight and the base's requests let expect. Sticky clients promise no share
    of requests, so nothing is concluded from them."""
    weight, ours, theirs = rollout.weight_percent / 100, seen.candidate, seen.base
    if rollout.spec.sticky or not 0 < weight < 1 or ours is None or theirs is None:
        return None
    both = ours.requests + theirs.requests
    if both * weight < guard.min_requests:
        return None
    kept = weight * (1 - guard.above)
    if not surely_fewer(ours.requests, both, kept / (kept + 1 - weight)):
        return None
    expected = theirs.requests * weight / (1 - weight)
    return f"got {ours.requests} requests of {expected:.0f} expected over {duration(guard.window)}"


def _total_lost(guard: Guard, seen: Compared) -> str | None:
    """The whole deployment against the quietest of its own last minutes: traffic that goes up and
    down without any reason has been low lately, too."""
    past = seen.past
    if seen.total is None or len(past) < LEAST_PAST:
        return None
    quiet = min(past)
    if quiet < max(1, guard.min_requests):
        return None
    kept = (1 - guard.above) / (2 - guard.above)
    if not surely_fewer(seen.total, seen.total + quiet, kept):
        return None
    over = f"never under {quiet:.0f} before, over {duration(guard.window)}"
    return f"left the deployment with {seen.total:.0f} requests, {over}"


def conversion_lost(guard: Guard, rollout: Rollout, seen: Compared) -> str | None:
    """How much less often a request of the candidate converts than one of the base. The base's
    requests of the same window count, or when it gets none any more, those before."""
    ours, theirs = seen.candidate, base_with_traffic(guard, seen)
    if ours is None or theirs is None or ours.requests < guard.min_requests:
        return None
    if ours.conversions is None or not theirs.conversions:
        return None
    kept = ours.requests * (1 - guard.above)
    both = ours.conversions + theirs.conversions
    if not surely_fewer(ours.conversions, both, kept / (kept + theirs.requests)):
        return None
    base = rollout.base.version if rollout.base else "the base"
    usual = theirs.conversions / theirs.requests
    return (
        f"converts {percent(ours.conversions / ours.requests)} of {ours.requests} requests, "
        f"{base} {percent(usual)}: {percent(guard.above)} may be lost"
    )


def base_with_traffic(guard: Guard, seen: Compared) -> Delta | None:
    """What the base does in the same window; without traffic what it last did with some."""
    for sample in (seen.base, seen.base_before):
        if sample is not None and sample.requests >= max(1, guard.min_requests):
            return sample
    return None
