"""On 80 columns what matters is read in full: why it went back, the evidence, the preview."""

from __future__ import annotations

import time
from typing import Any

import pytest

from gaesup_tui.console.needs import needs
from gaesup_tui.domain.notice_views import in_short
from tests.console_driver import console_on
from tests.console_world import CannedWorld, deployment

CART = "cart@production"
WHY = "errors 4.17 % vs 0.00 %: +4.17 points (+0.30 to +16.23), limit +0.50 points, 192 requests"
TOLD = f"v42 rolled back by itself, back to v41: {WHY}; verified: v41 2 of 2 ready"


def test_a_notice_in_short_has_the_cause_first() -> None:
    assert in_short(TOLD).startswith("v42→v41: errors 4.17 %")
    assert (
        in_short("v1 rolled back by itself, nothing serves: smoke") == "v1: nothing serves: smoke"
    )
    assert in_short("of an older journal") == "of an older journal"


async def test_now_has_the_cause_of_a_way_back_and_whole_words_on_80_columns() -> None:
    async with console_on(size=(80, 24)) as console:
        view = console.engine.world.deployments[CART]
        view["notice"] = {"at": time.time() - 56, "text": TOLD, "sick": False}
        console.engine.change(CART)
        await console.expects("went back cart@production", "v42→v41: errors 4.17", "A: seen it")


def test_the_colour_leaves_the_room_to_what_is_waited_for() -> None:
    waiting = {"what": "waits for you", "since": 1.0, "person": True, "until": None, "then": ""}
    text = "v21→v22 (green) at 0 %, waits for you"
    view: Any = deployment(CART, status="waiting", status_text=text, waiting=waiting)
    assert [need.text for need in needs([view], None, 2.0)] == ["v21→v22 at 0 %, waits for you"]


async def test_the_deployment_says_all_of_why_it_went_back_and_the_reason_once() -> None:
    async with console_on(size=(80, 24)) as console:
        view = console.engine.world.deployments[CART]
        view["notice"] = {"at": time.time() - 56, "text": TOLD, "sick": False}
        why = f"after automatic rollback of v42: {WHY}"
        view["hold"] = {"scope": CART, "mode": "hold", "by": "gaesup", "at": 1.0, "why": why}
        console.engine.change(CART)
        await console.press("enter", "enter")
        await console.expects("192 requests;", "verified: v41 2 of 2 ready")
        assert console.screen_text.count("4.17 points") == 1
        assert "by gaesup: after automatic rollback of v42" in console.screen_text


async def test_a_rollout_has_both_sides_the_keys_and_the_preview_on_24_lines() -> None:
    async with console_on(size=(80, 24)) as console:
        view = console.engine.world.deployments[CART]
        view["preview"] = "http://127.0.0.1:36727/_/cart@production:preview/"
        verdict = view["rollout"]["verdict"]
        verdict["reason"] = (
            "nothing wrong so far, not enough evidence yet: about 9 min more at this traffic "
            "(3 min to 19 min); slowest is latency, about 5,499 more canary requests"
        )
        verdict["findings"] = [*verdict["findings"], verdict["findings"][0]]
        told = "1203 answered, 3 failed, 12 dropped"
        for revision in view["revisions"]:  # the last of the lines with what is measured
            revision["copies"] = told
        console.engine.change(CART)
        await console.press("enter")
        await console.expects("5,499 more canary requests", "abort ", "promote ", "8 %", "62 %")
        await console.expects("Preview   http://127.0.0.1:36727/_/cart@production:preview/")
        assert console.screen_text.count(told) == 2


async def test_a_dialog_says_all_of_the_evidence(monkeypatch: pytest.MonkeyPatch) -> None:
    end = "and it ends with these words"
    told = CannedWorld.preview

    def at_length(world: CannedWorld, query: dict[str, str]) -> Any:
        shown = told(world, query)
        shown["lines"].append(["Evidence", f"CONTINUE: {'word ' * 20}{end}"])
        return shown

    monkeypatch.setattr(CannedWorld, "preview", at_length)
    async with console_on(size=(80, 24)) as console:
        await console.press("p")
        await console.expects("Promote cart@production", "these words")


