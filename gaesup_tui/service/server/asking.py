"""What only asks."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from gaesup_tui.domain import preview as previews
from gaesup_tui.domain.deployment import Deployment
from gaesup_tui.domain.errors import Invalid, NotFound
from gaesup_tui.domain.judged_record import entry_line, head_line
from gaesup_tui.domain.sight import Sight
from gaesup_tui.domain.text import printable_line
from gaesup_tui.service.server import past, series_of
from gaesup_tui.service.server.exposition import exposition
from gaesup_tui.service.server.gone import need
from gaesup_tui.service.server.hub import Hub
from gaesup_tui.service.server.peer import peer
from gaesup_tui.service.server.sights import answer_of, sight_of, traffic_of, verdict_of
from gaesup_tui.service.server.stops import rollback
from gaesup_tui.service.server.stops import stop_preview as stops
from gaesup_tui.service.server.wire import encode, known, number, reply

MAX_PAGE = 5000


def _hub(request: Request) -> Hub:
    hub = request.app.state.hub
    assert isinstance(hub, Hub)
    return hub


def _deployment(hub: Hub, request: Request) -> str:
    """The deployment named in the query; empty when none is.

    Raises:
        NotFound: nothing carries that name.
    """
    key = request.query_params.get("deployment", "")
    if key and key not in hub.engine.world.deployments:
        raise NotFound(
            f"there is no deployment {printable_line(key, 130)}",
            hint="`gaesup status` lists what there is",
        )
    return key


async def hello(request: Request) -> Response:
    return reply(dict(_hub(request).hello()))


async def snapshot(request: Request) -> Response:
    known(request)
    return reply(await _hub(request).snapshot())


async def status(request: Request) -> Response:
    hub = _hub(request)
    known(request, "deployment")
    return reply(await hub.status(_deployment(hub, request)))


async def preview(request: Request) -> Response:
    hub = _hub(request)
    known(request, "action", "deployment", "version", "replicas", "by_s", "check")
    key = request.query_params.get("deployment", "")
    state = hub.engine.world.deployments.get(key)
    count = number(request, "replicas", -1, 0, 1000)
    shown = previews.preview(
        hub.engine.world,
        request.query_params.get("action", ""),
        key,
        _sight(hub, state) if state else previews.UNSEEN,
        hub.engine.now(),
        version=printable_line(request.query_params.get("version", ""), 64),
        replicas=None if count < 0 else count,
        by_s=_optional(request, "by_s"),
        by=peer(request).actor,
        check=printable_line(request.query_params.get("check", ""), 200),
    )
    return reply(dict(shown))


def _sight(hub: Hub, state: Deployment) -> Sight:
    engine = hub.engine
    verdict, traffic = verdict_of(engine, state), traffic_of(engine, state)
    return sight_of(engine, hub.speeds, state, verdict, traffic, answer_of(engine, state))


async def stop_preview(request: Request) -> Response:
    hub = _hub(request)
    known(request, "scope")
    return reply(dict(stops(hub.engine, hub.speeds, request.query_params.get("scope") or None)))


async def rollback_preview(request: Request) -> Response:
    known(request, "scope")
    return reply(dict(rollback(_hub(request).engine, request.query_params.get("scope", ""))))


async def history(request: Request) -> Response:
    """The newest ``limit`` events, or with ``after`` the first that follow; oldest first."""
    hub = _hub(request)
    known(request, "deployment", "after", "before", "limit", "kinds")
    key = _deployment(hub, request)
    kinds = request.query_params.get("kinds", "")
    asked = past.Asked(
        deployment=key or None,
        after=_optional(request, "after"),
        before=_optional(request, "before"),
        limit=number(request, "limit", 200, 1, MAX_PAGE),
        kinds=frozenset(kinds.split(",")) if kinds else frozenset(),
    )
    if asked.after is not None and asked.before is not None:
        raise Invalid("after and before: give one of them")
    if asked.after is not None:
        need(hub.engine.begins, asked.after)
    return reply(encode(await past.history(hub.engine, asked)))


def _optional(request: Request, name: str) -> int | None:
    found = number(request, name, -1, 0, 2**53)
    return None if found < 0 else found


async def rollout(request: Request) -> Response:
    known(request)
    found = await past.rollout(_hub(request).engine, request.path_params["id"])
    return reply(dict(found))


async def judged(request: Request) -> Response:
    """The judge's record of a rollout: its lines, as they lie on the disk."""
    known(request)
    record = await _hub(request).engine.judged(printable_line(request.path_params["id"], 150))
    return reply({"lines": [head_line(record), *map(entry_line, record.entries)]})


async def verdicts(request: Request) -> Response:
    """How the judgement of a rollout went, ready to be shown."""
    known(request)
    hub, rollout = _hub(request), printable_line(request.path_params["id"], 150)
    return reply(dict(await hub.stories.of(hub.engine, rollout)))


async def series(request: Request) -> Response:
    """One deployment with its revisions, or all of them by name with fewer points."""
    hub = _hub(request)
    known(request, "deployment", "points")
    key = _deployment(hub, request)
    points = number(request, "points", 120 if key else 30, 1, 120)
    if key:
        return reply(dict(series_of.one(hub.engine, key, points)))
    return reply(await series_of.every(hub.engine, points))


async def metrics(request: Request) -> Response:
    return PlainTextResponse(
        exposition(_hub(request)), media_type="text/plain; version=0.0.4; charset=utf-8"
    )
