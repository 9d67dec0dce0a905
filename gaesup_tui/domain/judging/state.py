"""Everything the judge knows between two ticks: small, frozen, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from gaesup_tui.domain.judging import history as learnt
from gaesup_tui.domain.judging.bets import Bets, open_bets
from gaesup_tui.domain.judging.dispersion import Prior
from gaesup_tui.domain.judging.effects import Counted, nothing_counted
from gaesup_tui.domain.judging.feed import Arm, Gap, check_arm
from gaesup_tui.domain.judging.law import LatencyScores, Ruler, latency_scores, remember, ruler
from gaesup_tui.domain.judging.safety import SafetyBets, open_safety
from gaesup_tui.domain.judging.settings import Start, check_start
from gaesup_tui.domain.judging.traffic import TrafficBets, open_traffic
from gaesup_tui.domain.judging.verdicts import Judgement

SCORES = ("errors", "conversion", "rank", "p90", "p95", "p99")
"""What is bet on, besides traffic."""


class Known(NamedTuple):
    """Totals of both arms and the history: the centres of the next tick's scores."""

    requests: float = 0.0
    errors: float = 0.0
    conversion_requests: float = 0.0
    conversions: float = 0.0


class Held(NamedTuple):
    """Counts that wait for the other arm's record."""

    since_s: float
    ticks: int
    weight: float | None
    canary: Arm | None
    baseline: Arm | None


class Waiting(NamedTuple):
    """Counts of ticks in which an arm had no requests; they are compared once both have some."""

    since_s: float
    canary: Arm
    baseline: Arm
    expected: float
    """Canary requests that the weights promised."""


class State(NamedTuple):
    """The judge between two ticks."""

    start: Start
    scale: Ruler
    tick: int
    """Ticks judged so far."""
    number: int
    """Number of the last tick that was taken in, -1 before the first."""
    end_s: float
    known: Known
    law: tuple[float, ...]
    harm: tuple[Bets, ...]
    """In the order of ``SCORES``."""
    safety: tuple[SafetyBets, SafetyBets, SafetyBets]
    """Errors, conversion, p95."""
    traffic: TrafficBets
    counted: Counted
    held: Held | None
    waiting: Waiting | None
    rejected: int
    """Unbelievable records in a row."""
    data_s: tuple[float | None, ...]
    """Per metric, when it last had data; 0 is the history, None is never."""
    verdict: Judgement
    gap: Gap = ""
    """What the last tick said of what is not known in it."""

    def latency_scores(self) -> LatencyScores:
        """How the next tick's latencies are scored; there must be a law."""
        start = self.start
        return latency_scores(self.law, self.scale, start.metrics.latency.tolerance, start.felt_s)

    @property
    def planned(self) -> int:
        """Ticks until the planned end."""
        return max(1, round(self.start.max_duration_s / self.start.tick_s))


def begin(start: Start, history: Sequence[Arm] = ()) -> State:
    """A judge that has seen nothing but the baseline's ``history``: its arm per tick, same interval
    and buckets, oldest first; half an hour is enough.

    Raises:
        ValueError: the settings cannot be; the message says why.
    """
    fault = check_start(start)
    if fault:
        raise ValueError(f"judge: {fault}")
    buckets = len(start.bounds_s) + 1
    arms = [arm for arm in history if check_arm(arm, buckets) is None]
    law: tuple[float, ...] = ()
    for arm in arms:
        if arm.latency is not None:
            law = remember(law, list(arm.latency))
    if not sum(law) >= 1:
        law = ()
    scale = ruler(start.bounds_s)
    priors = _priors(start, scale, law, arms)
    return State(
        start=start,
        scale=scale,
        tick=0,
        number=-1,
        end_s=0.0,
        known=_known(arms),
        law=law,
        harm=tuple(open_bets(prior) for prior in priors),
        safety=(open_safety(priors[0]), open_safety(priors[1]), open_safety(priors[4])),
        traffic=open_traffic(start.metrics.traffic.tolerance, start.kappa),
        counted=nothing_counted(buckets),
        held=None,
        waiting=None,
        rejected=0,
        data_s=(None, None, 0.0 if any(arm.conversions for arm in arms) else None, None),
        verdict=Judgement("CONTINUE", "not started", -1, 0.0),
    )


def _known(arms: Sequence[Arm]) -> Known:
    converting = [arm for arm in arms if arm.conversions is not None]
    return Known(
        requests=float(sum(arm.requests for arm in arms)),
        errors=float(sum(arm.errors for arm in arms)),
        conversion_requests=float(sum(arm.requests for arm in converting)),
        conversions=float(sum(arm.conversions or 0 for arm in converting)),
    )


def _priors(
    start: Start, scale: Ruler, law: tuple[float, ...], arms: Sequence[Arm]
) -> tuple[Prior, ...]:
    """In the order of ``SCORES``."""
    errors, conversion = learnt.UNKNOWN_ERRORS, Prior()
    latency: tuple[Prior, ...] = (learnt.UNKNOWN_LATENCY,) * 4
    if len(arms) < learnt.MIN_TICKS:
        return (errors, conversion, *latency)
    requests = [arm.requests for arm in arms]
    errors = learnt.ratio_prior(requests, [arm.errors for arm in arms], independent=True)
    if all(arm.conversions is not None for arm in arms):
        converted = [arm.conversions or 0 for arm in arms]
        conversion = learnt.ratio_prior(requests, converted, independent=True)
    if law and all(arm.latency is not None for arm in arms):
        scores = latency_scores(law, scale, start.metrics.latency.tolerance, start.felt_s)
        tails = (learnt.tail_prior(arms, bound) for bound in scores.tails)
        latency = (learnt.rank_prior(arms, scores), *tails)
    return (errors, conversion, *latency)
