"""Requests come in clumps: how that is learnt, and that it is nobody's harm."""

from __future__ import annotations

import math
import random

import pytest

from gaesup_tui.domain.judging import Arm, Tick, begin
from gaesup_tui.domain.judging.dispersion import (
    PHI_CAP,
    PHI_PRIOR_CAP,
    Dispersion,
    Prior,
    at_least,
    believe,
    observe,
)
from gaesup_tui.domain.judging.history import ratio_prior
from gaesup_tui.domain.judging.law import (
    latency_scores,
    log_quantile,
    remember,
    ruler,
    survival_at,
)
from tests.unit.judging_rig import BOUNDS_S, GOOD, START, Traffic, judge, kinds


def scores(rng: random.Random, ticks: int, spread: float, memory: float = 0.0) -> list[float]:
    """Two-arm scores of variance ``spread`` squared, each keeping ``memory`` of the one before."""
    out, last = [], 0.0
    for _ in range(ticks):
        last = memory * last + math.sqrt(1 - memory**2) * rng.gauss(0.0, spread)
        out.append(last)
    return out


def estimate(values: list[float], prior: Prior) -> Dispersion:
    noise = believe(prior)
    for value in values:
        noise = observe(noise, value, 100.0, 1.0, 0.0)
    return noise


def test_independent_requests_count_in_full() -> None:
    noise = estimate(scores(random.Random(1), 400, 1.0), Prior())
    assert 1.0 <= noise.phi < 1.4


def test_clumps_are_counted_as_what_they_are() -> None:
    noise = estimate(scores(random.Random(2), 400, 2.0), Prior())
    assert noise.phi == pytest.approx(4.0, rel=0.3)


def test_a_long_memory_counts_for_more_than_a_single_tick_shows() -> None:
    noise = estimate(scores(random.Random(3), 600, 2.0, memory=0.9), Prior())
    assert noise.phi > 10


def test_a_belief_gives_way_to_what_is_seen() -> None:
    noise = estimate(scores(random.Random(4), 400, 1.0), Prior(phi=5.0))
    assert believe(Prior(phi=5.0)).phi == 5.0
    assert noise.phi < 2.0


def test_one_outlier_counts_as_five_standard_deviations() -> None:
    values = scores(random.Random(5), 200, 1.0)
    calm = estimate(values, Prior()).estimates[0]
    values[100] = 1000.0
    assert estimate(values, Prior()).estimates[0] < calm + 0.2


def test_noise_known_from_another_score_only_raises() -> None:
    noise = believe(Prior(phi=3.0))
    assert at_least(noise, 2.0).phi == 3.0
    assert at_least(noise, 5.0).phi == 5.0
    assert at_least(noise, 1e9).phi == PHI_CAP


def test_a_history_of_retries_is_learnt_and_a_daily_trend_is_not() -> None:
    rng = random.Random(6)
    requests = [1000] * 300
    plain, clumped = [], []
    for i in range(300):
        share = 0.02 * (1 + 0.5 * math.sin(i / 100))
        plain.append(sum(rng.random() < share for _ in range(1000)))
        clumped.append(4 * sum(rng.random() < share / 4 for _ in range(1000)))
    assert ratio_prior(requests, plain, independent=True).phi < 1.4
    assert ratio_prior(requests, clumped, independent=True).phi == pytest.approx(4.0, rel=0.35)


def test_a_history_may_warn_the_judge_but_not_silence_it() -> None:
    wild = [0 if i % 2 else 500 for i in range(200)]
    assert ratio_prior([1000] * 200, wild, independent=True).phi == PHI_PRIOR_CAP
    assert ratio_prior([1000] * 200, [0] * 200, independent=True) == Prior()


def test_clumps_in_both_arms_abort_nobody() -> None:
    rng = random.Random(7)

    def arm(requests: int) -> Arm:
        errors = 6 * sum(rng.random() < 0.004 for _ in range(requests))
        plain = GOOD.arm(rng, requests)
        return plain._replace(errors=min(errors, requests))

    history = [arm(300) for _ in range(120)]
    ticks = [Tick(i, 5.0 * (i + 1), 0.25, arm(100), arm(300)) for i in range(200)]
    state, verdicts = judge(ticks, history=history)
    assert "ABORT" not in kinds(verdicts)
    assert state.harm[0].noise.phi > 2.5


def test_an_unknown_past_is_believed_to_be_noisy() -> None:
    with_past, without = begin(START, Traffic().history()), begin(START)
    assert without.harm[0].noise.phi > with_past.harm[0].noise.phi
    assert without.harm[4].noise.phi > with_past.harm[4].noise.phi


def test_the_law_forgets_by_half_in_24_ticks() -> None:
    law = remember((), [64, 0, 0])
    for _ in range(24):
        law = remember(law, [0, 0, 0])
    assert law[0] == pytest.approx(32.0)


def test_scores_of_a_law_are_ranks_around_zero_and_the_bounds_near_the_tail() -> None:
    scale = ruler((1.0, 2.0, 4.0, 8.0, 16.0))
    found = latency_scores((10.0, 40.0, 30.0, 14.0, 5.0, 1.0), scale, 0.1, 0.0)
    counts = (10, 40, 30, 14, 5, 1)
    assert sum(n * y for n, y in zip(counts, found.ranks, strict=True)) == pytest.approx(0.0)
    assert found.survival == pytest.approx([0.9, 0.5, 0.2, 0.06, 0.01])
    assert found.tails == (3, 3, 4)
    assert all(tolerance > 0 for tolerance in found.tolerances)


def test_quantiles_are_read_between_the_bounds_and_never_from_nothing() -> None:
    scale = ruler(BOUNDS_S)
    assert log_quantile([0.0] * 17, scale, 0.95) is None
    counts = [0.0] * 17
    counts[5] = 100.0
    at = log_quantile(counts, scale, 0.5)
    assert at is not None
    assert scale.logs[4] <= at <= scale.logs[5]
    counts = [0.0] * 16 + [100.0]
    assert log_quantile(counts, scale, 0.5) == scale.logs[-1]
    survival = [1.0 - i / 16 for i in range(16)]
    assert survival_at(survival, scale, scale.logs[3])[0] == pytest.approx(survival[3])
