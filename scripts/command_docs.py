"""Writes the tables of docs/commands.md from the grammar of the command line.

``python scripts/command_docs.py`` writes; with ``--check`` it only says what differs.
"""

from __future__ import annotations

import sys
from argparse import SUPPRESS
from pathlib import Path

from gaesup_tui.cli.grammar import COMMANDS, Argument, Command

PAGE = Path(__file__).resolve().parents[1] / "docs" / "commands.md"
BEGIN = "<!-- commands: begin, written by scripts/command_docs.py -->"
END = "<!-- commands: end -->"


def section(command: Command) -> str:
    """One command: what it does and what it takes."""
    arguments = [
        a for a in (*command.arguments, *command.one_of) if a.options.get("help") != SUPPRESS
    ]
    words = " ".join(_usage(argument) for argument in arguments)
    lines = [f"### `gaesup {command.name}`", "", f"{command.help}.", ""]
    lines += ["```", f"gaesup {command.name} {words}".rstrip(), "```", ""]
    lines += [f"- `{_shown(a)}`: {a.options['help']}" for a in arguments if "help" in a.options]
    return "\n".join([*lines, ""])


def _usage(argument: Argument) -> str:
    name = argument.names[-1]
    options = argument.options
    if not name.startswith("-"):
        shown = options.get("metavar") or "|".join(options.get("choices", (name.upper(),)))
        return f"[{shown}]" if options.get("nargs") == "?" else str(shown)
    value = "" if options.get("action") == "store_true" else f" {_value(argument)}"
    return f"{name}{value}" if options.get("required") else f"[{name}{value}]"


def _value(argument: Argument) -> str:
    choices = argument.options.get("choices")
    return "|".join(choices) if choices else str(argument.options.get("metavar", "VALUE"))


def _shown(argument: Argument) -> str:
    names = ", ".join(argument.names)
    if not argument.names[0].startswith("-"):
        return str(argument.options.get("metavar", names))
    return (
        names if argument.options.get("action") == "store_true" else f"{names} {_value(argument)}"
    )


def page(old: str) -> str:
    """The page with its tables written anew."""
    before, _, rest = old.partition(BEGIN)
    _, _, after = rest.partition(END)
    body = "\n".join(section(command) for command in COMMANDS)
    return f"{before}{BEGIN}\n\n{body}\n{END}{after}"


def main() -> int:
    """The exit code: 1 when ``--check`` found a difference."""
    old = PAGE.read_text(encoding="utf-8")
    wanted = page(old)
    if wanted == old:
        return 0
    if "--check" in sys.argv:
        print(f"{PAGE.name} is not what the grammar says: run python scripts/command_docs.py")
        return 1
    PAGE.write_text(wanted, encoding="utf-8")
    print(f"wrote {PAGE.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
