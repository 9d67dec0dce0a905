"""What people type, and the one line they are answered with when it is wrong."""

from __future__ import annotations

import subprocess
import sys

import pytest

from gaesup_tui.cli.grammar import BY_NAME, COMMANDS
from gaesup_tui.cli.main import main
from gaesup_tui.cli.parsing import parse
from gaesup_tui.domain.actions import ACTIONS


def test_without_a_command_it_is_the_console() -> None:
    command, values = parse(["--read-only", "--environment", "production"])
    assert command is None
    assert values.read_only is True
    assert values.environment == "production"


def test_options_before_a_command_hold_for_it() -> None:
    command, values = parse(["--read-only", "--socket", "/run/there.sock", "status", "cart"])
    assert command is BY_NAME["status"]
    assert (values.unit, values.read_only, str(values.socket)) == ("cart", True, "/run/there.sock")


def test_every_action_that_has_a_command_has_one_that_parses() -> None:
    for action in ACTIONS:
        if action.command:
            line = (
                action.command.replace("UNIT", "cart")
                .replace("VERSION", "v2")
                .replace("WHY", "because")
                .replace("TIME", "30m")
                .replace("--environment E", "--environment production")
                .replace("--replicas N", "--replicas 3")
            )
            command, _ = parse(line.split())
            assert command is not None
            assert command.mutating == action.mutating, action.id


@pytest.mark.parametrize("command", COMMANDS, ids=lambda c: c.name)
def test_every_command_has_help_and_a_module_that_runs_it(
    command: object, capsys: pytest.CaptureFixture[str]
) -> None:
    import importlib

    from gaesup_tui.cli.grammar import Command

    assert isinstance(command, Command)
    assert main([command.name, "--help"]) == 0
    said = capsys.readouterr().out
    assert command.help.split(";")[0][:20] in said
    assert callable(importlib.import_module(f"gaesup_tui.cli.{command.module}").run)


@pytest.mark.parametrize(
    ("line", "code", "message"),
    [
        ("promot cart", 2, "there is no command 'promot': did you mean `gaesup promote`?"),
        ("promote", 2, "gaesup: UNIT is missing: see `gaesup promote --help`"),
        ("status --josn", 2, "unrecognized arguments: --josn"),
        ("logs cart --tail many", 2, "--tail: 'many' is not a whole number: see `gaesup"),
        ("load cart --rps many", 2, "--rps: 'many' is not a number: see `gaesup load --help`"),
        ("engine", 2, "one of start | stop | status | logs | export | backup is missing"),
        ("completion", 2, "one of bash | zsh | fish is missing: see"),
        ("logs cart --tail -5", 2, "--tail: -5 is not possible: give 0 to 10000"),
        ("history --limit 0", 2, "--limit: 0 is not possible"),
        ("load cart --rps -1", 2, "--rps: -1 is not possible"),
        ("load cart --rps 5 --duration soon", 2, "--duration: 'soon' is not a duration"),
        ("load cart --rps 5 --duration 0s", 2, "--duration: 0s is not possible: give more than 0"),
        ("stop", 2, "stop what? `gaesup stop --all`"),
        ("rollback cart --version ", 2, "--version is empty: give a value, or leave it out"),
        ("status ", 2, "UNIT is empty"),
        ("stop -e ", 2, "--environment is empty"),
        ("window add w -e  --for 2h", 2, "--environment is empty"),
        ("deploy @production --version v1", 2, "'@production' is not a deployment: write cart"),
        ("deploy cart@ --version v1", 2, "'cart@' is not a deployment: write cart"),
        ("status cart --timeout soon", 2, "--timeout: 'soon' is not a duration"),
        ("status --timeout ²", 2, "--timeout: '²' is not a duration"),
        ("load cart --rps", 2, "--rps needs a value"),
        ("history --json --markdown", 2, "--markdown and --json exclude each other"),
        ("engine status --to x", 2, "--to is for `engine backup`, not for status: leave it out"),
        ("engine backup --json", 2, "--json is for `engine status`, not for backup"),
        ("engine logs --tail -5", 2, "--tail: -5 is not possible: give 0 to 10000"),
        ("engine export --since -1", 2, "--since: -1 is not possible: give 0 or more"),
        ("window list extra", 2, "NAME is for `window add and remove`, not for list"),
        ("train status --gate none", 2, "--gate is for `train start`, not for status"),
        ("--environment staging stop --all", 2, "--environment before a command means nothing"),
        ("stop --all cart", 2, "--all is everything"),
        ("release --all", 2, "--reason is missing: see"),
        ("--read-only promote cart", 4, "promote changes something, and this is --read-only"),
        ("--read-only engine stop", 4, "engine stop changes something"),
        ("--read-only demo", 4, "demo changes something"),
        ("status \x1b[31mcart@x", 5, "no engine answers"),
        ("rollback cart --version \udcff", 2, "is not UTF-8 text: set a UTF-8 locale"),
        ("completion csh", 2, "gaesup: 'csh' is none of 'bash', 'zsh', 'fish': see"),
    ],
)
def test_what_is_wrong_is_one_line_and_an_exit_code(
    line: str,
    code: int,
    message: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: object,
) -> None:
    monkeypatch.setenv("GAESUP_HOME", f"{tmp_path}/home")
    assert main(line.split(" ")) == code
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("gaesup: ")
    assert message in said.err
    assert said.err.count("\n") == 1
    assert "\x1b" not in said.err


def test_every_command_that_changes_something_is_refused_when_read_only(
    capsys: pytest.CaptureFixture[str],
) -> None:
    needed = {
        "deploy": ["cart", "--version", "v1"],
        "scale": ["cart", "--replicas", "2"],
        "load": ["cart", "--rps", "1"],
        "release": ["--all", "--reason", "x"],
        "stop": ["--all"],
        "extend": ["cart", "--by", "30m"],
        "hold": ["cart", "--reason", "x"],
        "lock": ["cart", "--reason", "x"],
        "global-rollback": ["--all"],
        "train": ["start", "spring"],
        "window": ["add", "launch"],
        "init": [],
        "demo": [],
    }
    for command in COMMANDS:
        if command.mutating:
            words = needed.get(command.name, ["cart"])
            assert main(["--read-only", command.name, *words]) == 4, command.name
    assert "--read-only" in capsys.readouterr().err


def test_a_defect_is_one_line_that_names_a_file_with_the_details(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    monkeypatch.setenv("GAESUP_HOME", f"{tmp_path}/home")

    def broken(args: object, out: object) -> int:
        raise RuntimeError("half a\nline")

    monkeypatch.setattr("gaesup_tui.cli.info.run", broken)
    assert main(["info"]) == 1
    said = capsys.readouterr().err
    assert said.startswith("gaesup: RuntimeError: half a·line: this is a defect")
    with open(f"{tmp_path}/home/logs/crashes.log", encoding="utf-8") as file:
        assert "Traceback" in file.read()


def test_ctrl_c_is_quiet(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(args: object, out: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr("gaesup_tui.cli.info.run", interrupted)
    assert main(["info"]) == 130
    assert capsys.readouterr().err == ""


def test_a_reader_that_went_away_is_no_error() -> None:
    code = "from gaesup_tui.cli.main import main; import sys; sys.exit(main(sys.argv[1:]))"
    words = [sys.executable, "-c", code, "validate", "--schema"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 130
