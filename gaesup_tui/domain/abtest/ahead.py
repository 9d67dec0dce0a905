"""How long until there is an answer: at least, at most, and about, if things stay as they are."""

from __future__ import annotations

from typing import NamedTuple

from gaesup_tui.domain.abtest.asking import Found
from gaesup_tui.domain.abtest.counts import Split, Terms
from gaesup_tui.domain.abtest.difference import Difference, information_for

_MOST_TIMES = 1e4


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
    effect = found.effect
    if effect is None:
        return Ahead(at_least, at_most, None, None, None)
    size = abs(effect.difference)
    times = _times(effect, max(size, effect.bound - size), terms.risk)
    about = None if times is None or split.full else max(at_least, (times - 1) * counted_s)
    needed = _times(effect, effect.bound, terms.risk)
    if needed is None:
        return Ahead(at_least, at_most, about, None, None)
    enough = max(at_least, (needed - 1) * counted_s)
    return Ahead(at_least, at_most, about, enough, round(split.users * needed))


def _times(effect: Difference, reach: float, risk: float) -> float | None:
    """How many times as many users let the interval reach no further than ``reach``, with all else
    as it is; None: more than anybody will have."""
    now = effect.tuned**2 / effect.variance
    needed = information_for(reach / effect.tuned, risk)
    return None if needed > _MOST_TIMES * now else max(1.0, needed / now)
