"""What changes something: commands, a backup, the end."""

from __future__ import annotations

import json
import logging
import os
from pathlib import Path

from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import Response

from gaesup_tui.domain.commands import COMMAND, Command
from gaesup_tui.domain.errors import Invalid
from gaesup_tui.domain.events import Recorded
from gaesup_tui.domain.text import printable_line
from gaesup_tui.domain.views import Receipt
from gaesup_tui.service.server.hub import Hub
from gaesup_tui.service.server.narrator import Narrator
from gaesup_tui.service.server.peer import peer
from gaesup_tui.service.server.wire import body_of, explain, known, reply

MAX_KEY = 200
log = logging.getLogger("gaesup.service")


async def command(request: Request) -> Response:
    """``POST /v1/commands``: answered once what follows is durable, or acts from memory."""
    hub: Hub = request.app.state.hub
    known(request)
    key = _idempotency_key(request)
    asked = command_of(await body_of(request))
    by = peer(request).actor
    log.info("%s: %s %s", by.name, asked.action, _target(asked))
    narrator = Narrator(hub.engine.world)
    receipt = await hub.engine.submit(asked, by, key)
    return reply(
        dict(
            Receipt(
                seq=receipt.seq,
                text=_told(narrator, receipt.events),
                deployment=getattr(asked, "deployment", ""),
                durable=receipt.durable,
                repeated=receipt.repeated,
            )
        )
    )


def command_of(body: bytes) -> Command:
    """Raises ``Invalid`` with the first thing that is wrong."""
    try:
        return COMMAND.validate_json(body)
    except ValidationError as error:
        raise explain(error) from None


def _idempotency_key(request: Request) -> str | None:
    key = request.headers.get("idempotency-key", "")
    if len(key) > MAX_KEY or not key.isprintable() or not key.isascii():
        raise Invalid("Idempotency-Key is not 1 to 200 printable ASCII characters")
    return key or None


def _target(asked: Command) -> str:
    name = getattr(asked, "deployment", None) or getattr(asked, "train", None)
    return name or getattr(asked, "scope", "") or "everything"


def _told(narrator: Narrator, events: tuple[Recorded, ...]) -> str:
    """The first of what a command led to, in words: the rest follows from it."""
    return narrator.tell(events[0])["text"] if events else "nothing changed"


async def backup(request: Request) -> Response:
    """``POST /v1/backup``: a copy of the journal at ``path``, or in the state folder."""
    hub: Hub = request.app.state.hub
    known(request)
    body = await body_of(request)
    path = await hub.engine.backup(_path(body))
    log.info("%s: backup to %s", peer(request).actor.name, path)
    return reply({"path": str(path)})


def _path(body: bytes) -> Path | None:
    try:
        asked = json.loads(body or b"{}")
    except ValueError:
        raise Invalid("body: not JSON") from None
    if not isinstance(asked, dict) or set(asked) - {"path"}:
        raise Invalid("body: an object with `path` and nothing else")
    path = asked.get("path")
    if path is None:
        return None
    shown = printable_line(str(path), 200)
    if not isinstance(path, str) or "\0" in path or not Path(path).is_absolute():
        raise Invalid(f"path: {shown!r} is not an absolute path")
    _check_new(path, shown)
    return Path(path)


def _check_new(path: str, shown: str) -> None:
    """A folder that is not there is not made: a path with a slip in it would become one, and the
    copy be looked for in vain on the day it is needed."""
    if os.path.isdir(path):
        raise Invalid(f"backup: {shown} is a folder", hint=f"name a file in it: {shown}/journal.db")
    if os.path.lexists(path):
        raise Invalid(f"backup: {shown} is there already", hint="name a new file")
    folder = os.path.dirname(path)
    if not os.path.isdir(folder):
        folder = printable_line(folder, 200)
        raise Invalid(f"backup: there is no folder {folder}", hint=f"make it: mkdir -p {folder}")


async def shutdown(request: Request) -> Response:
    """``POST /v1/shutdown``: the engine ends; what it deployed keeps running."""
    hub: Hub = request.app.state.hub
    known(request)
    by = peer(request).actor.name
    request.app.state.stop(f"asked by {by}")
    return reply(dict(hub.hello()), status=202)
