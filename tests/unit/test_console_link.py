"""Who raises an engine that is away."""

from __future__ import annotations

import asyncio
from typing import cast

from gaesup_tui.console.link import Link
from gaesup_tui.console.remote import Engine
from gaesup_tui.console.replica import Replica
from gaesup_tui.domain.errors import Unavailable


class Away:
    """An engine that never answers."""

    def __init__(self) -> None:
        self.asked = asyncio.Queue[None]()

    async def snapshot(self) -> None:
        self.asked.put_nowait(None)
        raise Unavailable("no engine answers")


async def test_a_watcher_raises_an_engine_once_and_who_goes_back_raises_it_again() -> None:
    away, starts = Away(), asyncio.Queue[None]()

    async def start() -> None:
        starts.put_nowait(None)

    link = Link(cast(Engine, away), Replica(), start)
    running = asyncio.create_task(link.run())
    async with asyncio.timeout(10):
        await starts.get()
        for _ in range(3):
            await away.asked.get()
        assert starts.empty(), "stopped on purpose, it is raised by nobody who only looks"
        link.need()
        await starts.get()
    running.cancel()
