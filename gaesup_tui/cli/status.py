"""``gaesup status``: what runs, what moves, what waits for you."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence

from gaesup_tui.cli import rest, seen, targets
from gaesup_tui.cli.connecting import connect
from gaesup_tui.cli.exits import LATE
from gaesup_tui.cli.output import Output
from gaesup_tui.domain.lock_views import lock_words
from gaesup_tui.domain.stop_views import STOP_WORDS
from gaesup_tui.domain.text import duration, milliseconds, percent
from gaesup_tui.domain.views import EngineView, NoteView, StatusRow, StatusView
from gaesup_tui.domain.window_views import window_words
from gaesup_tui.service.client import Client

_STYLE = {
    "healthy": "ok",
    "degraded": "warn",
    "waiting": "warn",
    "paused": "warn",
    "frozen": "warn",
    "returning": "warn",
    "aborted": "warn",
    "unknown": "warn",
    "down": "bad",
    "failed": "bad",
}

COLUMNS = ("DEPLOYMENT", "VERSION", "STATUS", "READY", "REQ/S", "ERRORS", "P95", "WHAT")
ESSENTIAL = ("DEPLOYMENT", "READY", "REQ/S", "ERRORS", "P95", "WHAT")
"""On a narrow terminal: what the others say, the last one says too, in words."""
ROOMY = 110


def run(args: argparse.Namespace, out: Output) -> int:
    """Prints the table, one deployment, or JSON; with ``--wait`` once all came to rest."""
    timeout_s = rest.seconds(args.timeout)
    engine = connect(args)
    view = _look(engine, args)
    code = 0
    if args.wait:
        code = rest.wait(
            lambda: _look(engine, args)["deployments"],
            timeout_s,
            lambda row: None if args.json else out.line(f"{row['key']}  {row['status_text']}"),
        )
        view = _look(engine, args)
    if args.json:
        out.raw(json.dumps(view, ensure_ascii=False, separators=(",", ":")) + "\n")
    elif not args.wait:
        _print(view, out, one=args.unit is not None and len(view["deployments"]) == 1)
    elif code == LATE:
        out.line(f"not at rest after {args.timeout}", "warn")
    return code


def _look(engine: Client, args: argparse.Namespace) -> StatusView:
    view = engine.status()
    rows = targets.matching(view["deployments"], args.unit, args.environment)
    return {**view, "deployments": rows}


def _print(view: StatusView, out: Output, *, one: bool) -> None:
    rows = view["deployments"]
    notices = [row for row in rows if row["notice"] and not one]
    beware = [] if one else [line for row in rows for line in _beware(row)]
    for text, style in (*_banners(view["engine"]), *beware, *map(_notice, notices)):
        out.line(text, style)
    if one:
        lines = details(rows[0], time.time())
        width = max(len(label) for label, _ in lines)
        for label, text in lines:
            out.line(f"{label:{width}}  {text}")
    elif rows:
        head, *cells = _fitting([COLUMNS, *map(_row, rows)], out.width)
        out.table(head, cells, [_STYLE.get(row["status"], "") for row in rows])
    else:
        out.line("nothing is deployed: `gaesup deploy UNIT --version V`, or `gaesup demo`")


def _beware(row: StatusRow) -> list[tuple[str, str]]:
    brewing = row["rollout"]["brewing"] if row["rollout"] else []
    return [(f"{row['key']}: beware, {line}", "bad") for line in brewing]


def _notice(row: StatusRow) -> tuple[str, str]:
    text = row["notice"]["text"] if row["notice"] else ""
    return f"{row['key']}: {text}; `gaesup ack {row['key']}` when you have seen it", "bad"


def _fitting(lines: Sequence[Sequence[str]], width: int) -> list[list[str]]:
    """All columns, or on a narrow terminal those that nothing else says."""
    kept = ESSENTIAL if 0 < width < ROOMY else COLUMNS
    return [
        [cell for cell, name in zip(line, COLUMNS, strict=True) if name in kept] for line in lines
    ]


def _banners(engine: EngineView) -> list[tuple[str, str]]:
    lines = []
    if engine["frozen"]:
        lines.append((f"FROZEN: {engine['frozen']}", "bad"))
    for window in engine["windows"]:
        if window["is_in_force"]:
            lines.append((f"{window_words(window)}: nothing goes forward by itself", "warn"))
    for stop in engine["stops"]:
        lines.append((_note(stop), "bad"))
    for rollback in engine["rollbacks"]:
        name = f"global rollback of {rollback['scope'] or 'everything'}"
        lines.append((f"{name}: {rollback['text']}", "bad" if rollback["problems"] else "warn"))
        lines += [(f"  {line}", "bad") for line in rollback["problems"]]
        lines += [(f"  left as it is: {line}", "warn") for line in rollback["skipped"]]
    for train in engine["trains"]:
        if train["phase"] != "finished":
            style = "warn" if train["phase"] in ("forward", "gate") else "bad"
            lines.append((f"train {train['name']}: {train['text']}", style))
    moving = seen.some_moving(engine["still"], len(engine["still"]))
    lines += [(f"still moving: {each}", "warn") for each in moving]
    for name, at in engine["backends"].items():
        if at is None or engine["at"] - at > 3.0:
            age = "not seen yet" if at is None else f"not seen for {duration(engine['at'] - at)}"
            lines.append((f"backend {name}: {age}", "warn"))
    if engine["strangers"]:
        lines.append((f"runs but was not deployed here: {', '.join(engine['strangers'])}", "warn"))
    return lines


def _note(stop: NoteView) -> str:
    word = STOP_WORDS[stop["mode"]].upper()
    why = f": {stop['why']}" if stop["why"] else ""
    ago = duration(max(0.0, time.time() - stop["at"]))
    return f"{word} {stop['scope'] or 'everything'} by {stop['by']}, {ago} ago{why}"


def _row(row: StatusRow) -> Sequence[str]:
    numbers = row["numbers"]
    ready = "–" if row["ready"] is None else str(row["ready"])
    rps = "–" if numbers["rps"] is None else f"{numbers['rps']:.0f}"
    return (
        row["key"],
        row["version"] or "–",
        row["status"],
        f"{ready}/{row['replicas']}",
        rps,
        percent(numbers["error_ratio"]),
        milliseconds(numbers["p95_s"]),
        row["status_text"] + _claims(row),
    )


def _claims(row: StatusRow) -> str:
    held = "; held" if row["hold"] else ""
    return f"{held}; locked by {row['lock']['by']}" if row["lock"] else held


def details(row: StatusRow, now: float) -> list[tuple[str, str]]:
    """One deployment as label and text, for a screen without columns."""
    numbers = row["numbers"]
    rps = "–" if numbers["rps"] is None else f"{numbers['rps']:.0f}"
    ready = "–" if row["ready"] is None else row["ready"]
    lines = [
        (row["key"], row["status_text"]),
        ("stable", row["version"] or "nothing"),
        ("replicas", f"{ready} ready, {row['replicas']} asked for"),
        (
            "traffic",
            f"{rps} req/s, errors {percent(numbers['error_ratio'])}, "
            f"p95 {milliseconds(numbers['p95_s'])}",
        ),
    ]
    lines += _rollout(row, now)
    if queued := row["queued"]:
        when = duration(max(0.0, now - queued["at"]))
        by = f"{queued['version']} {queued['strategy']} by {queued['by']} {when} ago"
        lines.append(("next", f"{by} (`gaesup unqueue {row['key']}` drops it)"))
    if hold := row["hold"]:
        release = f"gaesup release {row['key']} --reason WHY"
        lines.append(("held", f"by {hold['by']}: {hold['why']} (`{release}`)"))
    if lock := row["lock"]:
        lines.append(("locked", f"{lock_words(lock, now)} (`gaesup unlock {row['key']}`)"))
    if notice := row["notice"]:
        lines.append(("notice", f"{notice['text']} (`gaesup ack {row['key']}`)"))
    if stop := row["stop"]:
        lines.append(("stopped", _note(stop)))
    if row["problem"]:
        lines.append(("problem", row["problem"]))
    if row["endpoint"]:
        lines.append(("address", row["endpoint"]))
    if row["preview"]:
        lines.append(("preview", row["preview"]))
    return lines


def _rollout(row: StatusRow, now: float) -> list[tuple[str, str]]:
    rollout = row["rollout"]
    if rollout is None:
        return []
    change = f"{rollout['base'] or '·'}→{rollout['candidate']}"
    when = duration(max(0.0, now - rollout["at"]))
    why = f': "{rollout["why"]}"' if rollout["why"] else ""
    state = rollout["outcome"] or f"step {rollout['step']} of {rollout['steps']}"
    title = f", {rollout['step_title']}" if rollout["step_title"] else ""
    lines = [
        ("rollout", f"{change} {rollout['strategy']} by {rollout['by']} {when} ago{why}"),
        ("", f"{state}{title}"),
    ]
    if rollout["glass"]:
        lines.append(("glass", f"broken {rollout['glass']}"))
    if rollout["cause"]:
        lines.append(("", f"because {rollout['cause']}"))
    lines += [("beware", line) for line in rollout["brewing"]]
    if waiting := row["waiting"]:
        until, then = waiting["until"], waiting["then"]
        if until is not None and then:
            then = f"{then} in {duration(max(0.0, until - now))}"
        then = f"; {then}" if then else ""
        since = duration(max(0.0, now - waiting["since"]))
        lines.append(("waits", f"{waiting['what']}, since {since}{then}"))
    return lines
