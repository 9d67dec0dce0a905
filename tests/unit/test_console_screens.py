"""What the pages of the console show, and the ways between them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.console_driver import console_on
from tests.console_world import CannedWorld, deployment


async def test_the_first_screen_says_what_needs_me_what_moves_and_what_happened() -> None:
    async with console_on() as console:
        await console.expects("Needs you", "Moving", "Recent")
        assert "waits for you" in console.line("canary")
        assert "aborts in" in console.line("canary")
        assert "25 %" in console.line("v41→v42  ")
        await console.expects("kim cart@production promoted to 25 %: metrics flat")
        await console.expects("3 need you")


async def test_what_hurts_users_comes_before_what_waits_for_a_decision() -> None:
    world = CannedWorld.of(3)
    world.deployments["web@production"] = deployment("web@production", status="down", ready=0)
    async with console_on(world) as console:
        await console.expects("web@production")
        lines = console.screen_text.splitlines()
        down = next(n for n, line in enumerate(lines) if "down" in line)
        waits = next(n for n, line in enumerate(lines) if "waits for you" in line)
        assert down < waits


async def test_the_tabs_are_reached_by_number_and_left_by_q() -> None:
    async with console_on() as console:
        await console.press("2")
        await console.expects("UNIT", "VERSION", "漢字サービス")
        await console.press("6")
        await console.expects("WHO", "new pricing engine")
        await console.press("q")
        await console.expects("Needs you")


async def test_tabs_of_later_work_do_not_exist_yet() -> None:
    async with console_on() as console:
        await console.press("3", "4", "5")
        await console.expects("Needs you", "5 does nothing here: ? shows the keys")
        assert "Pipelines" not in console.screen_text


async def test_enter_on_a_moving_deployment_opens_its_rollout() -> None:
    async with console_on() as console:
        await console.press("enter")
        await console.expects("Steps", "wait for you", "75 / 25", "seen 75.0 / 25.0 ok")
        await console.expects("CONTINUE", "Way back  v41 is warm, 2 of 2: about 0.3 s")
        await console.press("enter")
        await console.expects("Revisions and replicas", "candidate", "http://127.0.0.1:9000/cart")
        await console.press("q", "q")
        await console.expects("Needs you")


async def test_traffic_that_is_not_what_was_asked_for_is_named() -> None:
    world = CannedWorld.of(3)
    world.deployments["cart@production"]["rollout"]["weight_seen"] = 40
    async with console_on(world) as console:
        await console.press("enter")
        await console.expects("seen 60.0 / 40.0 off plan")


async def test_a_change_in_the_engine_comes_to_the_screen_by_itself() -> None:
    async with console_on() as console:
        view = console.engine.world.deployments["cart@production"]
        view["status_text"] = "v41→v42 at 25 %, paused by kim"
        console.engine.change("cart@production")
        await console.expects("paused by kim")


async def test_a_deployment_that_is_gone_leaves_the_grid() -> None:
    async with console_on() as console:
        await console.press("2")
        await console.expects("catalog")
        del console.engine.world.deployments["catalog@production"]
        console.engine.change("catalog@production")
        await console.expects_no("catalog")


async def test_logs_follow_and_are_searched() -> None:
    async with console_on() as console:
        await console.press("l")
        await console.expects("info GET /cart@production 501 200", "following")
        await console.press("slash")
        await console.type("error")
        await console.press("enter")
        await console.expects("/error:")


async def test_the_filter_acts_while_one_types_and_escape_takes_it_away() -> None:
    async with console_on() as console:
        await console.press("2", "slash")
        await console.type("env:staging")
        await console.expects_no("checkout")
        assert "search" in console.screen_text
        await console.press("enter")
        await console.expects("only /env:staging")
        await console.press("slash", "escape")
        await console.expects("checkout")
        await console.expects_no("only /")


async def test_a_resting_deployments_revision_shows_what_is_measured_now() -> None:
    async with console_on() as console:
        await console.press("2")
        await console.expects("catalog")
        replica, key = console.console.desk.replica, "catalog@production"
        (revision,) = (r["id"] for r in replica.deployments[key]["revisions"] if r["weight_seen"])
        row: list[float | None] = [7.0, 0.0, 0.001, 0.002, 2.0, 2.0]
        replica.measure({"at": 1.0, "rows": {key: row}, "revisions": {}})
        assert replica.revision_numbers(key, revision)["rps"] == 7.0
        assert replica.revision_numbers(key, "v0-00000000")["rps"] is None


async def test_a_filter_that_is_not_understood_says_what_would_be() -> None:
    async with console_on() as console:
        await console.press("2", "slash")
        await console.type("colour:red")
        await console.press("enter")
        await console.expects("there is no property 'colour'")


async def test_sorting_goes_through_the_columns_and_turns_round() -> None:
    async with console_on() as console:
        await console.press("2")
        await console.expects("UNIT")
        await console.press("s")
        await console.expects("UNIT▴")
        await console.press("S")
        await console.expects("UNIT▾")
        first = console.screen_text.splitlines()[3]
        assert "漢字サービス" in first


async def test_times_turn_from_age_to_local_to_utc() -> None:
    async with console_on() as console:
        await console.press("6")
        await console.expects("WHO")
        await console.press("t")
        await console.expects("times are shown as local")
        await console.press("t")
        await console.expects("times are shown as UTC")


async def test_the_help_names_every_key_of_the_screen_and_why_not() -> None:
    async with console_on(size=(120, 40)) as console:
        await console.press("question_mark")
        await console.expects("Promote: Pass the step the rollout waits at")
        await console.expects("Emergency stop: from anywhere", "not now: nothing is paused")
        await console.press("q")
        await console.expects("Needs you")


async def test_the_palette_finds_an_action_by_some_letters() -> None:
    async with console_on() as console:
        await console.press("ctrl+p")
        await console.type("activi")
        await console.expects("Activity")
        await console.press("enter")
        await console.expects("WHO", "WHERE")


async def test_the_palette_begins_with_what_is_possible_now() -> None:
    async with console_on() as console:
        await console.press("ctrl+p")
        await console.expects("Acknowledge cart@production")
        assert "Resume cart@production" not in console.screen_text  # nothing is paused
        await console.type("resume")
        await console.expects("not now: nothing is paused")


async def test_a_text_that_has_no_room_shows_its_beginning() -> None:
    async with console_on(size=(40, 12)) as console:
        await console.expects("cart@production")
        assert "v41→v4" in console.line("canary")


async def test_the_events_of_a_deployment_are_written_as_markdown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with console_on() as console:
        await console.press("e")
        await console.expects("promoted to 25 %")
        await console.press("ctrl+e")
        await console.expects("written to")
    [written] = tmp_path.glob("gaesup-cart-production-*.md")  # noqa: ASYNC240
    assert "| kim | cart@production | promoted to 25 % | metrics flat |" in written.read_text()


@pytest.mark.parametrize("size", [(80, 24), (160, 45), (60, 15)])
async def test_every_page_stands_at_every_size(size: tuple[int, int]) -> None:
    async with console_on(size=size) as console:
        for keys in (["enter"], ["e"], ["q"], ["l"], ["q"], ["enter"], ["2"], ["6"]):
            await console.press(*keys)
            await console.expects("engine ok", "! STOP")


@pytest.mark.parametrize("theme", ["light", "ansi", "mono"])
async def test_every_theme_shows_state_as_symbol_and_word(theme: str) -> None:
    async with console_on(theme=theme) as console:
        await console.press("2")
        await console.expects("▲ degraded", "◷ waiting")


async def test_ascii_symbols_are_all_ascii() -> None:
    world = CannedWorld.of(4)
    for view in world.deployments.values():
        view["status_text"] = "at rest"
    async with console_on(world, ascii_symbols=True) as console:
        await console.press("2")
        await console.expects("! degraded", "@ waiting", "v41>v42")
        odd = {char for char in console.screen_text if not char.isascii()} - set("–")
        assert not odd


async def test_only_the_environment_that_was_chosen_is_shown() -> None:
    async with console_on(environment="staging", connected=False) as console:
        await console.expects("search@staging")
        assert "cart@production" not in console.screen_text
        await console.expects("gaesup  staging")


async def test_a_wide_terminal_shows_what_the_cursor_is_on_beside_the_list() -> None:
    async with console_on(size=(160, 45)) as console:
        await console.press("2")
        await console.expects("REQ/S 1m", "way back: v41 is warm", "waits for you, since")
        await console.press("j")
        await console.expects("automation held by engine: errors 6.1 % > 5 %")


async def test_a_dialog_stands_over_the_screen_and_hides_no_more_than_it_needs() -> None:
    async with console_on() as console:
        await console.press("p")
        await console.expects("[ Cancel ]", "engine ok", "Needs you")


async def test_a_journal_that_cannot_be_written_is_said_on_the_first_line_and_needs_somebody() -> (
    None
):
    world = CannedWorld.of(3)
    world.frozen = "the disk is full"
    async with console_on(world) as console:
        await console.expects("engine frozen", "nothing moves forward: the disk is full")


async def test_what_is_shown_of_units_cannot_reach_the_terminal() -> None:
    world = CannedWorld.of(3)
    world.deployments["cart@production"]["rollout"]["why"] = "\x1b[2Jgone \u202eevil"
    async with console_on(world) as console:
        await console.press("enter")
        await console.expects("gone ·evil")


async def test_marked_rows_are_copied_and_watched_together() -> None:
    async with console_on() as console:
        await console.press("2")
        await console.expects("UNIT")
        await console.press("space", "space")
        await console.expects("2 marked")
        await console.press("y")
        await console.expects("copied")
        await console.press("w")
        await console.expects("watching cart@production, catalog@production")


async def test_a_watched_canary_that_ends_is_told() -> None:
    async with console_on() as console:
        await console.press("2")
        for _ in range(3):
            await console.press("j")
        await console.press("w")
        await console.expects("watching search@staging: a bell")
        view = console.engine.world.deployments["search@staging"]
        view.update(rollout=None, status="healthy", status_text="100 % on v8 (healthy)")
        console.engine.change("search@staging")
        await console.expects("search@staging: 100 % on v8 (healthy)")


async def test_a_candidates_preview_address_stands_beside_the_endpoint() -> None:
    world = CannedWorld.of(0)
    address = "http://127.0.0.1:9000/_/web@production:preview/"
    world.deployments["web@production"] = deployment("web@production", preview=address)
    async with console_on(world) as console:
        await console.press("2", "enter")
        await console.expects("Endpoint", "Preview", address)


async def test_a_rollout_says_what_became_of_the_reads_that_were_copied() -> None:
    world = CannedWorld.of(3)
    told = "1203 answered, 3 failed, 12 dropped"
    for revision in world.deployments["cart@production"]["revisions"]:
        revision["copies"] = told if revision["role"] == "candidate" else ""
    async with console_on(world) as console:
        await console.press("enter")
        await console.expects(f"mirror  {told}")


async def test_no_key_that_does_something_is_said_to_do_nothing() -> None:
    async with console_on() as console:
        for screen in ("1", "2", "6"):
            await console.press(screen)
            for key in "jkgGtsS wy":
                await console.press("space" if key == " " else key)
                assert "does nothing" not in console.screen_text
