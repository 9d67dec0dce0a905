"""Users who are to stay on their side: one moves only because the share of a side grew, and then
only to that side."""

from __future__ import annotations

from collections.abc import Mapping
from zlib import crc32

from gaesup_tui.domain.route import Route

from .broken import must

USERS = 25


def arm(user: int, salt: str, weights: Mapping[str, int]) -> str:
    """Where a router sends a user: shares take buckets in the order of their arms."""
    bucket = crc32(f"{salt}/{user}".encode()) % 100
    for revision, share in weights.items():
        if bucket < share:
            return revision
        bucket -= share
    return ""


class Arms:
    """The users of every deployment, and where its last route had them."""

    def __init__(self) -> None:
        self._routes: dict[str, tuple[str, Route]] = {}

    def routed(self, key: str, rollout: str, route: Route) -> None:
        """A route is in force, asked for by a rollout."""
        earlier = self._routes.get(key)
        self._routes[key] = (rollout, route)
        if earlier is None or earlier[0] != rollout or not route.rules.sticky:
            return
        before = earlier[1]
        if not before.rules.sticky or not before.weights:
            return
        for user in range(USERS):
            was = arm(user, before.rules.salt, before.weights)
            now = arm(user, route.rules.salt, route.weights)
            if was != now and now:
                grew = route.weights.get(now, 0) > before.weights.get(now, 0)
                must(grew, f"{key}: user {user} went from {was} to {now}, whose share did not grow")

    def forget(self, key: str) -> None:
        """Somebody else changed the route."""
        self._routes.pop(key, None)
