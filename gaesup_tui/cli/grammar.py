"""Every command as data: what it is called, what it takes, where its work is done.

Help, completion and the parsers come from here; commands that are actions of the console take
their words from the one table of actions.
"""

from __future__ import annotations

from argparse import REMAINDER, SUPPRESS

from gaesup_tui.cli.grammar_parts import (
    ALL,
    ENVIRONMENT,
    FILE,
    FOLLOW,
    GLASS,
    JSON,
    MAYBE_UNIT,
    NEEDED_REASON,
    NO_WAIT,
    ONE,
    REASON,
    SCOPE,
    TIMEOUT,
    arg,
)
from gaesup_tui.cli.grammar_parts import Argument as Argument
from gaesup_tui.cli.grammar_parts import Command as Command
from gaesup_tui.cli.grammar_parts import action_command as _action
from gaesup_tui.cli.grammar_whats import ENGINE, TRAIN, WINDOW
from gaesup_tui.domain.actions import BY_ID

STORIES = ("good-canary", "bad-canary", "crash", "flood", "ab-test", "train", "train-back")

COMMANDS: tuple[Command, ...] = (
    Command(
        "status",
        "status",
        "What runs, what moves, what waits for you",
        (
            MAYBE_UNIT,
            SCOPE,
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
    _action(
        "delete",
        "delete",
        *ONE,
        arg("--yes", action="store_true", help="ask nothing"),
        REASON,
        NO_WAIT,
    ),
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
    WINDOW,
    Command(
        "stop",
        "stop",
        BY_ID["stop"].help,
        (
            MAYBE_UNIT,
            ALL,
            SCOPE,
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
    TRAIN,
    Command(
        "release",
        "stop",
        f"{BY_ID['release'].help}; of one unit its hold too",
        (
            MAYBE_UNIT,
            ALL,
            SCOPE,
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
            SCOPE,
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
            arg("--config", metavar="PATH", help="replay: as this gaesup.yaml sets the judge"),
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
    ENGINE,
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
            arg(
                "--story",
                metavar="STORY",
                choices=STORIES,
                default="good-canary",
                help=f"{', '.join(STORIES)} (good-canary)",
            ),
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
