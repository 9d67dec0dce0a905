"""What the footer and the help offer is done when its key is pressed, and one key too many harms
nothing."""

from __future__ import annotations

import time

import pytest

from gaesup_tui.console.now import since_beside
from gaesup_tui.domain.actions import ACTIONS, BY_ID
from tests.console_driver import Driver, console_on
from tests.console_world import CannedWorld

CART = "cart@production"
_LOOKS = [
    action
    for action in ACTIONS
    if not action.mutating
    and action.key
    # The first goes on typing, the last is the list's own key, the others are always there.
    and action.id not in ("filter", "command", "back", "now", "open")
]
_PAGES = {
    "Now": (),
    "the rollout": ("enter",),
    "the deployment": ("enter", "enter"),
    "Deployments": ("2",),
    "Activity": ("6",),
    "the trains": ("T",),
    "the logs": ("enter", "l"),
    "the verdict's history": ("enter", "v"),
    "the events": ("enter", "e"),
}


def _reason(console: Driver, action_id: str) -> str | None:
    return console.console.router.reason(action_id)


async def test_the_answer_of_an_ab_test_is_offered_only_where_there_is_a_test() -> None:
    async with console_on(size=(160, 45)) as console:
        await console.press("enter")
        await console.expects("Way back")
        assert _reason(console, "ab") == "its last rollout was no A/B test"
        foot = console.screen_text.splitlines()[-1]
        assert "v Verdict" in foot
        assert "V A/B answer  e Events" not in foot
        await console.press("V")
        await console.expects("A/B answer: its last rollout was no A/B test")


async def test_a_unit_that_had_no_rollout_offers_no_verdict() -> None:
    async with console_on() as console:
        await console.press("2", "G")
        await console.expects("漢字サービス")
        assert _reason(console, "verdicts") == "it had no rollout yet: nothing was judged"
        assert _reason(console, "logs") is None


@pytest.mark.parametrize("page", _PAGES)
async def test_what_looks_and_moves_is_offered_exactly_where_it_does_something(page: str) -> None:
    async with console_on(size=(120, 40)) as console:
        there = None
        for action in _LOOKS:
            if console.console.stack.tab == "" or console.console.stack.page is not there:
                await console.press("1", "1", "g", *_PAGES[page])
                there = console.console.stack.page
            offered = _reason(console, action.id) is None
            await console.press(action.key)
            said = console.console.foot.said
            if len(console.console.screen_stack) > 1:
                await console.press("escape")
            refused = said.startswith(f"{BY_ID[action.id].title}: ")
            assert refused is not offered, (page, action.id, said)


async def test_rows_are_sorted_and_marked_where_there_are_rows_to_sort_and_mark() -> None:
    async with console_on() as console:
        await console.press("s")
        await console.expects("Sort: rows are sorted in Deployments: 2")
        await console.press("space")
        await console.expects("Mark: rows are marked in Deployments: 2")
        await console.press("2", "space")
        await console.expects("1 marked")


@pytest.mark.parametrize("key", ["escape", "backspace", "h"])
async def test_one_step_back_too_many_does_not_leave_the_console(key: str) -> None:
    async with console_on() as console:
        await console.press("enter", key, key)
        await console.expects("q leaves, from the first screen", "Needs you")
        assert console.console.is_running
        await console.press("q")
        await console.until(lambda: console.console.return_code == 0, "the end")


async def test_a_filter_that_esc_took_away_is_not_named_any_more() -> None:
    async with console_on() as console:
        await console.press("slash")
        await console.type("checkout")
        await console.press("enter")
        await console.expects("only /checkout")
        await console.press("escape")
        await console.expects_no("only /checkout")


@pytest.mark.parametrize(
    ("since", "room", "shown"),
    [
        ("4m12", 19, "4m12"),
        ("4m12", 18, "4m"),
        ("2h05", 17, "2h"),
        ("17:03:44", 18, ""),
        ("42s", 18, "42s"),
    ],
)
def test_an_age_gives_way_to_what_happens_when_nobody_acts(
    since: str, room: int, shown: str
) -> None:
    assert since_beside(since, "aborts in 22m", room) == shown


async def test_when_a_wait_ends_is_read_in_full_on_80_columns_however_times_are_shown() -> None:
    world = CannedWorld.of(3)
    waiting = world.deployments[CART]["waiting"]
    waiting["since"], waiting["until"] = time.time() - 425, time.time() + 1350
    async with console_on(world, size=(80, 24)) as console:
        await console.expects("7m, aborts in 22m")
        await console.press("t")
        await console.expects("times are shown as local")
        await console.expects("aborts in 22m")


async def test_the_event_under_the_cursor_is_read_in_full_on_80_columns() -> None:
    world = CannedWorld.of(3)
    why = "errors 4.17 % vs 0.00 %: +4.17 points, limit +0.50 points, 192 requests; to the end"
    world.event("kim", "aborted", CART, "back to v41", why=why, level="bad")
    async with console_on(world, size=(80, 24)) as console:
        await console.press("6")
        await console.expects("192 requests; to the end")
        await console.press("j")
        await console.expects_no("192 requests; to the end")


async def test_a_read_only_console_says_in_the_stop_dialog_that_it_stops_nothing() -> None:
    async with console_on(read_only=True) as console:
        await console.press("exclamation_mark")
        await console.expects("S  stop", "read-only: this console was started with --read-only")


async def test_a_search_in_a_log_hides_nothing_and_does_not_say_so() -> None:
    async with console_on() as console:
        await console.press("l")
        await console.expects("/ Search")
        await console.press("slash")
        await console.type("boom")
        await console.press("enter")
        await console.expects("/boom: 0 lines")
        assert "only /boom" not in console.screen_text


async def test_the_help_has_the_keys_that_are_no_actions() -> None:
    async with console_on(size=(120, 80)) as console:
        await console.press("question_mark")
        await console.expects("Promote train: :train promote: Pass the gate")  # has no key
        await console.expects("Ctrl+P", "Ctrl+L", "F12", "Emergency stop, also while you type")
        assert "Ctrl+E" not in console.screen_text
        await console.press("q", "6", "question_mark")
        await console.expects("Ctrl+E")
