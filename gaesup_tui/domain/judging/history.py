"""What half an hour of the baseline before the start teaches: how clumped its requests are.

A trend of degree five is taken out (the day), isolated bursts are clipped (they hit both arms
alike); what is left is compared with the variance independent requests would have.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from operator import mul
from statistics import median

from gaesup_tui.domain.judging.dispersion import PHI_PRIOR_CAP, Prior
from gaesup_tui.domain.judging.feed import Arm
from gaesup_tui.domain.judging.law import LatencyScores

_DEGREE = 5
MIN_TICKS = 36
"""Fewer ticks tell centres, not clumps."""
_MIN_EVENTS = 5

UNKNOWN_ERRORS = Prior(phi=2.0)
UNKNOWN_LATENCY = Prior(phi=1.3, long_run=8.0)
"""Beliefs without a history: what looks like clumps is taken to last, until seen otherwise."""


def ratio_prior(requests: Sequence[int], bad: Sequence[int], independent: bool) -> Prior:
    """Prior of a two-valued score from its counts per tick. ``independent``: too few bad requests
    to tell means independent ones."""
    if independent and sum(bad) <= _MIN_EVENTS:
        return Prior()
    sizes = [max(count, 1) for count in requests]
    centre = sum(bad) / max(sum(requests), 1)
    means = [count / size for count, size in zip(bad, sizes, strict=True)]
    return _prior(means, sizes, centre * (1 - centre), two_valued=True)


def rank_prior(history: Sequence[Arm], scores: LatencyScores) -> Prior:
    """Prior of the latency rank."""
    sizes = [max(arm.requests, 1) for arm in history]
    means = [
        sum(map(mul, arm.latency or (), scores.ranks)) / size
        for arm, size in zip(history, sizes, strict=True)
    ]
    return _prior(means, sizes, scores.rank_variance, two_valued=False)


def tail_prior(history: Sequence[Arm], bound: int) -> Prior:
    """Prior of "slower than the bound of this index"."""
    slower = [sum((arm.latency or ())[bound + 1 :]) for arm in history]
    return ratio_prior([arm.requests for arm in history], slower, independent=False)


def _prior(means: list[float], sizes: list[int], variance: float, two_valued: bool) -> Prior:
    """Prior from the mean score per tick and the variance of one request."""
    count = len(means)
    means = _clip_bursts(means, sizes, variance)
    if two_valued:
        centre = min(max(sum(means) / count, 1e-9), 1 - 1e-9)
        variance = centre * (1 - centre)
    freedom = math.sqrt(count / (count - _DEGREE - 1))
    residuals = [
        rest / math.sqrt(max(variance / size, 1e-300)) * freedom
        for rest, size in zip(_without_trend(means), sizes, strict=True)
    ]
    squares = sorted(z * z for z in residuals)
    usual = 1.6 * sum(squares[: int(0.9 * count)]) / int(0.9 * count)
    limit = 3.5 * math.sqrt(max(1.0, usual))
    return _from_lags([min(max(z, -limit), limit) for z in residuals])


def _clip_bursts(means: list[float], sizes: list[int], variance: float) -> list[float]:
    middle = median(means)
    usual = 1.4826 * median(abs(mean - middle) for mean in means) + 1e-12
    clipped = []
    for mean, size in zip(means, sizes, strict=True):
        reach = 5 * max(usual, math.sqrt(variance / size))
        clipped.append(min(max(mean, middle - reach), middle + reach))
    return clipped


def _from_lags(z: list[float]) -> Prior:
    """Single-tick excess, and the long-run one as of an AR(1) process plus white noise."""
    count = len(z)
    now = sum(map(mul, z, z)) / count
    next_one = sum(map(mul, z[1:], z)) / (count - 1) - now / math.sqrt(count)
    second = max(sum(map(mul, z[2:], z)) / (count - 2), 0.0)
    phi = max(now * (1 - math.sqrt(2 / count)), 1.0)
    memory = min(second / next_one, 0.9) if next_one > 0 else 0.0
    long_run = phi + 2 * max(next_one, 0.0) / (1 - memory)
    times = (long_run - 1) / max(phi - 1, 0.15) if phi > 1.15 else 1.0
    return Prior(min(phi, PHI_PRIOR_CAP), min(max(times, 1.0), 20.0))


def _without_trend(values: list[float]) -> list[float]:
    """What is left after the best polynomial of degree five in time."""
    count = len(values)
    times = [2 * i / (count - 1) - 1 for i in range(count)]
    basis: list[list[float]] = []
    for degree in range(_DEGREE + 1):
        vector = [t**degree for t in times]
        for known in (*basis, *basis):  # twice: once leaves rounding behind
            vector = _minus(vector, known)
        length = math.sqrt(sum(map(mul, vector, vector)))
        basis.append([x / length for x in vector])
    for known in basis:
        values = _minus(values, known)
    return values


def _minus(vector: list[float], unit: list[float]) -> list[float]:
    along = sum(map(mul, vector, unit))
    return [x - along * u for x, u in zip(vector, unit, strict=True)]
