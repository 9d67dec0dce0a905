"""The engine over HTTP: which path leads where, and what holds for every request."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

import gaesup_tui
from gaesup_tui.domain.errors import GaesupError, Invalid, NotFound
from gaesup_tui.service.server import asking, doing, feeds, trains
from gaesup_tui.service.server.hub import Hub
from gaesup_tui.service.server.peer import peer
from gaesup_tui.service.server.wire import Forbidden, failure, on_error

VERSION_HEADER = b"x-gaesup-version"

Handler = Callable[[Request], Awaitable[Response]]

ROUTES: tuple[tuple[str, str, Handler], ...] = (
    ("GET", "/v1/hello", asking.hello),
    ("GET", "/v1/snapshot", asking.snapshot),
    ("GET", "/v1/status", asking.status),
    ("GET", "/v1/preview", asking.preview),
    ("GET", "/v1/stop/preview", asking.stop_preview),
    ("GET", "/v1/rollback/preview", asking.rollback_preview),
    ("GET", "/v1/history", asking.history),
    ("GET", "/v1/rollouts/{id:path}", asking.rollout),
    ("GET", "/v1/judged/{id:path}", asking.judged),
    ("GET", "/v1/verdicts/{id:path}", asking.verdicts),
    ("GET", "/v1/series", asking.series),
    ("GET", "/metrics", asking.metrics),
    ("GET", "/v1/stream", feeds.stream),
    ("GET", "/v1/logs", feeds.logs),
    ("GET", "/v1/export", feeds.export),
    ("POST", "/v1/commands", doing.command),
    ("POST", "/v1/trains/plan", trains.plan),
    ("POST", "/v1/backup", doing.backup),
    ("POST", "/v1/shutdown", doing.shutdown),
)


def build(hub: Hub, stop: Callable[[str], None]) -> ASGIApp:
    """The application; ``stop`` ends the daemon and takes who asked for it."""
    app = Starlette(
        routes=[Route(path, handler, methods=[method]) for method, path, handler in ROUTES],
        exception_handlers={
            GaesupError: on_error,
            HTTPException: _no_such_path,
            Exception: on_error,
        },
    )
    app.state.hub = hub
    app.state.stop = stop
    return Gate(app)


async def _no_such_path(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 405:
        return failure(Invalid(f"{request.url.path} does not take {request.method}"))
    return failure(
        NotFound(f"there is no {request.url.path}", hint="is the engine of another version?")
    )


class Gate:
    """Before every request: only the engine's own user and root. On every answer: the version."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        version = (VERSION_HEADER, gaesup_tui.__version__.encode())

        async def with_version(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), version]
            await send(message)

        request = Request(scope)
        caller = peer(request)
        if caller.allowed:
            await self._app(scope, receive, with_version)
            return
        refusal = failure(
            Forbidden(
                f"this engine belongs to another user; you are {caller.actor.name}",
                hint="run an engine of your own",
            )
        )
        await refusal(scope, receive, with_version)
