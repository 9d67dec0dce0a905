"""Bets against "the canary is not worse than the baseline", one score at a time.

A score is 0 to 1 per request, larger is worse. In one tick with n_c canary and n_b baseline
requests, r = n_c / n_b, and a bet lam fixed before the tick, the product

    prod over canary (1 + lam (x - c)) * prod over baseline (1 - r lam (x - c))

has a mean of at most exp(n_c lam d), d = mean difference in THIS tick, whatever both arms share.
So its log minus n_c lam d0 is a fair bet against "d <= d0", and stays one however often somebody
looks. Six bets, one per guess of the size of the harm, are averaged.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import compress
from math import exp, log1p
from operator import mul
from typing import NamedTuple

from gaesup_tui.domain.judging.dispersion import Dispersion, Prior, believe, observe
from gaesup_tui.domain.judging.settings import MIN_GUESS

GUESSES: tuple[float, ...] = tuple(MIN_GUESS * 2.4**k for k in range(6))
"""Sizes of harm in tolerances: from one to a total outage."""
_SHARES = (1.2, 3.5, 3.5, 1.8, 0.9, 0.7)
GUESS_WEIGHTS: tuple[float, ...] = tuple(share / sum(_SHARES) for share in _SHARES)
PRUDENCE = 0.95
"""How close a bet may come to the size at which a single request could ruin it."""
RICHEST, LOST = 60.0, -40.0
"""Logs of fortunes: beyond the first, evidence is not more evidence; below the second, none."""
RICH: float = math.exp(RICHEST)


class Sample(NamedTuple):
    """One two-valued score in one tick: what happened, and what the past expected."""

    canary: float
    canary_bad: float
    baseline: float
    baseline_bad: float
    centre: float
    tolerance: float
    """Tolerated excess, in units of the score."""

    @property
    def ratio(self) -> float:
        """Canary requests to a request of the baseline."""
        return self.canary / self.baseline

    @property
    def expected_variance(self) -> float:
        """Of one request with the expected share of bad ones; never 0."""
        return max(self.centre * (1 - self.centre), 1e-9)

    def moments(self) -> tuple[float, float]:
        """The two-arm score, 0 on average when the arms are alike; and the sum of squares around
        the centre, the baseline's standardised to the canary's traffic."""
        canary, bad, baseline, base_bad, centre, _ = self
        ratio, good, c = canary / baseline, (1 - centre) * (1 - centre), centre * centre
        own = bad * good + (canary - bad) * c
        other = base_bad * good + (baseline - base_bad) * c
        score = bad - canary * centre - ratio * (base_bad - baseline * centre)
        return score, own + ratio * ratio * other

    def log_products(self, bets: list[float]) -> list[float]:
        """Logs of the product above; each bet within what one request can ruin."""
        c, ratio = self.centre, self.ratio
        good, other = 1 - c, ratio * c
        other_good, bad, base_bad = ratio * good, self.canary_bad, self.baseline_bad
        well, base_well = self.canary - bad, self.baseline - base_bad
        return [
            bad * log1p(bet * good)
            + well * log1p(-bet * c)
            + base_bad * log1p(-bet * other_good)
            + base_well * log1p(bet * other)
            for bet in bets
        ]


class Bets(NamedTuple):
    """The fortunes of the six bets on harm in one score."""

    logs: tuple[float, ...]
    """Log products since the start."""
    stakes: tuple[float, ...]
    """Sum of n_c lam: what an excess of 1 would be worth."""
    drifts: tuple[float, ...]
    """What an excess of kappa tolerances would explain."""
    late: tuple[float, ...]
    """Fortunes of the mixtures over later onsets, discounted for over-dispersion as they grow."""
    since: tuple[int, ...]
    """The tick at which the leading late bet entered."""
    score: float
    requests: float
    noise: Dispersion


class Odds(NamedTuple):
    """What one tick needs to know besides its counts."""

    tick: int
    mass: float
    """Share of the money on an onset at this tick."""
    cap: float
    """Log evidence one tick may bring: one bad scrape cannot abort."""
    kappa: float


def open_bets(prior: Prior) -> Bets:
    """No evidence yet, and the noise that history expects."""
    none = (0.0,) * len(GUESSES)
    return Bets(none, none, none, none, (0,) * len(GUESSES), 0.0, 0.0, believe(prior))


def bet_limit(ratio: float, centre: float) -> float:
    """The largest bet on harm that no single request can ruin."""
    return PRUDENCE / max(ratio * (1 - centre), centre, 1e-12)


def harm_bets(
    ratio: float, centre: float, variance: float, tolerance: float, kappa: float
) -> list[float]:
    """For each guess the bet under which the fortune would grow about fastest."""
    limit, forgiven = bet_limit(ratio, centre), kappa * tolerance
    spread, slope = (variance + forgiven) * (1 + ratio), ratio * tolerance
    bets = []
    for guess in GUESSES:
        bet = (guess * tolerance - forgiven) / (spread + guess * slope)
        bets.append(bet if bet < limit else limit)
    return bets


def signed_ranks(
    canary: Sequence[int], baseline: Sequence[int], ranks: list[float], ratio: float
) -> tuple[list[int], list[float]]:
    """Counts and what each of them is worth: the canary's rank, or minus r times the baseline's.
    Buckets without requests are left out."""
    worths = list(compress(ranks, canary))
    worths += [-ratio * y for y in compress(ranks, baseline)]
    return [*filter(None, canary), *filter(None, baseline)], worths


def rank_products(counts: list[int], worths: list[float], bets: list[float]) -> list[float]:
    """The log products of the latency rank."""
    return [sum(map(mul, counts, [log1p(bet * worth) for worth in worths])) for bet in bets]


class Outcome(NamedTuple):
    """What one tick made of one score."""

    stakes: list[float]
    """The bets that were placed before it."""
    products: list[float]
    """Their log products."""
    requests: float
    tolerance: float
    score: float
    variance: float


def settle(bets: Bets, outcome: Outcome, odds: Odds) -> Bets:
    """The fortunes and the noise estimate after one tick."""
    placed, products, requests, tolerance, score, variance = outcome
    noise, mass, tick = bets.noise, odds.mass, odds.tick
    phi, cap, forgiven = noise.phi, odds.cap * noise.phi, odds.kappa * tolerance * requests
    rows = []
    # One pass, and ``restarted`` written out: this is done for every score at every tick.
    for log, staked, drift, old, since, bet, product in zip(
        bets.logs, bets.stakes, bets.drifts, bets.late, bets.since, placed, products, strict=True
    ):
        explained = forgiven * bet
        net = product - explained
        if net > cap:
            net = cap
        late = (old + mass) * exp(net / phi)
        rows.append(
            (
                log + (net + explained),
                staked + requests * bet,
                drift + explained,
                late if late < RICH else RICH,
                tick if old < mass else since,
            )
        )
    total, count = bets.score + score, bets.requests + requests
    noise = observe(noise, score, requests, variance, total / max(count, 1.0))
    logs, stakes, drifts, lates, sinces = zip(*rows, strict=True)
    return Bets(logs, stakes, drifts, lates, sinces, total, count, noise)


def spread_out(distinct: list[float], bets: list[float]) -> list[float]:
    """One product per bet; the largest bets are often all at the limit."""
    return distinct + distinct[-1:] * (len(bets) - len(distinct))


def distinct_bets(bets: list[float]) -> list[float]:
    """The rising bets up to the first at the limit."""
    return bets[: bets.index(bets[-1]) + 1]


def restarted(late: Sequence[float], mass: float, nets: list[float], phi: float) -> list[float]:
    """Fortunes after one tick; a fresh bet joins each before it. ``nets`` are logs."""
    return [
        fortune if (fortune := (old + mass) * exp(net / phi)) < RICH else RICH
        for old, net in zip(late, nets, strict=True)
    ]


def fortunes(bets: Bets) -> tuple[float, float]:
    """Of the bets on harm since the first tick, and of those on harm that began later."""
    phi, from_start, from_later = bets.noise.phi, 0.0, 0.0
    for share, log, drift, late in zip(
        GUESS_WEIGHTS, bets.logs, bets.drifts, bets.late, strict=True
    ):
        from_later += share * late
        x = (log - drift) / phi
        if x > LOST:
            from_start += share * (exp(x) if x < RICHEST else RICH)
    return from_start, from_later


def onset(bets: Bets, pi0: float) -> int:
    """The likely tick at which harm began; 0 is the start."""
    from_start, from_later = fortunes(bets)
    if pi0 * from_start >= from_later:
        return 0
    late = [weight * fortune for weight, fortune in zip(GUESS_WEIGHTS, bets.late, strict=True)]
    return bets.since[late.index(max(late))]


def mixture(shares: Sequence[float], exponents: list[float]) -> float:
    """Mean fortune, from its logs. What is lost for good is not worked out, what is rich enough is
    not counted further: a fortune is never infinite."""
    return sum(
        [
            share * (exp(x) if x < RICHEST else RICH)
            for share, x in zip(shares, exponents, strict=True)
            if x > LOST
        ]
    )
