"""How long until there is an answer: at least, at most, and about, if things stay as they are."""

from __future__ import annotations

from typing import NamedTuple

from gaesup_tui.domain.abtest.asking import Found
from gaesup_tui.domain.abtest.counts import Split, Terms
from gaesup_tui.domain.abtest.difference import Difference, reach_of

_MOST_TIMES = 1e4
_STEPS = 40


class Ahead(NamedTuple):
    """Seconds from now. None: nobody can know."""

    at_least_s: float | None
    at_most_s: float
    about_s: float | None


def ahead(split: Split, found: Found, terms: Terms, elapsed_s: float, counted_s: float) -> Ahead:
    """``counted_s`` is how long its users have been counted."""
    at_most = max(0.0, terms.max_run_s - elapsed_s)
    run = max(0.0, terms.min_run_s - elapsed_s)
    fewest = min(split.base.users, split.candidate.users)
    missing = max(0, terms.min_users - fewest)
    if missing and (not fewest or counted_s <= 0):
        return Ahead(None, at_most, None)
    at_least = max(run, missing * counted_s / fewest if missing else 0.0)
    times = _times(found.effect, terms) if found.effect and not split.full else None
    about = None if times is None else max(at_least, (times - 1) * counted_s)
    return Ahead(at_least, at_most, about)


def _times(effect: Difference, terms: Terms) -> float | None:
    """How many times as many users would answer, with the difference as it is now."""

    def answers(times: float) -> bool:
        reach = reach_of(effect.variance / times, effect.tuned, terms.risk)
        size = abs(effect.difference)
        return size > reach or size + reach < effect.bound

    if answers(1.0):
        return 1.0
    if not answers(_MOST_TIMES):
        return None
    low, high = 1.0, _MOST_TIMES
    for _ in range(_STEPS):
        middle = (low * high) ** 0.5
        low, high = (low, middle) if answers(middle) else (middle, high)
    return high
