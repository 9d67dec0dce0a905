"""The live route of a deployment as one value: who gets which requests, and what is counted there.

Weights are percents by revision id, in the order of their arms: the first one takes the first
buckets of sticky clients, so a share that grows moves nobody but those it has to. The rules beside
them say what weights cannot. A backend reads its route back, and the engine asks again until both
agree; so everything here is a plain value that goes over a wire as JSON.

Only the standard library is needed: a router that answers requests need not load the models.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
"""A header or cookie that a rule may look at."""
VALUE = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]{0,198}[\x21-\x7e])?")
"""What its value may have to be."""
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
PATH = re.compile(r"/[\x21-\x29\x2b-\x3e\x40-\x7e]{0,510}\*?")
"""A path without its query; one star may stand at the end."""

Where = Literal["cookie", "header"]


@dataclass(frozen=True, slots=True)
class Key:
    """What tells clients apart: the value of a cookie or of a header."""

    where: Where
    name: str


@dataclass(frozen=True, slots=True)
class Match:
    """Requests whose cookie or header has this value."""

    where: Where
    name: str
    equals: str


@dataclass(frozen=True, slots=True)
class Conversion:
    """The requests whose success is what a unit is for."""

    method: str
    path: str
    """The whole path, or with ``*`` at its end how it begins; a query does not matter."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What a route says beside its weights. The default is a route without any."""

    sticky: bool | Key = False
    """Whether a client stays on its arm; by the router's own cookie, or by a key of the unit's."""
    salt: str = ""
    """Mixed into the hash of a ``Key``, so that who is where says nothing about the next time.
    Users are counted anew with each new one."""
    target: str = ""
    """The revision that matching requests, copies and the preview address lead to."""
    match: tuple[Match, ...] = ()
    """One of them is enough."""
    mirror_percent: int = 0
    """Of the reads that go elsewhere, so many are copied to the target."""
    conversion: Conversion | None = None

    @property
    def steers(self) -> bool:
        """Whether requests reach the target that its weight does not send there."""
        return bool(self.target and (self.match or self.mirror_percent))


NO_RULES = Rules()


@dataclass(frozen=True, slots=True)
class Route:
    """All of it. Empty weights: nothing serves."""

    weights: Mapping[str, int] = field(default_factory=dict)
    rules: Rules = NO_RULES


def rules_to_json(rules: Rules) -> dict[str, Any]:
    """Only what is not the default."""
    found: dict[str, Any] = {}
    if rules.sticky:
        found["sticky"] = rules.sticky is True or {rules.sticky.where: rules.sticky.name}
    for name in ("salt", "target", "mirror_percent"):
        if value := getattr(rules, name):
            found[name] = value
    if rules.match:
        found["match"] = [{each.where: each.name, "equals": each.equals} for each in rules.match]
    if rules.conversion:
        found["conversion"] = {"method": rules.conversion.method, "path": rules.conversion.path}
    return found


def rules_from_json(value: Any) -> Rules:
    """What ``rules_to_json`` made.

    Raises:
        ValueError: it is not that; the message names the field.
    """
    if not isinstance(value, dict):
        raise ValueError(f"rules {value!r}: expected an object")
    if unknown := value.keys() - set(Rules.__slots__):
        raise ValueError(f"rules.{min(unknown)}: unknown; known are {', '.join(Rules.__slots__)}")
    percent = value.get("mirror_percent", 0)
    if isinstance(percent, bool) or not isinstance(percent, int) or not 0 <= percent <= 100:
        raise ValueError(f"rules.mirror_percent: {percent!r} is not a whole percent from 0 to 100")
    match, conversion = value.get("match", []), value.get("conversion")
    if not isinstance(match, list):
        raise ValueError(f"rules.match: {match!r} is not a list")
    return Rules(
        sticky=_sticky(value.get("sticky", False)),
        salt=_text(value, "salt"),
        target=_text(value, "target"),
        match=tuple(_match(each) for each in match),
        mirror_percent=percent,
        conversion=None if conversion is None else _conversion(conversion),
    )


def _text(value: dict[str, Any], name: str) -> str:
    found = value.get(name, "")
    if not isinstance(found, str) or len(found) > 300:
        raise ValueError(f"rules.{name}: {found!r} is not a short text")
    return found


def _sticky(value: Any) -> bool | Key:
    return value if isinstance(value, bool) else Key(*_named(value, "sticky", ()))


def _match(value: Any) -> Match:
    where, name = _named(value, "match", ("equals",))
    equals = value["equals"]
    if not isinstance(equals, str) or not VALUE.fullmatch(equals):
        raise ValueError(f"rules.match.equals: {equals!r} is no value of a header or cookie")
    return Match(where, name, equals)


def _named(value: Any, field_name: str, others: tuple[str, ...]) -> tuple[Where, str]:
    places: tuple[Where, ...] = ("cookie", "header")
    if isinstance(value, dict):
        for where in places:
            name = value.get(where)
            whole = value.keys() == {where, *others}
            if whole and isinstance(name, str) and NAME.fullmatch(name):
                return where, name
    raise ValueError(f"rules.{field_name}: {value!r} names no cookie and no header")


def _conversion(value: Any) -> Conversion:
    if isinstance(value, dict) and value.keys() == {"method", "path"}:
        method, path = value["method"], value["path"]
        if method in METHODS and isinstance(path, str) and PATH.fullmatch(path):
            return Conversion(method, path)
    raise ValueError(f"rules.conversion: {value!r} is not a method and a path")
