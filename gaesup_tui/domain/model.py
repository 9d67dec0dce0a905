"""The base of every frozen model, and the names people give to things."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    WithJsonSchema,
)
from pydantic.alias_generators import to_camel

from gaesup_tui.domain.text import parse_duration, parse_quantity, printable_line

_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


class Frozen(BaseModel):
    """A value: immutable, and strict about fields it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """The value with some fields replaced; not validated, as in pydantic.

        The fold lives on this. Values are immutable and have no extra or private fields, so the
        copies that pydantic makes of what is inside are not needed.
        """
        if deep:
            return super().model_copy(update=update, deep=True)
        new = self.__class__.__new__(self.__class__)
        changes = update or {}
        object.__setattr__(new, "__dict__", {**self.__dict__, **changes})
        fields_set = self.__pydantic_fields_set__ | changes.keys()
        object.__setattr__(new, "__pydantic_fields_set__", fields_set)
        object.__setattr__(new, "__pydantic_extra__", None)
        object.__setattr__(new, "__pydantic_private__", None)
        return new


class Spec(Frozen):
    """A value people write in files: camelCase there, snake_case here."""

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, use_attribute_docstrings=True
    )


def _seconds(value: Any) -> Any:
    return parse_duration(value) if isinstance(value, str) else value


Duration = Annotated[
    float,
    BeforeValidator(_seconds),
    Field(ge=0, le=30 * 86400),
    WithJsonSchema(
        {
            "type": ["string", "number"],
            "pattern": r"^(\d+(\.\d+)?(ms|s|m|h|d))+$",
            "minimum": 0,
            "maximum": 30 * 86400,
        }
    ),
]
"""Seconds; in files ``90s``, ``2m``, ``1h30m`` or a number of seconds."""


_PERCENT = re.compile(r"(\d+(?:\.\d+)?) ?%")
_BYTES = re.compile(r"\d+(?:\.\d+)?(?:Ki|Mi|Gi|k|M|G)")


def _limit(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    if match := _PERCENT.fullmatch(value.strip()):
        return float(match[1]) / 100
    if _BYTES.fullmatch(value.strip()):
        return parse_quantity(value)
    try:
        return parse_duration(value)
    except ValueError:
        raise ValueError(
            f"{value[:40]!r} is not a limit: write a number, 5%, 250ms or 48Mi"
        ) from None


GuardLimit = Annotated[
    float,
    BeforeValidator(_limit),
    Field(ge=0, le=2**40),
    WithJsonSchema(
        {
            "type": ["string", "number"],
            "pattern": r"^((\d+(\.\d+)?(ms|s|m|h|d))+|\d+(\.\d+)?( ?%|Ki|Mi|Gi|k|M|G))$",
            "minimum": 0,
            "maximum": 2**40,
        }
    ),
]
"""A number; in files also ``5%``, a duration ``250ms``, or bytes ``48Mi``."""


def _check_name(value: str) -> str:
    if not _NAME.fullmatch(value):
        raise ValueError(
            f"{value[:80]!r} is not a name: use 1 to 63 of a-z, 0-9 and '-', "
            "beginning and ending with a letter or digit"
        )
    return value


def _check_key(value: str) -> str:
    unit, at, environment = value.partition("@")
    if not at:
        raise ValueError(f"{value[:80]!r} is not a deployment: write UNIT@ENVIRONMENT")
    _check_name(unit)
    _check_name(environment)
    return value


Name = Annotated[str, AfterValidator(_check_name)]
"""A unit's or an environment's name: one DNS label, since it becomes a host name."""

DeploymentKey = Annotated[str, AfterValidator(_check_key)]
"""A unit in an environment, ``cart@production``."""

Version = Annotated[
    str, Field(min_length=1, max_length=64, pattern=r"^[0-9A-Za-z][0-9A-Za-z._+-]*$")
]
"""A version as people say it: ``v42``, ``1.4.0-rc.1``."""

Text = Annotated[str, Field(max_length=500), AfterValidator(printable_line)]
"""One line from a person or from outside, made safe for a terminal."""


def deployment_key(unit: str, environment: str) -> str:
    """``cart``, ``production`` -> ``cart@production``."""
    return f"{unit}@{environment}"
