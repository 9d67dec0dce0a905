"""Text from outside, made safe; numbers and times, made readable. Standard library only."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

MAX_LINE = 4096

# C0 and C1 controls, bidirectional overrides, zero-width and line separators: each can move the
# cursor, rewrite what was shown or make one text look like another.
_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb"
    "\U000e0000-\U000e007f\ud800-\udfff]"
)
# Whole escape sequences are dropped as one, so that no tail such as "[31m" stays behind.
_ESCAPES = re.compile(
    "(?:\x1b\\[|\x9b)[0-?]*[ -/]*[@-~]"  # CSI
    "|(?:\x1b\\]|\x9d)[^\x07\x1b\x9c]*(?:\x07|\x1b\\\\|\x9c)?"  # OSC
    "|(?:\x1b[PX^_]|[\x90\x98\x9e\x9f])[^\x1b\x9c]*(?:\x1b\\\\|\x9c)?"  # DCS, SOS, PM, APC
    "|\x1b[ -/]*[0-~]"
)


def printable_line(text: str, limit: int = MAX_LINE) -> str:
    """One safe line: escape sequences out, other controls as ``·``, tabs as spaces.

    ``limit`` is in characters; what is cut is said (``… 812 more``).
    """
    text = text.rstrip("\r\n")
    if len(text) > limit:
        text = f"{text[:limit]}… {len(text) - limit} more"
    if text.isascii() and text.isprintable():
        return text
    text = _ESCAPES.sub("", text).replace("\t", "    ")
    return unicodedata.normalize("NFC", _UNSAFE.sub("·", text))


def short_line(text: str, most: int = 500) -> str:
    """One safe line of at most ``most`` characters, with what is cut said among them: a reason that
    is too long is no reason to refuse a stop."""
    line = printable_line(text, most)
    return line if len(line) <= most else printable_line(line[: most - 24]) + "… and more"


def duration(seconds: float | None) -> str:
    """``0.4 s``, ``12 s``, ``4m31``, ``2h05``, ``3d04h``; no number as ``–``."""
    if seconds is None:
        return "–"
    if seconds < 0:
        seconds = 0.0
    if seconds < 1:
        return f"{seconds:.1f} s"
    whole = int(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02d}"
    if whole < 86400:
        return f"{whole // 3600}h{whole % 3600 // 60:02d}"
    return f"{whole // 86400}d{whole % 86400 // 3600:02d}h"


def percent(ratio: float | None) -> str:
    """A ratio of 0…1 as ``0.4 %``; no number as ``–``."""
    if ratio is None:
        return "–"
    return f"{ratio * 100:.1f} %" if ratio < 0.9995 else "100 %"


def milliseconds(seconds: float | None) -> str:
    """Seconds as ``88ms`` or ``1.20s``; no number as ``–``."""
    if seconds is None:
        return "–"
    ms = seconds * 1000
    if ms < 9.95:
        return f"{ms:.1f}ms"
    return f"{ms:.0f}ms" if ms < 1000 else f"{seconds:.2f}s"


_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION = re.compile(r"(?:(\d+(?:\.\d+)?)(ms|s|m|h|d))+")
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")


def parse_duration(text: str) -> float:
    """``90s``, ``2m``, ``1h30m``, ``250ms`` in seconds.

    Raises:
        ValueError: not a duration; the message says what one looks like.
    """
    compact = text.strip()
    if not _DURATION.fullmatch(compact):
        raise ValueError(f"{text[:40]!r} is not a duration: write 250ms, 90s, 2m or 1h30m")
    return sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(compact))


_SUFFIX = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30}
_QUANTITY = re.compile(r"(\d+(?:\.\d+)?)(Ki|Mi|Gi|k|M|G)?")


def parse_quantity(text: str) -> int:
    """A Kubernetes quantity of bytes: ``64Mi``, ``1Gi``, ``500k``.

    Raises:
        ValueError: not a quantity; the message says what one looks like.
    """
    match = _QUANTITY.fullmatch(text.strip())
    if not match:
        raise ValueError(f"{text[:40]!r} is not a quantity of bytes: write 64Mi or 1Gi")
    return int(float(match[1]) * _SUFFIX[match[2] or ""])


def some(lines: Sequence[str], most: int = 4) -> str:
    """The first of many, and how many more there are."""
    more = f"; {len(lines) - most} more" if len(lines) > most else ""
    return "; ".join(lines[:most]) + more


def quantity(count: int | None) -> str:
    """Bytes as ``1.5Mi``; no number as ``–``."""
    if count is None:
        return "–"
    for suffix in ("Gi", "Mi", "Ki"):
        if count >= _SUFFIX[suffix]:
            return f"{count / _SUFFIX[suffix]:.1f}{suffix}"
    return str(count)
