"""JSON out, JSON in, and failures as people read them."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError
from pydantic_core import to_json
from starlette.requests import Request
from starlette.responses import Response

from gaesup_tui.domain.errors import GaesupError, Invalid
from gaesup_tui.domain.text import printable_line
from gaesup_tui.domain.views import Failure

MAX_BODY = 1_000_000
"""Bytes of a request's body."""
log = logging.getLogger("gaesup.service")

_STATUS = {
    "invalid": 422,
    "not_found": 404,
    "refused": 409,
    "moved": 409,
    "gone": 410,
    "forbidden": 403,
    "too_large": 413,
    "frozen": 503,
    "unavailable": 503,
    "journal": 503,
}


class TooLarge(Invalid):
    """A body over ``MAX_BODY``."""

    code = "too_large"


class Forbidden(GaesupError):
    """A caller who may not use this engine."""

    code = "forbidden"


def encode(value: Any) -> bytes:
    """Compact JSON in UTF-8."""
    return to_json(value)


def reply(body: bytes | Mapping[str, Any] | list[Any], status: int = 200) -> Response:
    """An answer in JSON; bytes are JSON already."""
    content = body if isinstance(body, bytes) else encode(body)
    return Response(content, status, media_type="application/json")


def failure(error: GaesupError) -> Response:
    """An error as its answer."""
    body = Failure(
        code=error.code,
        message=printable_line(error.message, 2000),
        hint=printable_line(error.hint, 2000),
    )
    return reply(encode(body), _STATUS.get(error.code, 500))


async def on_error(request: Request, error: Exception) -> Response:
    """Every error becomes a ``Failure``; only what nobody foresaw is logged with its traceback."""
    if isinstance(error, GaesupError):
        log.info("%s %s: %s", request.method, request.url.path, printable_line(str(error), 500))
        return failure(error)
    log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    kind = type(error).__name__
    return failure(GaesupError(f"the engine failed at this: {kind}", hint="`gaesup engine logs`"))


async def body_of(request: Request) -> bytes:
    """The request's body.

    Raises:
        TooLarge: it has more than ``MAX_BODY`` bytes.
    """
    whole = bytearray()
    async for chunk in request.stream():
        whole += chunk
        if len(whole) > MAX_BODY:
            raise TooLarge(f"the body has more than {MAX_BODY} bytes", hint="send less")
    return bytes(whole)


def explain(error: ValidationError) -> Invalid:
    """The first thing wrong with a value, with the field's name."""
    first = error.errors(include_url=False)[0]
    names = [str(part) for part in first["loc"]]
    where = ".".join(names) or "body"
    message = first["msg"].removeprefix("Value error, ").replace("Input should be", "must be")
    if first["type"] == "extra_forbidden":
        message = "there is no such field"
    more = error.error_count() - 1
    hint = f"{more} more like it" if more else ""
    return Invalid(printable_line(f"{where}: {message}", 1000), hint=hint)


def number(request: Request, name: str, default: int, low: int, high: int) -> int:
    """An integer query parameter.

    Raises:
        Invalid: it is no integer from ``low`` to ``high``.
    """
    text = request.query_params.get(name)
    if text is None or text == "":
        return default
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit() and len(digits) < 19):
        raise Invalid(f"{name} is {printable_line(text, 40)!r}", hint="give a whole number")
    value = int(text)
    if not low <= value <= high:
        raise Invalid(f"{name} is {value}", hint=f"give a number from {low} to {high}")
    return value


def flag(request: Request, name: str) -> bool:
    """A query parameter that is on (``1``, ``true``) or off.

    Raises:
        Invalid: it is neither.
    """
    text = request.query_params.get(name, "").lower()
    if text in ("", "0", "false", "no"):
        return False
    if text in ("1", "true", "yes"):
        return True
    raise Invalid(f"{name} is {printable_line(text, 40)!r}", hint="give true or false")


def known(request: Request, *names: str) -> None:
    """Refuses query parameters that mean nothing here: a misspelt one must not be ignored.

    Raises:
        Invalid: there is one.
    """
    for name in request.query_params:
        if name not in names:
            raise Invalid(
                f"{printable_line(name, 80)}: there is no such parameter",
                hint=f"there are {', '.join(names) or 'none'}",
            )
