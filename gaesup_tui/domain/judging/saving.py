"""The judge's state as JSON values and back, so that a crash costs nothing but the ticks since.

Lists and numbers only; the marks' packed sums are base64. A state restored gives the verdicts the
saved one would have given.
"""

from __future__ import annotations

import base64
from typing import Any

from gaesup_tui.domain.judging.bets import Bets
from gaesup_tui.domain.judging.dispersion import Dispersion, Prior
from gaesup_tui.domain.judging.effects import Counted, Effect, Mark, Sums
from gaesup_tui.domain.judging.feed import Arm
from gaesup_tui.domain.judging.law import ruler
from gaesup_tui.domain.judging.safety import SafetyBets
from gaesup_tui.domain.judging.settings import MetricPolicy, Metrics, Start
from gaesup_tui.domain.judging.state import Held, Known, State, Waiting
from gaesup_tui.domain.judging.traffic import TrafficBets
from gaesup_tui.domain.judging.verdicts import Judgement

FORMAT = 1


def save_state(state: State) -> dict[str, Any]:
    """Values that ``json.dumps`` takes, no NaN or infinity among them."""
    counted = state.counted
    marks = [
        [mark.tick, mark.end_s, base64.b64encode(mark.packed).decode("ascii")]
        for mark in counted.marks
    ]
    saved = state._asdict()
    del saved["scale"]
    saved["counted"] = [counted.sums, counted.canary, counted.baseline, marks]
    return {"format": FORMAT, **saved}


def load_state(saved: dict[str, Any]) -> State:
    """The state that was saved.

    Raises:
        ValueError: another format, or not a saved state; the message says so.
    """
    if saved.get("format") != FORMAT:
        raise ValueError(
            f"judge: the saved state has format {saved.get('format')!r}, this version reads "
            f"{FORMAT}; begin anew and step through the kept ticks"
        )
    try:
        return _load(saved)
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"judge: the saved state cannot be read ({error!r})") from error


def _load(saved: dict[str, Any]) -> State:
    start = load_start(saved["start"])
    errors, conversion, tail = (_safety(part) for part in saved["safety"])
    return State(
        start=start,
        scale=ruler(start.bounds_s),
        tick=saved["tick"],
        number=saved["number"],
        end_s=saved["end_s"],
        known=Known(*saved["known"]),
        law=tuple(saved["law"]),
        harm=tuple(_bets(part) for part in saved["harm"]),
        safety=(errors, conversion, tail),
        traffic=_traffic(saved["traffic"]),
        counted=_counted(saved["counted"]),
        held=_held(saved["held"]),
        waiting=_waiting(saved["waiting"]),
        rejected=saved["rejected"],
        data_s=tuple(saved["data_s"]),
        verdict=load_judgement(saved["verdict"]),
        gap=saved.get("gap", ""),
    )


def load_start(saved: list[Any]) -> Start:
    """Settings from the list that JSON makes of a ``Start``."""
    start = Start(*saved)
    metrics = Metrics(*(MetricPolicy(*policy) for policy in start.metrics))
    return start._replace(bounds_s=tuple(start.bounds_s), metrics=metrics)


def load_judgement(saved: list[Any]) -> Judgement:
    """A verdict from the list that JSON makes of it."""
    said = Judgement(*saved)
    a, b, c, d = said.harm
    e, f, g, h = said.certainty
    effect = None if said.effect is None else Effect(*said.effect)
    return said._replace(harm=(a, b, c, d), certainty=(e, f, g, h), effect=effect)


def load_arm(saved: list[Any] | None) -> Arm | None:
    """Counts from the list that JSON makes of an ``Arm``."""
    if saved is None:
        return None
    arm = Arm(*saved)
    return arm if arm.latency is None else arm._replace(latency=tuple(arm.latency))


def _bets(saved: list[Any]) -> Bets:
    *logs, since, score, requests, noise = saved
    a, b, c, d = map(tuple, logs)
    return Bets(a, b, c, d, tuple(since), score, requests, _noise(noise))


def _safety(saved: list[Any]) -> SafetyBets:
    logs, stakes, drifts, score, requests, noise = saved
    return SafetyBets(tuple(logs), tuple(stakes), tuple(drifts), score, requests, _noise(noise))


def _traffic(saved: list[Any]) -> TrafficBets:
    logs, late, since, safe, *rest, noise = saved
    seen, expected, variance = rest
    return TrafficBets(
        tuple(logs), tuple(late), tuple(since), tuple(safe), seen, expected, variance, _noise(noise)
    )


def _noise(saved: list[Any]) -> Dispersion:
    prior, phi, estimates, blocks, sums = saved
    one, three, twelve = estimates
    short, long_ = map(tuple, blocks)
    first, second, third = map(tuple, sums)
    return Dispersion(
        Prior(*prior), phi, (one, three, twelve), (short, long_), (first, second, third)
    )


def _counted(saved: list[Any]) -> Counted:
    sums, canary, baseline, marks = saved
    kept = tuple(
        Mark(tick, end_s, base64.b64decode(packed, validate=True)) for tick, end_s, packed in marks
    )
    return Counted(Sums(*sums), tuple(canary), tuple(baseline), kept)


def _held(saved: list[Any] | None) -> Held | None:
    if saved is None:
        return None
    since_s, ticks, weight, canary, baseline = saved
    return Held(since_s, ticks, weight, load_arm(canary), load_arm(baseline))


def _waiting(saved: list[Any] | None) -> Waiting | None:
    if saved is None:
        return None
    since_s, canary, baseline, expected = saved
    own, other = load_arm(canary), load_arm(baseline)
    if own is None or other is None:
        raise ValueError("an arm is missing")
    return Waiting(since_s, own, other, expected)
