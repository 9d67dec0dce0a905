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
from math import log1p
from operator import add, mul
from typing import NamedTuple

from gaesup_tui.domain.judging.dispersion import Dispersion, Prior, believe, observe
from gaesup_tui.domain.judging.settings import MIN_GUESS

GUESSES: tuple[float, ...] = tuple(MIN_GUESS * 2.4**k for k in range(6))
"""Sizes of harm in tolerances: from one to a total outage."""
_SHARES = (1.2, 3.5, 3.5, 1.8, 0.9, 0.7)
GUESS_WEIGHTS: tuple[float, ...] = tuple(share / sum(_SHARES) for share in _SHARES)
PRUDENCE = 0.95
"""How close a bet may come to the size at which a single request could ruin it."""
RICH: float = math.exp(60.0)
"""Evidence beyond this is not more evidence."""


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
        return self.canary / self.baseline

    @property
    def expected_variance(self) -> float:
        return max(self.centre * (1 - self.centre), 1e-9)

    def score(self) -> float:
        """The two-arm score: 0 on average when the arms are alike."""
        excess = self.canary_bad - self.canary * self.centre
        return excess - self.ratio * (self.baseline_bad - self.baseline * self.centre)

    def variance(self) -> float:
        """Sum of squares around the centre, the baseline's standardised to the canary's traffic."""
        c, good = self.centre * self.centre, (1 - self.centre) * (1 - self.centre)
        own = self.canary_bad * good + (self.canary - self.canary_bad) * c
        other = self.baseline_bad * good + (self.baseline - self.baseline_bad) * c
        return own + self.ratio * self.ratio * other

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
    own = [(count, y) for count, y in zip(canary, ranks, strict=True) if count]
    other = [(count, -ratio * y) for count, y in zip(baseline, ranks, strict=True) if count]
    both = own + other
    return [count for count, _ in both], [worth for _, worth in both]


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
    stakes, products, requests, tolerance, score, variance = outcome
    phi, mass = bets.noise.phi, odds.mass
    cap, forgiven = odds.cap * phi, odds.kappa * tolerance * requests
    drifts = [forgiven * bet for bet in stakes]
    nets = [
        net if (net := product - drift) < cap else cap
        for product, drift in zip(products, drifts, strict=True)
    ]
    total, count = bets.score + score, bets.requests + requests
    return Bets(
        logs=tuple(map(add, bets.logs, map(add, nets, drifts))),
        stakes=tuple(map(add, bets.stakes, [requests * bet for bet in stakes])),
        drifts=tuple(map(add, bets.drifts, drifts)),
        late=tuple(restarted(bets.late, mass, nets, phi)),
        since=tuple(
            [
                odds.tick if old < mass else since
                for old, since in zip(bets.late, bets.since, strict=True)
            ]
        ),
        score=total,
        requests=count,
        noise=observe(bets.noise, score, requests, variance, total / max(count, 1.0)),
    )


def spread_out(distinct: list[float], bets: list[float]) -> list[float]:
    """One product per bet; the largest bets are often all at the limit."""
    return distinct + distinct[-1:] * (len(bets) - len(distinct))


def distinct_bets(bets: list[float]) -> list[float]:
    """The rising bets up to the first at the limit."""
    return bets[: bets.index(bets[-1]) + 1]


def restarted(late: Sequence[float], mass: float, nets: list[float], phi: float) -> list[float]:
    """Fortunes after one tick; a fresh bet joins each before it. ``nets`` are logs."""
    return [
        fortune if (fortune := (old + mass) * math.exp(net / phi)) < RICH else RICH
        for old, net in zip(late, nets, strict=True)
    ]


def from_start(bets: Bets) -> float:
    """Fortune of the bets on harm since the first tick."""
    phi = bets.noise.phi
    exponents = [(log - drift) / phi for log, drift in zip(bets.logs, bets.drifts, strict=True)]
    return mixture(GUESS_WEIGHTS, exponents)


def from_later(bets: Bets) -> float:
    """Fortune of the bets on harm that began later."""
    return sum([weight * late for weight, late in zip(GUESS_WEIGHTS, bets.late, strict=True)])


def onset(bets: Bets, pi0: float) -> int:
    """The likely tick at which harm began; 0 is the start."""
    late = [weight * fortune for weight, fortune in zip(GUESS_WEIGHTS, bets.late, strict=True)]
    if pi0 * from_start(bets) >= sum(late):
        return 0
    return bets.since[late.index(max(late))]


def mixture(shares: Sequence[float], exponents: list[float]) -> float:
    """Mean fortune, from its logs. What is lost for good is not worked out, what is rich enough is
    not counted further: a fortune is never infinite."""
    return sum(
        [
            share * (math.exp(x) if x < 60.0 else RICH)
            for share, x in zip(shares, exponents, strict=True)
            if x > -40.0
        ]
    )
