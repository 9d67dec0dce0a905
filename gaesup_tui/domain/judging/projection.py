"""How many more requests until the bets on safety are won, were the arms alike.

The bet that is a fraction f of the best one gains f (2 - f) of what that one gains with every
request. Each goes on from where luck has brought it; what counts is their mean.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from gaesup_tui.domain.judging.safety import FRACTIONS

_STEPS = 14
_ENDLESS = 1e12


def requests_until(exponents: Sequence[float], gain: float, target: float) -> float:
    """``exponents`` are the logs of the fortunes now, ``gain`` what the best bet's grows by with
    every request, ``target`` the log of the mean fortune that is asked for. Within a hundredth."""
    if _mean(exponents, 0.0) >= target:
        return 0.0
    low, high = 0.0, target / gain
    while _mean(exponents, gain * high) < target:
        low, high = high, 2 * high
        if high > _ENDLESS:
            return math.inf
    for _ in range(_STEPS):
        middle = (low + high) / 2
        if _mean(exponents, gain * middle) < target:
            low = middle
        else:
            high = middle
    return high


def _mean(exponents: Sequence[float], grown: float) -> float:
    """Log of the mean fortune once the best bet has grown by so much."""
    later = [x + grown * f * (2 - f) for x, f in zip(exponents, FRACTIONS, strict=True)]
    most = max(later)
    return most + math.log(sum([math.exp(x - most) for x in later]) / len(later))
