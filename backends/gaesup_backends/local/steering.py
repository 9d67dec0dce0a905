"""Requests of a deployment whose route says more than weights: who is steered, who stays where.

Deployments without rules never come here.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from gaesup_backends.local.counting import Audience, Goal, Hasher
from gaesup_backends.local.exchange import (
    COOKIE,
    Answering,
    Exchange,
    Request,
    cookie_value,
    no_way,
    send,
)
from gaesup_backends.local.router import BUCKETS
from gaesup_tui.domain.route import Key, Rules

if TYPE_CHECKING:
    from gaesup_backends.local.mirroring import Mirror
    from gaesup_backends.local.router import RevisionRoute, TrafficTable

MONTH_S: Final = 30 * 86_400
_OURS: Final = b"set-cookie: %b=%b; Path=/; HttpOnly; SameSite=Lax\r\n"
_KEYED: Final = b"set-cookie: %b=%b; Path=/; Max-Age=%d; HttpOnly; SameSite=Lax\r\n"


class Steering:
    """The rules of one route at work; replaced with its table."""

    __slots__ = (
        "_audience",
        "_goal",
        "_hasher",
        "_key",
        "_match",
        "_mirror",
        "_name",
        "_sticky",
        "_target",
    )

    def __init__(
        self,
        rules: Rules,
        audience: Audience | None,
        target: RevisionRoute | None = None,
        mirror: Mirror | None = None,
    ) -> None:
        self._target = target
        self._mirror = mirror
        self._match = [
            (each.where == "cookie", each.name.encode(), each.equals.encode())
            for each in rules.match
            if target is not None
        ]
        self._sticky = bool(rules.sticky)
        self._key = rules.sticky if isinstance(rules.sticky, Key) else None
        self._name = self._key.name.encode() if self._key else b""
        self._hasher = Hasher(rules.salt)
        self._goal = Goal(rules.conversion) if rules.conversion else None
        self._audience = audience

    def dispatch(
        self, table: TrafficTable, target: bytes, client: Answering, request: Request
    ) -> bytes | None:
        """As `exchange.dispatch`."""
        user: int | None = None
        set_cookie = b""
        if request.pin is not None:
            route = table.pinned(request.pin)
        elif self._match and self._matches(table, request):
            route = self._target
        elif self._sticky:
            route, user, set_cookie = self._arm(table, request)
        else:
            route = table.choose(request.client or request.cookie)
        if route is None:
            return no_way(table, request)
        audience = self._audience
        if user is not None and audience is not None:
            audience.meet(route.id, user)
        exchange: Exchange
        if self._goal is not None and self._goal.is_met(request.method, target):
            exchange = Converting(client, request, route, set_cookie, audience, user)
        else:
            exchange = Exchange(client, request, route, set_cookie)
        send(exchange, route, request.payload(target))
        if self._mirror is not None and route is not self._target and request.pin is None:
            self._mirror.show(request, target)
        return None

    def _matches(self, table: TrafficTable, request: Request) -> bool:
        """Whether the request is meant for the target, and somebody is there to answer it."""
        if self._target is None or not self._target.ready or not table.weights:
            return False
        for by_cookie, name, equals in self._match:
            found = find_cookie(request, name) if by_cookie else find_header(request, name)
            if found == equals:
                return True
        return False

    def _arm(
        self, table: TrafficTable, request: Request
    ) -> tuple[RevisionRoute | None, int | None, bytes]:
        """The client's arm, its number if it brought a key, and the cookie it gets if not."""
        key, set_cookie = self._brought(request), b""
        known = key is not None
        if key is None:
            key = os.urandom(8).hex().encode()
            set_cookie = self._give(key)
        number = self._hasher.number(key)
        # Plain sticky clients stay where they are from one rollout to the next: no salt there.
        route = table.at(number % BUCKETS) if self._key else table.choose(key)
        return route, number if known else None, set_cookie

    def _brought(self, request: Request) -> bytes | None:
        key = self._key
        if key is None:
            return request.client or request.cookie
        if key.where == "cookie":
            return find_cookie(request, self._name)
        return find_header(request, self._name) or request.cookie

    def _give(self, key: bytes) -> bytes:
        if self._key is not None and self._key.where == "cookie":
            return _KEYED % (self._name, key, MONTH_S)
        return _OURS % (COOKIE, key)


def find_header(request: Request, name: bytes) -> bytes | None:
    """The first value of a header, whose name is in lower case."""
    start = name + b": "
    for line in request.lines:
        if line.startswith(start):
            return line[len(start) :] or None
    return None


def find_cookie(request: Request, name: bytes) -> bytes | None:
    """The first value of a cookie."""
    for line in request.lines:
        if line.startswith(b"cookie: ") and (value := cookie_value(line[8:], name)):
            return value
    return None


class Converting(Exchange):
    """A request that is a conversion if its reply is of class 2xx."""

    __slots__ = ("_audience", "_user")

    def __init__(
        self,
        client: Answering,
        request: Request,
        route: RevisionRoute,
        set_cookie: bytes,
        audience: Audience | None,
        user: int | None,
    ) -> None:
        super().__init__(client, request, route, set_cookie)
        self._audience = audience
        self._user = user

    def _reply(self, status: int, lines: bytes, body: bytes) -> None:
        if 200 <= status < 300:
            route = self._route
            route.metrics.conversions = (route.metrics.conversions or 0) + 1
            if self._audience is not None and self._user is not None:
                self._audience.convert(route.id, self._user)
        super()._reply(status, lines, body)
