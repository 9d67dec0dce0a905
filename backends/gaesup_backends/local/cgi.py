"""The bytes a unit answers with, checked and turned into an HTTP reply.

A unit answers ``Status: N``, header lines, an empty line and a body. Anything else is garbage and
becomes a 502: neither line breaks nor control characters of a unit reach a client's headers.
"""

from __future__ import annotations

import re
from functools import lru_cache
from http import HTTPStatus
from typing import Final

MAX_HEAD_BYTES: Final = 8 * 1024

# Status 1xx is the node's business; bytes above 0x7f are allowed as HTTP has it.
_HEAD: Final = re.compile(
    rb"Status: ([2-5][0-9][0-9])(?: [\x20-\x7e]*)?"
    rb"((?:\r\n[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[\t\x20-\x7e\x80-\xff]*)*)"
)
# The node writes these itself.
_OWN: Final = re.compile(
    rb"\r\n(?:connection|keep-alive|transfer-encoding|content-length|upgrade|trailer|te"
    rb"|proxy-[a-z-]+|x-gaesup-revision):[^\r]*",
    re.IGNORECASE,
)
_MAYBE_OWN: Final = re.compile(rb"\r\n(?:con|kee|tra|upg|te:|pro|x-gae)", re.IGNORECASE)

STATUS_LINES: Final = {
    code: f"HTTP/1.1 {code} {HTTPStatus(code).phrase}\r\n".encode()
    for code in (status.value for status in HTTPStatus)
    if code >= 200
}


def status_line(code: int) -> bytes:
    """The first line of a reply with its line break."""
    return STATUS_LINES.get(code) or b"HTTP/1.1 %d Unknown\r\n" % code


def parse_reply(payload: bytes) -> tuple[int, bytes, bytes] | None:
    """Status, header lines (each with its break) and body; None when it is garbage."""
    head, separator, body = payload.partition(b"\r\n\r\n")
    if not separator:
        return None
    parsed = _parsed(head)
    return (parsed[0], parsed[1], body) if parsed is not None else None


# Units repeat their heads; at most 256 x MAX_HEAD_BYTES are kept.
@lru_cache(maxsize=256)
def _parsed(head: bytes) -> tuple[int, bytes] | None:
    if len(head) > MAX_HEAD_BYTES:
        return None
    found = _HEAD.fullmatch(head)
    if found is None:
        return None
    lines = found[2]
    if _MAYBE_OWN.search(lines):
        lines = _OWN.sub(b"", lines)
    return int(found[1]), lines[2:] + b"\r\n" if lines else b""
