"""``gaesup engine``: start, stop, status, logs, export, backup."""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

from gaesup_tui.cli import demo_record, processes
from gaesup_tui.cli.connecting import connect, running
from gaesup_tui.cli.exits import OK, UNREACHABLE
from gaesup_tui.cli.kept import tell_if_removed
from gaesup_tui.cli.output import Output
from gaesup_tui.domain.errors import Invalid, Refused
from gaesup_tui.domain.text import duration
from gaesup_tui.domain.views import Hello
from gaesup_tui.service import lifecycle, places

MOST_LINES = 10_000
_CHANGES = ("start", "stop", "backup")
_HERE_ONLY = ("start", "stop", "logs")
"""About the processes and files of this machine: never those behind ``--socket``."""


def run(args: argparse.Namespace, out: Output) -> int:
    """Does one of them; ``status`` answers 0 when an engine runs, 5 when none does."""
    if args.read_only and args.what in _CHANGES:
        raise Refused(
            f"engine {args.what} changes something, and this is --read-only",
            hint="leave --read-only out",
        )
    if args.socket and args.what in _HERE_ONLY:
        raise Invalid(
            f"engine {args.what} is about the engine of this user on this machine, not about the "
            f"one behind --socket {args.socket}",
            hint=f"on its own machine: `gaesup engine {args.what}`",
        )
    _check(args)
    match args.what:
        case "start":
            return _start(out)
        case "stop":
            return _stop(args, out)
        case "status":
            return _status(args, out)
        case "logs":
            for line in lifecycle.logs(places.find(), args.tail, follow=args.follow):
                out.line(line)
        case "export":
            engine = connect(args)
            tell_if_removed(engine.hello(), args.since)
            for line in engine.export(args.since):
                out.raw(line + "\n")
        case "backup":
            path = Path(args.to).absolute() if args.to else None
            out.line(f"copied the journal to {connect(args).backup(path)}", "ok")
    return OK


def _check(args: argparse.Namespace) -> None:
    if not 0 <= args.tail <= MOST_LINES:
        raise Invalid(f"--tail: {args.tail} is not possible", hint=f"give 0 to {MOST_LINES}")
    if not 0 <= args.since < 1 << 53:
        raise Invalid(f"--since: {args.since} is not possible", hint="give 0 or more")


def _start(out: Output) -> int:
    found = places.find()
    started = lifecycle.start(found)
    if started.new:
        demo_record.disown(found)
    word = "started" if started.new else "runs already:"
    out.line(f"{word} {_name(started.hello)}", "ok")
    return OK


def _stop(args: argparse.Namespace, out: Output) -> int:
    found = places.find()
    was = lifecycle.stop(found)
    out.line(f"stopped {_name(was)}" if was else "no engine runs", "ok" if was else "")
    node = demo_record.local_node(found)
    if node is None:
        return OK
    if args.node:
        processes.end([node])
        out.line(f"stopped the node, process {node['pid']}: nothing is served", "warn")
    else:
        out.line(f"the node, process {node['pid']}, goes on serving what is deployed")
    return OK


def _status(args: argparse.Namespace, out: Output) -> int:
    found = running(args)
    if args.json:
        out.raw(json.dumps(found) + "\n")
    elif found is None:
        out.line("no engine runs: `gaesup engine start` starts one", "warn")
    else:
        count = found["seq"] - found.get("begins", 1) + 1
        out.line(f"{_name(found)}, {count} events in the journal", "ok")
        tell_if_removed(found)
        if found["frozen"]:
            out.line(f"FROZEN: {found['frozen']}", "bad")
    return UNREACHABLE if found is None else OK


def _name(hello: Hello) -> str:
    since = duration(max(0.0, time.time() - hello["started_at"]))
    return f"engine {hello['version']}, process {hello['pid']}, since {since}"
