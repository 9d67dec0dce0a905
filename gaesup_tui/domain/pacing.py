"""How far both sides of a scaled rolling update may be brought now, from what is there.

A scale changes what is wished of both revisions at once, while earlier calls may still be under
way. So what is there is looked at: nothing is started while it would be more than the surge beside
what has not gone yet, and nothing is taken while too few would be ready without it. What may not be
done whole is done in part, and the rest once it is seen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gaesup_tui.domain.observation import DeploymentSeen
from gaesup_tui.domain.rolling import Bounds, bounds
from gaesup_tui.domain.rollout import Rollout
from gaesup_tui.domain.steps import Scale


@dataclass(frozen=True, slots=True)
class _Side:
    wish: int
    has: int
    ready: int
    """So many at least, even if all calls under way were to land."""
    most: int
    """So many may be there: what is seen, or was asked for and not seen yet."""


def is_paced(rollout: Rollout) -> bool:
    """Whether its replicas are brought to what is wished in this way."""
    if rollout.spec.rolling is None or not rollout.scaled or rollout.phase != "forward":
        return False
    return rollout.base is not None and rollout.base.id != rollout.candidate.id


def now_within(rollout: Rollout) -> Bounds:
    """Between which numbers it moves, for the replicas that are wished now."""
    assert rollout.spec.rolling is not None  # is_paced
    return bounds(rollout.spec.rolling, rollout.replicas, rollout.replicas)


def least_ready(rollout: Rollout) -> int:
    """How many have to stay ready: all of them once the base goes for good, where a surge leaves
    room for that beside it."""
    within = now_within(rollout)
    last = rollout.index + 1 >= len(rollout.plan) and isinstance(rollout.step, Scale)
    return rollout.replicas if last and within.keep else within.least


def paced(
    rollout: Rollout, seen: DeploymentSeen | None, asked: Mapping[str, Sequence[int]]
) -> dict[str, int]:
    """Replicas to ask for now, by revision; empty where what is there is not known. ``asked``:
    what calls may have led to that are not seen yet."""
    base = rollout.base
    if seen is None or base is None:
        return {}
    ours = _side(rollout.candidate.id, rollout.candidate_replicas, seen, asked)
    theirs = _side(base.id, rollout.base_replicas, seen, asked)
    return {
        rollout.candidate.id: _reach(rollout, ours, theirs),
        base.id: _reach(rollout, theirs, ours),
    }


def _side(
    revision: str, wish: int, seen: DeploymentSeen, asked: Mapping[str, Sequence[int]]
) -> _Side:
    there = seen.revision(revision)
    has = there.wanted if there else 0
    ready = there.ready if there else 0
    under_way = asked.get(revision, ())
    return _Side(wish, has, min([ready, *under_way]), max([has, *under_way]))


def _reach(rollout: Rollout, side: _Side, other: _Side) -> int:
    if side.wish > side.has:
        room = now_within(rollout).most - other.most
        return max(side.has, min(side.wish, room))
    stays = least_ready(rollout) - min(other.ready, other.wish)
    return min(side.has, max(side.wish, stays))
