"""Over-dispersion: how much more scores vary than independent requests would.

Retries, pauses and sessions make requests come in clumps. ``phi`` of 1 or more is the variance of
the two-arm score relative to independent requests; every exponent of the evidence is divided by
it. It is estimated from residuals in blocks of 1, 3 and 12 ticks; the longest memory wins, but
longer blocks must be convincing, since there are few of them.
"""

from __future__ import annotations

import math
from typing import NamedTuple

_SHORT, _LONG = 3, 12
_PARTS: int = _LONG // _SHORT
PRIOR_TICKS = 18.0
GATE = 0.7
PHI_CAP = 400.0
PHI_PRIOR_CAP = 24.0
"""A noisy history may warn the judge, not silence it."""


class Prior(NamedTuple):
    """What is believed before the first tick."""

    phi: float = 1.0
    long_run: float = 1.0
    """Excess of long-run variance over that of single ticks."""


Block = tuple[float, float, float, int]
"""Score, canary requests, variance, and how many parts it has."""
Total = tuple[float, float, int]
"""Over full blocks of one length: squared residuals, variances, number."""
_EMPTY: Block = (0.0, 0.0, 0.0, 0)


class Dispersion(NamedTuple):
    """The estimate and what it is made of."""

    prior: Prior
    phi: float
    estimates: tuple[float, float, float]
    blocks: tuple[Block, Block]
    """The blocks of 3 ticks and of 4 times 3 being filled."""
    sums: tuple[Total, Total, Total]


def believe(prior: Prior) -> Dispersion:
    """What is taken for the noise before any was seen: what history says."""
    first = 1 + (prior.phi - 1) * prior.long_run
    return Dispersion(
        prior=prior,
        phi=first,
        estimates=(max(prior.phi, first), prior.phi, prior.phi),
        blocks=(_EMPTY, _EMPTY),
        sums=((0.0, 0.0, 0),) * 3,
    )


def observe(
    noise: Dispersion, score: float, requests: float, variance: float, excess: float
) -> Dispersion:
    """One tick: the two-arm score, canary requests, the variance independent requests would have
    given, and the mean score per canary request so far."""
    prior, phi, (one, three, twelve), (short_block, long_block), (first, short, long_) = noise
    clip = 25.0 * phi
    first = _close(first, score, requests, variance, excess, clip)
    one = _single(first, prior)
    short_block = _add(short_block, score, requests, variance)
    if short_block[3] == _SHORT:
        score, requests, variance, _ = short_block
        short = _close(short, score, requests, variance, excess, clip)
        three = _estimate(_SHORT, short, prior)
        short_block, long_block = _EMPTY, _add(long_block, score, requests, variance)
    if long_block[3] == _PARTS:
        score, requests, variance, _ = long_block
        long_ = _close(long_, score, requests, variance, excess, clip)
        twelve = _estimate(_LONG, long_, prior)
        long_block = _EMPTY
    phi = max(1.0, one, three, twelve)
    phi = phi if phi < PHI_CAP else PHI_CAP
    return Dispersion(
        prior, phi, (one, three, twelve), (short_block, long_block), (first, short, long_)
    )


def _add(block: Block, score: float, requests: float, variance: float) -> Block:
    return block[0] + score, block[1] + requests, block[2] + variance, block[3] + 1


def _close(
    total: Total, score: float, requests: float, variance: float, excess: float, clip: float
) -> Total:
    """The sums with one more block; an outlier counts as five standard deviations."""
    squares, variances, number = total
    residual, most = score - requests * excess, clip * variance
    square = residual * residual
    square = square if square < most else most
    return squares + square, variances + variance, number + (variance > 0)


def _single(total: Total, prior: Prior) -> float:
    """The estimate from single ticks."""
    (squares, variance, number), (estimate, long_run) = total, prior
    if variance > 0:
        seen = number - 1
        estimate = (PRIOR_TICKS * estimate + seen * squares / variance) / (PRIOR_TICKS + seen)
    lasting = 1 + (estimate - 1) * long_run
    return estimate if estimate > lasting else lasting


def _estimate(scale: int, total: Total, prior: Prior) -> float:
    """The estimate from longer blocks, of which there must be enough to convince."""
    squares, variance, number = total
    blocks = max(number - 1, 0)
    raw = squares / variance if variance > 0 else prior.phi
    raw *= max(0.0, 1 - GATE * math.sqrt(2 / max(blocks, 1)))
    belief = PRIOR_TICKS / scale
    return (belief * prior.phi + blocks * raw) / (belief + blocks)


def at_least(noise: Dispersion, phi: float) -> Dispersion:
    """The same with ``phi`` raised, for noise known from another score."""
    return noise if phi <= noise.phi else noise._replace(phi=min(phi, PHI_CAP))
