"""Every version of every example unit: what it is built from, and what is wrong with it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Build:
    """One artifact. `flags` are names the source asks for; a value of "" means: just defined."""

    unit: str
    version: str
    language: str
    source: str
    summary: str
    flags: tuple[tuple[str, str], ...] = ()

    @property
    def name(self) -> str:
        return f"{self.unit}-{self.version}"


def _versions(
    unit: str, language: str, source: str, table: dict[str, tuple[str, dict[str, str]]]
) -> list[Build]:
    return [
        Build(unit, version, language, source, summary, tuple(flags.items()))
        for version, (summary, flags) in table.items()
    ]


_PRICING = {"PRICING": "2"}

_SHIPPING = {"FREE_SHIPPING_FROM_CENTS": "10000"}
_DELIVERY = {"SHOWS_DELIVERY": ""}
_CASE = {"FEATURE_FOLDS_CASE": "1"}

_CART = {
    "v41": ("good", {}),
    "v42": ("good: 10 % off from 50.00", _PRICING),
    "v43": ("every 20th request answers 500", _PRICING | {"FAULT_ERROR_EVERY": "20"}),
    "v44": ("every 12th request burns 30-60 ms: p95 rises", _PRICING | {"FAULT_SLOW_EVERY": "12"}),
    "v45": ("an instance traps after its 20th request", _PRICING | {"FAULT_CRASH_AFTER": "20"}),
    "v46": ("traps on every request", _PRICING | {"FAULT_TRAP": ""}),
    "v47": ("never ready", _PRICING | {"FAULT_NOT_READY": ""}),
    "v48": ("every 3rd item is refused: 409", _PRICING | {"FAULT_REFUSES_EVERY": "3"}),
}
_CATALOG = {
    "v21": ("good", {}),
    "v22": ("good: says delivery days", _DELIVERY),
    "v23": ("traps in gsu_init, so it never starts", _DELIVERY | {"FAULT_INIT_TRAPS": ""}),
    "v24": ("every 50th request never ends", _DELIVERY | {"FAULT_SPIN_EVERY": "50"}),
    "v25": ("every 20th reply is garbage", _DELIVERY | {"FAULT_GARBAGE_EVERY": "20"}),
    "v26": ("unhealthy after 400 requests", _DELIVERY | {"FAULT_UNHEALTHY_AFTER": "400"}),
    "v27": ("every 20th request answers 500", _DELIVERY | {"FAULT_ERROR_EVERY": "20"}),
    "v28": ("every 12th request burns 30-60 ms: p95 rises", _DELIVERY | {"FAULT_SLOW_EVERY": "12"}),
    "v29": ("an instance traps after its 50th request", _DELIVERY | {"FAULT_CRASH_AFTER": "50"}),
    "v30": ("traps on every request", _DELIVERY | {"FAULT_TRAP": ""}),
    "v31": ("never ready", _DELIVERY | {"FAULT_NOT_READY": ""}),
}
_CHECKOUT = {
    "v12": ("good", {}),
    "v13": ("good: free shipping from 100.00", _SHIPPING),
    "v14": ("every 20th request answers 502", _SHIPPING | {"FAULT_ERROR_EVERY": "20"}),
    "v15": ("keeps 64 KiB of each request", _SHIPPING | {"FAULT_LEAK_BYTES": "65536"}),
    "v16": ("every 12th request burns 30-60 ms: p95 rises", _SHIPPING | {"FAULT_SLOW_EVERY": "12"}),
    "v17": ("an instance traps after its 30th request", _SHIPPING | {"FAULT_CRASH_AFTER": "30"}),
    "v18": ("traps on every request", _SHIPPING | {"FAULT_TRAP": "1"}),
    "v19": ("never ready", _SHIPPING | {"FAULT_NOT_READY": "1"}),
}
_SEARCH = {
    "v7": ("good", {}),
    "v8": ("good: upper and lower case are one", _CASE),
    "v9": ("every 12th request burns 30-60 ms: p95 rises", _CASE | {"FAULT_SLOW_EVERY": "12"}),
    "v10": ("every 20th reply points outside memory", _CASE | {"FAULT_BAD_POINTER_EVERY": "20"}),
    "v11": ("an instance traps after its 40th request", _CASE | {"FAULT_CRASH_AFTER": "40"}),
    "v12": ("every 20th request answers 500", _CASE | {"FAULT_ERROR_EVERY": "20"}),
    "v13": ("traps on every request", _CASE | {"FAULT_TRAP": "1"}),
    "v14": ("never ready", _CASE | {"FAULT_NOT_READY": "1"}),
}

BUILDS: list[Build] = [
    *_versions("cart", "c", "cart/cart.c", _CART),
    *_versions("catalog", "zig", "catalog/catalog.zig", _CATALOG),
    *_versions("checkout", "rust", "checkout/checkout.rs", _CHECKOUT),
    *_versions("search", "assemblyscript", "search/search.ts", _SEARCH),
]
