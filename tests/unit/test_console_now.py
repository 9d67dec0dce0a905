"""Where the cursor of the first screen waits."""

from __future__ import annotations

from tests.console_driver import Driver, console_on
from tests.console_world import deployment


async def cursor_on(console: Driver, text: str) -> None:
    await console.until(lambda: text in console.line("▌"), f"the cursor on {text!r}")


async def goes_down(console: Driver, key: str) -> None:
    world = console.engine.world
    world.deployments[key] = deployment(key, status="down", ready=0)
    console.engine.change(key)
    await console.until(lambda: "down" in console.line(key), f"{key} down")


async def test_it_waits_at_what_is_most_urgent_whatever_other_keys_are_pressed() -> None:
    async with console_on() as console:
        await console.press("t", "t", "t")
        await goes_down(console, "web@production")
        await cursor_on(console, "web@production")


async def test_it_stays_where_a_person_put_it() -> None:
    async with console_on() as console:
        first = console.line("▌")
        await console.press("j")
        await console.until(lambda: console.line("▌") != first, "another row")
        chosen = console.line("▌")[:30]
        await goes_down(console, "web@production")
        assert console.line("▌")[:30] == chosen


async def test_it_goes_back_to_the_most_urgent_when_its_row_is_gone() -> None:
    async with console_on() as console:
        await goes_down(console, "web@production")
        await goes_down(console, "zoo@production")
        await console.press("j")
        await cursor_on(console, "zoo@production")
        del console.engine.world.deployments["zoo@production"]
        console.engine.change("zoo@production")
        await console.expects_no("zoo@production")
        await cursor_on(console, "web@production")
