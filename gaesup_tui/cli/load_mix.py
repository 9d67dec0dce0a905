"""What generated traffic asks of a unit: a small table of calls, weighted, per unit name."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

SKUS = ["mug", "lamp", "desk", "chair", "notebook", "pen"]
SKUS += ["rug", "vase", "clock", "shelf", "plant", "blanket"]
WORDS = ["oak", "desk", "wool", "lamp", "glass", "book", "stone", "clock", "paper", "quiet"]
# Most cards pay; the one ending in 0000 is declined, as one in twenty-five is in the mix.
CARDS = ["4111111111111111"] * 24 + ["4111111111110000"]


@dataclass(frozen=True)
class Call:
    """One kind of request. `path` and `body` may hold {n} (1 to 500), {sku}, {word} and {card}."""

    weight: int
    method: str
    path: str
    body: str = ""


MIXES: dict[str, tuple[Call, ...]] = {
    "cart": (
        Call(45, "GET", "/carts/{n}"),
        Call(20, "GET", "/carts/{n}/total"),
        Call(25, "POST", "/carts/{n}/items", '{"sku": "{sku}", "quantity": 1}'),
        Call(8, "DELETE", "/carts/{n}"),
        Call(2, "GET", "/hello"),
    ),
    "catalog": (
        Call(55, "GET", "/products/{sku}"),
        Call(25, "GET", "/products?limit=6"),
        Call(8, "POST", "/products/{sku}/reserve"),
        Call(10, "POST", "/products/{sku}/restock"),
        Call(2, "GET", "/hello"),
    ),
    "checkout": (
        Call(58, "GET", "/quote?total_cents={n}00"),
        Call(40, "POST", "/orders", '{"cart": "{n}", "total_cents": {n}00, "card": "{card}"}'),
        Call(2, "GET", "/hello"),
    ),
    "search": (
        Call(85, "GET", "/search?q={word}"),
        Call(10, "GET", "/popular"),
        Call(3, "PUT", "/documents/{sku}-{n}", "A {word} {sku}, number {n}"),
        Call(2, "GET", "/hello"),
    ),
}
DEFAULT_MIX: tuple[Call, ...] = (Call(1, "GET", "/"),)


def mix_for(unit: str) -> tuple[Call, ...]:
    """The calls for a unit of this name; one GET / for a unit the table does not know."""
    return MIXES.get(unit, DEFAULT_MIX)


@dataclass(frozen=True)
class Users:
    """Who sends the requests: one of so many, told apart by a cookie."""

    count: int
    cookie: str


def request_maker(
    calls: tuple[Call, ...], host: str, seed: int = 1, users: Users | None = None
) -> Callable[[], bytes]:
    """A function that gives the bytes of the next HTTP/1.1 request for `host`.

    The same seed gives the same requests in the same order.
    """
    dice = random.Random(seed)
    weights = [call.weight for call in calls]

    def filled(text: str, values: dict[str, str]) -> str:
        for name, value in values.items():
            text = text.replace(name, value)
        return text

    def next_request() -> bytes:
        call = dice.choices(calls, weights)[0]
        values = {
            "{n}": str(dice.randint(1, 500)),
            "{sku}": dice.choice(SKUS),
            "{word}": dice.choice(WORDS),
            "{card}": dice.choice(CARDS),
        }
        head = f"{call.method} {filled(call.path, values)} HTTP/1.1\r\nHost: {host}\r\n"
        if users:
            head += f"Cookie: {users.cookie}=u{dice.randint(1, users.count)}\r\n"
        if call.method == "GET":
            return f"{head}\r\n".encode()
        body = filled(call.body, values).encode()
        return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body

    return next_request
