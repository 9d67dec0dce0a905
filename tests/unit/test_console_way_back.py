"""The keys of the way back: gradual abort, ignoring a check, having seen a rollback."""

from __future__ import annotations

import time
from typing import Any

from gaesup_tui.console.needs import needs
from gaesup_tui.console.watch import Watches
from tests.console_driver import console_on
from tests.console_world import deployment

CART = "cart@production"


def quiet() -> Any:
    return deployment(CART)


def noticed(**more: Any) -> Any:
    notice = {"at": time.time() - 5, "text": "v42 rolled back by itself", "sick": False}
    return deployment(CART, notice=notice | more)


async def test_x_in_capitals_asks_for_the_gradual_way_back() -> None:
    async with console_on() as console:
        await console.press("enter", "X")
        await console.expects("Abort gradual cart@production")
        await console.dead_time()
        await console.press("y")
        await console.until(lambda: console.engine.commands, "the command")
        body = console.engine.commands[0][1]
        assert (body["action"], body["gradual"]) == ("abort", True)


async def test_i_ignores_the_check_in_the_way_and_only_with_a_reason() -> None:
    async with console_on() as console:
        await console.press("enter", "I")
        await console.expects("Ignore cart@production")
        await console.dead_time()
        await console.type("known flake")
        await console.press("enter")
        assert console.engine.commands == []
        await console.dead_time()
        await console.press("y")
        await console.until(lambda: console.engine.commands, "the command")
        body = console.engine.commands[0][1]
        assert (body["action"], body["check"], body["why"]) == ("ignore", "analysis", "known flake")


async def test_r_in_capitals_begins_again_at_the_step_that_failed() -> None:
    async with console_on() as console:
        view = console.engine.world.deployments[CART]
        view["rollout"]["phase"], view["actions"]["retry"] = "finished", None
        console.engine.change(CART)
        await console.press("enter", "R")
        await console.expects("Retry failed cart@production")
        await console.dead_time()
        await console.press("y")
        await console.until(lambda: console.engine.commands, "the command")
        body = console.engine.commands[0][1]
        assert (body["action"], body["start"]) == ("retry", "failed")


async def test_i_asks_which_check_when_none_is_in_the_way() -> None:
    async with console_on() as console:
        view = console.engine.world.deployments[CART]
        view["rollout"]["check"] = ""
        console.engine.change(CART)
        await console.press("enter", "I")
        await console.expects(":ignore cart@production --check")


def test_a_rollback_nobody_has_seen_needs_a_person() -> None:
    found = needs([noticed()], None, time.time())
    assert [(need.kind, need.text, need.then, need.urgency) for need in found] == [
        ("went back", "v42 rolled back by itself", "A: seen it", 1)
    ]
    assert needs([noticed(sick=True)], None, time.time())[0].urgency == 0
    assert needs([quiet()], None, time.time()) == []


def test_a_held_unit_is_listed_once_while_its_notice_says_so() -> None:
    hold = {"scope": CART, "mode": "hold", "by": "gaesup", "at": 1.0, "why": "after rollback"}
    view: Any = {**noticed(), "hold": hold}
    assert [need.kind for need in needs([view], None, time.time())] == ["went back"]


def test_a_watched_deployment_rings_when_it_goes_back_by_itself_and_only_then() -> None:
    watches = Watches()
    watches.turn(quiet())
    told = watches.look({CART: noticed()}, [CART])
    assert told == ["cart@production: v42 rolled back by itself"]
    later = noticed()
    later["notice"]["text"] += "; verified"
    watches = Watches()
    watches.turn(later)
    assert watches.look({CART: later}, [CART]) == []
