"""What is typed after a colon."""

from __future__ import annotations

import re
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gaesup_tui.cli.grammar import COMMANDS
from gaesup_tui.console.commandline import (
    Deed,
    Go,
    Open,
    Run,
    complete,
    replicas,
    understand,
    words,
)
from gaesup_tui.domain.actions import ACTIONS
from gaesup_tui.domain.errors import Invalid

KEYS = ["cart@production", "cart@staging", "search@production"]


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("promote search", Deed("promote", "search@production")),
        ("promote cart -e staging", Deed("promote", "cart@staging")),
        ("promote search --full", Deed("promote_full", "search@production")),
        ("promote", Deed("promote", "cart@production")),
        ("abort cart@staging", Deed("abort", "cart@staging")),
        ("retry search --from failed", Deed("retry_failed", "search@production", {})),
        ("rollback search --version=v7", Deed("rollback", "search@production", {"version": "v7"})),
        ("scale search 4", Deed("scale", "search@production", {"replicas": "4"})),
        ("scale search --replicas -1", Deed("scale", "search@production", {"replicas": "-1"})),
        ("release search", Deed("unhold", "search@production")),
        ("release --all --reason done", Go("release")),
        ("logs search -f", Open("logs", "search@production")),
        ("history search", Open("timeline", "search@production")),
        ("history", Go("activity")),
        ("stop", Go("stop")),
        ("q", Go("quit")),
        ("status search --json", Run(("status", "search", "--json"), mutating=False)),
        ("deploy cart --version v9", Run(("deploy", "cart", "--version", "v9"), mutating=True)),
        ("stop --all", Run(("stop", "--all"), mutating=True)),
        ("engine status", Run(("engine", "status"), mutating=False)),
        ("engine stop", Run(("engine", "stop"), mutating=True)),
    ],
)
def test_commands_mean_what_they_mean_in_a_shell(text: str, asked: object) -> None:
    assert understand(text, KEYS, "cart@production") == asked


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("abort cart", "several environments"),
        ("abort web", "no deployment web"),
        ("abrot cart", "no command 'abrot': did you mean abort?"),
        ("zzz", "no command 'zzz': Tab goes through those there are"),
        ("scale search", "how many replicas"),
        ("promote search --fully", "no flag --fully"),
        ("abort cart search", "one deployment at a time"),
        ("abort 'cart", "No closing quotation"),
        ("rollback search --version", "needs a value"),
    ],
)
def test_mistakes_say_what_is_wrong(text: str, said: str) -> None:
    with pytest.raises(Invalid, match=re.escape(said)):
        understand(text, KEYS, None)


def test_every_command_of_the_table_works_here_or_says_how() -> None:
    for action in ACTIONS:
        if action.command:
            first = action.command.split()[0]
            assert first in words() or first == "watch"


def test_every_command_of_the_program_works_here_but_the_one_that_has_a_key() -> None:
    assert {command.name for command in COMMANDS} - set(words()) == {"watch"}
    with pytest.raises(Invalid, match="press w"):
        understand("watch cart", KEYS, None)


@pytest.mark.parametrize(("text", "count"), [("4", 4), ("+1", 3), ("-1", 1), ("-9", 0)])
def test_replicas_are_a_number_or_a_step(text: str, count: int) -> None:
    assert replicas(text, 2) == count


def test_completion_offers_commands_then_deployments_then_versions() -> None:
    assert "promote " in complete("pro", KEYS, ["v41"])
    assert complete("abort cart@s", KEYS, []) == ["abort cart@staging"]
    assert complete("rollback search --version v4", KEYS, ["v41", "v5"]) == [
        "rollback search --version v41"
    ]


def test_behind_a_flag_its_own_values_are_offered_and_no_deployments() -> None:
    assert complete("ignore cart@staging --check j", KEYS, []) == [
        "ignore cart@staging --check judge"
    ]
    assert complete("retry cart@staging --from ", KEYS, []) == [
        "retry cart@staging --from failed",
        "retry cart@staging --from start",
    ]
    assert complete("extend cart@staging --by ", KEYS, []) == []


@given(st.text(max_size=60))
def test_any_text_is_understood_or_refused_with_a_reason(text: str) -> None:
    with suppress(Invalid):
        understand(text, KEYS, "cart@production")
    complete(text, KEYS, ["v1"])
