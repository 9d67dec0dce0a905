"""From counts to an answer: one pure function, asked as often as one likes."""

from __future__ import annotations

from typing import Literal, NamedTuple

from gaesup_tui.domain.abtest.counts import Split, Terms
from gaesup_tui.domain.abtest.difference import Difference, difference, few
from gaesup_tui.domain.abtest.split import broken

Kind = Literal["measuring", "better", "worse", "no difference", "undecided", "broken split"]
Gate = Literal["", "users", "conversions", "time", "evidence", "room"]


class Found(NamedTuple):
    """What the counts say at one moment."""

    kind: Kind
    effect: Difference | None
    """None while there are too few users for one, or when the split is broken."""
    gate: Gate = ""
    """Of ``measuring``, what it waits for first."""


def ask(split: Split, terms: Terms, elapsed_s: float) -> Found:
    """What can be said after ``elapsed_s``, the time the test ran without pauses."""
    if broken(split, terms.share):
        return Found("broken split", None)
    effect = difference(split.base, split.candidate, terms.min_effect, terms.risk)
    gate = _gate(split, terms, elapsed_s)
    kind = _kind(effect) if effect and not gate else None
    if kind is None:
        late = elapsed_s >= terms.max_run_s
        return Found(
            "undecided" if late else "measuring",
            effect,
            gate or ("room" if split.full else "evidence"),
        )
    return Found(kind, effect)


def _gate(split: Split, terms: Terms, elapsed_s: float) -> Gate:
    if min(split.base.users, split.candidate.users) < terms.min_users:
        return "users"
    if few(split.base) or few(split.candidate):
        return "conversions"
    return "time" if elapsed_s < terms.min_run_s else ""


def _kind(effect: Difference) -> Kind | None:
    """A difference too small to matter is none, even where it is certain."""
    if -effect.bound < effect.low and effect.high < effect.bound:
        return "no difference"
    if effect.low > 0:
        return "better"
    return "worse" if effect.high < 0 else None
