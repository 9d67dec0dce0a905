"""The filter language: ``cart !staging env:prod err>1 p95>100 age<10m``. Pure.

Words must occur in the row's text, ``!`` turns a term round, ``name:text`` asks one property,
``name>number`` compares one. All terms must hold. A row without a number matches no comparison:
no data is neither much nor little.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from gaesup_tui.domain.errors import Invalid
from gaesup_tui.domain.text import parse_duration

Number = float | None
_NAMES = {
    "env": "environment",
    "environment": "environment",
    "unit": "unit",
    "status": "status",
    "version": "version",
    "by": "by",
    "kind": "kind",
    "health": "health",
}
# What a number without a unit means, as a factor to the facts' own unit.
_NUMBERS: dict[str, tuple[str, float]] = {
    "err": ("error_ratio", 0.01),
    "errors": ("error_ratio", 0.01),
    "p95": ("p95_s", 0.001),
    "p50": ("p50_s", 0.001),
    "rps": ("rps", 1.0),
    "ready": ("ready", 1.0),
    "replicas": ("replicas", 1.0),
    "traffic": ("traffic", 1.0),
    "age": ("age_s", 1.0),
}
_COMPARISON = re.compile(r"([a-z0-9]+)(<=|>=|<|>|=)(.+)")
_COMPARE: dict[str, Callable[[float, float], bool]] = {
    "<": lambda a, b: a < b,
    ">": lambda a, b: a > b,
    "<=": lambda a, b: a <= b,
    ">=": lambda a, b: a >= b,
    "=": lambda a, b: a == b,
}


@dataclass(frozen=True, slots=True)
class Facts:
    """What a filter can ask of a row."""

    text: str
    """Everything a word may be found in, case-folded."""
    words: Mapping[str, str]
    numbers: Mapping[str, Number]


Term = Callable[[Facts], bool]


@dataclass(frozen=True, slots=True)
class Filter:
    """A filter that was understood."""

    source: str
    terms: Sequence[Term]

    def matches(self, facts: Facts) -> bool:
        """Whether all terms hold."""
        return all(term(facts) for term in self.terms)


def parse_filter(source: str) -> Filter:
    """The filter a person typed; an empty one matches everything.

    Raises:
        Invalid: a term is not understood; the message names it and what would be.
    """
    return Filter(source, [_term(word) for word in source.split()])


def _term(word: str) -> Term:
    if word.startswith("!") and len(word) > 1:
        positive = _term(word[1:])
        return lambda facts: not positive(facts)
    if comparison := _COMPARISON.fullmatch(word.lower()):
        return _comparison(word, *comparison.groups())
    name, colon, value = word.partition(":")
    if colon and value:
        return _property(word, name.lower(), value.casefold())
    needle = word.casefold()
    return lambda facts: needle in facts.text


def _property(word: str, name: str, value: str) -> Term:
    if name not in _NAMES:
        known = ", ".join(sorted(set(_NAMES)))
        raise Invalid(f"{word!r}: there is no property {name!r}", hint=f"known are {known}")
    field = _NAMES[name]
    return lambda facts: facts.words.get(field, "").casefold().startswith(value)


def _comparison(word: str, name: str, operator: str, value: str) -> Term:
    if name not in _NUMBERS:
        known = ", ".join(sorted(_NUMBERS))
        raise Invalid(f"{word!r}: there is no number {name!r}", hint=f"known are {known}")
    field, factor = _NUMBERS[name]
    wanted = _number(word, field, value, factor)
    compare = _COMPARE[operator]

    def holds(facts: Facts) -> bool:
        number = facts.numbers.get(field)
        return number is not None and compare(number, wanted)

    return holds


def _number(word: str, field: str, value: str, factor: float) -> float:
    value = value.removesuffix("%")
    try:
        return float(value) * factor
    except ValueError:
        if not field.endswith("_s"):
            raise Invalid(f"{word!r}: {value!r} is not a number", hint="write err>1") from None
    try:
        return parse_duration(value)
    except ValueError as error:
        raise Invalid(f"{word!r}: {error}", hint="write age<10m or p95>100ms") from None
