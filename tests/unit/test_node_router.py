"""Which revision and which replica: weights, buckets, turns."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import cast

from hypothesis import given
from hypothesis import strategies as st

from gaesup_backends.local.metrics import RevisionMetrics
from gaesup_backends.local.replica import Replica
from gaesup_backends.local.router import RevisionRoute, Router, TrafficTable

CART = "cart@production"
NAMES = ("v41-a", "v42-b", "v43-c")
CLIENTS = [f"client-{number}".encode() for number in range(2000)]


def table(**weights: int) -> TrafficTable:
    routes = {name: RevisionRoute(name, RevisionMetrics()) for name in NAMES}
    return TrafficTable(CART, {k.replace("_", "-"): w for k, w in weights.items()}, routes)


def chosen(traffic: TrafficTable, client: bytes | None) -> str:
    route = traffic.choose(client)
    return route.id if route is not None else ""


def test_chance_follows_the_weights() -> None:
    traffic = table(v41_a=90, v42_b=10)
    seen = Counter(chosen(traffic, None) for _ in range(20_000))
    assert abs(seen["v42-b"] / 20_000 - 0.10) < 0.015


@given(st.integers(0, 100), st.integers(0, 100))
def test_raising_a_canary_moves_only_those_it_must(low: int, high: int) -> None:
    low, high = sorted((low, high))
    before, after = table(v41_a=100 - low, v42_b=low), table(v41_a=100 - high, v42_b=high)
    moved = [(chosen(before, c), chosen(after, c)) for c in CLIENTS[:300]]
    assert all(old == new or (old, new) == ("v41-a", "v42-b") for old, new in moved)


def test_buckets_follow_the_weights() -> None:
    traffic = table(v41_a=70, v42_b=20, v43_c=10)
    seen = Counter(chosen(traffic, client) for client in CLIENTS)
    assert abs(seen["v42-b"] / len(CLIENTS) - 0.20) < 0.04
    assert abs(seen["v43-c"] / len(CLIENTS) - 0.10) < 0.03


def test_the_edges_are_exact() -> None:
    assert {chosen(table(v41_a=100, v42_b=0), client) for client in CLIENTS} == {"v41-a"}
    assert {chosen(table(v42_b=100), None) for _ in range(100)} == {"v42-b"}
    assert TrafficTable.closed(CART).choose(None) is None


def test_the_share_of_a_missing_revision_is_not_given_away() -> None:
    routes = {"v41-a": RevisionRoute("v41-a", RevisionMetrics())}
    traffic = TrafficTable(CART, {"v41-a": 50, "v42-b": 50}, routes)
    seen = Counter(chosen(traffic, client) for client in CLIENTS)
    assert abs(seen[""] / len(CLIENTS) - 0.5) < 0.05


@dataclass
class Slot:
    inflight: int


def route_with(*inflight: int) -> tuple[RevisionRoute, list[Slot]]:
    route = RevisionRoute("v41-a", RevisionMetrics())
    slots = [Slot(count) for count in inflight]
    route.ready = cast(list[Replica], slots)
    return route, slots


def test_equals_take_turns() -> None:
    route, slots = route_with(0, 0, 0)
    seen = [cast(Slot, route.pick()) for _ in range(9)]
    assert all(sum(found is slot for found in seen) == 3 for slot in slots)


@given(st.lists(st.integers(0, 50), min_size=1, max_size=6), st.integers(0, 10))
def test_the_least_busy_is_picked(inflight: list[int], turns: int) -> None:
    route, _ = route_with(*inflight)
    for _ in range(turns):
        route.pick()
    found = route.pick()
    assert found is not None
    assert found.inflight == min(inflight)


def test_nobody_ready_is_nobody() -> None:
    assert route_with()[0].pick() is None


def test_hosts_and_paths_lead_to_the_deployment() -> None:
    router = Router()
    traffic = table(v41_a=100)
    router.put(traffic)
    for host in (b"cart.production.localhost", b"CART.production.localhost:7411"):
        assert router.by_host(host) is traffic
    assert router.by_host(b"cart.staging.localhost") is None
    for target, rest in (
        (b"/_/cart@production/a/b?c=d", b"/a/b?c=d"),
        (b"/_/cart%40production/", b"/"),
        (b"/_/cart@production", b"/"),
        (b"/_/cart@production?x=1", b"/?x=1"),
    ):
        assert router.by_path(target) == (traffic, rest)
    assert router.by_path(b"/_/other@production/")[0] is None
    router.drop(CART)
    assert router.by_host(b"cart.production.localhost") is None
