"""Extending a wait and stepping back, from the rollout's screen."""

from __future__ import annotations

from tests.console_driver import Driver, console_on


async def confirm(console: Driver) -> None:
    await console.expects("[ Cancel ]")
    await console.dead_time()
    await console.press("y")
    await console.until(lambda: console.engine.commands, "the command")


async def test_e_asks_by_how_much_and_then_whether() -> None:
    async with console_on() as console:
        await console.press("enter", "E")
        await console.expects(":extend cart@production --by 30m")
        await console.press("enter")
        await console.expects("Extend cart@production")
        await confirm(console)
        body = console.engine.commands[0][1]
        assert (body["action"], body["by_s"], body["expect_seq"]) == ("extend", 1800.0, 10)


async def test_what_is_no_time_is_said() -> None:
    async with console_on() as console:
        await console.press("colon")
        await console.type("extend cart --by soon")
        await console.press("enter")
        await console.expects("--by: 'soon' is not a duration")


async def test_a_step_back_is_asked_about_first() -> None:
    async with console_on() as console:
        await console.press("enter", "Z")
        await console.expects("Step back cart@production")
        await console.dead_time()
        await console.press("Z", "enter")
        assert console.engine.commands == []
        await console.press("Z")
        await confirm(console)
        body = console.engine.commands[0][1]
        assert (body["action"], body["expect_seq"]) == ("step_back", 10)