async def test_the_help_and_the_stop_are_named_on_a_full_footer_of_80_columns() -> None:
    async with console_on(size=(80, 24)) as console:
        await console.press("enter")
        await console.expects("cart@production rollout")
        foot = console.screen_text.splitlines()[-1]
        assert foot.endswith("? Help  ! STOP")


async def test_a_question_that_stays_open_is_about_how_it_is_now() -> None:
    async with console_on(size=(80, 24)) as console:
        await console.press("p")
        await console.expects("v41 50 %   v42 50 %")
        view = console.engine.world.deployments[CART]
        view["seq"] += 1
        view["actions"]["promote"] = "no rollout is moving"
        console.engine.change(CART)
        await console.expects("it moved meanwhile: not possible any more", "no rollout is moving")
        await console.expects_no("v41 50 %   v42 50 %")
        view["seq"] += 1
        view["actions"]["promote"], now = None, view["seq"]
        console.engine.change(CART)
        await console.expects("it moved meanwhile: this is how it is now", "v41 50 %   v42 50 %")
        await console.dead_time()
        await console.press("y")
        await console.until(lambda: console.engine.commands, "the command")
        assert console.engine.commands[0][1]["expect_seq"] == now


async def test_the_title_of_a_question_moves_on_with_what_it_asks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told, share = CannedWorld.preview, "50 %"

    def titled(world: CannedWorld, query: dict[str, str]) -> Any:
        return {**told(world, query), "title": f"Promote {CART} to {share}"}

    monkeypatch.setattr(CannedWorld, "preview", titled)
    async with console_on(size=(80, 24)) as console:
        await console.press("p")
        await console.expects(f"Promote {CART} to 50 %")
        share = "100 %"  # somebody else has promoted it
        console.engine.world.deployments[CART]["seq"] += 1
        console.engine.change(CART)
        await console.expects("it moved meanwhile", f"Promote {CART} to 100 %")
        await console.expects_no(f"Promote {CART} to 50 %")


@pytest.mark.parametrize(
    ("environment", "begins"), [("", " gaesup  all "), ("production", " production ")]
)
async def test_what_one_looks_at_is_not_cut_on_80_columns_when_read_only(
    environment: str, begins: str
) -> None:
    async with console_on(size=(80, 24), read_only=True, environment=environment) as console:
        await console.expects("READ-ONLY")
        assert console.screen_text.startswith(begins)


async def test_a_deployment_has_its_own_events_however_much_happened_elsewhere_since() -> None:
    world = CannedWorld.of(8)
    quiet = next(key for key in world.deployments if key != CART)
    world.event("kim", "rollout_finished", quiet, "v7 is stable, long ago")
    for number in range(60):  # more than a console is given when it comes
        world.event("kim", "step_completed", CART, f"step {number} done")
    async with console_on(world) as console:
        await console.press("2", "/")
        await console.type(quiet.partition("@")[0])
        await console.press("enter", "g", "enter")
        await console.expects("Recent events", "v7 is stable, long ago")


@pytest.mark.parametrize("size", [(80, 24), (40, 12)])
async def test_why_something_is_not_possible_is_read_to_its_end(size: tuple[int, int]) -> None:
    why = "no stable version to go back to: deploy a version that is well, or stop it with scale 0"
    async with console_on(size=size) as console:
        console.engine.world.deployments[CART]["actions"]["rollback"] = why
        console.engine.change(CART)
        await console.until(lambda: console.console.router.reason("rollback") == why, "the change")
        await console.press("b")
        await console.expects("with scale 0")
        await console.press("j")
        await console.expects("? Help")
        assert console.screen_text.splitlines()[-1].endswith("! STOP")
