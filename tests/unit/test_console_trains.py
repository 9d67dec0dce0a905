"""Release trains on the screen: the list, one train, what waits for a person, and the two keys."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.console_driver import console_on
from tests.console_world import CannedWorld


def car(unit: str, place: str, text: str, weight: int = 0) -> dict[str, Any]:
    return {
        "deployment": f"{unit}@production",
        "leaves": "v41",
        "to": "v42",
        "place": place,
        "text": text,
        "weight": weight,
    }


def train(name: str = "spring", **changes: Any) -> dict[str, Any]:
    now = time.time()
    return {
        "name": name,
        "environment": "production",
        "by": "kim",
        "at": now - 90,
        "why": "spring release",
        "seq": 7,
        "phase": "gate",
        "outcome": None,
        "text": "1 of 1 ready, at 25 %, waits for you (group 2 of 3)",
        "since": now - 30,
        "person": True,
        "until": now + 1770,
        "group": 1,
        "groups": [
            [car("mail", "arrived", "100 %, bakes; v41 stays warm", 100)],
            [car("cart", "gate", "25 %, at the gate", 25)],
            [car("web", "to come", "its turn is to come")],
        ],
        "gate": "between",
        "on_failure": "rollback",
        "at_once": None,
        "cause": "",
        "note": "",
        "finished_at": None,
        "on_promote": "passes the gate of cart@production",
        "glass": "",
        "way_back": "cart, then mail",
        "actions": {"train_promote": None, "train_abort": None},
        **changes,
    }


def world_with(*trains: dict[str, Any]) -> CannedWorld:
    world = CannedWorld.of(8)
    world.trains = list(trains)
    return world


@pytest.mark.parametrize("options", [{}, {"ascii_symbols": True, "theme": "mono"}])
async def test_t_lists_the_trains_and_enter_opens_one(options: dict[str, Any]) -> None:
    over = train("winter", phase="finished", outcome="partly", text="partly: cart@production: bad")
    async with console_on(world_with(over, train()), size=(80, 24), **options) as console:
        await console.press("T")
        await console.expects("TRAIN", "spring", "at a gate", "winter", "partly")
        await console.press("enter")
        await console.expects(
            "spring to production  by kim",
            "1 of 1 ready, at 25 %, waits for you (group 2 of 3)",
            "Group 1 of 3",
            "mail@production",
            "100 %, bakes",
            "Group 2 of 3",
            "25 %, at the gate",
            "its turn is to come",
            "Way back  cart, then mail",
            "p Promote",
        )
        assert all(len(line) <= 80 for line in console.screen_text.splitlines())
        if options:
            odd = {char for char in console.screen_text if not char.isascii()} - {"…"}
            assert not odd


async def test_p_asks_and_promotes_the_set_from_what_was_shown() -> None:
    async with console_on(world_with(train()), size=(80, 24)) as console:
        await console.press("T", "p")
        await console.expects(
            "Promote train spring",
            "passes the gate of cart@production",
            "abort: cart, then mail",
            "y promote the train",
        )
        await console.dead_time()
        await console.press("y")
        await console.until(lambda: console.engine.commands, "the command")
        [(_, body)] = console.engine.commands
        assert body == {"action": "train_promote", "train": "spring", "why": "", "expect_seq": 7}


async def test_x_says_what_goes_back_in_which_order_before_it_does() -> None:
    async with console_on(world_with(train())) as console:
        await console.press("T", "enter")
        await console.expects("Group 1 of 3")
        await console.press("x")
        await console.expects("Abort train spring", "back to what ran before: cart, then mail")
        await console.dead_time()
        await console.press("y")
        await console.until(lambda: console.engine.commands, "the command")
        assert console.engine.commands[0][1] == {
            "action": "train_abort",
            "train": "spring",
            "why": "",
        }


async def test_a_train_that_waits_needs_you_and_moves() -> None:
    async with console_on(world_with(train()), size=(80, 24)) as console:
        await console.expects("1 of 1 ready", "back in 29m", "train spring")
        lines = [line for line in console.screen_text.splitlines() if "spring" in line]
        assert ["at a gate" in line for line in lines] == [False, True]


async def test_a_key_that_does_nothing_now_says_why() -> None:
    busy = train(
        phase="forward",
        person=False,
        until=None,
        on_promote="",
        actions={"train_promote": "it stands at no gate: cart@production on the way"},
    )
    async with console_on(world_with(busy)) as console:
        await console.press("T", "p")
        await console.expects("promote train: it stands at no gate: cart@production on the way")
        assert console.engine.commands == []


async def test_the_palette_actions_work_without_a_train_under_the_cursor() -> None:
    async with console_on(world_with()) as console:
        console.console.action_act("train_abort")
        await console.expects("abort train: no train is under")


async def test_in_a_window_the_dialog_asks_for_the_reason_that_breaks_the_glass() -> None:
    frozen = train(glass="freeze window weekend until Mon 08:00")
    async with console_on(world_with(frozen), size=(80, 24)) as console:
        await console.press("T", "p")
        await console.expects("freeze window weekend until Mon 08:00", "a reason breaks the glass")
        await console.type("it burns")
        await console.press("enter")
        await console.dead_time()
        await console.press("y")
        await console.until(lambda: console.engine.commands, "the command")
        assert console.engine.commands[0][1]["break_glass"] == "it burns"
