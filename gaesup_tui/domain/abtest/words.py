"""Answers as sentences for a tired person: the effect first, and never a p-value."""

from __future__ import annotations

import math
from collections.abc import Callable

from gaesup_tui.domain.abtest.ahead import Ahead
from gaesup_tui.domain.abtest.answer import ABAnswer
from gaesup_tui.domain.abtest.asking import Found
from gaesup_tui.domain.abtest.counts import Arm, Split, Terms
from gaesup_tui.domain.abtest.difference import MIN_CONVERTED, Difference
from gaesup_tui.domain.text import duration


def sentence(
    split: Split, found: Found, terms: Terms, ahead: Ahead, base: str, candidate: str
) -> str:
    """``v42 converts 3.42 %, v41 3.10 %: +0.32 points (+0.05 to +0.59, +10 %), better``."""
    match found.kind:
        case "broken split":
            return _broken(split, terms, candidate)
        case "measuring":
            return _measuring(split, found, terms, ahead, base, candidate)
        case "undecided":
            said = (
                _effect(split, found.effect, base, candidate)
                if found.effect
                else "too few users to compare"
            )
            return f"{said}: not decided in {duration(terms.max_run_s)}"
    assert found.effect is not None  # every other kind is said from one
    said = _effect(split, found.effect, base, candidate)
    if found.kind == "no difference":
        return f"{said}: no difference of {points(found.effect.bound)} points or more"
    return f"{said}, {found.kind}"


def in_short(answer: ABAnswer) -> str:
    """``better, +0.32 points``."""
    if answer.difference is None or answer.high is None:
        return answer.kind
    digits = _digits(answer.high - answer.difference)
    return f"{answer.kind}, {_signed(answer.difference, digits)} points"


def _effect(split: Split, effect: Difference, base: str, candidate: str) -> str:
    digits = _digits(effect.reach)
    ratio = _ratio(digits)
    change = _signed(effect.difference, digits)
    between = f"{_signed(effect.low, digits)} to {_signed(effect.high, digits)}"
    return (
        f"{candidate} converts {ratio(split.candidate)}, {base} {ratio(split.base)}: "
        f"{change} points ({between}, {effect.lift * 100:+.0f} %)"
    )


def _measuring(
    split: Split, found: Found, terms: Terms, ahead: Ahead, base: str, candidate: str
) -> str:
    said = _effect(split, found.effect, base, candidate) if found.effect else ""
    waits = _waits(split, found, terms, ahead)
    return f"{said}; {waits}" if said else waits


def _waits(split: Split, found: Found, terms: Terms, ahead: Ahead) -> str:
    fewest = min(split.base.users, split.candidate.users)
    match found.gate:
        case "users":
            left = "" if ahead.at_least_s is None else f", about {duration(ahead.at_least_s)} more"
            return f"{fewest:,} of {terms.min_users:,} users of each arm{left}"
        case "conversions":
            least = min(split.base.converted, split.candidate.converted)
            return f"{least} of {MIN_CONVERTED} conversions of each arm"
        case "time":
            return f"no answer before it ran {duration(terms.min_run_s)}"
        case "room":
            return f"not sure, and no more than {split.users:,} users can be told apart"
    if ahead.about_s is None:
        return "not sure yet"
    return f"not sure yet: about {duration(ahead.about_s)} more if it stays so"


def _broken(split: Split, terms: Terms, candidate: str) -> str:
    share = split.candidate.users / split.users
    return (
        f"split broken: {candidate} has {share * 100:.1f} % of {split.users:,} users instead of "
        f"{terms.share * 100:.0f} %, so nothing can be concluded"
    )


def points(ratio: float) -> str:
    """A difference of ratios in points, with as many digits as tell something."""
    return f"{ratio * 100:.{_digits(ratio)}f}"


def _signed(ratio: float, digits: int) -> str:
    return f"{ratio * 100:+.{digits}f}"


def _ratio(digits: int) -> Callable[[Arm], str]:
    return lambda arm: f"{(arm.ratio or 0.0) * 100:.{digits}f} %"


def _digits(ratio: float) -> int:
    """Behind the point, for a number that is about ``ratio`` and is shown in hundredths."""
    size = abs(ratio) * 100
    return 3 if size <= 0 else min(3, max(1, 1 - math.floor(math.log10(size))))
