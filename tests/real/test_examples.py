"""The shop's committed modules: what the digests say, what the gate says, what they do when run.

Runs them through the node's own compiler and unit calls, so that a version which is good, or bad
in its own way, is so for the node too.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from gaesup_backends.local.abi import Limits, Program, Unit
from gaesup_backends.local.calls import Faulted
from gaesup_backends.local.cgi import parse_reply
from gaesup_backends.local.compile import Artifact, Compiled, compile_artifact
from gaesup_backends.local.gate import check_module
from gaesup_backends.local.worker import Ticker
from gaesup_tui.cli.load_mix import MIXES, mix_for, request_maker
from tests.components import missing

SHOP = Path(__file__).resolve().parents[2] / "examples" / "shop"
sys.path.insert(0, str(SHOP))

import toolchains  # noqa: E402
from versions import BUILDS, Build  # noqa: E402

pytestmark = pytest.mark.real

# A worker leaves when its node is gone: this one stays for as long as the tests run.
LINK = socket.socketpair()
LIMITS = Limits(memory_bytes=64 << 20, deadline_s=1.0)
CONFIG = b'{"revision":"r1","version":"v1","unit":"u","env":"e","config":{"currency":"CHF"}}'
GOOD = [one for one in BUILDS if one.summary.startswith("good")]


def path_of(name: str) -> Path:
    return SHOP / "artifacts" / f"{name}.wasm"


@dataclass
class Answer:
    status: int
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Instance:
    """One instance of a version, with the node's deadline running."""

    def __init__(self, program: Program, ticker: Ticker) -> None:
        self._ticker = ticker
        self._ticker.begin()
        self.unit = Unit(program, LIMITS, CONFIG)

    def raw(self, request: bytes) -> bytes:
        self._ticker.begin()
        try:
            return self.unit.handle(request)
        finally:
            self._ticker.end()

    def ask(self, method: str, target: str, body: bytes = b"") -> Answer:
        reply = parse_reply(self.raw(f"{method} {target}\r\nhost: shop\r\n\r\n".encode() + body))
        assert reply is not None, "the reply is garbage"
        return Answer(reply[0], reply[2])

    def statuses(self, count: int) -> list[int]:
        return [self.ask("GET", "/").status for _ in range(count)]

    def requests_until_trap(self, most: int) -> int:
        return next((n for n in range(most) if self._trap_of("/hello") == "unreachable"), most)

    def _trap_of(self, target: str) -> str | None:
        try:
            self.ask("GET", target)
        except Faulted as fault:
            return fault.code
        return None


Start = Callable[[str], Instance]


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Start:
    """Starts an instance of a version by its name; compiled once, in the node's own compiler."""
    folder = tmp_path_factory.mktemp("compiled")

    @cache
    def program(name: str) -> tuple[Program, Ticker]:
        compiled = compile_one(path_of(name), folder)
        made = Program(compiled.path, {}, fast=compiled.fast_calls)
        return made, Ticker(made.engine, LINK[0])

    return lambda name: Instance(*program(name))


def compile_one(module: Path, folder: Path) -> Compiled:
    digest = hashlib.sha256(module.read_bytes()).hexdigest()
    artifact = Artifact(str(module), digest, ("stdio", "clock", "random"), LIMITS.memory_bytes)
    return asyncio.run(compile_artifact(artifact, folder))


# ---- the files ----


def test_every_version_is_committed_under_its_digest() -> None:
    lines = [line.split("  artifacts/") for line in (SHOP / "SHA256SUMS").read_text().splitlines()]
    sums = {name: digest for digest, name in lines}
    assert sorted(sums) == sorted(f"{one.name}.wasm" for one in BUILDS)
    for name, digest in sums.items():
        found = hashlib.sha256((SHOP / "artifacts" / name).read_bytes()).hexdigest()
        assert found == digest, f"{name} is not what SHA256SUMS says; run `make examples`"


