"""``gaesup window``: freeze windows, listed, added, removed, and taken over from a file."""

from __future__ import annotations

import argparse
import json
import time
from datetime import datetime
from pathlib import Path
from typing import Any

from gaesup_tui.cli import rest, seen, targets
from gaesup_tui.cli.connecting import connect
from gaesup_tui.cli.output import Output
from gaesup_tui.domain.errors import Invalid
from gaesup_tui.domain.text import duration, short_line
from gaesup_tui.domain.window_views import WindowView
from gaesup_tui.service.client import Client

MOST_DAYS = 366


def run(args: argparse.Namespace, out: Output) -> int:
    """Does what was asked and prints it."""
    if args.what in ("add", "remove") and not args.name:
        raise Invalid(f"window {args.what}: which?", hint=f"`gaesup window {args.what} NAME …`")
    engine = connect(args, start=True)
    match args.what:
        case "list":
            _list(engine.status()["engine"]["windows"], args, out)
            return 0
        case "add":
            body = _added(engine, args)
        case "remove":
            why = short_line(args.reason)
            body = {"action": "window_remove", "name": args.name, "why": why}
        case _:
            body = _policies(args)
    receipt = engine.command(body)
    out.line(seen.receipt_line(receipt), "ok")
    return 0


def _list(windows: list[WindowView], args: argparse.Namespace, out: Output) -> None:
    if args.json:
        out.raw(json.dumps(windows, ensure_ascii=False, separators=(",", ":")) + "\n")
        return
    if not windows:
        out.line("there are no freeze windows: `freezeWindows` in gaesup.yaml, `gaesup window add`")
        return
    now = time.time()
    head = ("WINDOW", "OF", "FROM", "UNTIL", "ZONE", "NOW", "SAYS WHO")
    cells = [
        (
            view["name"],
            view["scope"] or "everything",
            view["begins"],
            view["ends"],
            view["timezone"],
            _when(view, now),
            view["source"],
        )
        for view in windows
    ]
    out.table(head, cells, ["warn" if view["is_in_force"] else "" for view in windows])


def _when(view: WindowView, now: float) -> str:
    since, until = view["since"], view["until"]
    if since is None or until is None:
        return "over"
    if view["is_in_force"]:
        return f"in force for {duration(until - now)} more"
    return f"in {duration(since - now)}"


def _added(engine: Client, args: argparse.Namespace) -> dict[str, Any]:
    begins, ends, zone = args.begins, args.ends, args.timezone
    if (ends is None) == (args.for_s is None):
        raise Invalid("window add: until when?", hint="give --until or --for, and not both")
    if args.for_s is not None and begins is not None:
        raise Invalid("--for begins now: it goes without --from", hint="give --until instead")
    if begins is None:
        now = time.time()
        begins = _wall(now, zone)
        if args.for_s is not None:
            length = rest.length(args.for_s, "--for", MOST_DAYS)
            zone = "UTC"
            begins, ends = _wall(now, zone), _wall(now + length, zone)
    window = {"name": args.name, "begins": begins, "ends": ends, "timezone": zone}
    why = short_line(args.reason)
    return {"action": "window_add", "scope": _scope(engine, args), "window": window, "why": why}


def _wall(at: float, zone: str) -> str:
    """What a clock on the wall there shows."""
    from zoneinfo import ZoneInfo

    from gaesup_tui.domain.windows import is_zone

    if not is_zone(zone):
        raise Invalid(f"--timezone: {zone!r} is not a time zone here", hint="say Europe/Berlin")
    return f"{datetime.fromtimestamp(int(at), ZoneInfo(zone)):%Y-%m-%dT%H:%M:%S}"


def _scope(engine: Client, args: argparse.Namespace) -> str:
    said = [args.all, args.environment is not None, args.unit is not None]
    if sum(said) != 1:
        raise Invalid(
            "window add: for what?", hint="say one of --all, --environment production, --unit cart"
        )
    if args.unit:
        return targets.find(engine.status()["deployments"], args.unit)["key"]
    return args.environment or ""


def _policies(args: argparse.Namespace) -> dict[str, Any]:
    from gaesup_tui.domain.config import policy_of
    from gaesup_tui.service.project import find, load

    project = load(Path(args.file) if args.file else find())
    path = str(project.path.resolve())
    policies = [policy_of(name, spec, path) for name, spec in project.file.environments.items()]
    dumped = [policy.model_dump(mode="json") for policy in policies]
    return {"action": "take_policies", "policies": dumped}
