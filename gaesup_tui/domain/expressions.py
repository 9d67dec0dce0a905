"""Checks as people write them: ``p95 <= +10% over 1m min 100``. Read once, with errors that say
the column.

``METRIC OPERATOR LIMIT [over TIME] [min REQUESTS]``. A limit with a sign is against the base.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from gaesup_tui.domain.text import parse_duration, parse_quantity

Metric = Literal["errorRate", "p50", "p95", "rps", "memory", "restarts"]
METRICS: dict[str, str] = {
    "errorRate": "1%, or +0.5% for points above the base's",
    "p50": "250ms, or +10% against the base's",
    "p95": "250ms, or +10% against the base's",
    "rps": "5",
    "memory": "64Mi, 80% of what a replica may use, or +10% against the base's",
    "restarts": "2",
}
"""Name to what its limit looks like."""
Operator = Literal["<=", "<", ">=", ">"]
OPERATORS = ("<=", ">=", "<", ">")
DEFAULT_WINDOW_S = 60.0
LONGEST_WINDOW_S = 300.0
DEFAULT_MIN = 20
_TOKEN = re.compile(r"\s*(<=|>=|==|=|<|>|[^\s<>=]+)")
_NUMBER = re.compile(r"\d{1,12}(\.\d{1,6})?")


@dataclass(frozen=True, slots=True)
class Expression:
    """One check. ``limit``: a ratio for errors, seconds for times, bytes for memory."""

    text: str
    metric: Metric
    operator: Operator
    limit: float
    against_base: bool = False
    """The limit is what it may be more (or less) than the base: points for errors, else a share
    of the base's."""
    of_limit: bool = False
    """The limit is a share of what a replica may use."""
    window_s: float = DEFAULT_WINDOW_S
    min_requests: int = DEFAULT_MIN


class _Wrong(ValueError):
    """With a sentence for a person."""


@lru_cache(maxsize=512)
def parse_expression(text: str) -> Expression:
    """Raises ``ValueError`` that names the text, the column, and what would be right."""
    words = _words(text)
    if len(words) < 3:
        raise _wrong(text, len(text) + 1, "it ends too early", "write METRIC <= LIMIT")
    (at, metric), (where, operator), (column, limit) = words[:3]
    if metric not in METRICS:
        near = difflib.get_close_matches(metric, METRICS, 1)
        known = f"did you mean {near[0]}?" if near else f"known are {', '.join(METRICS)}"
        raise _wrong(text, at, f"there is no metric {metric[:40]!r}", known)
    if operator not in OPERATORS:
        raise _wrong(
            text, where, f"{operator[:10]!r} compares nothing", f"use {', '.join(OPERATORS)}"
        )
    value, against, share = _limit(text, column, metric, limit)
    window_s, least = _rest(text, words[3:])
    return Expression(
        text=" ".join(word for _, word in words),
        metric=metric,  # type: ignore[arg-type]  # one of METRICS, and METRICS are those
        operator=operator,  # type: ignore[arg-type]  # one of OPERATORS
        limit=value,
        against_base=against,
        of_limit=share,
        window_s=window_s,
        min_requests=least,
    )


def _words(text: str) -> list[tuple[int, str]]:
    """(column from 1, word)."""
    return [(found.start(1) + 1, found[1]) for found in _TOKEN.finditer(text)]


def _wrong(text: str, column: int, what: str, hint: str) -> _Wrong:
    return _Wrong(f"{text[:80]!r} column {column}, {what}: {hint}")


def _limit(text: str, column: int, metric: str, limit: str) -> tuple[float, bool, bool]:
    """(value, against the base, share of what a replica may use)."""
    signed = limit[0] in "+-"
    body, sign = limit.lstrip("+-"), -1.0 if limit[0] == "-" else 1.0
    wanted = f"write {METRICS[metric]}"
    if signed and (metric in ("rps", "restarts") or not body.endswith("%")):
        raise _wrong(text, column, f"{limit[:40]!r} is no limit of {metric}", wanted)
    if body.endswith("%") and metric in ("errorRate", "p50", "p95", "memory"):
        share = _number(text, column, metric, limit, body[:-1]) / 100
        if not signed and metric in ("p50", "p95"):
            raise _wrong(text, column, f"{limit[:40]!r} has no sign", f"{wanted}")
        return sign * share, signed, metric == "memory" and not signed
    if metric == "errorRate":
        raise _wrong(text, column, f"{limit[:40]!r} is no limit of errorRate", wanted)
    reader: Callable[[str], float] = {
        "p50": parse_duration,
        "p95": parse_duration,
        "memory": parse_quantity,
    }.get(metric, float)
    if metric in ("rps", "restarts"):
        return _number(text, column, metric, limit, body), False, False
    try:
        return float(reader(body)), False, False
    except ValueError:
        raise _wrong(text, column, f"{limit[:40]!r} is no limit of {metric}", wanted) from None


def _number(text: str, column: int, metric: str, limit: str, digits: str) -> float:
    if not _NUMBER.fullmatch(digits):
        why = f"{limit[:40]!r} is no limit of {metric}"
        raise _wrong(text, column, why, f"write {METRICS[metric]}")
    return float(digits)


def _rest(text: str, words: list[tuple[int, str]]) -> tuple[float, int]:
    """The window in seconds, and the requests it has to have."""
    window_s, least = DEFAULT_WINDOW_S, DEFAULT_MIN
    given: set[str] = set()
    for (at, word), following in zip(words[::2], [*words[1::2], None], strict=False):
        if word not in ("over", "min") or word in given:
            raise _wrong(
                text, at, f"{word[:40]!r} is not expected", "after the limit: over 1m min 50"
            )
        if following is None:
            raise _wrong(text, len(text) + 1, f"nothing follows {word}", "say over 1m, min 50")
        given.add(word)
        column, value = following
        if word == "over":
            window_s = _window(text, column, value)
        elif value.isascii() and value.isdigit() and len(value) < 8:
            least = int(value)
        else:
            raise _wrong(text, column, f"{value[:40]!r} is no number of requests", "say min 50")
    return window_s, least


def _window(text: str, column: int, value: str) -> float:
    try:
        window_s = parse_duration(value)
    except ValueError:
        raise _wrong(text, column, f"{value[:40]!r} is no time", "say over 30s, over 2m") from None
    if not 1 <= window_s <= LONGEST_WINDOW_S:
        raise _wrong(text, column, f"{value[:40]} cannot be looked over", "say 1s to 5m")
    return window_s


def checked(text: str) -> str:
    """The text in its plain form; raises ``ValueError`` as ``parse_expression`` does."""
    return parse_expression(text).text
