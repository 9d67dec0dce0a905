"""Amounts of replicas: a number, or a percent of those there are meant to be."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, WithJsonSchema

MOST = 1000
_PERCENT = re.compile(r"(\d{1,3})\s*%")


def _plain(value: Any) -> Any:
    if isinstance(value, bool | float):
        raise ValueError(f"{value!r} is no amount of replicas: write a number, or 25%")
    if isinstance(value, str) and value.strip() == "all":
        return "100%"
    return f"{value.strip()}" if isinstance(value, str) else value


def _check(value: int | str) -> int | str:
    if isinstance(value, int):
        if 0 <= value <= MOST:
            return value
        raise ValueError(f"{value} is not between 0 and {MOST}: write a number, or 25%")
    found = _PERCENT.fullmatch(value)
    if not found or int(found[1]) > 100:
        raise ValueError(f"{value[:40]!r} is no amount of replicas: write a number, or 25%")
    return f"{int(found[1])}%"


Amount = Annotated[
    int | str,
    BeforeValidator(_plain),
    AfterValidator(_check),
    WithJsonSchema(
        {"type": ["string", "integer"], "pattern": r"^(\d{1,3} ?%|all)$", "examples": ["25%", 2]}
    ),
]
"""In files ``2``, ``25%`` or ``all``; kept as a number or as ``25%``."""


def up(amount: int | str, of: int) -> int:
    """The replicas it means of ``of``; parts of one count as one."""
    return -(-_hundredths(amount, of) // 100)


def down(amount: int | str, of: int) -> int:
    """The replicas it means of ``of``; parts of one do not count."""
    return _hundredths(amount, of) // 100


def is_none(amount: int | str) -> bool:
    """Whether it is nothing, however many there are."""
    return amount in (0, "0%")


def is_all(amount: int | str) -> bool:
    """Whether it is all of them, however many there are."""
    return amount == "100%"


def words(amount: int | str) -> str:
    """As people say it."""
    return "all" if is_all(amount) else str(amount)


def _hundredths(amount: int | str, of: int) -> int:
    return amount * 100 if isinstance(amount, int) else int(amount.removesuffix("%")) * of


def is_less(amount: int | str, other: int | str) -> bool:
    """Whether it is fewer than ``other``, however many there are; two that can only be compared
    with a number of replicas at hand are not."""
    if isinstance(amount, int) and isinstance(other, int):
        return amount < other
    if isinstance(amount, str) and isinstance(other, str):
        return _hundredths(amount, 1) < _hundredths(other, 1)
    return is_all(other) if isinstance(amount, int) else False
