"""The engine's own view: what holds, what moves, what it sees."""

from __future__ import annotations

import os
from collections.abc import Mapping

import gaesup_tui
from gaesup_tui.domain.calendar_views import window_views
from gaesup_tui.domain.deployment import Deployment
from gaesup_tui.domain.global_rollback import came_to_rest
from gaesup_tui.domain.rollback_views import rollback_view
from gaesup_tui.domain.train_commands import TRAIN_ACTIONS, trains_why_not
from gaesup_tui.domain.train_viewing import train_view
from gaesup_tui.domain.viewing import note_view
from gaesup_tui.domain.views import EngineView
from gaesup_tui.domain.waiting import waiting
from gaesup_tui.domain.world import World
from gaesup_tui.engine.engine import Engine


def engine_view(engine: Engine, boot: str, now: float) -> EngineView:
    """The engine at this moment."""
    world = engine.world
    states = world.deployments.values()
    release = None if world.stops else "nothing is stopped"
    coming = _turns_to_come(world)
    strangers = [
        *(f"{name}: {key}" for name, keys in engine.strangers().items() for key in sorted(keys)),
        *(
            f"{key}: {revision}"
            for key, revisions in engine.strange_revisions().items()
            for revision in revisions
        ),
    ]
    return EngineView(
        version=gaesup_tui.__version__,
        pid=os.getpid(),
        boot=boot,
        at=now,
        frozen=engine.frozen,
        stops=[note_view(stop) for stop in world.stops],
        moving=[state.key for state in states if state.active],
        rollbacks=[view for stop in world.stops if (view := rollback_view(world, stop))],
        trains=[train_view(world, train, now) for train in reversed(world.trains)],
        windows=window_views(world, now),
        still=[line for state in states if (line := _still(engine, state, coming))]
        if world.stops
        else [],
        backends={name: _seen_at(engine, name, now) for name in engine.backends},
        strangers=strangers,
        actions={
            "stop": None,
            "global_rollback": None,
            "release": release,
            **{action: trains_why_not(world, action, now) for action in TRAIN_ACTIONS},
        },
    )


def _seen_at(engine: Engine, backend: str, now: float) -> float | None:
    age = engine.observer.age(backend)
    return None if age is None else now - age


def _turns_to_come(world: World) -> dict[str, str]:
    """What a global rollback has not come to yet, and which group it is in."""
    return {
        turn.deployment: f"waits for its turn, group {number} of {len(stop.course.groups)}"
        for stop in world.stops
        if stop.course
        for number, group in enumerate(stop.course.groups, 1)
        if number > stop.course.group + 1
        for turn in group
    }


def _still(engine: Engine, state: Deployment, coming: Mapping[str, str]) -> str | None:
    """What of a stopped deployment has not come to rest; None when it has, or is not stopped."""
    stop = engine.world.stop_for(state.key)
    if stop is None or stop.mode == "freeze":
        return None
    if state.key in coming:
        return f"{state.key}: {coming[state.key]}"
    seen = engine.observer.seen(state)
    if state.active:
        if stop.course and came_to_rest(state):
            return None
        why = waiting(state, seen, stop)
        return f"{state.key}: {why.what}" if why else f"{state.key}: on its way back"
    if seen is None:
        return None
    live = {revision: weight for revision, weight in seen.weights.items() if weight}
    return None if live == state.weights() else f"{state.key}: traffic not as wished yet"
