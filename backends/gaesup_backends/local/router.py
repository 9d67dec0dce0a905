"""Which revision and which replica answer a request.

A `TrafficTable` is immutable and swapped whole, so a request sees the old weights or the new
ones, nothing between. Order: pin by header, then the client's bucket (header or cookie), then
chance. Buckets run against cumulative weights in the order of the route's arms, so raising a canary
from 10 to 25 moves the clients of those fifteen percent and no others. What a route says beside its
weights is in `steering`.
"""

from __future__ import annotations

import zlib
from bisect import bisect_right
from collections.abc import Mapping
from random import random
from typing import TYPE_CHECKING, Final, Protocol

from gaesup_backends.local.metrics import RevisionMetrics

if TYPE_CHECKING:
    from gaesup_backends.local.exchange import Answering, Request
    from gaesup_backends.local.replica import Replica

BUCKETS: Final = 10_000
PATH_PREFIX: Final = b"/_/"


class RevisionRoute:
    """A revision as the router sees it.

    Attributes:
        ready: replicas that take requests now; replaced whole.
        reply_header: the line that names the revision in each reply.
    """

    __slots__ = ("_turn", "id", "metrics", "ready", "reply_header")

    def __init__(self, revision_id: str, metrics: RevisionMetrics) -> None:
        self.id = revision_id
        self.metrics = metrics
        self.ready: list[Replica] = []
        self.reply_header = b"x-gaesup-revision: " + revision_id.encode() + b"\r\n"
        self._turn = 0

    def pick(self) -> Replica | None:
        """The replica with the fewest requests in flight; equals take turns."""
        ready = self.ready
        count = len(ready)
        if count < 2:
            return ready[0] if count else None
        self._turn = turn = (self._turn + 1) % count
        best = ready[turn]
        least = best.inflight
        for offset in range(1, count):
            if not least:
                break
            replica = ready[(turn + offset) % count]
            inflight = replica.inflight
            if inflight < least:
                best, least = replica, inflight
        return best


class Dispatcher(Protocol):
    """Sends a request on its way where weights alone do not say which."""

    def dispatch(
        self, table: TrafficTable, target: bytes, client: Answering, request: Request
    ) -> bytes | None:
        """The node's own reply when there is no way."""


class TrafficTable:
    """The route of one deployment at one moment.

    Attributes:
        steering: what it says beside weights.
        target: the revision that its preview address leads to.
    """

    __slots__ = ("_bounds", "_routes", "by_id", "name", "steering", "target", "weights")

    def __init__(
        self,
        name: str,
        weights: Mapping[str, int],
        routes: Mapping[str, RevisionRoute],
        steering: Dispatcher | None = None,
        target: RevisionRoute | None = None,
    ) -> None:
        self.name = name
        self.target = target
        self.weights = dict(weights)
        self.steering = steering
        self.by_id = {key.encode(): route for key, route in routes.items()}
        self._routes: list[RevisionRoute] = []
        self._bounds: list[int] = []
        total = 0
        for key, weight in weights.items():
            if weight and key in routes:
                total += weight * (BUCKETS // 100)
                self._routes.append(routes[key])
                self._bounds.append(total)

    @classmethod
    def closed(cls, name: str) -> TrafficTable:
        """A table that sends nothing anywhere."""
        return cls(name, {}, {})

    def choose(self, client: bytes | None) -> RevisionRoute | None:
        """The revision for a client key, or by chance; None when closed."""
        routes = self._routes
        count = len(routes)
        if not count:
            return None
        # A removed revision may leave less than 100 %: its share is not given away.
        if count == 1 and self._bounds[0] == BUCKETS:
            return routes[0]
        bucket = zlib.crc32(client) % BUCKETS if client is not None else int(random() * BUCKETS)
        index = bisect_right(self._bounds, bucket)
        return routes[index] if index < count else None

    def at(self, bucket: int) -> RevisionRoute | None:
        """The revision of one of the `BUCKETS`; None when nobody has it."""
        index = bisect_right(self._bounds, bucket)
        return self._routes[index] if index < len(self._routes) else None

    def pinned(self, revision: bytes) -> RevisionRoute | None:
        """The revision of an id that a request names; None when closed, or when it is not here."""
        return self.by_id.get(revision) if self.weights else None


class Router:
    """Tables by host and by path prefix."""

    def __init__(self) -> None:
        self._by_name: dict[bytes, TrafficTable] = {}
        self._by_host: dict[bytes, TrafficTable] = {}

    def put(self, table: TrafficTable) -> None:
        """Add or swap a deployment's table."""
        self._by_name[table.name.encode()] = table
        self._by_host[_host(table.name)] = table

    def drop(self, name: str) -> None:
        """Forget a deployment."""
        self._by_name.pop(name.encode(), None)
        self._by_host.pop(_host(name), None)

    def names(self) -> list[str]:
        """Deployments with a table, sorted."""
        return sorted(name.decode() for name in self._by_name)

    def by_host(self, host: bytes) -> TrafficTable | None:
        """The deployment of ``unit.environment.localhost[:port]``."""
        table = self._by_host.get(host)
        if table is None:
            table = self._by_host.get(host.split(b":", 1)[0].lower().rstrip(b"."))
        return table

    def by_path(self, target: bytes) -> tuple[TrafficTable | None, bytes]:
        """The deployment of ``/_/unit@environment/rest`` and the rest of the target."""
        name, slash, rest = target[len(PATH_PREFIX) :].partition(b"/")
        if not slash:
            name, mark, query = name.partition(b"?")
            rest = mark + query
        return self._by_name.get(name.replace(b"%40", b"@")), b"/" + rest


def _host(name: str) -> bytes:
    unit, _, environment = name.partition("@")
    return f"{unit}.{environment}.localhost".encode()
