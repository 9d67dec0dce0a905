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
    """No evidence yet."""
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
    both, rest, edge = canary + baseline, 1 - weight, 1 - tolerance
    kept = [edge + (1 - edge) * step for step in _SAFE]
    shares = (1 - odds.kappa * tolerance, edge, *kept, *_harm(tolerance, odds.kappa))
    likelihoods = [canary * log(rho) - both * log(rest + weight * rho) for rho in shares]
    usual, tolerated, split = likelihoods[0], likelihoods[1], 2 + len(kept)
    phi, mass = bets.noise.phi, odds.mass
    cap = odds.cap * phi
    nets = [net if (net := likely - usual) < cap else cap for likely in likelihoods[split:]]
    safe = [
        before + likely - tolerated
        for before, likely in zip(bets.safe, likelihoods[2:split], strict=True)
    ]
    since = bets.since
    if min(bets.late) < mass:
        began = zip(bets.late, since, strict=True)
        since = tuple([odds.tick if old < mass else before for old, before in began])
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


def fortunes(bets: TrafficBets) -> tuple[float, float]:
    """Of the bets on traffic lost from the first tick, and lost later."""
    phi, count = bets.noise.phi, len(bets.logs)
    from_start = mixture((1 / count,) * count, [each / phi for each in bets.logs])
    return from_start, sum(bets.late) / count


def certainty(bets: TrafficBets) -> float:
    """E-value against "traffic lower by the tolerance or more"."""
    phi = bets.noise.phi
    return mixture((1 / len(bets.safe),) * len(bets.safe), [each / phi for each in bets.safe])


def onset(bets: TrafficBets, pi0: float) -> int:
    """The likely tick at which the traffic fell; 0 is the start."""
    from_start, from_later = fortunes(bets)
    if pi0 * from_start >= from_later:
        return 0
    return bets.since[bets.late.index(max(bets.late))]
