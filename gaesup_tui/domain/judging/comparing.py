"""One tick of both arms, compared: every score's bets are settled and the past is made longer."""

from __future__ import annotations

from operator import add, mul
from typing import NamedTuple

from gaesup_tui.domain.judging.bets import (
    Bets,
    Odds,
    Outcome,
    Sample,
    distinct_bets,
    harm_bets,
    rank_products,
    settle,
    signed_ranks,
    spread_out,
)
from gaesup_tui.domain.judging.dispersion import at_least
from gaesup_tui.domain.judging.feed import Arm
from gaesup_tui.domain.judging.law import LatencyScores, remember
from gaesup_tui.domain.judging.safety import SafetyBets, settle_ratio, settle_tail
from gaesup_tui.domain.judging.state import Known, State

_PRIOR_REQUESTS = 200
"""Requests that half a tolerance of errors is worth believing for, before there is a past."""


def compare(state: State, canary: Arm, baseline: Arm, end_s: float, odds: Odds) -> State:
    """The state after both arms' counts of one tick; both have requests."""
    harm = list(state.harm)
    errors, conversion, tail = state.safety
    sample = error_sample(state, canary, baseline)
    harm[0] = _harm(harm[0], sample, odds)
    # Without a past the centre is a guess: an outage must be seen, safety can wait for the next.
    if state.known.requests:
        errors = settle_ratio(errors, sample, harm[0])
    paired = conversion_sample(state, canary, baseline)
    if paired is not None:
        harm[1] = _harm(harm[1], paired, odds)
        conversion = settle_ratio(conversion, paired, harm[1])
    law, timed = state.law, False
    if canary.latency is not None and baseline.latency is not None:
        own, other = sum(canary.latency), sum(baseline.latency)
        timed = end_s > state.start.warmup_s and own > 0
        if timed and law and other:
            scores = state.latency_scores()
            both = Timed(canary.latency, baseline.latency, own, other)
            harm[2:], tail = _latency(state, harm[2:], tail, scores, both, odds)
        if own + other:
            law = remember(law, list(map(add, canary.latency, baseline.latency)))
    paid = canary.conversions is not None and baseline.conversions is not None
    _, timed_s, paid_s, traffic_s = state.data_s
    return state._replace(
        known=_longer(state.known, canary, baseline),
        law=law,
        harm=tuple(harm),
        safety=(errors, conversion, tail),
        data_s=(end_s, end_s if timed else timed_s, end_s if paid else paid_s, traffic_s),
    )


def error_sample(state: State, canary: Arm, baseline: Arm) -> Sample:
    """The errors of one tick, around the ratio expected from what both arms did before."""
    known, tolerance = state.known, state.start.metrics.errors.tolerance
    prior = 0.5 * tolerance * _PRIOR_REQUESTS
    centre = (known.errors + prior) / (known.requests + _PRIOR_REQUESTS)
    return Sample(
        canary.requests, canary.errors, baseline.requests, baseline.errors, centre, tolerance
    )


def conversion_sample(state: State, canary: Arm, baseline: Arm) -> Sample | None:
    """None without counts, or without a past that says what to expect."""
    known = state.known
    if canary.conversions is None or baseline.conversions is None or not known.conversion_requests:
        return None
    usual = (known.conversions + 1) / (known.conversion_requests + 20)
    return Sample(
        canary.requests,
        canary.requests - canary.conversions,
        baseline.requests,
        baseline.requests - baseline.conversions,
        1 - usual,
        state.start.metrics.conversion.tolerance * usual,
    )


class Timed(NamedTuple):
    """The latencies of one tick, and how many they are."""

    canary: tuple[int, ...]
    baseline: tuple[int, ...]
    own: int
    other: int


def tail_samples(scores: LatencyScores, timed: Timed) -> list[Sample]:
    """Requests slower than the bounds near the p90, p95 and p99."""
    canary, baseline, own, other = timed
    return [
        Sample(own, sum(canary[tail + 1 :]), other, sum(baseline[tail + 1 :]), centre, tolerance)
        for tail, centre, tolerance in zip(
            scores.tails, scores.centres, scores.tolerances, strict=True
        )
    ]


def _harm(bets: Bets, sample: Sample, odds: Odds) -> Bets:
    stakes = harm_bets(
        sample.ratio, sample.centre, sample.expected_variance, sample.tolerance, odds.kappa
    )
    products = spread_out(sample.log_products(distinct_bets(stakes)), stakes)
    outcome = Outcome(stakes, products, sample.canary, sample.tolerance, *sample.moments())
    return settle(bets, outcome, odds)


def _latency(
    state: State,
    harm: list[Bets],
    tail: SafetyBets,
    scores: LatencyScores,
    timed: Timed,
    odds: Odds,
) -> tuple[list[Bets], SafetyBets]:
    """The rank and the three tails; noise of the whole law (pauses) moves the tails too."""
    rank = _rank(harm[0], scores, timed, odds)
    per_rank = scores.rank_tolerance**2 / scores.rank_variance
    samples = tail_samples(scores, timed)
    out = [rank]
    for bets, sample in zip(harm[1:], samples, strict=True):
        bets = _harm(bets, sample, odds)
        share = sample.tolerance**2 / sample.expected_variance / per_rank
        noise = at_least(bets.noise, 1 + (rank.noise.phi - 1) * share)
        out.append(bets if noise is bets.noise else bets._replace(noise=noise))
    tail = settle_tail(tail, samples[1], timed.canary, scores, state.scale)
    noise = at_least(tail.noise, out[2].noise.phi)
    return out, tail if noise is tail.noise else tail._replace(noise=noise)


def _rank(bets: Bets, scores: LatencyScores, timed: Timed, odds: Odds) -> Bets:
    canary, baseline, requests, other = timed
    ratio, tolerance = requests / other, scores.rank_tolerance
    stakes = harm_bets(ratio, 0.5, scores.rank_variance, tolerance, odds.kappa)
    counts, worths = signed_ranks(canary, baseline, scores.ranks, ratio)
    products = spread_out(rank_products(counts, worths, distinct_bets(stakes)), stakes)
    score = sum(map(mul, counts, worths))
    variance = sum(map(mul, counts, map(mul, worths, worths)))
    return settle(bets, Outcome(stakes, products, requests, tolerance, score, variance), odds)


def _longer(known: Known, canary: Arm, baseline: Arm) -> Known:
    requests = known.requests + canary.requests + baseline.requests
    errors = known.errors + canary.errors + baseline.errors
    paid, conversions = known.conversion_requests, known.conversions
    if canary.conversions is not None and baseline.conversions is not None:
        paid += canary.requests + baseline.requests
        conversions += canary.conversions + baseline.conversions
    return Known(requests, errors, paid, conversions)
