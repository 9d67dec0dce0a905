"""From arguments to values, with one line for what is wrong."""

from __future__ import annotations

import argparse
import difflib
import re
from collections.abc import Sequence
from typing import NoReturn

from gaesup_tui import __version__
from gaesup_tui.cli.grammar import BY_NAME, COMMANDS, Argument, Command
from gaesup_tui.domain.errors import Invalid
from gaesup_tui.domain.text import printable_line

_NO_NUMBER = re.compile(r"argument (\S+): invalid (int|float) value: (.*)", re.DOTALL)
_NO_CHOICE = re.compile(r"argument (\S+): invalid choice: (.*) \(choose from (.*)\)", re.DOTALL)
_SAME = {"undo": "rollback", "revert": "rollback", "approve": "promote", "cancel": "abort"}
"""What people call a command elsewhere."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        if wrong := _NO_NUMBER.fullmatch(message):
            name, kind, given = wrong.groups()
            what = "a whole number" if kind == "int" else "a number"
            message = f"{name}: {given} is not {what}"
        elif wrong := _NO_CHOICE.fullmatch(message):
            name, given, choices = wrong.groups()
            message = f"{'' if name[0] == '{' else name + ': '}{given} is none of {choices}"
        raise Invalid(printable_line(message, 300), hint=f"see `{self.prog} --help`")


def _add(parser: argparse._ActionsContainer, argument: Argument) -> None:
    options = dict(argument.options)
    if "choices" in options and not argument.names[0].startswith("-"):
        # So that what is missing is said with what it may be.
        options.setdefault("metavar", "{" + ",".join(options["choices"]) + "}")
    action = parser.add_argument(*argument.names, **options)
    if action.nargs == argparse.REMAINDER:
        action.required = False


def command_parser(command: Command) -> argparse.ArgumentParser:
    """The parser of one command; the others are not made, since start-up counts."""
    parser = _Parser(
        prog=f"gaesup {command.name}", description=command.help + ".", allow_abbrev=False
    )
    for argument in command.arguments:
        _add(parser, argument)
    if command.one_of:
        group = parser.add_mutually_exclusive_group()
        for argument in command.one_of:
            _add(group, argument)
    return parser


def _front_parser() -> argparse.ArgumentParser:
    from gaesup_tui.console.options import add_arguments

    width = max(len(command.name) for command in COMMANDS)
    lines = [f"  {command.name:{width}}  {command.help}" for command in COMMANDS]
    parser = _Parser(
        prog="gaesup",
        usage="gaesup [options]            open the console\n       gaesup COMMAND [arguments]",
        description="Deploy, watch and roll back WASM units from a terminal.",
        epilog="commands:\n" + "\n".join(lines) + "\n\n`gaesup COMMAND --help` tells more.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"gaesup {__version__}")
    add_arguments(parser)
    parser.add_argument("command", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    return parser


def parse(argv: Sequence[str]) -> tuple[Command | None, argparse.Namespace]:
    """The command, None for the console, and its values.

    Raises:
        Invalid: an unknown command or argument, a missing or wrong value.
        SystemExit: help or the version was asked for and printed.
    """
    for word in argv:
        if any("\ud800" <= char <= "\udfff" for char in word):
            raise Invalid(
                f"{printable_line(word, 80)!r} is not UTF-8 text", hint="set a UTF-8 locale"
            )
    read_only, socket = False, None
    if not argv or argv[0] not in BY_NAME:
        front = _front_parser().parse_args(argv)
        if not front.command:
            return None, front
        _check_front(front)
        read_only, socket, argv = front.read_only, front.socket, front.command
    command = BY_NAME.get(argv[0])
    if command is None:
        raise _unknown(argv[0])
    values = command_parser(command).parse_args(argv[1:])
    values.command, values.read_only, values.socket = command.name, read_only, socket
    return command, values


_FOR_COMMANDS = ("read_only", "socket", "command")


def _check_front(front: argparse.Namespace) -> None:
    """What belongs to the console must not be ignored before a command: ``gaesup --environment
    staging stop --all`` would stop more than was meant.

    Raises:
        Invalid: there is such an option.
    """
    usual = vars(_front_parser().parse_args([]))
    for name, value in vars(front).items():
        if name not in _FOR_COMMANDS and value != usual[name]:
            raise Invalid(
                f"--{name.replace('_', '-')} before a command means nothing",
                hint=f"put it after `{printable_line(front.command[0], 80)}`, if that takes it",
            )


def _unknown(name: str) -> Invalid:
    near = [_SAME[name]] if name in _SAME else difflib.get_close_matches(name, list(BY_NAME), 1)
    hint = f"did you mean `gaesup {near[0]}`?" if near else "`gaesup --help` lists them"
    return Invalid(f"there is no command {printable_line(name, 80)!r}", hint=hint)
