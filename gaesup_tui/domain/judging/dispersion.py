"""Over-dispersion: how much more scores vary than independent requests would.

Retries, pauses and sessions make requests come in clumps. ``phi`` of 1 or more is the variance of
the two-arm score relative to independent requests; every exponent of the evidence is divided by
it. It is estimated from residuals in blocks of 1, 3 and 12 ticks; the longest memory wins, but
longer blocks must be convincing, since there are few of them.
"""

from __future__ import annotations

import math
from typing import NamedTuple

SCALES = (1, 3, 12)
PRIOR_TICKS = 18.0
GATE = 0.7
PHI_CAP = 60.0
PHI_PRIOR_CAP = 8.0
"""A noisy history may warn the judge, not silence it."""


class Prior(NamedTuple):
    """What is believed before the first tick."""

    phi: float = 1.0
    long_run: float = 1.0
    """Excess of long-run variance over that of single ticks."""


class Dispersion(NamedTuple):
    """The estimate and what it is made of."""

    prior: Prior
    phi: float
    estimates: tuple[float, float, float]
    blocks: tuple[tuple[float, float, float, int], ...]
    """Per scale, the block being filled: score, canary requests, variance, ticks."""
    sums: tuple[tuple[float, float, int], ...]
    """Per scale, over full blocks: squared residuals, variances, number."""


def believe(prior: Prior) -> Dispersion:
    first = 1 + (prior.phi - 1) * prior.long_run
    return Dispersion(
        prior=prior,
        phi=first,
        estimates=(max(prior.phi, first), prior.phi, prior.phi),
        blocks=((0.0, 0.0, 0.0, 0),) * len(SCALES),
        sums=((0.0, 0.0, 0),) * len(SCALES),
    )


def observe(
    noise: Dispersion, score: float, requests: float, variance: float, excess: float
) -> Dispersion:
    """One tick: the two-arm score, canary requests, the variance independent requests would have
    given, and the mean score per canary request so far."""
    prior, phi, estimates, blocks, sums = noise
    new_blocks, new_sums, new_estimates = [], [], []
    clip = 25.0 * phi
    for k in (0, 1, 2):
        block, total, scale = blocks[k], sums[k], SCALES[k]
        b_score, b_requests = block[0] + score, block[1] + requests
        b_variance, filled = block[2] + variance, block[3] + 1
        if filled < scale:
            new_blocks.append((b_score, b_requests, b_variance, filled))
            new_sums.append(total)
            new_estimates.append(estimates[k])
            continue
        residual = b_score - b_requests * excess
        squares = min(residual * residual, clip * b_variance)
        total = (total[0] + squares, total[1] + b_variance, total[2] + (b_variance > 0))
        new_blocks.append((0.0, 0.0, 0.0, 0))
        new_sums.append(total)
        new_estimates.append(_estimate(scale, total, prior))
    a, b, c = new_estimates
    phi = min(max(1.0, a, b, c), PHI_CAP)
    return Dispersion(prior, phi, (a, b, c), tuple(new_blocks), tuple(new_sums))


def _estimate(scale: int, total: tuple[float, float, int], prior: Prior) -> float:
    squares, variance, number = total
    blocks = max(number - 1, 0)
    raw = squares / variance if variance > 0 else prior.phi
    if scale > 1:
        raw *= max(0.0, 1 - GATE * math.sqrt(2 / max(blocks, 1)))
    belief = max(1.0, PRIOR_TICKS / scale)
    estimate = (belief * prior.phi + blocks * raw) / (belief + blocks)
    if scale == 1:
        return max(estimate, 1 + (estimate - 1) * prior.long_run)
    return estimate


def at_least(noise: Dispersion, phi: float) -> Dispersion:
    """The same with ``phi`` raised, for noise known from another score."""
    return noise if phi <= noise.phi else noise._replace(phi=min(phi, PHI_CAP))
