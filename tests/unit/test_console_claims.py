"""Holds, locks and freeze windows on the screens, at 80x24."""

from __future__ import annotations

import time

from tests.console_driver import Driver, console_on

LOCK = {"by": "mara", "at": time.time() - 700, "until": time.time() + 7200, "why": "I watch"}


async def confirm(console: Driver, reason: str) -> None:
    await console.expects("[ Cancel ]")
    await console.type(reason)
    await console.press("enter")
    await console.dead_time()
    await console.press("y")
    await console.until(lambda: console.engine.commands, "the command")


async def test_a_lock_and_a_hold_stand_beside_the_name_and_on_the_rollout() -> None:
    async with console_on(size=(80, 24)) as console:
        view = console.engine.world.deployments["cart@production"]
        view["lock"] = LOCK
        view["hold"] = {"scope": "", "mode": "hold", "by": "kim", "at": 1.0, "why": "db"}
        console.engine.change("cart@production")
        await console.press("2")
        await console.expects("cart held")
        await console.press("1", "enter")
        await console.expects("Locked", "by mara since ", "I watch", "Held", "by kim: db")


async def test_a_freeze_window_is_among_what_needs_somebody() -> None:
    async with console_on(size=(80, 24)) as console:
        console.engine.world.windows = [
            {
                "scope": "production",
                "name": "weekend",
                "begins": "Fri 16:00",
                "ends": "Mon 08:00",
                "timezone": "UTC",
                "is_in_force": True,
                "since": time.time() - 60,
                "until": time.time() + 7200,
                "source": "gaesup.yaml",
            }
        ]
        console.engine.change("cart@production")
        await console.expects("weekend until Mon 08:00 UTC", "over in 1h59")
        assert console.line("weekend until").split()[:2] == ["window", "production"]


async def test_in_a_window_the_dialog_sends_its_reason_as_broken_glass() -> None:
    async with console_on(size=(80, 24)) as console:
        console.engine.world.glass = "freeze window weekend until Mon 08:00"
        await console.press("p")
        await confirm(console, "payments are down")
        body = console.engine.commands[0][1]
        assert (body["action"], body["break_glass"]) == ("promote", "payments are down")


async def test_w_begins_a_command_for_a_window() -> None:
    async with console_on(size=(80, 24)) as console:
        await console.press("W")
        await console.expects(":window add hold-on --environment production --for 2h --reason")


async def test_a_lock_has_a_time_from_the_command_line() -> None:
    async with console_on(size=(80, 24)) as console:
        console.engine.world.deployments["cart@production"]["actions"]["lock"] = None
        console.engine.change("cart@production")
        await console.press("colon")
        await console.type("lock cart --for 2h")
        await console.press("enter")
        await confirm(console, "mine")
        body = console.engine.commands[0][1]
        assert (body["action"], body["for_s"], body["why"]) == ("lock", 7200.0, "mine")
