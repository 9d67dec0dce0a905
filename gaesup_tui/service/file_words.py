"""What is wrong with a value of a file, in words: from a validator's detail to message and hint."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable
from typing import Any

from pydantic_core import ErrorDetails

from gaesup_tui.domain import config
from gaesup_tui.domain.config_schema import Schema, fields_at
from gaesup_tui.domain.text import (
    duration,
    parse_duration,
    parse_quantity,
    printable_line,
    quantity,
)

_LINK = re.compile(r"\[[^]]*\]\(([^)]*)\)")
_LIMITS = {
    "greater_than": ("gt", "more than"),
    "greater_than_equal": ("ge", "at least"),
    "less_than": ("lt", "less than"),
    "less_than_equal": ("le", "at most"),
}
_PLAIN = (
    ("Input should be", "must be"),
    (", got a number with a fractional part", ""),
    ("a valid integer", "a whole number"),
    ("a valid boolean", "true or false"),
    ("a valid string", "text"),
    ("valid ", ""),
    ("a dictionary", "names with values"),
    ("tuple", "list"),
)
_ENDS = (", unable to ", " or instance of ", " or an object to ")


def words_of(detail: ErrorDetails) -> tuple[str, str]:
    """Message and hint."""
    schema = Schema.of(config.ProjectFile)
    loc, given = detail["loc"], _shown(detail["input"])
    hint = _LINK.sub(r"docs/\1", schema.description(loc))
    match detail["type"]:
        case "extra_forbidden":
            there = list(fields_at(schema, loc[:-1]))
            near = difflib.get_close_matches(str(loc[-1]), there, 1)
            known = f"did you mean {near[0]}?" if near else f"known here: {', '.join(there)}"
            return "there is no such field", known
        case "missing":
            return "is missing", f"add it: {hint}"
        case "value_error":
            message, _, told = detail["msg"].removeprefix("Value error, ").partition(": ")
            return message, told or hint
        case "string_pattern_mismatch":
            return f"{given} is not of the form it must have", hint
        case "too_short" | "string_too_short":
            return "is empty", hint
        case kind if kind in _LIMITS:
            name, words = _LIMITS[kind]
            limit = _like(detail["input"], detail["ctx"][name])
            return f"must be {words} {limit}, not {given}", hint
    return f"{_plain(detail['msg'])}, not {given}", hint


def _plain(message: str) -> str:
    for begins in _ENDS:
        message = message.partition(begins)[0]
    for theirs, ours in _PLAIN:
        message = message.replace(theirs, ours)
    return message


def _like(given: Any, limit: float) -> str:
    """A limit as the value was written: ``4.0Gi`` for ``999Gi``, ``30d00h`` for ``9999d``."""
    if isinstance(given, str):
        if _reads(parse_duration, given):
            return duration(limit)
        if _reads(parse_quantity, given):
            return quantity(int(limit))
    return f"{limit:g}" if abs(limit) < 1e6 else str(limit)


def _reads(read: Callable[[str], float], text: str) -> bool:
    try:
        read(text)
    except ValueError:
        return False
    return True


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return "names with values"
    if isinstance(value, list):
        return "a list"
    return "nothing" if value is None else printable_line(repr(value), 60)
