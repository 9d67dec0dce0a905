"""Decisions about one deployment: promote, abort, pause, extend, step back, rollback, others."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from time import monotonic
from typing import Any

from gaesup_tui.cli import rest, seen, targets
from gaesup_tui.cli.connecting import connect, row_of
from gaesup_tui.cli.output import Output
from gaesup_tui.cli.steadfast import steadfast
from gaesup_tui.domain.errors import Invalid
from gaesup_tui.domain.lock_views import APPROVED
from gaesup_tui.domain.text import printable_line, short_line
from gaesup_tui.domain.views import StatusRow
from gaesup_tui.service.client import Client

_PREVIEWED = ("promote", "extend", "step-back", "rollback", "retry", "ignore", "ack", "unqueue")
"""What is told before it is done: all but the way back, which waits for nothing."""


def run(args: argparse.Namespace, out: Output) -> int:
    """Decides, prints the receipt and what was seen."""
    engine = steadfast(args) if args.command == "abort" else connect(args, start=True)
    row = targets.find(engine.status()["deployments"], args.unit, args.environment)
    body, effect = _asked(args, row)
    if args.command in _PREVIEWED or body.get("gradual"):
        _preview(engine, row, body, out)
    began = monotonic()
    receipt = engine.command(body)
    out.line(f"{row['key']}  {seen.receipt_line(receipt)}")
    if args.no_wait or receipt["text"].startswith(APPROVED):
        return 0
    return seen.until_seen(lambda: row_of(engine, row["key"]), effect, began, out)


def _preview(engine: Client, row: StatusRow, body: dict[str, Any], out: Output) -> None:
    """Prints what will happen; the decision is then bound to what was shown."""
    shown = engine.preview(
        _action_of(body),
        row["key"],
        version=body.get("version") or "",
        by_s=body.get("by_s"),
        check=body.get("check") or "",
    )
    for label, text in shown["lines"]:
        out.line(f"  {label:9} {text}")
    body["expect_seq"] = shown["expect_seq"]
    if shown["check"]:
        body["check"] = shown["check"]


def _action_of(body: dict[str, Any]) -> str:
    """The name of the action in the one table."""
    if body.get("full"):
        return "promote_full"
    if body.get("start") == "failed":
        return "retry_failed"
    return "abort_gradual" if body.get("gradual") else str(body["action"])


def _asked(
    args: argparse.Namespace, row: StatusRow
) -> tuple[dict[str, Any], Callable[[StatusRow], seen.Effect | None]]:
    """The command as it goes over the wire, and what should be seen of it."""
    name = args.command
    why = short_line(args.reason)
    body = {"action": name.replace("-", "_"), "deployment": row["key"], "why": why}
    if getattr(args, "break_glass", ""):
        body["break_glass"] = short_line(args.break_glass)
    if name != "abort":
        body["expect_seq"] = row["seq"]
    match name:
        case "promote":
            body["full"] = args.full
            return body, seen.promoted_fully if args.full else seen.promoted
        case "abort":
            body["gradual"] = args.gradual
            return body, seen.going_back if args.gradual else seen.returned
        case "ignore":
            body["check"] = args.check
            _need_reason(why)
            return body, seen.recorded
        case "rollback":
            if args.version:
                body["version"] = args.version
            return body, seen.rolled_back
        case "extend":
            body["by_s"] = rest.length(args.by, "--by", 7)
        case "lock" if args.for_s:
            body["for_s"] = rest.length(args.for_s, "--for", 30)
        case "step-back":
            return body, seen.stepped_back
        case "retry":
            body["start"] = args.start
            return body, seen.begun
        case "scale":
            body["replicas"] = replicas_of(args.replicas, row["replicas"])
            return body, seen.scaled(body["replicas"])
    return body, seen.recorded


def _need_reason(why: str) -> None:
    if not why:
        raise Invalid("ignoring a check needs a reason", hint="give one with --reason")


def replicas_of(text: str, now: int) -> int:
    """``3``, ``+1`` or ``-1`` as a number of replicas.

    Raises:
        Invalid: not a number, or outside 0 to 1000.
    """
    digits = text[1:] if text[:1] in "+-" else text
    if not (digits.isascii() and digits.isdigit() and len(digits) < 16):
        raise Invalid(
            f"--replicas: {printable_line(text, 40)!r} is not a number", hint="give 3, +1 or -1"
        )
    wanted = int(digits) if digits is text else now + int(text)
    if not 0 <= wanted <= 1000:
        raise Invalid(f"--replicas: {wanted} is not possible", hint="give 0 to 1000")
    return wanted
