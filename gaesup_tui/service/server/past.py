"""What the journal still tells of what happened."""

from __future__ import annotations

from dataclasses import dataclass

from gaesup_tui.domain import deployment as deployments
from gaesup_tui.domain import events as ev
from gaesup_tui.domain.allowed import why_nots
from gaesup_tui.domain.deployment import Deployment
from gaesup_tui.domain.errors import NotFound
from gaesup_tui.domain.rollout import Rollout
from gaesup_tui.domain.rollout_viewing import rollout_view
from gaesup_tui.domain.sight import Sight
from gaesup_tui.domain.text import printable_line
from gaesup_tui.domain.views import EventView, RolloutView
from gaesup_tui.engine.engine import Engine
from gaesup_tui.service.server.gone import older_are_gone
from gaesup_tui.service.server.narrator import Narrator
from gaesup_tui.service.server.sights import answer_of, seen_at

PAGE = 500


@dataclass(frozen=True, slots=True)
class Asked:
    """Which events; ``after`` and ``before`` are numbers, exclusive; neither: the newest."""

    deployment: str | None
    after: int | None
    before: int | None
    limit: int
    kinds: frozenset[str]


async def history(engine: Engine, asked: Asked) -> list[EventView]:
    """Events as people read them, oldest first."""
    found = await (_forward(engine, asked) if asked.after is not None else _back(engine, asked))
    narrator = Narrator(engine.world)
    return [narrator.tell(recorded) for recorded in found]


def _wanted(asked: Asked, recorded: ev.Recorded) -> bool:
    return not asked.kinds or recorded.event.kind in asked.kinds


async def _forward(engine: Engine, asked: Asked) -> list[ev.Recorded]:
    after = asked.after or 0
    found: list[ev.Recorded] = []
    while page := await engine.history(after, PAGE, asked.deployment):
        after = page[-1].seq
        found += (each for each in page if _wanted(asked, each))
        if len(found) >= asked.limit:
            break
    return found[: asked.limit]


async def _back(engine: Engine, asked: Asked) -> list[ev.Recorded]:
    before = asked.before
    found: list[ev.Recorded] = []
    while page := await engine.history_before(before, PAGE, asked.deployment):
        before = page[-1].seq
        found += (each for each in page if _wanted(asked, each))
        if len(found) >= asked.limit:
            break
    return found[: asked.limit][::-1]


async def rollout(engine: Engine, rollout_id: str) -> RolloutView:
    """A rollout by its id, ``cart@production#3``, however long ago it was.

    Raises:
        NotFound: there never was one of that id.
    """
    key = rollout_id.partition("#")[0]
    state = engine.world.deployments.get(key)
    if state is not None:
        found = _known(state, rollout_id) or await _replayed(engine, key, rollout_id)
        if found:
            seen = engine.observer.seen(state)
            if not found.active:
                return rollout_view(found, Sight(), {})
            sight = Sight(
                seen=seen,
                seen_at=seen_at(engine, state),
                verdict=engine.verdict(key),
                answer=answer_of(engine, state),
            )
            return rollout_view(found, sight, why_nots(engine.world, key, engine.now()))
    raise NotFound(
        f"there is no rollout {printable_line(rollout_id, 150)}",
        hint=f"an id is UNIT@ENVIRONMENT#NUMBER{older_are_gone(engine.begins)}",
    )


def _known(state: Deployment, rollout_id: str) -> Rollout | None:
    known = (*state.past, state.rollout) if state.rollout else state.past
    return next((each for each in known if each.id == rollout_id), None)


async def _replayed(engine: Engine, key: str, rollout_id: str) -> Rollout | None:
    """From the journal: an old one is told again, event by event."""
    state: Deployment | None = None
    after = 0
    while page := await engine.history(after, PAGE, key):
        after = page[-1].seq
        for recorded in page:
            event = recorded.event
            if isinstance(event, ev.RolloutCreated):
                if state is not None:
                    return state.rollout
                if event.rollout.id == rollout_id:
                    state = deployments.begin(event)
            if state is not None:
                state = deployments.apply(state, recorded)
    return state.rollout if state else None
