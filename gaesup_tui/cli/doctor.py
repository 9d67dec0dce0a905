"""``gaesup doctor``: looks for what is wrong on this machine, and says what to do.

It starts nothing. Exit code 1 when something must be mended.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from typing import NamedTuple

from gaesup_tui.cli.connecting import connect, running
from gaesup_tui.cli.output import Output
from gaesup_tui.domain.errors import GaesupError
from gaesup_tui.domain.text import duration, quantity
from gaesup_tui.service import places


class Finding(NamedTuple):
    """One thing that was looked at."""

    what: str
    level: str
    """``ok``, ``warn`` (works, with a limit) or ``bad`` (must be mended)."""
    text: str


Check = Callable[[argparse.Namespace], Iterator[Finding]]
LOW_DISK_BYTES = 200 * 2**20


def run(args: argparse.Namespace, out: Output) -> int:
    """Prints one line per finding."""
    findings = [finding for check in CHECKS for finding in _safely(check, args)]
    if args.json:
        out.raw(json.dumps([finding._asdict() for finding in findings]) + "\n")
    else:
        for what, level, text in findings:
            mark = {"ok": "ok  ", "warn": "note", "bad": "BAD "}[level]
            out.line(f"{mark} {what:12} {text}", "" if level == "ok" else level)
    return int(any(finding.level == "bad" for finding in findings))


def _safely(check: Check, args: argparse.Namespace) -> Iterator[Finding]:
    try:
        yield from check(args)
    except GaesupError as error:
        yield Finding(check.__name__.strip("_"), "bad", str(error))


def _python(args: argparse.Namespace) -> Iterator[Finding]:
    level = "ok" if sys.version_info >= (3, 11) else "bad"
    yield Finding("python", level, sys.version.split()[0])


def _folders(args: argparse.Namespace) -> Iterator[Finding]:
    found = places.find()
    for name in ("state", "logs", "runtime"):
        folder = getattr(found, name)
        if not folder.exists():
            yield Finding(name, "ok", f"{folder} will be made")
            continue
        places.check(folder)
        level = "ok" if os.access(folder, os.W_OK) else "bad"
        yield Finding(name, level, f"{folder}{'' if level == 'ok' else ' cannot be written'}")


def _disk(args: argparse.Namespace) -> Iterator[Finding]:
    folder = places.find().state
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    if free < LOW_DISK_BYTES:
        hint = "without room for the journal nothing moves forward: free some"
        yield Finding("disk", "bad", f"{quantity(free)} free under {folder}: {hint}")
    else:
        yield Finding("disk", "ok", f"{quantity(free)} free under {folder}")


def _engine(args: argparse.Namespace) -> Iterator[Finding]:
    hello = running(args)
    if hello is None:
        yield Finding("engine", "ok", "does not run: any deploy starts it")
        return
    yield Finding("engine", "ok", f"{hello['version']}, process {hello['pid']}")
    if hello["frozen"]:
        yield Finding("journal", "bad", f"{hello['frozen']}: nothing moves forward until it can")
    view = connect(args).status()
    now = view["engine"]["at"]
    for name, at in view["engine"]["backends"].items():
        if at is None or now - at > 3.0:
            since = "has not been seen yet" if at is None else f"not seen for {duration(now - at)}"
            hint = "what it runs keeps serving; `gaesup engine logs` says why"
            yield Finding("backend", "bad", f"{name} {since}: {hint}")
        else:
            yield Finding("backend", "ok", f"{name}, seen {duration(now - at)} ago")
    for row in view["deployments"]:
        if row["problem"]:
            yield Finding("deployment", "bad", f"{row['key']}: {row['problem']}")


def _settings(args: argparse.Namespace) -> Iterator[Finding]:
    from gaesup_tui.service import engine_settings

    path = places.find().engine_settings
    kept_s = engine_settings.load(path).keep_history_s
    kept = "for ever" if kept_s is None else f"for {duration(kept_s)} at least"
    yield Finding("settings", "ok", f"events are kept {kept}: keepHistory in {path}")


def _backends(args: argparse.Namespace) -> Iterator[Finding]:
    from importlib.metadata import entry_points

    names = sorted(point.name for point in entry_points(group="gaesup.backends"))
    if names:
        yield Finding("installed", "ok", f"backends: {', '.join(names)}")
    else:
        yield Finding("installed", "bad", "no backend is installed: install gaesup-tui again")


def _terminal(args: argparse.Namespace) -> Iterator[Finding]:
    if not sys.stdout.isatty():
        return
    columns, lines = shutil.get_terminal_size()
    small = columns < 80 or lines < 24
    yield Finding(
        "terminal",
        "warn" if small else "ok",
        f"{os.environ.get('TERM', 'unknown')}, {columns}x{lines}"
        f"{': the console is drawn for 80x24 or more' if small else ''}",
    )
    if "utf" not in (sys.stdout.encoding or "").lower():
        yield Finding("text", "warn", f"{sys.stdout.encoding}: use --ascii, or a UTF-8 locale")


def _project(args: argparse.Namespace) -> Iterator[Finding]:
    from gaesup_tui.domain.errors import NotFound
    from gaesup_tui.service import project

    try:
        path = project.find()
    except NotFound:
        return
    count = project.check_artifacts(project.load(path))
    yield Finding("project", "ok", f"{path}: valid, {count} versions")


CHECKS: tuple[Check, ...] = (
    _python,
    _folders,
    _disk,
    _settings,
    _backends,
    _engine,
    _terminal,
    _project,
)
