"""From arguments to values, with one line for what is wrong."""

from __future__ import annotations

import argparse
import difflib
import re
import shutil
from collections.abc import Sequence
from typing import NoReturn

from gaesup_tui import __version__
from gaesup_tui.cli.grammar import BY_NAME, COMMANDS, Argument, Command
from gaesup_tui.domain.errors import Invalid
from gaesup_tui.domain.text import printable_line

_NO_NUMBER = re.compile(r"argument (\S+): invalid (int|float) value: (.*)", re.DOTALL)
_NO_CHOICE = re.compile(r"argument (\S+): invalid choice: (.*) \(choose from (.*)\)", re.DOTALL)
_NO_VALUE = re.compile(r"argument (\S+): expected one argument")
_NOT_BOTH = re.compile(r"argument (\S+): not allowed with argument (\S+)")
_MISSING = re.compile(r"the following arguments are required: (.*)", re.DOTALL)
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
        elif wrong := _NO_VALUE.fullmatch(message):
            message = f"{wrong[1].split('/')[-1]} needs a value"
        elif wrong := _NOT_BOTH.fullmatch(message):
            message = f"{wrong[1]} and {wrong[2]} exclude each other"
        elif wrong := _MISSING.fullmatch(message):
            message = _missing(wrong[1])
        raise Invalid(printable_line(message, 300), hint=f"see `{self.prog} --help`")


def _missing(names: str) -> str:
    """``{start,stop}, --rps`` as what has to be added."""
    names = re.sub(r"\{(.*?)\}", lambda found: f"one of {found[1].replace(',', ' | ')}", names)
    return f"{names} {'are' if ', ' in names else 'is'} missing"


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
    lines = [_listed(command, width) for command in COMMANDS]
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


def _listed(command: Command, width: int) -> str:
    import textwrap

    begins = f"  {command.name:{width}}  "
    columns = max(60, min(shutil.get_terminal_size().columns, 100) - 1)
    return textwrap.fill(
        command.help, columns, initial_indent=begins, subsequent_indent=" " * len(begins)
    )


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
    _check_given(command, values)
    values.command, values.read_only, values.socket = command.name, read_only, socket
    return command, values


_MAY_BE_EMPTY = ("reason", "line")
"""A reason says itself that it is missing; a line to complete may be anything."""


def _check_given(command: Command, values: argparse.Namespace) -> None:
    """Nothing that was said is ignored. An empty value is a variable that is not set: taken for
    "not said", ``rollback cart --version "$V"`` would go back to another version than was meant.

    Raises:
        Invalid: a value is empty, or is for another ``what``.
    """
    what = getattr(values, "what", "")
    for argument in (*command.arguments, *command.one_of):
        name = argument.names[-1]
        dest = argument.options.get("dest", name.lstrip("-").replace("-", "_"))
        given = getattr(values, dest)
        shown = argument.options.get("metavar", name) if name[0] != "-" else name
        usual = argument.options.get("default", False if given is False else None)
        empty = "" in given if isinstance(given, list) else given == ""
        if empty and usual != "" and dest not in _MAY_BE_EMPTY:
            raise Invalid(f"{shown} is empty", hint="give a value, or leave it out")
        if argument.only and what not in argument.only and given != usual:
            raise Invalid(
                f"{shown} is for `{command.name} {' and '.join(argument.only)}`, not for {what}",
                hint="leave it out",
            )


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
