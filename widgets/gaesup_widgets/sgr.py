"""The shortest sequence from one look of text to another: on a slow line looks cost more than
letters. Pure."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple


class Look(NamedTuple):
    """SGR parameters, sorted by what they set; empty is the terminal's own."""

    attributes: tuple[str, ...]
    foreground: str
    background: str


@lru_cache(1024)
def look_of(sgr: str) -> Look:
    """The look that `sgr` (parameters without `CSI` and `m`, after a reset) gives."""
    attributes: list[str] = []
    foreground = background = ""
    words = sgr.split(";") if sgr else []
    at = 0
    while at < len(words):
        word = words[at]
        size = 1
        if word in ("38", "48"):
            size = 5 if words[at + 1 : at + 2] == ["2"] else 3
        value = ";".join(words[at : at + size])
        number = int(word) if word.isdigit() else 0
        if word == "38" or 30 <= number <= 37 or 90 <= number <= 97:
            foreground = value
        elif word == "48" or 40 <= number <= 47 or 100 <= number <= 107:
            background = value
        elif number == 39:
            foreground = ""
        elif number == 49:
            background = ""
        else:
            attributes.append(value)
        at += size
    return Look(tuple(attributes), foreground, background)


@lru_cache(4096)
def change(before: str, after: str) -> str:
    """The sequence that turns the look of `before` into that of `after`; empty when it is the
    same look. Attributes can only be taken away by a reset."""
    old, new = look_of(before), look_of(after)
    if old == new:
        return ""
    parts: list[str] = []
    if set(old.attributes) <= set(new.attributes):
        parts += [each for each in new.attributes if each not in old.attributes]
        if new.foreground != old.foreground:
            parts.append(new.foreground or "39")
        if new.background != old.background:
            parts.append(new.background or "49")
        short = f"\x1b[{';'.join(parts)}m"
    else:
        short = ""
    whole = [each for each in (*new.attributes, new.foreground, new.background) if each]
    reset = f"\x1b[{';'.join(['0', *whole])}m" if whole else "\x1b[0m"
    return short if short and len(short) < len(reset) else reset
