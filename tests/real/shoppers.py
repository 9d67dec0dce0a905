"""Users of a shop beside a synchronous test: each brings its own cookie, asks what shipping costs,
and orders or does not."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from dataclasses import dataclass, field

LANES = 16


@dataclass
class Shoppers:
    """What they saw. ``buys`` is how likely an order is, by whether shipping is free."""

    port: int
    unit: str = "checkout@production"
    cookie: str = "shopper"
    buys: tuple[float, float] = (0.15, 0.5)
    seen: dict[str, set[str]] = field(default_factory=dict)
    """User to the revisions that answered it."""
    ordered: set[str] = field(default_factory=set)
    failed: list[str] = field(default_factory=list)

    def come(self, first: int, count: int) -> None:
        """The users ``first`` to ``first + count - 1`` come once, a few at the same time."""
        asyncio.run(self._come([f"u{n}" for n in range(first, first + count)]))

    def arm(self, version: str) -> list[str]:
        """The users that only ever saw this version."""
        return [user for user, there in self.seen.items() if _versions(there) == {version}]

    async def _come(self, users: list[str]) -> None:
        waiting = iter(users)
        await asyncio.gather(*(self._lane(waiting) for _ in range(LANES)))

    async def _lane(self, users: Iterator[str]) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            for user in users:
                await self._shop(reader, writer, user)
        finally:
            writer.close()

    async def _shop(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, user: str
    ) -> None:
        quote = await self._ask(reader, writer, user, "GET", "/quote?total_cents=20000")
        free = '"shipping_cents": 0' in quote or '"shipping_cents":0' in quote
        # The same user decides the same way whenever the test is run.
        if random.Random(user).random() < self.buys[free]:
            order = f'{{"cart": "7", "total_cents": 20000, "user": "{user}"}}'
            await self._ask(reader, writer, user, "POST", "/orders", order)
            self.ordered.add(user)

    async def _ask(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        user: str,
        method: str,
        path: str,
        body: str = "",
    ) -> str:
        lines_out = (
            f"{method} /_/{self.unit}{path} HTTP/1.1",
            "Host: shop",
            f"Cookie: {self.cookie}={user}",
            f"Content-Length: {len(body)}",
            "",
            body,
        )
        writer.write("\r\n".join(lines_out).encode())
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        lines = dict(line.split(": ", 1) for line in head.split("\r\n")[1:] if ": " in line)
        reply = (await reader.readexactly(int(lines.get("content-length", "0")))).decode()
        status = int(head.split()[1])
        if status >= 400:
            self.failed.append(f"{user} {method} {path}: {status} {reply[:80]}")
        self.seen.setdefault(user, set()).add(lines.get("x-gaesup-revision", "?"))
        return reply


def _versions(revisions: set[str]) -> set[str]:
    return {revision.rpartition("-")[0] for revision in revisions}