def test_the_project_names_every_version_with_its_digest() -> None:
    units = yaml.safe_load((SHOP / "gaesup.yaml").read_text())["units"]
    named = {
        f"{unit}-{version}": facts["sha256"]
        for unit, spec in units.items()
        for version, facts in spec["versions"].items()
    }
    assert named == {
        one.name: hashlib.sha256(path_of(one.name).read_bytes()).hexdigest() for one in BUILDS
    }


def test_the_readme_lists_every_version_with_its_fault() -> None:
    readme = (SHOP / "README.md").read_text()
    for one in BUILDS:
        assert f"| {one.version} | {one.summary} |" in readme


@pytest.mark.parametrize("unit", sorted(MIXES))
@pytest.mark.parametrize(
    "words",
    [
        "good",
        "every 20th request answers 5",
        "p95 rises",
        "traps after its",
        "traps on every",
        "never ready",
    ],
)
def test_every_unit_has_a_version_of_each_kind(unit: str, words: str) -> None:
    assert any(one.unit == unit and words in one.summary for one in BUILDS)


@pytest.mark.parametrize("one", BUILDS, ids=lambda one: one.name)
def test_the_gate_takes_it_without_any_capability_and_reads_its_name(one: Build) -> None:
    facts = check_module(path_of(one.name).read_bytes(), [], LIMITS.memory_bytes)
    assert facts.unit is not None
    assert (facts.unit["name"], facts.unit["version"]) == (one.unit, one.version)
    assert facts.imports in ([], [("gaesup", "log", "function")])
    assert path_of(one.name).stat().st_size < 40_000


@pytest.mark.parametrize("language", toolchains.BUILT_WITH)
def test_building_again_gives_the_committed_bytes(language: str) -> None:
    """With another version of the compiler the bytes differ, and the gate must take them."""
    command = toolchains.find(language)
    if command is None:
        missing(f"no {language} toolchain. {toolchains.HOW_TO_GET[language]}")
    one = next(one for one in BUILDS if one.language == language)
    module = toolchains.with_description(toolchains.compile_unit(command, one, SHOP), one)
    if toolchains.version(language, command) == toolchains.BUILT_WITH[language]:
        assert module == path_of(one.name).read_bytes()
    else:
        assert check_module(module, [], LIMITS.memory_bytes).unit is not None


# ---- the good versions ----


@pytest.mark.parametrize("one", GOOD, ids=lambda one: one.name)
def test_a_good_version_is_healthy_ready_and_says_who_it_is(one: Build, start: Start) -> None:
    instance = start(one.name)
    assert (instance.unit.health(), instance.unit.ready()) == (0, 0)
    for target in ("/", "/hello"):
        answer = instance.ask("GET", target)
        assert answer.status == 200
        assert (answer.json["unit"], answer.json["version"]) == (one.unit, one.version)


@pytest.mark.parametrize("one", GOOD, ids=lambda one: one.name)
def test_a_good_version_serves_the_mix_of_the_load_generator(one: Build, start: Start) -> None:
    instance = start(one.name)
    make = request_maker(mix_for(one.unit), "shop")
    for _ in range(2000):
        reply = parse_reply(instance.raw(make().replace(b" HTTP/1.1\r\n", b"\r\n", 1)))
        assert reply is not None
        assert reply[0] in (200, 201, 402, 409, 422)
        json.loads(reply[2])
    assert instance.unit.memory_bytes < 4 << 20


