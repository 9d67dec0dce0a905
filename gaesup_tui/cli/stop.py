"""``gaesup stop`` and ``gaesup release``: the emergency stop of a scope, and its end."""

from __future__ import annotations

import argparse
from time import monotonic
from typing import Any

from gaesup_tui.cli import seen, targets
from gaesup_tui.cli.output import Output
from gaesup_tui.cli.steadfast import steadfast
from gaesup_tui.domain.errors import Invalid
from gaesup_tui.domain.text import short_line
from gaesup_tui.domain.views import StatusView
from gaesup_tui.service.client import Client


def run(args: argparse.Namespace, out: Output) -> int:
    """Stops or releases; a stop returns once what it stopped is seen at rest."""
    _check_scope(args)
    engine = steadfast(args)
    if args.command == "release":
        return _release(engine, args, out)
    began = monotonic()
    receipt = engine.command(
        {
            "action": "stop",
            "scope": _scope(args, engine.status() if args.unit else None),
            "mode": "freeze" if args.freeze else "stop",
            "why": short_line(args.reason),
        }
    )
    out.line(seen.receipt_line(receipt), "bad")
    done = 0
    if not (args.freeze or args.no_wait):
        done = seen.stopped(lambda: engine.status()["engine"], began, out)
    where = args.unit or "--all"
    if args.environment:
        where = f"{args.unit or ''} -e {args.environment}".lstrip()
    out.line(f"`gaesup release {where} --reason WHY` lets new work begin again", "dim")
    return done


def _check_scope(args: argparse.Namespace) -> None:
    said = [args.all, bool(args.unit), bool(args.environment)]
    if not any(said):
        raise Invalid(
            f"{args.command} what?",
            hint=f"`gaesup {args.command} --all`, `--environment production`, or a UNIT",
        )
    if args.all and (args.unit or args.environment):
        raise Invalid("--all is everything: it cannot be narrowed", hint="leave one of them out")


def _scope(args: argparse.Namespace, view: StatusView | None) -> str:
    """Empty for everything, else an environment or a deployment."""
    if view is None:
        return args.environment or ""
    return targets.find(view["deployments"], args.unit, args.environment)["key"]


def _release(engine: Client, args: argparse.Namespace, out: Output) -> int:
    view = engine.status()
    scope = _scope(args, view if args.unit else None)
    why = short_line(args.reason)
    for body in _releases(view, scope, why):
        receipt = engine.command(body)
        out.line(f"{scope or 'everything'}  {seen.receipt_line(receipt)}", "ok")
    return 0


def _releases(view: StatusView, scope: str, why: str) -> list[dict[str, Any]]:
    """A unit's own stop and its hold are let go with one command; when it has neither, the
    engine says what is stopped."""
    release = {"action": "release", "scope": scope, "why": why}
    row = next((row for row in view["deployments"] if row["key"] == scope), None)
    if row is None or row["hold"] is None:
        return [release]
    unhold = {"action": "unhold", "deployment": scope, "why": why}
    stopped = any(stop["scope"] == scope for stop in view["engine"]["stops"])
    return [release, unhold] if stopped else [unhold]
