"""The commands that hold several: ``window add``, ``train start``, ``engine backup``.

What is for one of them alone says so (``only``).
"""

from __future__ import annotations

from gaesup_tui.cli.grammar_parts import (
    FILE,
    GLASS,
    JSON,
    NO_WAIT,
    REASON,
    TIMEOUT,
    Command,
    arg,
)

_ADD = ("add",)
_NAMED = ("add", "remove")
_START = ("start",)

WINDOW = Command(
    "window",
    "window",
    "Freeze windows: list them, add or remove one by hand, take over those of gaesup.yaml",
    (
        arg("what", choices=("list", "add", "remove", "apply")),
        arg(
            "name",
            metavar="NAME",
            nargs="?",
            only=_NAMED,
            help="add, remove: the window's name",
        ),
        arg("--all", action="store_true", only=_ADD, help="add: of everything"),
        arg("-e", "--environment", metavar="E", only=_ADD, help="add: of this environment"),
        arg("--unit", metavar="UNIT", only=_ADD, help="add: of one deployment, cart@production"),
        arg(
            "--from",
            dest="begins",
            metavar="WHEN",
            only=_ADD,
            help="add: Fri 16:00; else now",
        ),
        arg(
            "--until",
            dest="ends",
            metavar="WHEN",
            only=_ADD,
            help="add: Mon 08:00, 2027-01-02T08:00",
        ),
        arg(
            "--for",
            dest="for_s",
            metavar="TIME",
            only=_ADD,
            help="add: 2h, instead of --until",
        ),
        arg(
            "--timezone",
            metavar="ZONE",
            default="UTC",
            only=_ADD,
            help="add: Europe/Berlin (UTC)",
        ),
        arg(
            "--file",
            metavar="PATH",
            only=("apply",),
            help="apply: a gaesup.yaml; else the nearest one above",
        ),
        arg(
            "--reason",
            metavar="WHY",
            default="",
            only=_NAMED,
            help="add, remove: why; kept with the decision",
        ),
        arg("--json", action="store_true", only=("list",), help="list: for scripts"),
    ),
    mutating=True,
    reads=("list",),
)

TRAIN = Command(
    "train",
    "train",
    "Several units as one release, in dependency order, with one gate and one way back",
    (
        arg("what", choices=("start", "status", "promote", "abort", "list")),
        arg("name", metavar="NAME", nargs="?", help="a train of gaesup.yaml, or one started"),
        arg(
            "--unit",
            metavar="UNIT=V",
            only=_START,
            action="append",
            help="start: a unit and its version, instead of a train of gaesup.yaml; repeatable",
        ),
        arg("-e", "--environment", metavar="E", only=_START, help="start: where it goes"),
        arg(
            "--gate",
            only=_START,
            choices=("before", "between", "none"),
            help="start: where it waits for you by itself (between)",
        ),
        arg(
            "--on-failure",
            only=_START,
            choices=("rollback", "hold", "continue"),
            help="start: what follows when one unit goes back (rollback)",
        ),
        arg(
            "--at-once",
            metavar="N",
            type=int,
            only=_START,
            help="start: most units side by side (all)",
        ),
        arg(
            "--expiry",
            metavar="TIME",
            only=_START,
            help="start: a gate's longest wait, or never (30m)",
        ),
        arg(
            "--strategy",
            only=_START,
            choices=("rolling", "canary", "blueGreen"),
            help="start: for every unit, instead of its own",
        ),
        arg("--plan", action="store_true", help="only show what would happen"),
        GLASS,
        FILE,
        REASON,
        JSON,
        arg("--wait", action="store_true", help="until it is over: 0 arrived, 1 not, 3 late"),
        TIMEOUT,
        NO_WAIT,
    ),
    mutating=True,
    reads=("status", "list"),
)

ENGINE = Command(
    "engine",
    "engine",
    "Start, stop and look after the engine",
    (
        arg("what", choices=("start", "stop", "status", "logs", "export", "backup")),
        arg("--json", action="store_true", only=("status",), help="status: for scripts"),
        arg(
            "-f",
            "--follow",
            action="store_true",
            only=("logs",),
            help="logs: go on as new ones come",
        ),
        arg(
            "--tail",
            metavar="N",
            type=int,
            default=100,
            only=("logs",),
            help="logs: lines (100)",
        ),
        arg(
            "--since",
            metavar="SEQ",
            type=int,
            default=0,
            only=("export",),
            help="export: after this event",
        ),
        arg(
            "--to",
            metavar="PATH",
            only=("backup",),
            help="backup: a new file, in a folder that is there; else among the engine's own",
        ),
        arg(
            "--node",
            action="store_true",
            only=("stop",),
            help="stop: the node too; then nothing is served",
        ),
    ),
)