@pytest.mark.parametrize("one", GOOD, ids=lambda one: one.name)
def test_no_request_traps_a_good_version(one: Build, start: Start) -> None:
    instance = start(one.name)
    make = request_maker(mix_for(one.unit), "shop")
    seeds = [make() for _ in range(40)] + [b"", b" ", b"GET", b"GET /\r\n\r\n", b"\xff" * 70_000]
    for seed in seeds:
        for cut in range(0, len(seed), max(1, len(seed) // 25)):
            for broken in (seed[:cut], seed[cut:], seed[:cut] + b'\x00\xff%"' + seed[cut:]):
                reply = parse_reply(instance.raw(broken))
                assert reply is not None
    assert instance.unit.health() == 0


def test_the_mix_knows_every_unit_of_the_shop() -> None:
    assert set(MIXES) == {one.unit for one in BUILDS}


@pytest.mark.parametrize(
    ("name", "page"),
    [
        ("cart-v41", "/carts/1/total"),
        ("catalog-v21", "/products"),
        ("checkout-v12", "/quote?total_cents=100"),
    ],
)
def test_the_currency_comes_from_the_config(name: str, page: str, start: Start) -> None:
    assert start(name).ask("GET", page).json["currency"] == "CHF"


def test_cart_adds_removes_and_totals(start: Start) -> None:
    cart = start("cart-v41")
    cart.ask("POST", "/carts/7/items", b'{"sku": "mug", "quantity": 5}')
    added = cart.ask("POST", "/carts/7/items", b'{"sku":"desk"}')
    assert (added.status, added.json["total_cents"]) == (201, 5 * 1250 + 32900)
    assert cart.ask("GET", "/carts/7/total").json["total_cents"] == 39150
    assert cart.ask("DELETE", "/carts/7/items/desk").json["total_cents"] == 6250
    assert cart.ask("DELETE", "/carts/7/items/desk").status == 404
    assert cart.ask("POST", "/carts/7/items", b'{"sku": "yacht"}').status == 404
    assert cart.ask("POST", "/carts/7/items", b'{"sku": "mug", "quantity": 999}').status == 422
    assert cart.ask("DELETE", "/carts/7").json["lines"] == []
    assert cart.ask("PUT", "/carts/7").status == 405


def test_cart_v42_has_new_prices(start: Start) -> None:
    cart = start("cart-v42")
    assert cart.ask("POST", "/carts/7/items", b'{"sku": "lamp"}').json["total_cents"] == 4900
    two = cart.ask("POST", "/carts/7/items", b'{"sku": "lamp"}').json
    assert (two["discount_cents"], two["total_cents"]) == (980, 8820)


def test_catalog_lists_and_sells_out(start: Start) -> None:
    catalog = start("catalog-v22")
    page = catalog.ask("GET", "/products?from=2&limit=3").json
    assert [product["sku"] for product in page["products"]] == ["desk", "chair", "notebook"]
    sold = [catalog.ask("POST", "/products/desk/reserve").status for _ in range(16)]
    assert sold == [200] * 15 + [409]
    assert catalog.ask("GET", "/products/desk").json["delivery_days"] == 14
    assert catalog.ask("POST", "/products/desk/restock").json["stock"] == 10
    assert "delivery_days" not in start("catalog-v21").ask("GET", "/products/desk").json


def test_checkout_opens_and_is_paid_once(start: Start) -> None:
    checkout = start("checkout-v13")
    assert checkout.ask("GET", "/quote?total_cents=9999").json["to_pay_cents"] == 9999 + 590
    assert checkout.ask("GET", "/quote?total_cents=10000").json["to_pay_cents"] == 10000
    order = checkout.ask("POST", "/orders", b'{"cart": "7", "total_cents": 500}').json
    assert (order["order"], order["paid"]) == ("o-1", False)
    declined = checkout.ask("POST", "/orders/o-1/pay", b'{"card": "4111111111110000"}')
    paid = checkout.ask("POST", "/orders/o-1/pay", b'{"card": "4111111111111111"}')
    again = checkout.ask("POST", "/orders/o-1/pay", b'{"card": "4111111111111111"}')
    assert (declined.status, paid.status, again.status) == (402, 200, 409)
    assert checkout.ask("GET", "/orders/o-1").json["paid"] is True
    assert checkout.ask("GET", "/orders/o-2").status == 404


def test_search_finds_learns_and_remembers(start: Start) -> None:
    old, new = start("search-v7"), start("search-v8")
    assert [hit["sku"] for hit in old.ask("GET", "/search?q=oak").json["hits"]] == ["shelf"]
    assert [hit["sku"] for hit in new.ask("GET", "/search?q=oak").json["hits"]] == ["desk", "shelf"]
    assert new.ask("PUT", "/documents/hat", b"A wool hat").status == 200
    assert new.ask("GET", "/search?q=wool+hat").json["hits"][0]["sku"] == "hat"
    assert new.ask("GET", "/popular").json["popular"][0] == {"query": "oak", "times": 1}


# ---- the bad versions, each in its own way ----


@pytest.mark.parametrize(
    ("name", "status"),
    [("cart-v43", 500), ("catalog-v27", 500), ("checkout-v14", 502), ("search-v12", 500)],
)
def test_one_request_in_twenty_fails(name: str, status: int, start: Start) -> None:
    assert start(name).statuses(100) == ([200] * 19 + [status]) * 5


@pytest.mark.parametrize("name", ["cart-v44", "catalog-v28", "checkout-v16", "search-v9"])
def test_one_request_in_twelve_is_slow(name: str, start: Start) -> None:
    instance = start(name)
    instance.statuses(1)
    taken_s = []
    for _ in range(23):
        before = time.thread_time()
        assert instance.ask("GET", "/").status == 200
        taken_s.append(time.thread_time() - before)
    slow = [number for number, seconds in enumerate(taken_s, 2) if seconds > 0.010]
    assert slow == [12, 24]
    assert max(taken_s) < 0.200


@pytest.mark.parametrize(
    ("name", "requests"),
    [
        *[("cart-v45", 20), ("catalog-v29", 50), ("checkout-v17", 30), ("search-v11", 40)],
        *[("cart-v46", 0), ("catalog-v30", 0), ("checkout-v18", 0), ("search-v13", 0)],
    ],
)
def test_traps_after_so_many_requests(name: str, requests: int, start: Start) -> None:
    assert start(name).requests_until_trap(400) == requests


@pytest.mark.parametrize("name", ["cart-v47", "catalog-v31", "checkout-v19", "search-v14"])
def test_it_is_healthy_but_never_ready(name: str, start: Start) -> None:
    instance = start(name)
    assert (instance.unit.health(), instance.unit.ready()) == (0, 1)


def test_cart_v48_refuses_every_third_item_and_nothing_else(start: Start) -> None:
    instance = start("cart-v48")
    mug = b'{"sku": "mug", "quantity": 1}'
    added = [instance.ask("POST", "/carts/1/items", mug).status for _ in range(9)]
    assert added == [201, 201, 409] * 3
    assert instance.statuses(50) == [200] * 50


def test_catalog_v23_never_starts(start: Start) -> None:
    with pytest.raises(Faulted) as raised:
        start("catalog-v23")
    assert raised.value.code == "unreachable"


def test_catalog_v24_spins_until_its_deadline(start: Start) -> None:
    instance = start("catalog-v24")
    assert instance.statuses(49) == [200] * 49
    with pytest.raises(Faulted) as raised:
        instance.ask("GET", "/")
    assert raised.value.code == "deadline"


def test_catalog_v25_answers_garbage_now_and_then(start: Start) -> None:
    instance = start("catalog-v25")
    replies = [parse_reply(instance.raw(b"GET /\r\n\r\n")) for _ in range(100)]
    garbage = [number for number, reply in enumerate(replies, 1) if reply is None]
    assert garbage == [20, 40, 60, 80, 100]


def test_catalog_v26_becomes_unhealthy_while_its_replies_stay_good(start: Start) -> None:
    instance = start("catalog-v26")
    instance.statuses(400)
    assert instance.unit.health() == 0
    assert instance.statuses(1) == [200]
    assert instance.unit.health() == 1


def test_checkout_v15_grows_until_its_memory_limit(start: Start) -> None:
    instance = start("checkout-v15")
    assert 900 < instance.requests_until_trap(1100) < 1100
    assert LIMITS.memory_bytes - (1 << 20) < instance.unit.memory_bytes <= LIMITS.memory_bytes


def test_search_v10_points_outside_its_memory(start: Start) -> None:
    instance = start("search-v10")
    assert instance.statuses(19) == [200] * 19
    with pytest.raises(Faulted) as raised:
        instance.ask("GET", "/")
    assert raised.value.code == "bad_pointer"
