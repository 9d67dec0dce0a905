"""From evidence to a verdict. ABORT needs two keys, PROMOTE another; between them lies waiting.

Key 1: the fortune of the bets on harm reaches 1 / alpha. Key 2: the estimate since the likely
onset reaches the tolerance. PROMOTE: every metric that is asked for is surely within it.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from gaesup_tui.domain.judging import bets as betting
from gaesup_tui.domain.judging import safety, traffic
from gaesup_tui.domain.judging.effects import Effect, effect_since, matters
from gaesup_tui.domain.judging.onsets import FROM_START, unspent
from gaesup_tui.domain.judging.settings import METRICS, Metric, MetricPolicy, Metrics
from gaesup_tui.domain.judging.state import SCORES, State, Waiting
from gaesup_tui.domain.judging.verdicts import Cause, Judgement, Kind

PATIENCE_TICKS = 3
"""Ticks without data before that is a verdict of its own."""
ENOUGH_EXPECTED = 10
"""Canary requests to expect before their absence is worth a word."""
FEW_REQUESTS = 30
"""Fewer canary requests than this after ``FEW_AFTER_S`` say nothing of anything."""
FEW_AFTER_S = 60.0
SUSPICION = 0.05
"""Share of the abort threshold from which a promotion waits..."""
NEARLY = 0.75
"""...if the estimate reaches this share of the tolerance."""

_LATENCY_SHARES = (0.35, 0.20, 0.30, 0.15)
_ALL = (*SCORES, "traffic")
_METRIC_OF: dict[str, Metric] = {
    "errors": "errors",
    "conversion": "conversion",
    "rank": "latency",
    "p90": "latency",
    "p95": "latency",
    "p99": "latency",
    "traffic": "traffic",
}


class Alarm(NamedTuple):
    """Harm that may be real."""

    metric: Metric
    effect: Effect
    critical: bool
    evidence: float
    matters: bool


def decide(state: State) -> Judgement:
    """The verdict after a tick in which both arms could be seen."""
    start, weighted = state.start, evidence(state)
    total = sum(weighted)
    said = Judgement(
        "CONTINUE",
        "gathering",
        state.number,
        state.end_s,
        evidence=total,
        harm=_by_metric(weighted),
        certainty=certainties(state),
    )
    threshold = 1 / start.alpha_abort
    alarms = _alarms(state, weighted) if total >= SUSPICION * threshold else []
    turned = [alarm for alarm in alarms if alarm.matters and alarm.critical]
    if sum(alarm.evidence for alarm in turned) >= threshold:
        return _about(said, turned[0], "ABORT", "harm")
    missing = _missing(state)
    harmful = sum(alarm.evidence for alarm in alarms if alarm.matters) >= threshold
    # Harm that is sure, in a metric that may not abort, is not hidden by another without data.
    if missing is not None and (missing.kind == "ABORT" or not harmful):
        return missing._replace(evidence=total, harm=said.harm, certainty=said.certainty)
    if harmful and (mild := [each for each in alarms if each.matters and not each.critical]):
        return _about(said, mild[0], "CONTINUE", "not critical")
    if alarms:
        return _about(said, alarms[0], "CONTINUE", _late(state, "suspicious"))
    asked = [value for value in said.certainty if value is not None]
    clear = bool(asked) and min(asked) >= 1 / (1 - start.confidence_promote)
    if clear and state.end_s >= max(start.min_promote_s, start.soak_s):
        return said._replace(kind="PROMOTE", cause="clear")
    if state.end_s >= FEW_AFTER_S and state.counted.sums.requests < FEW_REQUESTS:
        return said._replace(kind="NO EVIDENCE", cause="too few requests", since_s=0.0)
    return said._replace(cause=_late(state, _waiting_for(state, clear)))


def evidence(state: State) -> list[float]:
    """What each score adds to the fortune of the bets on harm; the last is traffic."""
    later = unspent(state.tick, state.planned)
    values = [betting.fortunes(bets) for bets in state.harm]
    values.append(traffic.fortunes(state.traffic))
    return [
        weight * (FROM_START * early + late + later)
        for weight, (early, late) in zip(weights(state.start.metrics), values, strict=True)
    ]


@lru_cache(maxsize=64)
def weights(metrics: Metrics) -> tuple[float, ...]:
    """Share of each score, traffic last; they sum to 1 over the metrics that are judged."""
    shares = [policy.weight if policy.enabled else 0.0 for policy in metrics]
    errors, latency, conversion, lost = (share / sum(shares) for share in shares)
    return (errors, conversion, *(latency * share for share in _LATENCY_SHARES), lost)


def certainties(state: State) -> tuple[float | None, float | None, float | None, float | None]:
    """Per metric how sure "not worse by the tolerance" is, None where a promotion does not ask."""
    errors, conversion, tail = map(safety.certainty, state.safety)
    values = (errors, tail, conversion, traffic.certainty(state.traffic))
    a, b, c, d = (value if _asked(state, place) else None for place, value in enumerate(values))
    return a, b, c, d


def _asked(state: State, place: int) -> bool:
    policy = state.start.metrics[place]
    if not policy.enabled:
        return False
    if policy.no_data == "ignore":
        return state.data_s[place] is not None and not _gone(state, place)
    return True


def _gone(state: State, place: int) -> bool:
    """No data of this metric for longer than patience allows."""
    since = state.data_s[place] or 0.0
    if METRICS[place] == "latency":
        since = max(since, state.start.warmup_s)
    return state.end_s - since > PATIENCE_TICKS * state.start.tick_s


def _by_metric(weighted: list[float]) -> tuple[float, float, float, float]:
    errors, conversion, *latency, lost = weighted
    return errors, sum(latency), conversion, lost


def _alarms(state: State, weighted: list[float]) -> list[Alarm]:
    """The scores that cry loudest, if their estimates nearly reach the tolerance."""
    floor = 0.1 * SUSPICION / state.start.alpha_abort
    loudest = sorted(range(len(weighted)), key=lambda k: -weighted[k])[:4]
    alarms: list[Alarm] = []
    known: dict[int, Effect] = {}
    for k in loudest:
        if weighted[k] < floor:
            break
        name, metrics = _ALL[k], state.start.metrics
        since = _onset(state, k)
        effect = known.get(since) or effect_since(state.counted, state.scale, since)
        known[since] = effect
        if matters(effect, name, state.start, NEARLY):
            policy: MetricPolicy = getattr(metrics, _METRIC_OF[name])
            turned = matters(effect, name, state.start)
            alarms.append(Alarm(_METRIC_OF[name], effect, policy.critical, weighted[k], turned))
    return alarms


def _onset(state: State, k: int) -> int:
    if k == len(SCORES):
        return traffic.onset(state.traffic, FROM_START)
    return betting.onset(state.harm[k], FROM_START)


def _about(said: Judgement, alarm: Alarm, kind: Kind, cause: Cause) -> Judgement:
    return said._replace(
        kind=kind,
        cause=cause,
        metric=alarm.metric,
        effect=alarm.effect,
        since_s=alarm.effect.since_s,
    )


def _missing(state: State) -> Judgement | None:
    """What a lack of data makes of the verdict."""
    start, wait = state.start, state.waiting
    about = Judgement("NO EVIDENCE", "metric missing", state.number, state.end_s)
    gone = [place for place, policy in enumerate(start.metrics) if policy.enabled]
    gone = [place for place in gone if _gone(state, place)]
    for place in gone:
        since_s = state.data_s[place] or 0.0
        long_s = state.end_s - since_s
        if start.metrics[place].no_data == "fail" and long_s > start.no_data_limit_s:
            about = about._replace(metric=METRICS[place], since_s=since_s)
            return about._replace(kind="ABORT", cause="no data for too long")
    if wait is not None:
        silence = _silence(wait)
        quiet = state.end_s - wait.since_s > PATIENCE_TICKS * start.tick_s
        return about._replace(cause=silence, since_s=wait.since_s) if quiet and silence else None
    for place in gone:
        if start.metrics[place].no_data != "ignore":
            since_s = state.data_s[place] or 0.0
            about = about._replace(metric=METRICS[place], since_s=since_s)
            differ = METRICS[place] == "latency" and state.gap == "buckets"
            return about._replace(cause="buckets differ") if differ else about
    return None


def _silence(wait: Waiting) -> Cause | None:
    """Which arm has no requests; None if so few were to come that it means nothing."""
    if wait.canary.requests:
        return "no baseline requests"
    if not wait.baseline.requests:
        return "idle"
    return "no canary requests" if wait.expected >= ENOUGH_EXPECTED else None


def blind(state: State, cause: Cause, since_s: float, note: str = "") -> Judgement:
    """The verdict while an arm's records are missing or cannot be believed."""
    start, old = state.start, state.verdict
    said = Judgement(
        "CONTINUE",
        "waiting",
        state.number,
        state.end_s,
        evidence=old.evidence,
        harm=old.harm,
        certainty=old.certainty,
        since_s=since_s,
        note=note,
    )
    gone_s = state.end_s - since_s
    for place, policy in enumerate(start.metrics):
        if policy.enabled and policy.no_data == "fail" and gone_s > start.no_data_limit_s:
            return said._replace(kind="ABORT", cause="no data for too long", metric=METRICS[place])
    ticks = PATIENCE_TICKS - 1 if cause == "bad data" else PATIENCE_TICKS
    # Half a tick of grace, so that clocks which jitter give the verdict of those which do not.
    if gone_s > (ticks + 0.5) * start.tick_s:
        return said._replace(kind="NO EVIDENCE", cause=cause)
    return said


def _waiting_for(state: State, clear: bool) -> Cause:
    start = state.start
    if state.end_s <= start.warmup_s and start.metrics.latency.enabled:
        return "warming up"
    if clear and state.end_s < max(start.min_promote_s, start.soak_s):
        return "soaking"
    return "gathering"


def _late(state: State, cause: Cause) -> Cause:
    return "inconclusive" if state.end_s >= state.start.max_duration_s else cause
