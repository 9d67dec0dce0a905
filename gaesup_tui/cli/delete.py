"""``gaesup delete``: takes a deployment away, after asking."""

from __future__ import annotations

import argparse
import sys
import time

from gaesup_tui.cli import seen, targets
from gaesup_tui.cli.connecting import connect
from gaesup_tui.cli.exits import FAILED, LATE
from gaesup_tui.cli.output import Output
from gaesup_tui.domain.errors import Invalid
from gaesup_tui.domain.text import short_line
from gaesup_tui.service.client import Client


def run(args: argparse.Namespace, out: Output) -> int:
    """Shows what ends, asks for the name, and waits until nothing of it is seen any more."""
    engine = connect(args, start=True)
    row = targets.find(engine.status()["deployments"], args.unit, args.environment)
    key = row["key"]
    shown = engine.preview("delete", key)
    for label, text in shown["lines"]:
        out.line(f"  {label:9} {text}")
    if not args.yes and not _asked(key):
        out.line("nothing was changed")
        return FAILED
    began = time.monotonic()
    why = short_line(args.reason)
    body = {"action": "delete", "deployment": key, "why": why, "expect_seq": shown["expect_seq"]}
    out.line(f"{key}  {seen.receipt_line(engine.command(body))}")
    return 0 if args.no_wait else _until_gone(engine, key, began, out)


def _asked(key: str) -> bool:
    if not sys.stdin.isatty():
        raise Invalid("delete asks first, and nobody can answer here", hint="give --yes")
    try:
        return input(f"type {key} to delete it: ").strip() == key
    except EOFError:
        return False


def _until_gone(engine: Client, key: str, began: float, out: Output) -> int:
    while any(row["key"] == key for row in engine.status()["deployments"]):
        if time.monotonic() - began > seen.LONGEST_S:
            out.line(f"{key}  its replicas still leave; `gaesup status {key}` shows them", "warn")
            return LATE
        time.sleep(0.05)
    out.line(f"{key}  is gone, seen after {seen.took(time.monotonic() - began)}", "ok")
    return 0
