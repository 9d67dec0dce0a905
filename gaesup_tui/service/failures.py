"""From the engine's answers to errors and to text that is safe to show. Standard library only."""

from __future__ import annotations

import json
import re
from typing import Any

from gaesup_tui.domain.errors import (
    Frozen,
    GaesupError,
    Invalid,
    Moved,
    NotFound,
    Refused,
    Unavailable,
)
from gaesup_tui.domain.text import printable_line

_BY_CODE: dict[str, type[GaesupError]] = {
    kind.code: kind for kind in (Invalid, NotFound, Refused, Moved, Frozen, Unavailable)
}
_BY_CODE |= {"too_large": Invalid, "forbidden": Refused, "gone": Refused, "journal": Unavailable}
# What JSON text must hold before a string in it could need cleaning: an escaped control character
# or an unsafe one as it is. Most answers hold none, and one look at the text is far cheaper than
# one at each of its strings.
_SUSPECT = re.compile(
    "\\\\[bfnrtu]|[\x7f-\x9f\u00ad\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff"
    "\ufff9-\ufffb\U000e0000-\U000e007f]"
)


def parse(text: str) -> Any:
    """JSON from the engine, every string in it one safe line.

    Raises:
        Unavailable: it is not JSON.
    """
    try:
        value = json.loads(text)
    except ValueError:
        raise Unavailable(
            "the answer is not JSON", hint="does something else listen at the engine's socket?"
        ) from None
    return _clean(value) if _SUSPECT.search(text) else value


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return printable_line(value)
    if isinstance(value, list):
        return [_clean(each) for each in value]
    if isinstance(value, dict):
        return {printable_line(key): _clean(each) for key, each in value.items()}
    return value


def error_of(status: int, text: str) -> GaesupError:
    """The error an answer that is not 2xx tells of."""
    try:
        told = parse(text)
        kind = _BY_CODE.get(told["code"], GaesupError)
        return kind(str(told["message"]), hint=str(told["hint"]))
    except (Unavailable, KeyError, TypeError):
        return Unavailable(
            f"the engine answered {status} without saying why", hint="see `gaesup engine logs`"
        )
