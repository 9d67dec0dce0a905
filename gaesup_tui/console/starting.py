"""Starting the engine when none answers."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable

from gaesup_tui.console.options import Options
from gaesup_tui.domain.errors import GaesupError, Unavailable


def starter(options: Options) -> Callable[[], Awaitable[None]] | None:
    """What starts an engine of this user; None when the console was told not to.

    The returned function raises ``GaesupError`` when it cannot be started.
    """
    return _start if options.autostart else None


async def _start() -> None:
    """It waits for locks and for a process, up to many seconds: the work of a thread, and of one
    that does not keep the console from leaving."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[GaesupError | None] = loop.create_future()

    def work() -> None:
        outcome = _ensure()

        def tell() -> None:
            if not done.done():
                done.set_result(outcome)

        if not loop.is_closed():
            loop.call_soon_threadsafe(tell)

    threading.Thread(target=work, name="engine-start", daemon=True).start()
    if (error := await done) is not None:
        raise error


def _ensure() -> GaesupError | None:
    from gaesup_tui.service import autostart, places

    try:
        autostart.ensure(places.find())
    except GaesupError as error:
        return error
    except OSError as error:
        return Unavailable(f"the engine cannot be started: {error}", hint="see gaesup doctor")
    return None
