"""How long until there is an answer: at least, at most, and about, if things stay as they are."""

from __future__ import annotations

from collections.abc import Callable
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
    enough_s: float | None
    """Until a difference of just the smallest worth a decision would be told."""
    enough_users: int | None
    """Of both arms, by then."""


def ahead(split: Split, found: Found, terms: Terms, elapsed_s: float, counted_s: float) -> Ahead:
    """``counted_s`` is how long its users have been counted."""
    at_most = max(0.0, terms.max_run_s - elapsed_s)
    run = max(0.0, terms.min_run_s - elapsed_s)
    fewest = min(split.base.users, split.candidate.users)
    missing = max(0, terms.min_users - fewest)
    if missing and (not fewest or counted_s <= 0):
        return Ahead(None, at_most, None, None, None)
    at_least = max(run, missing * counted_s / fewest if missing else 0.0)
    times = _times(found.effect, terms) if found.effect and not split.full else None
    about = None if times is None else max(at_least, (times - 1) * counted_s)
    needed = _times_for_bound(found.effect, terms) if found.effect else None
    if needed is None:
        return Ahead(at_least, at_most, about, None, None)
    enough = max(at_least, (needed - 1) * counted_s)
    return Ahead(at_least, at_most, about, enough, round(split.users * max(needed, 1.0)))


def _times(effect: Difference, terms: Terms) -> float | None:
    """How many times as many users would answer, with the difference as it is now."""

    def answers(times: float) -> bool:
        reach = reach_of(effect.variance / times, effect.tuned, terms.risk)
        size = abs(effect.difference)
        return size > reach or size + reach < effect.bound

    return _first(answers)


def _times_for_bound(effect: Difference, terms: Terms) -> float | None:
    """How many times as many users tell a difference of ``effect.bound``."""
    return _first(
        lambda times: reach_of(effect.variance / times, effect.tuned, terms.risk) < effect.bound
    )


def _first(answers: Callable[[float], bool]) -> float | None:
    """The least multiple from 1 on that does; None when none within reason does."""
    if answers(1.0):
        return 1.0
    if not answers(_MOST_TIMES):
        return None
    low, high = 1.0, _MOST_TIMES
    for _ in range(_STEPS):
        middle = (low * high) ** 0.5
        low, high = (low, middle) if answers(middle) else (middle, high)
    return high
