"""Keys: the user's own, and those nobody meant."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from gaesup_tui.console.desk import shown_key
from gaesup_tui.console.keymap import load_keymap, read_keymap
from gaesup_tui.console.keys import BURST_KEYS, BurstGuard, bindings
from gaesup_tui.console.options import add_arguments
from gaesup_tui.domain.actions import ACTIONS
from tests.console_driver import console_on

TAKEN_BY_TERMINALS = {f"ctrl+{c}" for c in "abdhijkmqsz"}


def test_no_default_key_does_two_things() -> None:
    _, problems = read_keymap({}, "keys.yaml")
    assert problems == []
    keys = [binding.key for binding in bindings({})]
    flat = [key for each in keys for key in each.split(",")]
    assert len(flat) == len(set(flat))


def test_no_default_key_is_one_terminals_and_multiplexers_take() -> None:
    keys = {key for binding in bindings({}) for key in binding.key.split(",")}
    assert not keys & TAKEN_BY_TERMINALS


def test_a_confirming_key_is_never_the_opening_one() -> None:
    for action in ACTIONS:
        assert not action.confirm or action.confirm != action.key


def test_there_is_no_keymap_until_somebody_writes_one(tmp_path: Path) -> None:
    assert load_keymap(tmp_path / "keys.yaml") == ({}, [])


def test_keys_are_named_as_they_are_typed(tmp_path: Path) -> None:
    path = tmp_path / "keys.yaml"
    path.write_text('abort: "#"\nlogs: [l, f5]\n')
    assert load_keymap(path) == ({"abort": "number_sign", "logs": "l,f5"}, [])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("abrot: x", "abrot: there is no such action"),
        ("promote: x", "x is the key of abort already"),
        ("promote: j", "j moves the cursor in every list"),
        ("- promote", "write one 'action: key' per line"),
        ("promote: {a: b}", "write a key or a list of keys"),
        ("promote: [", "not YAML"),
    ],
)
def test_what_is_wrong_in_a_keymap_is_said_and_the_console_starts(
    tmp_path: Path, text: str, said: str
) -> None:
    path = tmp_path / "keys.yaml"
    path.write_text(text)
    _, problems = load_keymap(path)
    assert any(said in problem for problem in problems)
    assert all(str(path) in problem for problem in problems)


async def test_a_key_of_the_keymap_works_and_the_footer_shows_it(tmp_path: Path) -> None:
    path = tmp_path / "keys.yaml"
    path.write_text("abort: z\n")
    async with console_on(keymap=path) as console:
        await console.expects("z Abort")
        await console.press("z")
        await console.expects("Abort cart@production")


def test_a_person_is_never_too_fast_and_a_paste_always_is() -> None:
    guard = BurstGuard()
    assert all(guard.admits("j", at * 0.03) for at in range(100))
    guard = BurstGuard()
    admitted = [guard.admits("x", 10 + at * 0.001) for at in range(40)]
    assert sum(admitted) == BURST_KEYS
    assert guard.admits("x", 12.0)


def test_a_wheel_that_sends_arrows_is_no_burst() -> None:
    guard = BurstGuard()
    assert all(guard.admits("down", at * 0.001) for at in range(100))


def test_the_document_names_every_action_with_its_key_and_every_flag() -> None:
    text = (Path(__file__).parents[2] / "docs" / "console.md").read_text(encoding="utf-8")
    for action in ACTIONS:
        assert f"| `{shown_key(action.key)}` | `{action.id}` | {action.help} |" in text
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    for option in parser._actions:
        flag = max(option.option_strings, key=len)
        assert flag.replace("--no-mouse", "--mouse") in text or flag == "--help"


def test_a_key_that_would_do_two_things_keeps_its_first_meaning() -> None:
    keymap, problems = read_keymap({"promote": "x"}, "keys.yaml")
    assert keymap == {}
    assert problems == ["keys.yaml: promote: x is the key of abort already; its default stays"]
    assert read_keymap({"promote": "x", "abort": "p"}, "keys.yaml") == (
        {"promote": "x", "abort": "p"},
        [],
    )
