"""The global rollback in the stop dialog: preview first, then another key, then how it goes."""

from __future__ import annotations

from tests.console_driver import console_on
from tests.console_world import CannedWorld


async def test_b_shows_what_goes_back_to_what_before_anything_is_sent() -> None:
    async with console_on() as console:
        await console.press("exclamation_mark")
        await console.expects("B  global rollback")
        await console.dead_time()
        await console.press("B")
        await console.expects(
            "Global rollback of everything: 7 go back",
            "1  cart@production  v7 → v6",
            "left as it is: no stable version before v1",
            "y  roll back all of these",
        )
        await console.dead_time()
        await console.press("B", "enter")
        assert console.engine.commands == []
        await console.press("escape")
        await console.expects("Scope: arrows choose")


async def test_the_confirming_key_rolls_back_and_what_still_moves_is_shown() -> None:
    async with console_on() as console:
        await console.press("B")
        await console.expects("y  roll back all of these")
        await console.dead_time()
        await console.press("y")
        await console.expects(
            "confirmed: GLOBAL ROLLBACK everything",
            "1 of 7 back, group 2 of 2",
            "cart@production: not at rest within 90 s",
            "left as it is: mail@production",
        )
        [(_, body)] = console.engine.commands
        assert body == {"action": "global_rollback", "scope": ""}
        await console.press("escape")
        await console.expects("ROLLED BACK everything by lee", "1 of 7 back, group 2 of 2")


async def test_only_the_chosen_scope_is_rolled_back() -> None:
    async with console_on() as console:
        await console.press("exclamation_mark")
        await console.expects("production: 1 of")
        await console.dead_time()
        await console.press("down")
        await console.dead_time()
        await console.press("B")
        await console.expects("Global rollback of production")
        await console.dead_time()
        await console.press("y")
        await console.expects("confirmed")
        assert console.engine.commands[0][1]["scope"] == "production"


async def test_letting_go_of_one_that_is_not_over_says_so() -> None:
    world = CannedWorld.of(3)
    world.obey({"action": "global_rollback", "scope": "", "why": "all wrong"})
    async with console_on(world) as console:
        await console.press("L")
        await console.expects(
            "Release the global rollback of everything", "those not back stay as they are"
        )
