"""Drives a console in a test as a person would: press a key, look at the screen.

The console is the real one, headless; behind it is a ``FakeEngine`` on a real Unix socket.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from textual.pilot import Pilot

from gaesup_tui.console.app import Console
from gaesup_tui.console.options import Options
from tests.console_fixture import FakeEngine
from tests.console_world import CannedWorld

DEADLINE_S = 8.0


class Driver:
    """A console, its engine, and the keys."""

    def __init__(self, console: Console, pilot: Pilot[int], engine: FakeEngine) -> None:
        self.console = console
        self.engine = engine
        self._pilot = pilot

    @property
    def screen_text(self) -> str:
        """What the terminal shows, line by line."""
        screen = self.console.screen
        width, height = self.console.size
        strips = screen._compositor.render_strips()
        return "\n".join(strip.text[:width].rstrip() for strip in strips[:height])

    async def press(self, *keys: str) -> None:
        """Press keys one after the other, slower than a burst."""
        for key in keys:
            await asyncio.sleep(0.02)
            await self._pilot.press(key)

    async def type(self, text: str) -> None:
        """Type text into the line that has the keys."""
        for char in text:
            await self._pilot.press("space" if char == " " else char)

    async def until(self, true: Callable[[], Any], what: str) -> None:
        """Wait until something holds, at most ``DEADLINE_S``."""
        deadline = asyncio.get_running_loop().time() + DEADLINE_S
        while not true():
            if asyncio.get_running_loop().time() > deadline:
                raise AssertionError(f"{what} did not come; the screen shows\n{self.screen_text}")
            await self._pilot.pause(0.02)

    async def expects(self, *texts: str) -> None:
        """Wait until all ``texts`` are on the screen."""
        for text in texts:
            await self.until(lambda text=text: text in self.screen_text, repr(text))  # type: ignore[misc]

    async def expects_no(self, text: str) -> None:
        """Wait until ``text`` is not on the screen."""
        await self.until(lambda: text not in self.screen_text, f"the end of {text!r}")

    async def dead_time(self) -> None:
        """Let the time pass in which a dialog takes no key."""
        await asyncio.sleep(0.35)

    def line(self, containing: str) -> str:
        """The first line of the screen that holds a text."""
        lines = self.screen_text.splitlines()
        return next((line for line in lines if containing in line), "")


@asynccontextmanager
async def console_on(
    world: CannedWorld | None = None,
    *,
    size: tuple[int, int] = (100, 30),
    connected: bool = True,
    **options: Any,
) -> AsyncIterator[Driver]:
    """A console on a canned world."""
    with tempfile.TemporaryDirectory(prefix="gs") as folder:
        engine = FakeEngine(world or CannedWorld.of(8))
        chosen = {
            "socket": Path(folder, "e.sock"),
            "keymap": Path(folder, "keys.yaml"),
            "autostart": False,
        }
        console = Console(Options(**{**chosen, **options}))
        async with engine.serving(Path(folder, "e.sock")), console.run_test(size=size) as pilot:
            driver = Driver(console, pilot, engine)
            if connected:
                await driver.expects("cart@production")
                await driver.until(lambda: engine.streams, "the stream")
            yield driver
