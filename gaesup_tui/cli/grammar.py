"""Every command as data: what it is called, what it takes, where its work is done.

Help, completion and the parsers come from here; commands that are actions of the console take
their words from the one table of actions.
"""

from __future__ import annotations

from argparse import REMAINDER, SUPPRESS
from dataclasses import dataclass
from typing import Any

from gaesup_tui.domain.actions import BY_ID


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument, as argparse takes it."""

    names: tuple[str, ...]
    options: dict[str, Any]


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


def arg(*names: str, **options: Any) -> Argument:
    return Argument(names, options)


def _action(name: str, module: str, *arguments: Argument, action: str = "") -> Command:
    what = BY_ID[action or name]
    return Command(name, module, what.help, arguments, mutating=what.mutating)


UNIT = arg("unit", metavar="UNIT", help="cart, or cart@production")
MAYBE_UNIT = arg("unit", metavar="UNIT", nargs="?", help="cart, or cart@production")
ENVIRONMENT = arg("-e", "--environment", metavar="E", help="the unit's environment")
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

STORIES = ("good-canary", "bad-canary", "crash", "flood")

COMMANDS: tuple[Command, ...] = (
    Command(
        "status",
        "status",
        "What runs, what moves, what waits for you",
        (
            MAYBE_UNIT,
            ENVIRONMENT,
            JSON,
            arg(
                "--wait",
                action="store_true",
                help="until it came to rest: 0 healthy, 1 aborted or failed, 3 too late",
            ),
            TIMEOUT,
        ),
    ),
    _action(
        "deploy",
        "deploy",
        *ONE,
        arg("--version", metavar="V", required=True, help="a version of gaesup.yaml"),
        arg(
            "--strategy",
            metavar="S",
            help="instead of the one gaesup.yaml names for the unit (rolling where it names none); "
            "`gaesup strategies` lists them",
        ),
        arg(
            "--replicas",
            metavar="N",
            type=int,
            help="instead of as many as run, or as gaesup.yaml asks for at first",
        ),
        FILE,
        REASON,
        arg("--dry-run", action="store_true", help="only show the steps it would take"),
        GLASS,
        NO_WAIT,
    ),
    Command(
        "strategies",
        "strategies",
        "The strategies there are, and the steps of one",
        (
            arg("name", metavar="NAME", nargs="?", help="its steps, one per line"),
            arg("--replicas", metavar="N", type=int, default=4, help="for so many (4)"),
            FILE,
            JSON,
        ),
    ),
    _action(
        "promote",
        "decide",
        *ONE,
        arg("--full", action="store_true", help=BY_ID["promote_full"].help),
        REASON,
        GLASS,
        NO_WAIT,
    ),
    _action(
        "abort",
        "decide",
        *ONE,
        arg("--gradual", action="store_true", help=BY_ID["abort_gradual"].help),
        REASON,
        NO_WAIT,
    ),
    _action(
        "ignore",
        "decide",
        *ONE,
        arg("--check", metavar="NAME", default="", help="which; else the one in the way"),
        REASON,
        NO_WAIT,
    ),
    _action("ack", "decide", *ONE, REASON, NO_WAIT),
    _action("pause", "decide", *ONE, REASON, NO_WAIT),
    _action("resume", "decide", *ONE, REASON, GLASS, NO_WAIT),
    _action(
        "extend",
        "decide",
        *ONE,
        arg("--by", metavar="TIME", required=True, help="how much later: 30m, 2h"),
        REASON,
        NO_WAIT,
    ),
    _action("unqueue", "decide", *ONE, REASON, NO_WAIT),
    _action("step-back", "decide", *ONE, REASON, NO_WAIT, action="step_back"),
    _action(
        "rollback",
        "decide",
        *ONE,
        arg("--version", metavar="V", help="a known good version; else the last"),
        REASON,
        NO_WAIT,
    ),
    _action(
        "retry",
        "decide",
        *ONE,
        arg(
            "--from",
            dest="start",
            choices=("failed", "start"),
            default="start",
            help="the step that failed, or the start",
        ),
        REASON,
        GLASS,
        NO_WAIT,
    ),
    _action(
        "scale",
        "decide",
        *ONE,
        arg("--replicas", metavar="N", required=True, help="a number, +1 or -1"),
        REASON,
        NO_WAIT,
    ),
    _action("hold", "decide", *ONE, NEEDED_REASON, NO_WAIT),
    _action(
        "lock",
        "decide",
        *ONE,
        NEEDED_REASON,
        arg("--for", dest="for_s", metavar="TIME", help="2h, 30m; else until it is unlocked"),
        NO_WAIT,
    ),
    _action("unlock", "decide", *ONE, REASON, NO_WAIT),
    Command(
        "window",
        "window",
        "Freeze windows: list them, add or remove one by hand, take over those of gaesup.yaml",
        (
            arg("what", choices=("list", "add", "remove", "apply")),
            arg("name", metavar="NAME", nargs="?", help="add, remove: the window's name"),
            ALL,
            arg("-e", "--environment", metavar="E", help="add: of this environment"),
            arg("--unit", metavar="UNIT", help="add: of one deployment, cart@production"),
            arg("--from", dest="begins", metavar="WHEN", help="add: Fri 16:00; else now"),
            arg("--until", dest="ends", metavar="WHEN", help="add: Mon 08:00, 2027-01-02T08:00"),
            arg("--for", dest="for_s", metavar="TIME", help="add: 2h, instead of --until"),
            arg("--timezone", metavar="ZONE", default="UTC", help="add: Europe/Berlin (UTC)"),
            FILE,
            REASON,
            JSON,
        ),
        mutating=True,
        reads=("list",),
    ),
    Command(
        "stop",
        "stop",
        BY_ID["stop"].help,
        (
            MAYBE_UNIT,
            ALL,
            ENVIRONMENT,
            arg("--freeze", action="store_true", help="hold everything where it stands"),
            REASON,
            NO_WAIT,
        ),
        mutating=True,
    ),
    _action(
        "global-rollback",
        "global_rollback",
        ALL,
        arg("-e", "--environment", metavar="E", help="everything in this environment"),
        arg("--plan", action="store_true", help="only show what would go back to what"),
        REASON,
        NO_WAIT,
        action="global_rollback",
    ),
    Command(
        "train",
        "train",
        "Several units as one release, in dependency order, with one gate and one way back",
        (
            arg("what", choices=("start", "status", "promote", "abort", "list")),
            arg("name", metavar="NAME", nargs="?", help="a train of gaesup.yaml, or one started"),
            arg(
                "--unit",
                metavar="UNIT=V",
                action="append",
                help="start: a unit and its version, instead of a train of gaesup.yaml; repeatable",
            ),
            arg("-e", "--environment", metavar="E", help="start: where it goes"),
            arg(
                "--gate",
                choices=("before", "between", "none"),
                help="start: where it waits for you by itself (between)",
            ),
            arg(
                "--on-failure",
                choices=("rollback", "hold", "continue"),
                help="start: what follows when one unit goes back (rollback)",
            ),
            arg("--at-once", metavar="N", type=int, help="start: most units side by side (all)"),
            arg("--expiry", metavar="TIME", help="start: a gate's longest wait, or never (30m)"),
            arg(
                "--strategy",
                choices=("rolling", "canary", "blueGreen"),
                help="start: for every unit, instead of its own",
            ),
            arg("--plan", action="store_true", help="only show what would happen"),
            FILE,
            REASON,
            JSON,
            arg("--wait", action="store_true", help="until it is over: 0 arrived, 1 not, 3 late"),
            TIMEOUT,
            NO_WAIT,
        ),
        mutating=True,
        reads=("status", "list"),
    ),
    Command(
        "release",
        "stop",
        f"{BY_ID['release'].help}; of one unit, also its hold",
        (
            MAYBE_UNIT,
            ALL,
            ENVIRONMENT,
            arg("--reason", metavar="WHY", required=True, help="why it is safe to go on"),
        ),
        mutating=True,
    ),
    _action(
        "logs",
        "logs",
        *ONE,
        FOLLOW,
        arg("--revision", metavar="R", help="of one revision or version"),
        arg("--replica", metavar="R", help="of one replica"),
        arg("--tail", metavar="N", type=int, default=200, help="lines to begin with (200)"),
    ),
    _action(
        "watch",
        "watch",
        *ONE,
        arg("--plain", action="store_true", help="one line per change, also on a terminal"),
        TIMEOUT,
    ),
    Command(
        "history",
        "history",
        BY_ID["timeline"].help,
        (
            MAYBE_UNIT,
            ENVIRONMENT,
            arg("--limit", metavar="N", type=int, default=200, help="events at most (200)"),
        ),
        one_of=(
            JSON,
            arg("--markdown", action="store_true", help="a table for a report"),
            arg("--verdicts", action="store_true", help="the judge's answers only"),
            arg("--good", action="store_true", help="the versions of a unit one can go back to"),
        ),
    ),
    _action("ab", "ab", *ONE, JSON),
    Command(
        "judge",
        "judge",
        "Why the judge says what it says, and what other settings would have said",
        (
            arg("what", choices=("explain", "replay")),
            arg("target", metavar="UNIT|ROLLOUT", help="cart, or cart@production#3"),
            ENVIRONMENT,
            arg(
                "--set",
                metavar="NAME=VALUE",
                action="append",
                help="replay: with another setting, kappa=0.5 or errors.tolerance=0.01; repeatable",
            ),
            arg(
                "--history",
                action="store_true",
                help="explain: every turn of the verdict, with the figures of that moment",
            ),
            JSON,
        ),
    ),
    Command(
        "load",
        "load",
        "Send HTTP requests to a unit and report what clients saw",
        (
            *ONE,
            arg("--rps", metavar="N", type=float, required=True, help="requests a second"),
            arg("--duration", metavar="TIME", help="30s; else until Ctrl-C"),
            arg("--users", metavar="N", type=int, help="of so many users, each with its cookie"),
            arg("--cookie", metavar="NAME", default="gsu-user", help="its name (gsu-user)"),
            JSON,
        ),
        mutating=True,
    ),
    Command(
        "engine",
        "engine",
        "Start, stop and look after the engine",
        (
            arg("what", choices=("start", "stop", "status", "logs", "export", "backup")),
            JSON,
            FOLLOW,
            arg("--tail", metavar="N", type=int, default=100, help="logs: lines (100)"),
            arg("--since", metavar="SEQ", type=int, default=0, help="export: after this event"),
            arg("--to", metavar="PATH", help="backup: where the copy goes"),
            arg("--node", action="store_true", help="stop: the node too; then nothing is served"),
        ),
    ),
    Command(
        "init",
        "init",
        "Write a commented gaesup.yaml to begin with",
        (arg("--file", metavar="PATH", default="gaesup.yaml", help="where (gaesup.yaml)"),),
        mutating=True,
    ),
    Command(
        "validate",
        "validate",
        "Check gaesup.yaml and the modules it names",
        (FILE, arg("--schema", action="store_true", help="print the JSON schema instead")),
    ),
    Command(
        "demo",
        "demo",
        "A live example: four units, traffic, and a canary that needs you",
        (
            arg("--story", choices=STORIES, default="good-canary", help="(good-canary)"),
            arg("--stop", action="store_true", help="take away what a demo started"),
            arg("--no-console", action="store_true", help="do not open the console"),
        ),
        mutating=True,
    ),
    Command("doctor", "doctor", "Look for what is wrong here, and say what to do", (JSON,)),
    Command("info", "info", "Where config, state, logs and the socket are", (JSON,)),
    Command(
        "completion",
        "completion",
        "Print the completion of a shell",
        (
            arg("shell", choices=("bash", "zsh", "fish")),
            arg("line", nargs=REMAINDER, help=SUPPRESS),
        ),
    ),
)

BY_NAME: dict[str, Command] = {command.name: command for command in COMMANDS}
