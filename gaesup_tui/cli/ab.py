"""``gaesup ab``: what an A/B test says, from how many users, and when it ends."""

from __future__ import annotations

import argparse
import json
import time

from gaesup_tui.cli import targets
from gaesup_tui.cli.connecting import connect
from gaesup_tui.cli.output import Output
from gaesup_tui.domain.abtest.telling import HEAD, arms, told
from gaesup_tui.domain.errors import NotFound

_STYLE = {"better": "ok", "worse": "bad", "broken split": "bad", "undecided": "warn"}


def run(args: argparse.Namespace, out: Output) -> int:
    """Of the rollout that moves, or the last one; or of an earlier one by its id."""
    engine = connect(args)
    rollout = targets.rollout_id(engine, args.unit, args.environment)
    seen = engine.rollout(rollout)
    view = seen["ab"]
    if view is None:
        raise NotFound(
            f"{rollout} is no A/B test: it is {seen['strategy']}",
            hint="`gaesup deploy UNIT --version V --strategy abTest` begins one",
        )
    if args.json:
        out.raw(json.dumps({"rollout": rollout, **view}) + "\n")
        return 0
    out.line(f"{rollout}  {seen['base']}→{seen['candidate']}  {view['metric']} per user", "bold")
    out.table(HEAD, arms(view))
    for label, text in told(view, time.time()):
        out.line(f"{label:8}  {text}", _STYLE.get(view["kind"], "") if label == "Answer" else "")
    return 0
