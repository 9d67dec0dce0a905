"""``gaesup history``: what happened, by whom and why, from the journal."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence

from gaesup_tui.cli import targets
from gaesup_tui.cli.connecting import connect
from gaesup_tui.cli.kept import tell_if_removed
from gaesup_tui.cli.output import Output
from gaesup_tui.domain.errors import Invalid, NotFound
from gaesup_tui.domain.text import duration, milliseconds, percent, printable_line
from gaesup_tui.domain.views import EventView, Numbers, StatusRow
from gaesup_tui.service.client import Client

_STYLE = {"info": "", "ok": "ok", "warn": "warn", "bad": "bad"}
MAX_EVENTS = 5000


def run(args: argparse.Namespace, out: Output) -> int:
    """Prints the newest events, oldest of them first."""
    if not 1 <= args.limit <= MAX_EVENTS:
        raise Invalid(f"--limit: {args.limit} is not possible", hint=f"give 1 to {MAX_EVENTS}")
    engine = connect(args)
    key = ""
    if args.unit:
        rows = engine.status()["deployments"]
        key = _key(rows, args.unit, args.environment)
    if args.good:
        return _good(engine, key, out)
    kinds = ("verdict_given",) if args.verdicts else ()
    events = engine.history(deployment=key, kinds=kinds, limit=args.limit)
    if len(events) < args.limit:
        tell_if_removed(engine.hello())
    if not args.unit and args.environment:
        targets.matching(engine.status()["deployments"], None, args.environment)
        events = [e for e in events if e["deployment"].endswith(f"@{args.environment}")]
    if args.json:
        out.raw(json.dumps(events, ensure_ascii=False, separators=(",", ":")) + "\n")
    elif args.markdown:
        _markdown(events, key, out)
    elif events:
        head = ("WHEN", "WHO", "WHERE", "WHAT")
        out.table(head, [_row(e) for e in events], [_STYLE[e["level"]] for e in events])
    else:
        out.line("no verdict was given" if args.verdicts else "nothing happened yet")
    return 0


def _key(rows: Sequence[StatusRow], unit: str, environment: str | None) -> str:
    """The deployment that is meant; one that was deleted is meant by its whole name."""
    try:
        return targets.find(rows, unit, environment)["key"]
    except NotFound:
        if "@" not in unit:
            raise
        return unit


def _good(engine: Client, key: str, out: Output) -> int:
    """What one can go back to, newest first."""
    if not key:
        raise Invalid("--good of what?", hint="name one unit: `gaesup history cart --good`")
    views = {view["key"]: view for view in engine.snapshot()["deployments"]}
    if key not in views:
        raise NotFound(
            f"there is no deployment {printable_line(key, 130)}", hint="`gaesup status` lists them"
        )
    view = views[key]
    rows = [
        (
            good["version"],
            _when(good["at"]),
            duration(good["baked_s"]),
            good["by"],
            *_measured(good["measured"]),
            "serves now" if good["version"] == view["version"] else "",
            good["verdict"] or "–",
        )
        for good in view["good"]
    ]
    if rows:
        head = ("VERSION", "SINCE", "BAKED", "BY", "REQ/S", "ERR", "P50", "P95", "", "VERDICT")
        out.table(head, rows)
        out.line(f"`gaesup rollback {key} --version V` goes back to one of them", "dim")
    else:
        out.line("none yet: no version finished its bake")
    return 0


def _measured(numbers: Numbers | None) -> tuple[str, str, str, str]:
    """At the end of the bake; what was not measured is no number."""
    if numbers is None:
        return ("–", "–", "–", "–")
    rps = numbers["rps"]
    return (
        "–" if rps is None else f"{rps:.0f}",
        percent(numbers["error_ratio"]),
        milliseconds(numbers["p50_s"]),
        milliseconds(numbers["p95_s"]),
    )


def _when(at: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at))


def _what(event: EventView) -> str:
    why = event["why"]
    return f'{event["text"]}: "{why}"' if why and why not in event["text"] else event["text"]


def _row(event: EventView) -> tuple[str, str, str, str]:
    return _when(event["at"]), event["by"], event["deployment"] or "–", _what(event)


def _markdown(events: Sequence[EventView], key: str, out: Output) -> None:
    zone = time.strftime("%Z")
    lines = [f"## {key or 'Everything'}: what happened", ""]
    lines += [f"| When ({zone}) | Who | Where | What |", "|---|---|---|---|"]
    for event in events:
        cells = (printable_line(cell).replace("|", "\\|") for cell in _row(event))
        lines.append(f"| {' | '.join(cells)} |")
    out.raw("\n".join(lines) + "\n")
