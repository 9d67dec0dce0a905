"""``gaesup logs``: what the replicas of a deployment write."""

from __future__ import annotations

import argparse
import time

from gaesup_tui.cli import targets
from gaesup_tui.cli.connecting import connect
from gaesup_tui.cli.output import Output
from gaesup_tui.domain.errors import Invalid, Unavailable
from gaesup_tui.domain.text import printable_line
from gaesup_tui.service.client import Client

MAX_TAIL = 10_000


def run(args: argparse.Namespace, out: Output) -> int:
    """Prints the last lines, and with ``-f`` new ones until interrupted."""
    if not 0 <= args.tail <= MAX_TAIL:
        raise Invalid(f"--tail: {args.tail} is not possible", hint=f"give 0 to {MAX_TAIL}")
    engine = connect(args)
    row = targets.find(engine.status()["deployments"], args.unit, args.environment)
    revision = _revision(engine, row["key"], args.revision) if args.revision else ""
    if args.replica:
        _check_replica(engine, row["key"], args.replica)
    lines = engine.logs(
        row["key"],
        revision=revision,
        replica=args.replica or "",
        tail=args.tail,
        follow=args.follow,
    )
    for line in lines:
        if dropped := line.get("dropped"):
            out.line(f"… {dropped} lines were dropped", "warn")
            continue
        if why := line.get("error"):
            raise Unavailable(str(why))
        at = time.strftime("%H:%M:%S", time.localtime(line["at"]))
        style = "warn" if line["stream"] == "stderr" else ""
        out.line(f"{at}  {line['replica']}  {line['line']}", style)
    return 0


def _revision(engine: Client, key: str, said: str) -> str:
    """The id of a revision, said by its id or by its version.

    Raises:
        Invalid: it does not run; the hint names those that do.
    """
    view = next(v for v in engine.snapshot()["deployments"] if v["key"] == key)
    for revision in view["revisions"]:
        if said in (revision["id"], revision["version"]):
            return revision["id"]
    there = ", ".join(revision["version"] for revision in view["revisions"]) or "none"
    raise Invalid(f"--revision: {key} runs no {said[:80]!r}", hint=f"it runs {there}")


def _check_replica(engine: Client, key: str, said: str) -> None:
    """One that is gone may have left lines; one that never was is a mistake.

    Raises:
        Invalid: there is and was none of that name; the hint names those that are.
    """
    view = next(v for v in engine.snapshot()["deployments"] if v["key"] == key)
    there = [replica["id"] for revision in view["revisions"] for replica in revision["replicas"]]
    if said in there or any(engine.logs(key, revision="", replica=said, tail=1, follow=False)):
        return
    hint = f"it has {', '.join(there)}" if there else "it has none now"
    raise Invalid(f"--replica: {key} has no {printable_line(said, 80)!r}", hint=hint)
