"""Keeps one deployment as it is wished: a lane for its traffic, one for each revision's replicas.

The lanes run side by side, so that a call that hangs for one thing never delays another.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from gaesup_tui.domain.capacity import held_back
from gaesup_tui.domain.deployment import Deployment
from gaesup_tui.domain.fresh import copy_of_base
from gaesup_tui.domain.observation import DeploymentSeen
from gaesup_tui.domain.pacing import is_paced, paced
from gaesup_tui.domain.revision import Revision
from gaesup_tui.domain.rollout import Rollout
from gaesup_tui.domain.route import Route
from gaesup_tui.domain.routing import reached, route_of
from gaesup_tui.engine.lane import Lane
from gaesup_tui.engine.ports import Backend, Clock

TRAFFIC_TIMEOUT_S = 3.0
ENSURE_TIMEOUT_S = 15.0

_Replicas = tuple[Revision, int]
_Wish = tuple[Deployment, Route, dict[str, _Replicas]]
"""A state, and the route and the replicas that follow from it."""


class Keeper:
    """Compares what is wished with what is seen, and asks for the difference."""

    def __init__(
        self, key: str, backend: Backend, clock: Clock, here: Callable[[Revision], Revision]
    ) -> None:
        """``here`` gives a revision whose artifact is where this engine keeps it."""
        self._key = key
        self._backend = backend
        self._clock = clock
        self._here = here
        self._state: Deployment | None = None
        self._wish: _Wish | None = None
        self._seen: DeploymentSeen | None = None
        self._boot = ""
        self._missing: Mapping[str, int] = {}
        self._traffic = Lane[Route](self._set_traffic, clock, TRAFFIC_TIMEOUT_S, self._go_on)
        self._asked: list[Route] = []
        """Routes that may be in force: the last one the backend took, and all asked for since."""
        self._replicas: dict[str, Lane[_Replicas]] = {}
        self._counts: dict[str, list[int]] = {}
        """Counts of a revision that may be in force: the last one taken, and all asked since."""

    async def _set_traffic(self, wish: Route) -> None:
        self._asked.append(wish)
        await self._backend.set_traffic(self._key, wish)
        if wish in self._asked:
            del self._asked[: self._asked.index(wish)]

    def _may_reach(self, revision: str) -> bool:
        """Whether a route asked for in this life, and not replaced since, leads to a revision."""
        return any(
            route.weights.get(revision) or (route.rules.steers and route.rules.target == revision)
            for route in self._asked
        )

    async def _ensure(self, wish: _Replicas) -> None:
        revision, count = wish
        asked = self._counts.setdefault(revision.id, [])
        asked.append(count)
        await self._backend.ensure(self._key, self._here(revision), count)
        if count in asked:
            del asked[: asked.index(count)]

    def _go_on(self) -> None:
        if self._state is not None:
            self._compare(self._state)

    def update(self, state: Deployment, seen: DeploymentSeen | None, boot: str) -> None:
        """Takes what is wished and seen now. ``seen`` None: nothing was seen yet."""
        if boot != self._boot:
            if self._boot:
                self._traffic.reset()
                self._asked.clear()
                self._counts.clear()
                for lane in self._replicas.values():
                    lane.reset()
            self._boot = boot
        self._state, self._seen = state, seen
        self._compare(state)

    def _wished(self, state: Deployment) -> _Wish:
        """Worked out once for each state, and not with every look at a thousand of them."""
        if self._wish is None or self._wish[0] is not state:
            self._wish = state, route_of(state), state.replica_wishes()
        return self._wish

    def _compare(self, state: Deployment) -> None:
        _, route, wished = self._wished(state)
        rollout = state.active
        if rollout is not None and is_paced(rollout):
            wished = self._paced(rollout, wished)
        self._missing = missing(self._seen, route, wished)
        for revision, count in wished.values():
            self._want_replicas(revision, count, route.weights, state)
        self._remove_others(state, wished, route.weights)
        self._want_traffic(state, route)

    def _paced(self, rollout: Rollout, wished: dict[str, _Replicas]) -> dict[str, _Replicas]:
        """What may be asked for now of what is wished."""
        now = paced(rollout, self._seen, self._counts)
        return {name: (wished[name][0], count) for name, count in now.items() if name in wished}

    def _lane(self, revision: str) -> Lane[_Replicas]:
        lane = self._replicas.get(revision)
        if lane is None:
            lane = Lane[_Replicas](self._ensure, self._clock, ENSURE_TIMEOUT_S, self._go_on)
            self._replicas[revision] = lane
        return lane

    def _want_replicas(
        self, revision: Revision, count: int, weights: Mapping[str, int], state: Deployment
    ) -> None:
        seen = self._seen
        there = seen.revision(revision.id) if seen else None
        if self._is_needed(revision, count, state):
            return
        agrees: bool | None
        if there and there.wanted > count and self._missing.keys() - {revision.id}:
            return  # nobody takes any away while what has the traffic beside them is not whole
        if count:
            agrees = there is not None and there.wanted == count
            if seen is None and state.active is None:
                agrees = None  # nothing moves: first see what is there
        elif seen is None or (reached(seen, revision.id) and not weights.get(revision.id)):
            return  # nobody takes replicas away while the live route still sends them traffic
        elif not weights.get(revision.id) and self._may_reach(revision.id):
            return  # nor while it may: what is seen can be older than the last call for traffic
        else:
            agrees = there is None or there.wanted == 0
        self._lane(revision.id).want((revision, count), agrees)

    def _is_needed(self, revision: Revision, count: int, state: Deployment) -> bool:
        """Whether the base may not be brought down to so many: too few would be ready, or nobody
        knows how many are."""
        rollout = state.active
        if rollout is None or rollout.base is None or rollout.base.id != revision.id:
            return False
        if is_paced(rollout):
            return False
        if self._seen is None:
            return count < rollout.base_wanted
        return held_back(rollout, self._seen, count) is not None

    def _remove_others(
        self, state: Deployment, wished: Mapping[str, object], weights: Mapping[str, int]
    ) -> None:
        seen = self._seen
        if seen is None:
            return
        others = seen.revisions.keys() - wished.keys()
        if others:
            known = known_revisions(state)
            for other in others & known.keys():
                self._want_replicas(known[other], 0, weights, state)
        for gone in self._replicas.keys() - wished.keys() - seen.revisions.keys():
            self._replicas.pop(gone).close()
            self._counts.pop(gone, None)

    def _want_traffic(self, state: Deployment, route: Route) -> None:
        seen = self._seen
        if not all(self._is_known(revision) for revision in route.weights):
            # A backend cannot route to what it was never told of: this goes on when it was, and
            # until then no earlier wish may be asked for either.
            self._traffic.hold()
            return
        agrees: bool | None = seen is not None and dict(seen.weights) == route.weights
        if agrees and seen is not None and seen.rules is not None:
            agrees = seen.rules == route.rules
        if seen is None and state.active is None:
            agrees = None
        self._traffic.want(route, agrees)

    def _is_known(self, revision: str) -> bool:
        if self._seen is not None and self._seen.revision(revision) is not None:
            return True
        lane = self._replicas.get(revision)
        return lane is not None and lane.accepted

    def unknown_revisions(self) -> tuple[str, ...]:
        """Revisions seen here that the journal cannot explain: left alone, and told."""
        if self._state is None or self._seen is None:
            return ()
        known = known_revisions(self._state)
        return tuple(sorted(self._seen.revisions.keys() - known.keys()))

    def refusal(self, revision: str) -> str | None:
        """Why the backend will never run a revision; None while it may."""
        lane = self._replicas.get(revision)
        return lane.error if lane and lane.refused else None

    def troubles(self) -> tuple[str, ...]:
        """What the last calls failed with, worst first."""
        found = [f"traffic: {self._traffic.error}"] if self._traffic.error else []
        for revision, lane in self._replicas.items():
            if lane.error:
                found.append(f"replicas of {revision}: {lane.error}")
        return tuple(found)

    def close(self) -> None:
        """Ends its calls in flight."""
        self._traffic.close()
        for lane in self._replicas.values():
            lane.close()


def missing(
    seen: DeploymentSeen | None, route: Route, wished: Mapping[str, tuple[Revision, int]]
) -> dict[str, int]:
    """Replicas that are wished and not ready, of the revisions that are to have traffic: a wave
    that had its replicas may have lost them since, and then the next one must not take more."""
    found = {}
    for revision in route.weights:
        there = seen.revision(revision) if seen else None
        lacks = wished[revision][1] - (there.ready if there else 0) if revision in wished else 0
        if lacks > 0:
            found[revision] = lacks
    return found


def known_revisions(state: Deployment) -> dict[str, Revision]:
    """Every revision the deployment's past speaks of, by id."""
    found = {release.revision.id: release.revision for release in state.good}
    rollouts = (*state.past, state.rollout) if state.rollout else state.past
    for rollout in rollouts:
        for revision in (rollout.base, rollout.candidate, copy_of_base(rollout)):
            if revision is not None:
                found[revision.id] = revision
    if state.stable is not None:
        found[state.stable.id] = state.stable
    return found
