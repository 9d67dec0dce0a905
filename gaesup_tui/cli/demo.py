"""``gaesup demo``: four real units, real traffic, and a canary that needs a person.

It uses your engine, and the example's own names: ``cart@production`` and three more. What it
started is written down, so that ``--stop`` ends that and nothing else.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gaesup_tui.cli import demo_record, demo_train, processes, rest
from gaesup_tui.cli.connecting import connect, row_of
from gaesup_tui.cli.demo_record import Record
from gaesup_tui.cli.exits import OK
from gaesup_tui.cli.output import Output
from gaesup_tui.cli.stories import ENVIRONMENT, GOOD, STORIES, Story, example
from gaesup_tui.domain.errors import GaesupError, Refused, Unavailable
from gaesup_tui.domain.views import DeploymentView, StatusRow
from gaesup_tui.service import lifecycle, places
from gaesup_tui.service.client import Client
from gaesup_tui.service.places import Places

KEYS = [f"{unit}@{ENVIRONMENT}" for unit in GOOD]
CART = f"cart@{ENVIRONMENT}"
WHY = "demo"
HEALTHY_WITHIN_S = 60.0


def run(args: argparse.Namespace, out: Output) -> int:
    """Makes the story run and opens the console; or ends what a demo started."""
    found = places.find()
    if args.stop:
        return _stop(found, args, out)
    story = STORIES[args.story]
    project = example()
    record = _engine(found, out)
    engine = connect(args)
    _check_ours(engine.snapshot()["deployments"], project)
    _calm(engine, out)
    _deploy_good(engine, project, out)
    _load(found, record, story, out)
    if story.is_train:
        demo_train.begin(engine, project, story, WHY, out)
    else:
        _begin(engine, project, story, out)
    out.line(story.expect, "bold")
    out.line("`gaesup demo --stop` ends what this started", "dim")
    if args.no_console or not (out.terminal and sys.stdin.isatty()):
        return OK
    from gaesup_tui.cli.main import open_default_console

    return open_default_console()


# Beginning.


def _engine(found: Places, out: Output) -> Record:
    """Starts engine and node where none runs; an earlier demo's own stay the demo's."""
    earlier = demo_record.read(found)
    node = demo_record.local_node(found)
    started = lifecycle.start(found)
    if started.new:
        out.line(f"started the engine, process {started.hello['pid']}")
    record = Record(
        engine=started.new or bool(earlier and earlier["engine"]),
        node=node is None or bool(earlier and earlier["node"]),
        load=earlier["load"] if earlier else {},
        rps=earlier["rps"] if earlier else {},
    )
    demo_record.write(found, record)
    return record


def _check_ours(views: Sequence[DeploymentView], project: Path) -> None:
    """Somebody's own cart is not a demo's to play with."""
    for view in views:
        if view["key"] in KEYS and view["project"] != str(project):
            raise Refused(
                f"{view['key']} is yours, from {view['project'] or 'elsewhere'}: "
                "the demo would deploy over it",
                hint=f"give the demo a world of its own: {places.HOME}=/tmp/demo gaesup demo",
            )


def _calm(engine: Client, out: Output) -> None:
    """Ends an earlier story and lets go of what it left held."""
    demo_train.end(engine, "a new demo begins", out, HEALTHY_WITHIN_S)
    for row in _rows(engine):
        rollout = row["rollout"]
        if row["key"] == CART and rollout and rollout["phase"] == "forward":
            engine.command({"action": "abort", "deployment": CART, "why": "a new demo begins"})
            out.line(f"ended the earlier story: {CART} back to {rollout['base'] or 'nothing'}")
    rest.wait(lambda: _rows(engine), HEALTHY_WITHIN_S, lambda row: None)
    for row in _rows(engine):
        if row["hold"]:
            engine.command(
                {"action": "unhold", "deployment": row["key"], "why": "a new demo begins"}
            )


def _rows(engine: Client) -> list[StatusRow]:
    return [row for row in engine.status()["deployments"] if row["key"] in KEYS]


def _deploy_good(engine: Client, project: Path, out: Output) -> None:
    running = {row["unit"] for row in _rows(engine) if row["version"]}
    for unit in GOOD:
        if unit not in running:
            _deploy(engine, project, unit, GOOD[unit])
            out.line(f"deploying {unit} {GOOD[unit]} to {ENVIRONMENT}")
    code = rest.wait(lambda: _rows(engine), HEALTHY_WITHIN_S, lambda row: None)
    down = [r for r in _rows(engine) if r["status"] not in ("healthy", "aborted")]
    if down:
        row = down[0]
        raise Unavailable(
            f"{row['key']} did not come up (exit {code}): {row['problem'] or row['status_text']}",
            hint=f"`gaesup logs {row['key']}` and `gaesup doctor` tell more",
        )
    out.line(f"{len(KEYS)} units are healthy", "ok")


def _deploy(engine: Client, project: Path, unit: str, version: str, strategy: str = "") -> None:
    from gaesup_tui.service.project import deploy_command, load

    command = deploy_command(load(project), unit, version, ENVIRONMENT, WHY)
    if strategy:
        command = command.model_copy(update={"strategy": strategy})
    if any(row["key"] == command.deployment and row["version"] for row in _rows(engine)):
        # Somebody may have scaled it to see what happens: a story takes nothing of that away.
        command = command.model_copy(update={"replicas": None})
    engine.command(command.model_dump(mode="json"))


def _load(found: Places, record: Record, story: Story, out: Output) -> None:
    """Keeps load that runs at the right rate, and starts the rest."""
    for unit, rps in story.rps.items():
        known = record["load"].get(unit)
        if known and processes.lives(known):
            if record["rps"].get(unit) == rps:
                continue
            processes.end([known])
        words = ["load", f"{unit}@{ENVIRONMENT}", "--rps", str(rps), "--json"]
        if story.users and unit == "cart":
            words += ["--users", str(story.users)]
        record["load"][unit] = processes.start(words, found.logs / f"demo-load-{unit}.log")
        record["rps"][unit] = rps
        demo_record.write(found, record)
    total = sum(story.rps.values())
    out.line(f"{total} requests a second flow")


def _begin(engine: Client, project: Path, story: Story, out: Output) -> None:
    row = row_of(engine, CART)
    version = story.candidate if row["version"] != story.candidate else story.otherwise
    _deploy(engine, project, "cart", version, "abTest" if story.users else "")
    what = "A/B test" if story.users else "canary"
    out.line(f"began the {what} {row['version']}→{version} of {CART}", "ok")


# The end.


def _stop(found: Places, args: argparse.Namespace, out: Output) -> int:
    """Ends the load, the demo's canary, and engine and node when the demo started them."""
    record = demo_record.read(found)
    if record is None:
        out.line("no demo runs here")
        return OK
    count = processes.end(list(record["load"].values()))
    out.line(f"ended {count} load processes")
    _end_canary(args, out)
    if record["engine"]:
        was = lifecycle.stop(found)
        out.line(f"stopped the engine, process {was['pid']}" if was else "the engine was gone")
    if record["node"] and record["engine"]:
        node = demo_record.local_node(found)
        processes.end([node] if node else [])
        out.line(f"stopped the node, process {node['pid']}" if node else "the node was gone")
    else:
        out.line(f"engine and node go on, with {', '.join(KEYS)}: they are not the demo's")
        out.line("`gaesup engine stop --node` ends them too", "dim")
    demo_record.forget(found)
    if record["engine"]:
        out.line("the journal keeps the four units: an engine that starts again serves them again")
    return OK


def _end_canary(args: argparse.Namespace, out: Output) -> None:
    """A canary nobody feeds any more goes back; with no engine there is none to tell."""
    abort: dict[str, Any] = {"action": "abort", "deployment": CART, "why": "the demo ended"}
    try:
        engine = connect(args)
        demo_train.end(engine, "the demo ended", out, 10.0)
        rollout = row_of(engine, CART)["rollout"]
        if rollout and rollout["phase"] == "forward" and rollout["why"] == WHY:
            engine.command(abort)
            rest.wait(lambda: [row_of(engine, CART)], 10.0, lambda row: None)
            out.line(f"{CART} is back on {rollout['base']}")
    except GaesupError:
        return
