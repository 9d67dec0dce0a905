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

BUILDS: list[Build] = [
    *_versions(
        "cart",
        "c",
        "cart/cart.c",
        {
            "v41": ("good", {}),
            "v42": ("good: 10 % off from 50.00", _PRICING),
            "v43": ("every 20th request answers 500", {**_PRICING, "FAULT_ERROR_EVERY": "20"}),
            "v44": (
                "every 12th request burns 30-60 ms, so p95 rises",
                {**_PRICING, "FAULT_SLOW_EVERY": "12"},
            ),
            "v45": (
                "traps on every request after the 300th of an instance",
                {**_PRICING, "FAULT_CRASH_AFTER": "300"},
            ),
            "v46": ("traps on every request", {**_PRICING, "FAULT_TRAP": ""}),
            "v47": ("never ready", {**_PRICING, "FAULT_NOT_READY": ""}),
        },
    ),
]
