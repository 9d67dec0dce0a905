"""What a release train would do, before it is started."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from gaesup_tui.domain.commands import TrainStart
from gaesup_tui.domain.errors import Invalid
from gaesup_tui.domain.train_preview import train_plan
from gaesup_tui.service.server.doing import command_of
from gaesup_tui.service.server.hub import Hub
from gaesup_tui.service.server.peer import peer
from gaesup_tui.service.server.wire import body_of, known, reply


async def plan(request: Request) -> Response:
    """``POST /v1/trains/plan``: a ``train_start`` as for ``/v1/commands``; nothing is begun."""
    hub: Hub = request.app.state.hub
    known(request)
    asked = command_of(await body_of(request))
    if not isinstance(asked, TrainStart):
        raise Invalid("action: only a train_start has such a plan")
    engine, by = hub.engine, peer(request).actor
    return reply(dict(train_plan(engine.world, asked, by, engine.now(), hub.speeds.switch_s)))
