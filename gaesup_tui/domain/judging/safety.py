"""Bets the other way: against "worse by the tolerance or more". Won, they allow a promotion.

Errors and conversion use their scores. For latency, canary requests slower than the p95 bound
times (1 + tolerance) are set against baseline requests slower than the bound itself: that shift
already is the tolerance.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, log1p
from operator import add
from typing import NamedTuple

from gaesup_tui.domain.judging.bets import LOST, PRUDENCE, RICH, RICHEST, Bets, Sample
from gaesup_tui.domain.judging.dispersion import Dispersion, Prior, believe, observe
from gaesup_tui.domain.judging.law import LatencyScores, Ruler, survival_at

FRACTIONS = (0.15, 0.3, 0.5, 0.75, 1.0, 1.4, 2.0, 3.0)
"""Bets as fractions of the one that would grow fastest if the arms were alike."""
EVEN: tuple[float, ...] = (1 / len(FRACTIONS),) * len(FRACTIONS)


class SafetyBets(NamedTuple):
    """The fortunes of the eight bets on "not worse by the tolerance" in one score."""

    logs: tuple[float, ...]
    stakes: tuple[float, ...]
    """Sum of n_c lam; negative, since these are bets on the canary."""
    drifts: tuple[float, ...]
    score: float
    requests: float
    noise: Dispersion


def open_safety(prior: Prior) -> SafetyBets:
    """No evidence yet, and the noise that history expects."""
    none = (0.0,) * len(FRACTIONS)
    return SafetyBets(none, none, none, 0.0, 0.0, believe(prior))


def safety_bets(sample: Sample) -> list[float]:
    """The bets of one tick on "not worse", one a fraction; no single request can ruin one."""
    ratio, centre = sample.ratio, sample.centre
    best = sample.tolerance / (sample.expected_variance * (1 + ratio))
    limit = PRUDENCE / max(1 - centre, ratio * centre, 1e-12)
    return [-bet if (bet := fraction * best) < limit else -limit for fraction in FRACTIONS]


def settle_ratio(safety: SafetyBets, sample: Sample, harm: Bets) -> SafetyBets:
    """One tick of a two-valued score; its noise is that of the bets on harm, already settled."""
    bets = safety_bets(sample)
    products = sample.log_products(bets)
    paid = _paid(safety, bets, products, sample.canary, sample.tolerance)
    return SafetyBets(*paid, harm.score, harm.requests, harm.noise)


def settle_tail(
    safety: SafetyBets,
    sample: Sample,
    canary: Sequence[int],
    scores: LatencyScores,
    scale: Ruler,
) -> SafetyBets:
    """One tick of the p95. ``sample`` counts requests slower than the bound itself in both arms;
    ``canary`` is its histogram."""
    above, part, share = _beyond(canary, scores, scale)
    centre, ratio, rest = sample.centre, sample.ratio, sample.canary - above - part
    bad, well = sample.baseline_bad, sample.baseline - sample.baseline_bad
    good, cut, bets = 1 - centre, share - centre, safety_bets(sample)
    products = []
    for bet in bets:
        other = ratio * bet
        products.append(
            above * log1p(bet * good)
            + part * log1p(bet * cut)
            + rest * log1p(-bet * centre)
            + bad * log1p(-other * good)
            + well * log1p(other * centre)
        )
    score = (above + part * share - sample.canary * centre) - ratio * (
        bad - sample.baseline * centre
    )
    spread = above * good**2 + part * cut**2 + rest * centre**2
    variance = spread + ratio**2 * (bad * good**2 + well * centre**2)
    total, count = safety.score + score, safety.requests + sample.canary
    noise = observe(safety.noise, score, sample.canary, variance, total / max(count, 1.0))
    paid = _paid(safety, bets, products, sample.canary, 0.0)
    return SafetyBets(*paid, total, count, noise)


def _beyond(
    canary: Sequence[int], scores: LatencyScores, scale: Ruler
) -> tuple[float, float, float]:
    """Canary requests surely beyond the shifted bound, those in the bucket it cuts, and the share
    of that bucket that lies beyond."""
    bound = scores.tails[1]
    survival = scores.survival
    at, j = survival_at(survival, scale, scale.logs[bound] + scores.shift)
    if bound >= len(scale.logs) - 1:
        return float(sum(canary[bound + 1 :])), 0.0, 1.0
    a, b = survival[j], survival[j + 1]
    share = min(max((at - b) / (a - b), 0.0), 1.0) if a > b else 0.0
    return float(sum(canary[j + 2 :])), float(canary[j + 1]), share


Fortunes = tuple[float, ...]


def _paid(
    safety: SafetyBets, bets: list[float], products: list[float], requests: float, margin: float
) -> tuple[Fortunes, Fortunes, Fortunes]:
    """Logs, stakes and drifts after one tick."""
    staked = [requests * bet for bet in bets]
    drifts = safety.drifts
    if margin:
        drifts = tuple(map(add, drifts, [margin * stake for stake in staked]))
    return tuple(map(add, safety.logs, products)), tuple(map(add, safety.stakes, staked)), drifts


def certainty(safety: SafetyBets) -> float:
    """E-value against "worse by the tolerance or more"; 20 is sure at 95 %."""
    phi = safety.noise.phi
    fortunes = [
        exp(x) if x < RICHEST else RICH
        for log, drift in zip(safety.logs, safety.drifts, strict=True)
        if (x := (log - drift) / phi) > LOST
    ]
    return sum(fortunes) / len(FRACTIONS)


def exponents(safety: SafetyBets) -> list[float]:
    """Log of each bet's fortune, clumps counted."""
    phi = safety.noise.phi
    return [(log - drift) / phi for log, drift in zip(safety.logs, safety.drifts, strict=True)]
