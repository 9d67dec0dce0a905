"""``gaesup global-rollback``: everything in a scope back to its last good revision."""

from __future__ import annotations

import argparse
from time import monotonic, sleep

from gaesup_tui.cli import seen
from gaesup_tui.cli.exits import FAILED, OK
from gaesup_tui.cli.output import Output
from gaesup_tui.cli.rest import POLL_S
from gaesup_tui.cli.steadfast import steadfast
from gaesup_tui.domain.errors import Invalid
from gaesup_tui.domain.stop_views import RollbackPreview, RollbackView
from gaesup_tui.domain.text import short_line
from gaesup_tui.domain.views import EngineView
from gaesup_tui.service.client import Client


def run(args: argparse.Namespace, out: Output) -> int:
    """Shows what goes back to what, and without ``--plan`` does it and tells how it goes."""
    _check(args)
    scope = args.environment or ""
    engine = steadfast(args)
    _show(engine.rollback_preview(scope), out)
    if args.plan:
        return OK
    began = monotonic()
    why = short_line(args.reason)
    receipt = engine.command({"action": "global_rollback", "scope": scope, "why": why})
    out.line(seen.receipt_line(receipt), "bad")
    return OK if args.no_wait else _follow(engine, scope, began, out)


def _check(args: argparse.Namespace) -> None:
    if args.all == bool(args.environment):
        raise Invalid(
            "global-rollback of what?", hint="say either --all or --environment production"
        )
    if not args.plan and not args.reason.strip():
        raise Invalid(
            "a global rollback needs a reason", hint="give one with --reason, or look with --plan"
        )


def _show(plan: RollbackPreview, out: Output) -> None:
    out.line(plan["title"])
    rows = [
        (str(number), turn["deployment"], turn["text"])
        for number, group in enumerate(plan["groups"], 1)
        for turn in group
    ]
    rows += [
        ("–", turn["deployment"], f"left as it is: {turn['text']}") for turn in plan["skipped"]
    ]
    if rows:
        styles = ["warn" if row[0] == "–" else "" for row in rows]
        out.table(("GROUP", "DEPLOYMENT", "BACK"), rows, styles)
    if plan["refused"]:
        out.line(plan["refused"], "bad")


def _follow(engine: Client, scope: str, began: float, out: Output) -> int:
    """Tells what changes until every group had its turn and the last came to rest. Each group has
    a deadline in the engine, so this ends."""
    told: set[str] = set()
    while True:
        view = engine.status()["engine"]
        rollback = _of(view, scope)
        if rollback is None:
            out.line("released before it was over", "warn")
            return FAILED
        for line in (rollback["text"], *rollback["problems"]):
            if line not in told:
                out.line(line, "bad" if line in rollback["problems"] else "")
        told |= {rollback["text"], *rollback["problems"]}
        if rollback["is_over"]:
            return _end(rollback, scope, seen.took(monotonic() - began), out)
        sleep(POLL_S)


def _of(view: EngineView, scope: str) -> RollbackView | None:
    return next((each for each in view["rollbacks"] if each["scope"] == scope), None)


def _end(rollback: RollbackView, scope: str, took: str, out: Output) -> int:
    where = f"--environment {scope}" if scope else "--all"
    release = f"`gaesup release {where} --reason WHY` lets new work begin again"
    if rollback["problems"]:
        out.line(f"not all went back, seen after {took}; {release}", "bad")
        return FAILED
    left = len(rollback["skipped"])
    more = f", {left} left as they are" if left else ""
    out.line(f"{rollback['text']}{more}, seen after {took}; {release}", "ok")
    return OK
