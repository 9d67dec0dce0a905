"""What a person writes in ``gaesup.yaml`` about where requests go and which of them count."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from gaesup_tui.domain import route
from gaesup_tui.domain.model import Spec

RuleName = Annotated[str, Field(pattern=f"^{route.NAME.pattern}$")]


def _exactly_one(given: dict[str, str | None], what: str) -> None:
    there = [name for name, value in given.items() if value is not None]
    if len(there) != 1:
        found = " and ".join(there) or "neither"
        raise ValueError(f"{what} names either a cookie or a header; this one names {found}")


class KeySpec(Spec):
    """What keeps a client on its side: a cookie or a header, exactly one."""

    cookie: RuleName | None = None
    """Name of a cookie; whoever brings none is given one."""
    header: RuleName | None = None
    """Name of a header; whoever sends none is told apart by a cookie of the router's own."""

    @model_validator(mode="after")
    def _one(self) -> KeySpec:
        _exactly_one({"cookie": self.cookie, "header": self.header}, "a key")
        return self

    def key(self) -> route.Key:
        if self.cookie is not None:
            return route.Key("cookie", self.cookie)
        return route.Key("header", (self.header or "").lower())


def _known_form(value: Any) -> Any:
    """One error in plain words, instead of one for each form it might have been."""
    if isinstance(value, bool | KeySpec) or value is None:
        return value
    if isinstance(value, dict):
        named = {k: v for k, v in value.items() if v is not None}  # a dumped model says both
        name = next(iter(named.values()), None)
        if (
            len(named) == 1
            and value.keys() <= {"cookie", "header"}
            and isinstance(name, str)
            and route.NAME.fullmatch(name)
        ):
            return named
    raise ValueError("must be true, false, {cookie: NAME} or {header: NAME}: NAME of A-Z, 0-9, - _")


Sticky = Annotated[bool | KeySpec, BeforeValidator(_known_form)]


class MatchSpec(Spec):
    """Requests with this value in a cookie or a header, exactly one."""

    cookie: RuleName | None = None
    """Name of a cookie."""
    header: RuleName | None = None
    """Name of a header."""
    equals: Annotated[str, Field(pattern=f"^(?:{route.VALUE.pattern})$")]
    """The value it must have, in quotes."""

    @model_validator(mode="after")
    def _one(self) -> MatchSpec:
        _exactly_one({"cookie": self.cookie, "header": self.header}, "a match")
        return self

    def title(self) -> str:
        return f"{self.cookie or self.header}={self.equals}"[:40]

    def match(self) -> route.Match:
        if self.cookie is not None:
            return route.Match("cookie", self.cookie, self.equals)
        return route.Match("header", (self.header or "").lower(), self.equals)


MOST_MATCHES = 16


def _some(matches: tuple[MatchSpec, ...]) -> tuple[MatchSpec, ...]:
    if not 0 < len(matches) <= MOST_MATCHES:
        raise ValueError(f"lists 1 to {MOST_MATCHES} values; this one lists {len(matches)}")
    return matches


# Not a length of the field: where an entry is wrong it would be told as a list that is too short.
Matches = Annotated[
    tuple[MatchSpec, ...],
    AfterValidator(_some),
    Field(json_schema_extra={"minItems": 1, "maxItems": MOST_MATCHES}),
]


class ConversionSpec(Spec):
    """The request whose success is what the unit is for, as ``POST /orders`` for a checkout."""

    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] = "POST"
    """Method of the request."""
    path: Annotated[str, Field(pattern=f"^{route.PATH.pattern}$")]
    """Its path; ``*`` at the end stands for anything. Replies of class 2xx count."""

    def conversion(self) -> route.Conversion:
        return route.Conversion(self.method, self.path)
