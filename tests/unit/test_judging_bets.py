"""The mathematics: fair bets stay fair, whatever both arms share."""

from __future__ import annotations

import math
import random

import pytest

from gaesup_tui.domain.judging.bets import (
    GUESS_WEIGHTS,
    RICH,
    Odds,
    Sample,
    bet_limit,
    harm_bets,
    rank_products,
    restarted,
    signed_ranks,
)
from gaesup_tui.domain.judging.onsets import FROM_START, mass, unspent
from gaesup_tui.domain.judging.safety import safety_bets
from gaesup_tui.domain.judging.settings import Start, check_start
from gaesup_tui.domain.judging.traffic import open_traffic, settle_traffic


def binomial(n: int, p: float) -> list[float]:
    return [math.comb(n, k) * p**k * (1 - p) ** (n - k) for k in range(n + 1)]


def mean_product(n_c: int, p_c: float, n_b: int, p_b: float, centre: float, bet: float) -> float:
    """Exact mean of the product over all outcomes of two binomial arms."""
    return sum(
        own * other * math.exp(Sample(n_c, a, n_b, b, centre, 0.01).log_products([bet])[0])
        for a, own in enumerate(binomial(n_c, p_c))
        for b, other in enumerate(binomial(n_b, p_b))
    )


def test_the_product_is_an_e_value_for_every_baseline_and_centre() -> None:
    rng = random.Random(0)
    for _ in range(300):
        n_c, n_b = rng.randint(1, 10), rng.randint(1, 24)
        p_c, p_b, centre = rng.random(), rng.random(), rng.uniform(0, 0.9)
        ratio = n_c / n_b
        low = -0.95 / max(1 - centre, ratio * centre)
        bet = rng.uniform(low, bet_limit(ratio, centre))
        fair = math.exp(n_c * bet * (p_c - p_b))
        assert mean_product(n_c, p_c, n_b, p_b, centre, bet) <= fair * (1 + 1e-9)


def test_bets_that_are_placed_stay_within_what_one_request_can_ruin() -> None:
    rng = random.Random(1)
    for _ in range(300):
        n_c, n_b, centre = rng.randint(1, 50), rng.randint(1, 50), rng.uniform(0, 0.99)
        tolerance = 10 ** rng.uniform(-5, 0)
        sample = Sample(n_c, n_c, n_b, 0, centre, tolerance)
        placed = harm_bets(
            sample.ratio, centre, sample.expected_variance, tolerance, kappa=0.2
        ) + safety_bets(sample)
        for worst in (sample, Sample(n_c, 0, n_b, n_b, centre, tolerance)):
            assert all(map(math.isfinite, worst.log_products(placed)))


def test_rare_errors_reduce_to_the_canarys_share_of_the_errors() -> None:
    n_c, n_b, e_c, e_b, times = 40, 360, 5, 9, 3.0
    ratio = n_c / n_b
    bet = (times - 1) / (1 + ratio * times)
    worse = times * n_c / (times * n_c + n_b)
    alike = n_c / (n_c + n_b)
    ours = e_c * math.log1p(bet) + e_b * math.log1p(-ratio * bet)
    known = e_c * math.log(worse / alike) + e_b * math.log((1 - worse) / (1 - alike))
    assert ours == pytest.approx(known)


def test_the_rank_product_of_two_buckets_is_the_product_of_a_two_valued_score() -> None:
    sample = Sample(20, 7, 60, 11, 0.5, 0.1)
    bets = [0.1, 0.4]
    counts, worths = signed_ranks((13, 7), (49, 11), [-0.5, 0.5], sample.ratio)
    ranked = rank_products(counts, worths, bets)
    assert sum(n * w for n, w in zip(counts, worths, strict=True)) == pytest.approx(
        sample.moments()[0]
    )
    assert ranked == pytest.approx(sample.log_products(bets))


def test_the_traffic_bet_is_an_e_value_at_every_tolerated_share() -> None:
    weight, tolerance, both = 0.2, 0.25, 30
    odds = Odds(tick=0, mass=1e-4, cap=1e9, kappa=0.2)
    null = 1 - odds.kappa * tolerance
    for rho in (null, 1.0, 1.3):
        share = weight * rho / (1 - weight + weight * rho)
        mean = [0.0] * len(open_traffic(tolerance, 0.2).logs)
        for canary, chance in enumerate(binomial(both, share)):
            bets = settle_traffic(
                open_traffic(tolerance, 0.2), weight, canary, both - canary, tolerance, odds
            )
            mean = [m + chance * math.exp(log) for m, log in zip(mean, bets.logs, strict=True)]
        assert max(mean) <= 1 + 1e-9


def test_the_money_on_onsets_sums_to_one_for_ever() -> None:
    planned = 40
    for ticks in (0, 1, 39, 40, 41, 500):
        spent = sum(mass(tick, planned) for tick in range(ticks))
        assert FROM_START + spent + unspent(ticks, planned) == pytest.approx(1.0)


def test_a_fresh_bet_joins_a_fortune_that_is_lost() -> None:
    nets = [0.0, 2 * math.log(2.0), -1600.0]
    assert restarted([0.0, 3.0, 5.0], 0.01, nets, 2.0) == pytest.approx([0.01, 6.02, 0.0])
    assert restarted([1e30], 0.01, [4.0], 1.0) == [RICH]
    assert sum(GUESS_WEIGHTS) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"tick_s": 0.0}, "tick"),
        ({"max_duration_s": float("nan")}, "finite"),
        ({"alpha_abort": 1.0}, "alpha_abort"),
        ({"kappa": 1.0}, "kappa"),
        ({"bounds_s": (0.1, 0.1, 0.2)}, "buckets"),
        ({"warmup_s": -1.0}, "negative"),
    ],
)
def test_settings_that_cannot_be_are_named(changes: dict[str, object], word: str) -> None:
    fault = check_start(Start()._replace(**changes))  # type: ignore[arg-type]
    assert fault is not None
    assert word in fault
    assert check_start(Start()) is None
