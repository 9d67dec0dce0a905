"""One sentence a tired person understands: what, how much against what, the limit, how sure.

Points for ratios, percent for latency, requests in full. Never an estimate without its interval
where there is one, and no word that needs a course in statistics.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from gaesup_tui.domain.judging.account import Account, Line
from gaesup_tui.domain.judging.effects import Effect
from gaesup_tui.domain.judging.intervals import Interval, interval_since
from gaesup_tui.domain.judging.settings import METRICS, Metric
from gaesup_tui.domain.judging.state import State
from gaesup_tui.domain.judging.verdicts import Judgement
from gaesup_tui.domain.judging.waiting import ahead
from gaesup_tui.domain.text import duration, milliseconds

_SICK_RATIO, _SICK_TIMES = 0.02, 4
"""Errors of both sides that are worth a word: this ratio, and so many tolerances."""
_RAREST = 1000
"""Nothing is called rarer than this."""


def sentence(state: State, account: Account) -> str:
    """What the last verdict means; ``account`` as ``explain(state)`` gives it."""
    said = state.verdict
    tell = _TELLERS.get(said.cause, _gathering)
    return tell(state, said, account)


def _harm(state: State, said: Judgement, account: Account) -> str:
    n = min(int(said.evidence), _RAREST)
    return (
        f"{_finding(state, said, account)}; "
        f"a healthy release shows this less than once in {_number(n)}"
    )


def _suspicious(state: State, said: Judgement, account: Account) -> str:
    return f"suspicious: {_finding(state, said, account)}; {_sure(state, said)}, no PROMOTE for it"


def _not_critical(state: State, said: Judgement, account: Account) -> str:
    found = _finding(state, said, account)
    return f"sure of harm: {found}; {said.metric} is not critical, so a person decides"


def _sure(state: State, said: Judgement) -> str:
    """How far it is from an abort. Evidence grows without end, so beyond what is needed its
    amount says nothing: something else keeps the abort away."""
    needed = 1 / state.start.alpha_abort
    if said.evidence < needed:
        return f"evidence {_number(said.evidence)} of {_number(needed)}"
    return "enough evidence of harm, not that it passes the limit"


def _finding(state: State, said: Judgement, account: Account) -> str:
    metric, effect = said.metric or "errors", said.effect
    line = account.lines[METRICS.index(metric)]
    if effect is None:
        return metric
    late = effect.since_s > 0
    band = interval_since(state, metric, effect) if late else line.interval
    low_high = (
        "" if band is None or metric == "traffic" else f" ({_span(metric, band, _felt(line))})"
    )
    tail = f", since {duration(effect.since_s)} after the start" if late else ""
    over = f"{_number(effect.requests)} canary requests in {duration(said.end_s - effect.since_s)}"
    return f"{_against(metric, effect, _felt(line))}{low_high}, limit {_limit(line)}, {over}{tail}"


def _against(metric: Metric, effect: Effect, base_s: float | None) -> str:
    harm = effect.size(metric)
    if metric == "errors" and effect.canary_errors is not None and effect.errors is not None:
        base = effect.canary_errors - effect.errors
        return f"errors {_percent(effect.canary_errors)} vs {_percent(base)}: {_size(metric, harm)}"
    if metric == "latency":
        p95 = f"p95 {milliseconds(effect.canary_p95_s)} vs {milliseconds(effect.baseline_p95_s)}"
        if harm is not None and effect.p99 is not None and effect.p99 > 2 * max(harm, 0.0):
            return f"{p95}: {_size(metric, harm, base_s)}, p99 {100 * effect.p99:+.0f} %"
        return f"{p95}: {_size(metric, harm, base_s)}"
    if metric == "conversion":
        return f"conversion {_size(metric, harm)} against the baseline"
    return f"the canary got {_size(metric, harm)} requests against its weight"


def _no_data_abort(state: State, said: Judgement, account: Account) -> str:
    since_s = said.since_s or 0.0
    return (
        f"no data of {said.metric} for {duration(said.end_s - since_s)}, "
        f"and its policy is to fail after {duration(state.start.no_data_limit_s)}"
    )


def _clear(state: State, said: Judgement, account: Account) -> str:
    parts = []
    for line in account.lines:
        if line.certainty is None:
            continue
        name = "p95" if line.metric == "latency" else line.metric
        worst = line.interval and _worst(line.metric, line.interval.high, _felt(line))
        limit = _limit(line)
        parts.append(f"{name} within {limit}" + (f" ({worst} at most)" if worst else ""))
    sure = round(100 * state.start.confidence_promote, 1)
    both = _both_fail(account)
    return f"{', '.join(parts)}: sure at {sure:g} % each{f'; but {both}' if both else ''}"


def _gathering(state: State, said: Judgement, account: Account) -> str:
    return f"{_so_far(account)}, not enough evidence yet{ahead(account.forecast)}"


def _so_far(account: Account) -> str:
    """That the canary is no worse is no comfort where the baseline is bad itself."""
    both = _both_fail(account)
    return f"no worse than the baseline so far, but {both}" if both else "nothing wrong so far"


def _both_fail(account: Account) -> str:
    """What a comparison cannot see: that both sides fail, by far more than the tolerance."""
    line = account.lines[METRICS.index("errors")]
    if line.canary is None or line.baseline is None or line.state in ("off", "no data"):
        return ""
    if min(line.canary, line.baseline) < max(_SICK_RATIO, _SICK_TIMES * line.tolerance):
        return ""
    return f"both sides fail: errors {_percent(line.canary)} and {_percent(line.baseline)}"


def _soaking(state: State, said: Judgement, account: Account) -> str:
    wait_s = max(state.start.soak_s, state.start.min_promote_s) - said.end_s
    return f"clear on every metric; soaks for another {duration(wait_s)}"


def _warming(state: State, said: Judgement, account: Account) -> str:
    wait_s = state.start.warmup_s - said.end_s
    return f"warming up: latency counts in {duration(wait_s)}, errors count now"


def _late_record(state: State, said: Judgement, account: Account) -> str:
    since_s = said.since_s or 0.0
    if said.note:
        return f"a record was left out: {said.note}"
    return f"a record is {duration(said.end_s - since_s)} late; its counts are held, not lost"


def _inconclusive(state: State, said: Judgement, account: Account) -> str:
    bands = [
        f"{'p95' if line.metric == 'latency' else line.metric} "
        f"{_span(line.metric, line.interval, _felt(line))} (limit {_limit(line)})"
        for line in account.lines
        if line.interval is not None and line.certainty is not None and line.state != "ok"
    ]
    unsettled = f": {', '.join(bands)}" if bands else ""
    return f"after {duration(said.end_s)} still open{unsettled}{ahead(account.forecast)}"


def _blind(state: State, said: Judgement, account: Account) -> str:
    gone = duration(said.end_s - (said.since_s or 0.0))
    stopped = f"nothing judged, promotion stopped{_fails(state)}"
    return f"{_who_is_missing(state)} metrics missing for {gone}: {stopped}"


def _who_is_missing(state: State) -> str:
    if state.gap in ("canary", "baseline"):
        return state.gap
    held = state.held
    return "canary" if held is None or held.canary is None else "baseline"


def _nothing_seen(state: State, said: Judgement, account: Account) -> str:
    gone = duration(said.end_s - (said.since_s or 0.0))
    stopped = f"nothing judged, promotion stopped{_fails(state)}"
    return f"nothing seen of either side for {gone}: {stopped}"


def _reset(state: State, said: Judgement, account: Account) -> str:
    gone = duration(said.end_s - (said.since_s or 0.0))
    return (
        f"the counters began anew again and again for {gone}, as when what counts restarts: "
        f"what they had counted is lost, promotion stopped{_fails(state)}"
    )


def _several(state: State, said: Judgement, account: Account) -> str:
    gone = duration(said.end_s - (said.since_s or 0.0))
    return (
        f"the counters jump back and forth for {gone}, as when several series answer for one "
        f"revision: nothing judged, promotion stopped{_fails(state)}"
    )


def _other_buckets(state: State, said: Judgement, account: Account) -> str:
    gone = duration(said.end_s - (said.since_s or 0.0))
    return (
        f"the latency buckets of both sides differ for {gone}: "
        "latency cannot be compared, promotion waits for it"
    )


def _few(state: State, said: Judgement, account: Account) -> str:
    seen = state.counted.sums.requests
    known = account.forecast
    needed = f", about {_number(known.total)} are needed" if known else ""
    return f"{_number(seen)} canary requests in {duration(said.end_s)}: too few to judge{needed}"


def _bad_data(state: State, said: Judgement, account: Account) -> str:
    return f"{state.rejected} records in a row cannot be believed: {said.note}; promotion stopped"


def _silent(state: State, said: Judgement, account: Account) -> str:
    gone = duration(said.end_s - (said.since_s or 0.0))
    if said.cause == "idle":
        return f"no requests on either side for {gone}: load would help"
    if said.cause == "no baseline requests":
        return f"no requests on the baseline for {gone}: nothing to compare with"
    wait = state.waiting
    expected, served = (wait.expected, wait.baseline.requests) if wait else (0.0, 0)
    weight = expected / max(expected + served, 1.0)
    return (
        f"no requests reach the canary: weight {100 * weight:.3g} %, 0 of "
        f"{_number(served)} requests in {gone}, about {_number(expected)} expected; "
        "routing, or clients fail before they arrive"
    )


def _missing(state: State, said: Judgement, account: Account) -> str:
    gone_s = said.end_s - (said.since_s or 0.0)
    then = _fails(state, (said.metric,)) if said.metric else ""
    return f"no data of {said.metric} for {duration(gone_s)}: promotion waits for it{then}"


def _fails(state: State, metrics: Sequence[Metric] = METRICS) -> str:
    """What becomes of it where one of them may not be without data for long."""
    policies = (getattr(state.start.metrics, metric) for metric in metrics)
    if any(policy.enabled and policy.no_data == "fail" for policy in policies):
        return f", aborts when that lasts {duration(state.start.no_data_limit_s)}"
    return ""


def flip(more_errors: int | None) -> str:
    """What would flip the verdict, from ``errors_to_abort``."""
    if more_errors is None:
        return ""
    if more_errors == 0:
        return "one more minute like the last aborts it"
    errors = "1 more error" if more_errors == 1 else f"{_number(more_errors)} more errors"
    return f"{errors} than usual in the next minute would abort it"


def slower(times: float | None) -> str:
    """What would flip the verdict, from ``slowdown_to_abort``."""
    if times is None:
        return ""
    much = f"{times:g} times as long" if times >= 2 else f"{100 * (times - 1):.0f} % longer"
    return f"latency {much} in the next minute would abort it"


def _felt(line: Line) -> float | None:
    """The p95 of a unit so fast that its limit is a time one feels: as a share of its p95 it would
    read like none at all. None of others."""
    return line.baseline if line.metric == "latency" and line.tolerance > 1 else None


def _size(metric: Metric, harm: float | None, base_s: float | None = None) -> str:
    if harm is None:
        return "–"
    if base_s is not None:
        return f"{1000 * harm * base_s:+.1f} ms"
    if metric == "errors":
        return f"{100 * harm:+.2f} points"
    size = 100 * (harm if metric == "latency" else -harm)
    return f"{size:+.1f} %" if abs(size) < 9.95 else f"{size:+.0f} %"


def _span(metric: Metric, band: Interval, base_s: float | None = None) -> str:
    if metric in ("conversion", "traffic"):
        band = Interval(band.high, band.low)
    return f"{_worst(metric, band.low, base_s)} to {_worst(metric, band.high, base_s)}"


def _worst(metric: Metric, harm: float, base_s: float | None = None) -> str:
    return _size(metric, harm, base_s).removesuffix(" points")


def _limit(line: Line) -> str:
    metric, tolerance = line.metric, line.tolerance
    if metric == "errors":
        return f"{100 * tolerance:+.2f} points"
    if (base_s := _felt(line)) is not None:
        return _size(metric, tolerance, base_s)
    return f"{100 * (tolerance if metric == 'latency' else -tolerance):+.0f} %"


def _percent(ratio: float) -> str:
    return f"{100 * max(ratio, 0.0):.2f} %"


def _number(value: float) -> str:
    return f"{round(value):,}"


_TELLERS: dict[str, Callable[[State, Judgement, Account], str]] = {
    "harm": _harm,
    "no data for too long": _no_data_abort,
    "clear": _clear,
    "not critical": _not_critical,
    "suspicious": _suspicious,
    "warming up": _warming,
    "soaking": _soaking,
    "waiting": _late_record,
    "inconclusive": _inconclusive,
    "blind": _blind,
    "late": _nothing_seen,
    "counter reset": _reset,
    "several series": _several,
    "buckets differ": _other_buckets,
    "too few requests": _few,
    "bad data": _bad_data,
    "idle": _silent,
    "no canary requests": _silent,
    "no baseline requests": _silent,
    "metric missing": _missing,
}
