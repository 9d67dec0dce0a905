"""Arms by key: who goes where, who moves when a share grows, who is counted and what converts."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gaesup_backends.local import counting, frames
from gaesup_backends.local.counting import Audience, Goal
from gaesup_backends.local.exchange import Request, dispatch
from gaesup_backends.local.metrics import RevisionMetrics
from gaesup_backends.local.mirroring import Mirror
from gaesup_backends.local.preview import find_preview
from gaesup_backends.local.replica import Replica
from gaesup_backends.local.router import RevisionRoute, Router, TrafficTable
from gaesup_backends.local.steering import Steering
from gaesup_tui.domain.route import Conversion, Key, Match, Rules

OLD, NEW = "v41-a", "v42-b"
BY_COOKIE = Key("cookie", "basket")
USERS = [f"user-{number}" for number in range(3000)]


class Worker:
    """Answers each request at once with one status."""

    def __init__(self) -> None:
        self.link = self
        self.inflight = self.requests = 0
        self.status = 200
        self.got: list[bytes] = []

    def send(self, payload: bytes, call: Any) -> bool:
        self.got.append(payload)
        call.done(frames.OK, b"Status: %d\r\n\r\n" % self.status)
        return True


class Door:
    """A deployment with two revisions, and what its clients are told."""

    def __init__(self, rules: Rules, share: int = 50) -> None:
        self.rules = rules
        self.audience = Audience(rules.salt)
        self.workers = {OLD: Worker(), NEW: Worker()}
        self.routes = {name: RevisionRoute(name, RevisionMetrics()) for name in (OLD, NEW)}
        for name, route in self.routes.items():
            route.ready = [cast(Replica, self.workers[name])]
        self.share(share)
        self.reply = b""

    def share(self, percent: int) -> None:
        weights = {NEW: percent, OLD: 100 - percent}
        target = self.routes.get(self.rules.target)
        mirror = None
        if target and self.rules.mirror_percent:
            mirror = Mirror(target, self.rules.mirror_percent, serves=bool(percent))
        steering = Steering(self.rules, self.audience, target, mirror)
        self.table = TrafficTable("cart@production", weights, self.routes, steering, target)

    def answer(self, data: bytes, *, close: bool) -> None:
        self.reply = data

    def ask(self, *lines: str, method: str = "GET", target: str = "/") -> str:
        """The revision that answers a request with these header lines."""
        request = Request()
        request.method = method.encode()
        request.lines = [line.encode() for line in lines]
        refused = dispatch(self.table, target.encode(), self, request)
        assert refused is None, refused
        return self.header("x-gaesup-revision")

    def header(self, name: str) -> str:
        for line in self.reply.decode().split("\r\n"):
            if line.startswith(f"{name}: "):
                return line.partition(": ")[2]
        return ""

    def arms(self) -> dict[str, str]:
        return {user: self.ask(f"cookie: a=b; basket={user}") for user in USERS}


def test_arms_follow_the_share_and_nobody_flips_while_it_stays() -> None:
    door = Door(Rules(sticky=BY_COOKIE, salt="cart@production#7"), share=20)
    arms = door.arms()
    assert abs(Counter(arms.values())[NEW] / len(USERS) - 0.2) < 0.03
    door.share(20)
    assert door.arms() == arms


@settings(deadline=None)
@given(st.integers(0, 100), st.integers(0, 100))
def test_a_growing_share_takes_users_of_the_other_arm_only(low: int, high: int) -> None:
    low, high = sorted((low, high))
    door = Door(Rules(sticky=BY_COOKIE, salt="7"), low)
    before = {user: door.ask(f"cookie: basket={user}") for user in USERS[:200]}
    door.share(high)
    moves = {(before[user], door.ask(f"cookie: basket={user}")) for user in USERS[:200]}
    assert (NEW, OLD) not in moves


def test_the_next_test_splits_users_independently_of_this_one() -> None:
    first = Door(Rules(sticky=BY_COOKIE, salt="cart@production#7")).arms()
    second = Door(Rules(sticky=BY_COOKIE, salt="cart@production#8")).arms()
    both = Counter((first[user], second[user]) for user in USERS)
    assert all(abs(count / len(USERS) - 0.25) < 0.03 for count in both.values()), both


def test_who_brings_no_cookie_is_given_one_that_keeps_the_arm() -> None:
    door = Door(Rules(sticky=BY_COOKIE, salt="7"))
    for _ in range(20):
        first = door.ask()
        cookie, *attributes = door.header("set-cookie").split("; ")
        assert cookie.startswith("basket=")
        assert "HttpOnly" in attributes
        assert "Max-Age=2592000" in attributes
        assert {door.ask(f"cookie: {cookie}") for _ in range(5)} == {first}
        assert door.header("set-cookie") == ""


def test_a_header_tells_users_apart_and_our_cookie_those_without_it() -> None:
    door = Door(Rules(sticky=Key("header", "x-user"), salt="7"))
    arms = {user: door.ask(f"x-user: {user}") for user in USERS[:200]}
    assert {door.ask(f"x-user: {user}") for user, arm in arms.items() if arm == NEW} == {NEW}
    door.ask()
    assert door.header("set-cookie").startswith("gsu-rev=")


def test_users_are_told_apart_and_counted_once() -> None:
    door = Door(Rules(sticky=BY_COOKIE, salt="7", conversion=Conversion("POST", "/orders")))
    arms = door.arms()
    door.arms()
    for _ in range(50):
        door.ask()  # who keeps no cookies is nobody, and not fifty users
    met = Counter(arms.values())
    assert {name: door.audience.counts(name)[0] for name in (OLD, NEW)} == met


def test_who_was_on_two_arms_is_counted_on_none() -> None:
    door = Door(Rules(sticky=BY_COOKIE, salt="7", conversion=Conversion("GET", "/*")))
    before = door.arms()
    door.share(80)
    meanwhile = door.arms()
    door.share(50)
    assert door.arms() == before, "they are back where they were"
    moved = [user for user in USERS if before[user] != meanwhile[user]]
    met, converted = zip(*(door.audience.counts(name) for name in (OLD, NEW)), strict=True)
    assert met == converted
    assert met == (Counter(before.values())[OLD] - len(moved), Counter(before.values())[NEW])
    assert len(moved) > 500


def test_a_user_converts_once_and_only_if_the_reply_is_good() -> None:
    door = Door(Rules(sticky=BY_COOKIE, salt="7", conversion=Conversion("POST", "/orders")), 100)
    for user in USERS[:10]:
        door.ask(f"cookie: basket={user}")
        for _ in range(3):
            door.ask(f"cookie: basket={user}", method="POST", target="/orders?x=1")
    door.workers[NEW].status = 402
    door.ask("cookie: basket=poor", method="POST", target="/orders")
    assert door.audience.counts(NEW) == (11, 10)
    assert door.routes[NEW].metrics.conversions == 30


def test_beyond_the_bound_no_arm_takes_new_users(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counting, "MOST_USERS", 1000)
    door = Door(Rules(sticky=BY_COOKIE, salt="7", conversion=Conversion("GET", "/*")))
    door.arms()
    met, converted = zip(*(door.audience.counts(name) for name in (OLD, NEW)), strict=True)
    assert sum(met) == sum(converted) == 1000
    assert min(met) > 400


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 40), st.booleans()), max_size=200))
def test_counts_are_those_of_sets_of_users(happened: list[tuple[str, int, bool]]) -> None:
    """Whatever happens in whatever order, with keys that fall on the same place."""
    audience, met = Audience("7"), dict[str, set[int]]()
    converted: dict[str, set[int]] = {}
    for revision, number, converts in happened:
        user = number << 56 if number % 2 else number * 256
        audience.meet(revision, user)
        met.setdefault(revision, set()).add(user)
        if converts:
            audience.convert(revision, user)
            converted.setdefault(revision, set()).add(user)
    for revision, users in met.items():
        others = set().union(*(there for name, there in met.items() if name != revision))
        only = users - others
        assert audience.counts(revision) == (len(only), len(converted.get(revision, set()) & only))


def test_many_users_are_told_apart_in_little_memory() -> None:
    notes = counting.Notes()
    for user in range(0, 2**64, 2**64 // 50_000):
        notes.put(user, 1)
    found = [notes.get(user) for user in range(0, 2**64, 2**64 // 50_000)]
    assert set(found) == {1}
    assert notes.get(12345) is None
    assert notes.bytes < 50_000 * 40


@pytest.mark.parametrize(
    ("path", "method", "target", "met"),
    [
        ("/orders", "POST", "/orders", True),
        ("/orders", "POST", "/orders?cart=7", True),
        ("/orders", "POST", "/orders/7", False),
        ("/orders", "GET", "/orders", False),
        ("/carts/*", "POST", "/carts/7/items", True),
        ("/carts/*", "POST", "/carts", False),
        ("/*", "POST", "/", True),
    ],
)
def test_a_conversion_is_told_by_its_request_line(
    path: str, method: str, target: str, met: bool
) -> None:
    assert Goal(Conversion("POST", path)).is_met(method.encode(), target.encode()) is met


def test_a_pinned_request_is_no_user() -> None:
    door = Door(Rules(sticky=BY_COOKIE, salt="7"))
    request = Request()
    request.pin, request.lines = NEW.encode(), [b"cookie: basket=me"]
    assert dispatch(door.table, b"/", door, request) is None
    assert door.audience.counts(NEW) == (0, 0)
    request.pin = b"v99-z"
    assert b"404" in (dispatch(door.table, b"/", door, request) or b"")


BETA = Rules(target=NEW, match=(Match("header", "x-beta", "1"), Match("cookie", "beta", "yes")))


@pytest.mark.parametrize(
    ("lines", "arm"),
    [
        (("x-beta: 1",), NEW),
        (("cookie: a=b; beta=yes",), NEW),
        (("x-beta: 2", "cookie: beta=yes"), NEW),
        (("x-beta: 11",), OLD),
        (("cookie: beta=no; xbeta=yes",), OLD),
        (("xx-beta: 1",), OLD),
        ((), OLD),
    ],
)
def test_matching_requests_reach_a_candidate_without_a_share(
    lines: tuple[str, ...], arm: str
) -> None:
    assert Door(BETA, share=0).ask(*lines) == arm


def test_matching_requests_are_answered_though_the_candidate_is_down() -> None:
    door = Door(BETA, share=0)
    door.routes[NEW].ready = []
    assert door.ask("x-beta: 1") == OLD


def test_matching_users_stand_for_no_arm() -> None:
    door = Door(replace(BETA, sticky=BY_COOKIE, salt="7"), share=0)
    assert door.ask("x-beta: 1", "cookie: basket=me") == NEW
    assert door.audience.counts(NEW) == (0, 0)


MIRRORED = Rules(target=NEW, mirror_percent=100)


def test_reads_are_copied_and_writes_are_not() -> None:
    door = Door(MIRRORED, share=0)
    for method in ("GET", "HEAD", "POST", "PUT", "DELETE"):
        assert door.ask("a: b", method=method, target="/x?y=1") == OLD
    copies = [payload.split(b"\r\n") for payload in door.workers[NEW].got]
    assert [lines[0].split(b" ")[0] for lines in copies] == [b"GET", b"HEAD"]
    assert all(b"x-gaesup-mirror: 1" in lines for lines in copies)
    assert not any(b"x-gaesup-mirror" in payload for payload in door.workers[OLD].got)
    new = door.routes[NEW].metrics
    assert (new.mirrored.requests, new.requests) == ([2, 0, 0, 0], [0, 0, 0, 0])


def test_a_share_of_the_reads_is_copied() -> None:
    door = Door(replace(MIRRORED, mirror_percent=20), share=0)
    for _ in range(3000):
        door.ask()
    assert abs(len(door.workers[NEW].got) / 3000 - 0.2) < 0.04


def test_a_busy_candidate_gets_no_copies_and_they_are_told() -> None:
    door = Door(MIRRORED, share=0)
    for inflight, sent in ((7, 1), (8, 0)):
        door.workers[NEW].inflight = inflight
        door.workers[NEW].got.clear()
        assert door.ask() == OLD
        assert len(door.workers[NEW].got) == sent
    assert door.routes[NEW].metrics.mirrored.dropped == 1


def test_beside_users_a_copy_waits_for_an_idle_candidate() -> None:
    door = Door(MIRRORED, share=1)
    door.workers[NEW].inflight = 1
    before = door.routes[NEW].metrics.mirrored.dropped
    while door.ask() == NEW:
        pass
    assert door.routes[NEW].metrics.mirrored.dropped == before + 1


def test_a_failing_copy_is_the_candidates_alone() -> None:
    door = Door(MIRRORED, share=0)
    door.workers[NEW].status = 500
    assert door.ask() == OLD
    assert b"HTTP/1.1 200" in door.reply
    assert door.routes[NEW].metrics.mirrored.requests == [0, 0, 0, 1]
    door.routes[NEW].ready = []
    assert door.ask() == OLD
    assert door.routes[NEW].metrics.mirrored.dropped == 1


def preview(door: Door, target: str = "/", host: str = "") -> str:
    router = Router()
    router.put(door.table)
    request = Request()
    request.method, request.target, request.host = b"GET", target.encode(), host.encode()
    table, rest = find_preview(router, request)
    if table is None:
        return "no such deployment"
    refused = dispatch(table, rest, door, request)
    return refused.decode() if refused else f"{door.header('x-gaesup-revision')} {rest.decode()}"


def test_the_preview_address_leads_to_the_candidate_and_counts_nowhere() -> None:
    door = Door(Rules(target=NEW), share=0)
    assert preview(door, "/a?b", host="preview.cart.production.localhost:7411") == f"{NEW} /a?b"
    assert preview(door, "/a", host="Preview.Cart.production.localhost") == f"{NEW} /a"
    assert preview(door, "/_/cart@production:preview/a?b") == f"{NEW} /a?b"
    assert preview(door, "/_/cart%40production:preview") == f"{NEW} /"
    assert door.routes[NEW].metrics.requests == [0, 0, 0, 0]


def test_a_preview_of_nobody_says_so() -> None:
    door = Door(Rules(), share=0)
    said = preview(door, host="preview.cart.production.localhost")
    assert "404" in said
    assert said.endswith("cart@production has no candidate to preview: no rollout is moving\n")
    assert preview(door, host="preview.pears.production.localhost") == "no such deployment"
    assert preview(door, "/_/pears@production:preview/") == "no such deployment"
    assert preview(door, "/_/cart@production/") == "no such deployment"


def test_a_closed_deployment_is_closed_for_testers_too() -> None:
    door = Door(BETA, share=0)
    steering = Steering(BETA, None, door.routes[NEW])
    door.table = TrafficTable("cart@production", {}, door.routes, steering, door.routes[NEW])
    request = Request()
    request.lines = [b"x-beta: 1"]
    assert b" 503 " in (dispatch(door.table, b"/", door, request) or b"")[:20]
