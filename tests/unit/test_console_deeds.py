"""What changes something: the question, the key that confirms, the engine's answer, the effect."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual import events

from gaesup_tui.console.asking import dry_run_lines
from gaesup_tui.console.remote import MUTATING, READ_ONLY
from gaesup_tui.domain.actions import ACTIONS
from tests.console_driver import Driver, console_on
from tests.console_world import CannedWorld

DECISIONS = [a.id for a in ACTIONS if a.mutating and a.id not in ("deploy", "scale")]


async def confirm(console: Driver, key: str = "y") -> None:
    """Wait until the dialog takes keys, then confirm."""
    await console.expects("[ Cancel ]")
    await console.dead_time()
    await console.press(key)


async def test_promoting_shows_what_will_happen_and_ends_when_it_was_seen() -> None:
    async with console_on() as console:
        await console.press("p")
        await console.expects("Promote cart@production", "v41 50 %   v42 50 %", "Way back")
        await confirm(console)
        await console.expects("50 % v42 seen on the route after")
        [(key, body)] = console.engine.commands
        assert body["action"] == "promote"
        assert body["expect_seq"] == 10
        assert key


async def test_the_opening_key_again_enter_and_escape_change_nothing() -> None:
    async with console_on() as console:
        await console.press("x")
        await console.expects("Abort cart@production")
        await console.dead_time()
        await console.press("x", "x", "enter")
        await console.expects("Needs you")
        await console.press("x")
        await console.expects("[ Cancel ]")
        await console.press("escape")
        await console.expects("Needs you")
        assert console.engine.commands == []


async def test_a_confirming_key_right_after_another_does_nothing() -> None:
    async with console_on() as console:
        await console.press("p")
        await console.expects("[ Cancel ]")
        for key in ("j", "y"):
            console.console.post_message(events.Key(key, key))
        await console.expects("Too soon")
        assert console.engine.commands == []


async def test_what_cannot_be_done_says_why_and_opens_nothing() -> None:
    async with console_on() as console:
        await console.press("U")
        await console.expects("resume: nothing is paused")
        assert console.engine.commands == []


async def test_a_decision_somebody_else_made_first_is_shown_and_asked_anew() -> None:
    async with console_on() as console:
        await console.press("p")
        await console.expects("[ Cancel ]")
        console.engine.world.deployments["cart@production"]["seq"] = 11
        await confirm(console)
        await console.expects("kim promoted cart@production to 50 % 3 s ago")
        await console.dead_time()
        await console.press("y")
        await console.expects("seen on the route after")
        assert [body["expect_seq"] for _, body in console.engine.commands] == [10, 11]


async def test_a_command_whose_answer_was_lost_is_sent_again_and_done_once() -> None:
    async with console_on() as console:
        console.engine.drop_answers = 2
        await console.press("x")
        await confirm(console)
        await console.expects("100 % v41 seen on the route after")
        keys = {key for key, _ in console.engine.commands}
        assert len(console.engine.commands) == 3
        assert len(keys) == 1
        done = [e for e in console.engine.world.events if e["kind"] == "abort"]
        assert len(done) == 1


async def test_a_closed_dialog_takes_nothing_back_and_the_answer_is_still_told() -> None:
    async with console_on() as console:
        console.engine.delay_s = 0.0
        await console.press("x")
        await console.expects("[ Cancel ]")
        console.engine.delay_s = 0.6
        await confirm(console)
        await console.expects("[ Close ]")
        await console.press("enter")
        await console.expects("100 % v41 seen on the route after")


async def test_an_abort_is_sent_also_when_the_engine_does_not_answer_until_it_does() -> None:
    async with console_on() as console:
        console.engine.delay_s = 6.0
        await console.press("x")
        await console.expects("the abort is sent until the engine answers")
        console.engine.delay_s = 0.0
        await confirm(console)
        await console.expects("100 % v41 seen on the route after")


async def test_a_reason_is_required_where_automation_is_released() -> None:
    world = CannedWorld.of(4)
    world.deployments["catalog@production"]["actions"]["unhold"] = None
    async with console_on(world) as console:
        await console.press("j", "H")
        await console.expects("Reason")
        await console.press("enter")
        await console.dead_time()
        await console.press("y")
        await console.expects("A reason is needed")
        await console.press("shift+tab")
        await console.type("fixed it")
        await console.press("enter")
        await console.dead_time()
        await console.press("y")
        await console.until(lambda: console.engine.commands, "the command")
        assert console.engine.commands[0][1]["why"] == "fixed it"


async def test_one_replica_more_is_counted_from_what_is_wanted_now() -> None:
    async with console_on() as console:
        await console.press("plus")
        await confirm(console)
        await console.until(lambda: console.engine.commands, "the command")
        assert console.engine.commands[0][1] | {"why": ""} == {
            "action": "scale",
            "deployment": "cart@production",
            "why": "",
            "replicas": 5,
            "expect_seq": 10,
        }


# The stop ----------------------------------------------------------------------------------


async def test_two_keys_stop_everything_and_what_moved_is_shown_at_rest() -> None:
    async with console_on() as console:
        await console.press("exclamation_mark")
        await console.expects("STOP", "everything: 2 of 8 move", "freeze")
        await console.dead_time()
        await console.press("S")
        await console.expects("confirmed", "all at their stable revision")
        [(_, body)] = console.engine.commands
        assert body == {"action": "stop", "scope": "", "mode": "stop"}
        await console.press("escape")
        await console.expects("STOPPED everything by lee", "auto HELD", "L lets go")


async def test_a_stop_of_many_counts_what_moves_and_keeps_its_last_line_in_sight() -> None:
    world = CannedWorld.of(8)
    world.still = [f"api-{n}@production: returning traffic: 5 % still on v42" for n in range(60)]
    async with console_on(world, size=(80, 24)) as console:
        await console.press("exclamation_mark")
        await console.dead_time()
        await console.press("S")
        await console.expects("confirmed", "still moving: 52 more, 60 in all", "Esc close")


async def test_the_stop_opens_over_a_dialog_and_while_one_types_only_by_f12() -> None:
    async with console_on() as console:
        await console.press("x")
        await console.expects("[ Cancel ]")
        await console.press("exclamation_mark")
        await console.expects("freeze")
        await console.press("escape", "escape")
        await console.press("colon")
        await console.type("sto")
        await console.press("exclamation_mark")
        await console.expects(":sto!")
        await console.press("f12")
        await console.expects("freeze")


async def test_a_scope_is_chosen_with_arrows() -> None:
    async with console_on() as console:
        await console.press("exclamation_mark")
        await console.expects("production: 1 of")
        await console.dead_time()
        await console.press("down")
        await console.dead_time()
        await console.press("F")
        await console.expects("confirmed", "hold where they stand")
        assert console.engine.commands[0][1]["scope"] == "production"
        assert console.engine.commands[0][1]["mode"] == "freeze"


async def test_a_stop_is_sent_again_until_it_is_confirmed() -> None:
    async with console_on() as console:
        console.engine.drop_answers = 2
        await console.press("exclamation_mark")
        await console.expects("freeze")
        await console.dead_time()
        await console.press("S")
        await console.expects("not confirmed yet")
        await console.expects("confirmed: ")
        assert len({key for key, _ in console.engine.commands}) == 1
        assert len(console.engine.world.stops) == 1


async def test_letting_go_needs_a_reason() -> None:
    world = CannedWorld.of(3)
    world.stops.append({"scope": "", "mode": "stop", "by": "kim", "at": 1.0, "why": "fire"})
    async with console_on(world) as console:
        await console.press("L")
        await console.expects("Release the stop of everything", "fire")
        await console.type("fire is out")
        await console.press("enter")
        await console.dead_time()
        await console.press("y")
        await console.expects_no("STOPPED")
        assert console.engine.commands[0][1] == {
            "action": "release",
            "scope": "",
            "why": "fire is out",
        }


# Read-only ---------------------------------------------------------------------------------


@pytest.mark.parametrize("action_id", [a.id for a in ACTIONS if a.mutating])
async def test_read_only_refuses_every_action_that_changes_something(action_id: str) -> None:
    async with console_on(read_only=True) as console:
        await console.expects("READ-ONLY")
        engine = console.console.desk.engine
        assert action_id in MUTATING
        assert engine.refusal(action_id) == READ_ONLY
        console.console.action_act(action_id)
        if action_id == "stop":
            await console.expects("freeze")
            await console.dead_time()
            await console.press("S")
        await console.expects("started with --read-only")
        assert console.engine.commands == []


@pytest.mark.parametrize("line", ["load cart --rps 5", "deploy cart --version v9", "stop --all"])
async def test_read_only_refuses_command_lines_that_change_something(line: str) -> None:
    async with console_on(read_only=True) as console:
        await console.press("colon")
        await console.type(line)
        await console.press("enter")
        await console.expects("started with --read-only")


# Keys nobody meant -------------------------------------------------------------------------


async def test_a_burst_of_keys_is_dropped_and_said() -> None:
    async with console_on() as console:
        for _ in range(12):
            console.console.post_message(events.Key("t", "t"))
        await console.expects("too many keys at once")


async def test_pasted_text_acts_on_nothing() -> None:
    async with console_on() as console:
        console.console.post_message(events.Paste("xyxyxyS!"))
        await console.expects("Needs you")
        assert console.engine.commands == []


# The command line --------------------------------------------------------------------------


async def test_a_typed_command_asks_the_same_question_as_its_key() -> None:
    async with console_on() as console:
        await console.press("colon")
        await console.type("promote cart")
        await console.press("enter")
        await console.expects("Promote cart@production", "[ Cancel ]")


async def test_tab_completes_a_deployment() -> None:
    async with console_on() as console:
        await console.press("colon")
        await console.type("abort sea")
        await console.press("tab")
        await console.expects(":abort search@staging")


async def test_a_wrong_command_says_what_there_is() -> None:
    async with console_on() as console:
        await console.press("colon")
        await console.type("promoet cart")
        await console.press("enter")
        await console.expects("there is no command 'promoet'")


# The engine away ---------------------------------------------------------------------------


async def test_the_console_stays_up_without_an_engine_and_says_how_old_its_data_is() -> None:
    async with console_on(connected=False) as console:
        await console.expects("engine ok")
        link = console.console.desk.link
        replica = console.console.desk.replica
        assert replica.heard_at is not None
        console.engine.hold_stream = True
        replica.heard_at -= 60
        await console.until(lambda: link.state == "late", "the state late")
        await console.expects("engine late", "data 6")


async def test_what_is_not_known_is_not_said_to_be_fine(tmp_path: Path) -> None:
    async with console_on(connected=False, socket=tmp_path / "nobody.sock") as console:
        await console.expects("engine lost", "none answers at", "not known yet")
        assert "nothing needs you" not in console.screen_text
        await console.press("exclamation_mark")
        await console.expects("a stop is sent until the engine answers")
        await console.dead_time()
        await console.press("S")
        await console.expects("not confirmed yet (try")


async def test_an_engine_that_was_away_is_followed_from_where_it_was_left() -> None:
    async with console_on() as console:
        engine, socket = console.engine, console.console.options.socket
        for task in list(engine._handlers):
            task.cancel()
        engine.record("kim", "promoted", "cart@production", "promoted while nobody looked")
        await console.expects("promoted while nobody looked")
        assert socket.exists()
        seqs = [event["seq"] for event in console.console.desk.replica.events]
        assert seqs == sorted(set(seqs))


def test_the_steps_of_a_deploy_fit_into_its_question() -> None:
    said = [
        "cart@production  v41→v42 careful, 8 replicas",
        *(f"  {n:2}  {title}" for n, title in enumerate(["candidate × 2", "healthy"] * 20, 1)),
        "v40 moves now; whileMoving is queue",
        "nothing was changed",
        "done",
    ]
    lines = dry_run_lines(said)
    assert lines[0] == ("Deploys", "cart@production  v41→v42 careful, 8 replicas")
    assert [label for label, _ in lines] == ["Deploys", "Steps", "", "", "", "Note"]
    assert lines[1][1].startswith("candidate × 2, healthy, ")
    assert lines[4][1].endswith(" more")
    assert lines[5][1] == "v40 moves now; whileMoving is queue"
    assert all(len(text) < 70 for _, text in lines)


def test_what_is_wrong_with_a_deploy_is_said_before_it_is_confirmed() -> None:
    wrong = "there is no strategy 'carefull': did you mean careful?"
    said = [f"gaesup: {wrong}", "ended with exit code 2"]
    assert dry_run_lines(said) == [("Beware", wrong)]


async def test_a_queued_revision_is_shown_and_dropped_with_its_key() -> None:
    world = CannedWorld.of(3)
    queued = {"version": "v43", "strategy": "canary", "by": "mara", "at": 0.0, "why": "the fix"}
    world.deployments["cart@production"]["queued"] = {**queued, "replaces": False}
    world.deployments["cart@production"]["actions"]["unqueue"] = None
    async with console_on(world) as console:
        await console.expects("then v43, canary by mara: the fix")
        await console.press("D")
        await console.expects("Unqueue cart@production")
        await console.press("escape", "enter", "enter")
        await console.expects("Next", "then v43, canary by mara: the fix")
