"""Starting the engine when none answers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from gaesup_tui.console.options import Options


def starter(options: Options) -> Callable[[], Awaitable[None]] | None:
    """What starts an engine of this user; None when the console was told not to.

    The returned function raises ``GaesupError`` when it cannot be started.
    """
    if not options.autostart:
        return None

    async def start() -> None:
        from gaesup_tui.service.autostart import ensure_engine

        # It waits for locks and for a process: a thread's work.
        await asyncio.to_thread(ensure_engine)

    return start
