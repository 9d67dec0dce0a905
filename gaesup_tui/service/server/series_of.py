"""The last seconds of deployments and revisions, for sparklines."""

from __future__ import annotations

from collections.abc import Sequence

from gaesup_tui.domain.deployment import Deployment
from gaesup_tui.domain.sight import digits
from gaesup_tui.domain.views import DeploymentSeries, Series
from gaesup_tui.engine.engine import Engine
from gaesup_tui.engine.points import Point
from gaesup_tui.service.server.turns import Turns
from gaesup_tui.service.server.wire import encode

STEP_S = 1


def one(engine: Engine, key: str, points: int) -> DeploymentSeries:
    """A deployment and each of its revisions that is seen."""
    state = engine.world.deployments[key]
    seen = engine.observer.seen(state)
    revisions = {
        revision: _series(engine.observer.points(state, revision), points)
        for revision in (seen.revisions if seen else ())
    }
    return _with_revisions(engine, state, points, revisions)


async def every(engine: Engine, points: int) -> bytes:
    """All deployments by name, without their revisions, as JSON. Made in slices: a command that
    comes in between must not wait for a thousand of them."""
    parts, turns = [], Turns()
    for key, state in engine.world.deployments.items():
        series = encode(_with_revisions(engine, state, points, {}))
        parts.append(b"%s:%s" % (encode(key), series))
        if turns.over:
            await turns.pause()
    return b"{%s}" % b",".join(parts)


def _with_revisions(
    engine: Engine, state: Deployment, points: int, revisions: dict[str, Series]
) -> DeploymentSeries:
    whole = _series(engine.observer.points(state), points)
    return DeploymentSeries(at=engine.now(), step_s=STEP_S, revisions=revisions, **whole)


def _series(found: Sequence[Point | None], points: int) -> Series:
    last = found[-points:]
    return Series(
        rps=[digits(each.rate) if each else None for each in last],
        error_ratio=[digits(each.error_ratio) if each else None for each in last],
        p50_s=[digits(each.p50_s) if each else None for each in last],
        p95_s=[digits(each.p95_s) if each else None for each in last],
        memory=[each.memory_bytes if each else None for each in last],
    )
