"""Traffic that does not come back: the canary gets fewer requests than its weight promises.

Likelihood ratios of rho = observed / expected canary traffic, given both arms' requests. A canary
whose clients fail before they arrive shows no errors, only silence; this hears it.
"""

from __future__ import annotations

from math import log
from operator import add
from typing import NamedTuple

from gaesup_tui.domain.judging.bets import Odds, mixture, restarted
from gaesup_tui.domain.judging.dispersion import Dispersion, Prior, believe, observe

HARM = (0.01, 0.1, 0.3, 0.5, 0.65, 0.8)
"""Shares of the expected traffic that are bet on."""
_SAFE = (0.3, 0.6, 1.0, 1.4)
"""Where between the tolerated drop (0) and the plan (1) the bets on safety lie."""
STICKY = Prior(phi=8.0)
"""The split is stickier than independent requests: sessions stay in their arm."""


class TrafficBets(NamedTuple):
    """Fortunes of the bets on lost and on kept traffic."""

    logs: tuple[float, ...]
    late: tuple[float, ...]
    since: tuple[int, ...]
    safe: tuple[float, ...]
    seen: float
    expected: float
    variance: float
    noise: Dispersion


def open_traffic(tolerance: float, kappa: float) -> TrafficBets:
    count = len(_harm(tolerance, kappa))
    return TrafficBets(
        logs=(0.0,) * count,
        late=(0.0,) * count,
        since=(0,) * count,
        safe=(0.0,) * len(_SAFE),
        seen=0.0,
        expected=0.0,
        variance=0.0,
        noise=believe(STICKY),
    )


def _harm(tolerance: float, kappa: float) -> list[float]:
    """A tolerance so wide that every guess is tolerated leaves the bet on silence."""
    return [rho for rho in HARM if rho < 1 - kappa * tolerance] or [HARM[0]]


def settle_traffic(
    bets: TrafficBets,
    weight: float,
    canary: int,
    baseline: int,
    tolerance: float,
    odds: Odds,
) -> TrafficBets:
    """One tick in which the weight did not change."""
    both, rest = canary + baseline, 1 - weight

    def log_likelihood(rho: float) -> float:
        return canary * log(rho) - both * log(rest + weight * rho)

    null, edge = 1 - odds.kappa * tolerance, 1 - tolerance
    usual, tolerated = log_likelihood(null), log_likelihood(edge)
    phi, mass = bets.noise.phi, odds.mass
    cap = odds.cap * phi
    nets = [min(log_likelihood(rho) - usual, cap) for rho in _harm(tolerance, odds.kappa)]
    since = bets.since
    if min(bets.late) < mass:
        began = zip(bets.late, since, strict=True)
        since = tuple([odds.tick if old < mass else before for old, before in began])
    safe = [
        before + log_likelihood(edge + (1 - edge) * step) - tolerated
        for before, step in zip(bets.safe, _SAFE, strict=True)
    ]
    per_baseline = weight / (1 - weight)
    expected = baseline * per_baseline
    seen_all, expected_all = bets.seen + canary, bets.expected + expected
    variance = canary + expected * per_baseline
    noise = observe(
        bets.noise,
        canary - expected,
        expected,
        variance,
        seen_all / max(expected_all, 1e-9) - 1,
    )
    return TrafficBets(
        tuple(map(add, bets.logs, nets)),
        tuple(restarted(bets.late, mass, nets, phi)),
        since,
        tuple(safe),
        seen_all,
        expected_all,
        bets.variance + variance,
        noise,
    )


def from_start(bets: TrafficBets) -> float:
    phi = bets.noise.phi
    return mixture((1 / len(bets.logs),) * len(bets.logs), [log / phi for log in bets.logs])


def from_later(bets: TrafficBets) -> float:
    return sum(bets.late) / len(bets.late)


def certainty(bets: TrafficBets) -> float:
    """E-value against "traffic lower by the tolerance or more"."""
    phi = bets.noise.phi
    return mixture((1 / len(bets.safe),) * len(bets.safe), [log / phi for log in bets.safe])


def onset(bets: TrafficBets, pi0: float) -> int:
    """The likely tick at which the traffic fell; 0 is the start."""
    if pi0 * from_start(bets) >= from_later(bets):
        return 0
    return bets.since[bets.late.index(max(bets.late))]
