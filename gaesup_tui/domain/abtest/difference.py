"""The difference of two conversions, with an interval that holds at every moment somebody looks.

Users are split at random, so every user who converts is a step of a fair walk when the arms are
alike: up by one arm's weight, down by the other's, however late or unevenly conversions come. Over
such a walk a normal mixture (H. Robbins 1970; for A/B tests R. Johari, L. Pekelis, D. Walsh,
Always Valid Inference, Operations Research 2022; as a confidence sequence for any mean
I. Waudby-Smith, D. Arbour, R. Sinha, E. Kennedy, A. Ramdas, Time-uniform central limit theory and
asymptotic confidence sequences, Annals of Statistics 2024) draws a boundary that it crosses, ever,
with a chance of at most ``risk``. It is asymptotic: with a handful of conversions nothing is said.

The mixture is tightest where the interval reaches just about the smallest effect worth a decision.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from gaesup_tui.domain.abtest.counts import Arm
from gaesup_tui.domain.judging.intervals import mixture_reach

MIN_CONVERTED = 20
"""Users of each arm who converted, or who did not, before an interval is one."""

_MOST_LOG = 60.0
_STEPS = 24


class Difference(NamedTuple):
    """Candidate less base, as a difference of ratios: 0.003 is 0.3 points."""

    difference: float
    reach: float
    """The interval's half width."""
    lift: float
    """The difference as a share of the base's conversion."""
    bound: float
    """The smallest difference worth a decision, at the base's present conversion."""
    variance: float
    """Of the difference: falls as users come."""
    tuned: float
    """The reach at which the interval is tightest."""

    @property
    def low(self) -> float:
        """Lower end of the interval of the difference."""
        return self.difference - self.reach

    @property
    def high(self) -> float:
        """Upper end of the interval of the difference."""
        return self.difference + self.reach


def few(arm: Arm) -> bool:
    """Whether an arm has too few users who converted, or too few who did not."""
    return min(arm.converted, arm.users - arm.converted) < MIN_CONVERTED


def difference(base: Arm, candidate: Arm, min_effect: float, risk: float) -> Difference | None:
    """None while there are too few users of either kind to say anything.

    Args:
        min_effect: as a share of the base's conversion.
        risk: of an interval that is wrong, ever.
    """
    if few(base) or few(candidate):
        return None
    was, new = base.converted / base.users, candidate.converted / candidate.users
    pooled = (base.converted + candidate.converted) / (base.users + candidate.users)
    variance = was * (1 - was) / base.users + new * (1 - new) / candidate.users
    tuned = min_effect * pooled
    reach = reach_of(variance, tuned, risk)
    return Difference(new - was, reach, (new - was) / was, min_effect * was, variance, tuned)


def reach_of(variance: float, tuned: float, risk: float) -> float:
    """How far the interval reaches either way, tightest about where that is ``tuned``.

    A difference of variance V is a walk of variance 1 / V, in steps of its own."""
    prior = 1 / tuned**2
    return variance * mixture_reach(1 / variance + prior, prior, risk)


def information_for(reach: float, risk: float) -> float:
    """How much must be known for an interval to reach ``reach``, in units of where it is tightest:
    the information is ``tuned**2 / variance``. ``reach_of`` the other way round, by bisection."""
    needs = 2 * math.log(1 / risk)
    low, high = 0.0, _MOST_LOG
    for _ in range(_STEPS):
        middle = (low + high) / 2
        more = math.expm1(middle)
        far = math.sqrt((1 + more) * (middle + needs)) / more > reach
        low, high = (middle, high) if far else (low, middle)
    return math.expm1(high)
