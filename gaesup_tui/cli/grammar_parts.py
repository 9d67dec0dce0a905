"""What commands are made of: arguments, and those that many commands take."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gaesup_tui.domain.actions import BY_ID


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument, as argparse takes it."""

    names: tuple[str, ...]
    options: dict[str, Any]
    only: tuple[str, ...] = ()
    """The values of ``what`` it is for; empty: all. Elsewhere it is refused, not ignored."""


@dataclass(frozen=True, slots=True)
class Command:
    """One command. ``module`` holds a function ``run(args, out) -> exit code``."""

    name: str
    module: str
    help: str
    arguments: tuple[Argument, ...] = ()
    mutating: bool = False
    reads: tuple[str, ...] = ()
    """Of a mutating command, the values of ``what`` that change nothing."""
    one_of: tuple[Argument, ...] = ()
    """Arguments that exclude each other."""


def arg(*names: str, only: tuple[str, ...] = (), **options: Any) -> Argument:
    return Argument(names, options, only)


def action_command(name: str, module: str, *arguments: Argument, action: str = "") -> Command:
    what = BY_ID[action or name]
    return Command(name, module, what.help, arguments, mutating=what.mutating)


UNIT = arg("unit", metavar="UNIT", help="cart, or cart@production")
MAYBE_UNIT = arg("unit", metavar="UNIT", nargs="?", help="cart, or cart@production")
ENVIRONMENT = arg("-e", "--environment", metavar="E", help="the unit's environment")
SCOPE = arg("-e", "--environment", metavar="E", help="the unit's; without UNIT all that is in it")
REASON = arg("--reason", metavar="WHY", default="", help="why; kept with the decision")
NEEDED_REASON = arg("--reason", metavar="WHY", required=True, help="why; kept with the decision")
GLASS = arg(
    "--break-glass",
    metavar="WHY",
    default="",
    help="go on in a freeze window all the same; why it cannot wait",
)
NO_WAIT = arg("--no-wait", action="store_true", help="return once it is recorded, not once seen")
JSON = arg("--json", action="store_true", help="for scripts")
FILE = arg("--file", metavar="PATH", help="a gaesup.yaml; else the nearest one above")
TIMEOUT = arg("--timeout", metavar="TIME", default="10m", help="longest wait (10m)")
FOLLOW = arg("-f", "--follow", action="store_true", help="go on as new ones come")
ONE = (UNIT, ENVIRONMENT)
ALL = arg("--all", action="store_true", help="everything")
