"""``gaesup strategies``: what there is to roll out with, and the steps it becomes."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gaesup_tui.cli.output import Output
from gaesup_tui.domain.errors import GaesupError, Invalid, NotFound
from gaesup_tui.domain.text import printable_line

if TYPE_CHECKING:
    from gaesup_tui.domain.steps import Plan
    from gaesup_tui.service.project import Project


def run(args: argparse.Namespace, out: Output) -> int:
    """Lists all with their steps, or shows one, for ``--replicas`` replicas."""
    if not 1 <= args.replicas <= 1000:
        raise Invalid(f"--replicas: {args.replicas} is not possible", hint="give 1 to 1000")
    project = _project(args)
    found = list(_all(project, args.replicas))
    if args.name:
        found = [each for each in found if each["name"] == args.name]
        if not found:
            name = printable_line(args.name, 80)
            raise NotFound(f"there is no strategy {name!r}", hint="`gaesup strategies` lists them")
        if found[0]["problem"]:
            raise Invalid(found[0]["problem"])
    if args.json:
        out.raw(json.dumps(found if not args.name else found[0], ensure_ascii=False) + "\n")
    elif args.name:
        _one(found[0], out)
    else:
        _table(found, args.replicas, out)
    return 0


def numbered(plan: Plan) -> list[str]:
    """A line per step."""
    width = len(str(len(plan)))
    return [f"{number:{width}}  {step.title()}" for number, step in enumerate(plan, 1)]


def _project(args: argparse.Namespace) -> Project | None:
    from gaesup_tui.service.project import find, load

    if args.file:
        return load(Path(args.file))
    try:
        return load(find())
    except NotFound:
        return None


def _all(project: Project | None, replicas: int) -> Iterator[dict[str, Any]]:
    from gaesup_tui.domain.compiling import own_plan
    from gaesup_tui.domain.planning import BUILT_IN
    from gaesup_tui.domain.steps import Check
    from gaesup_tui.service import strategies

    some = (Check(path="/"),)
    for name in BUILT_IN:
        yield _entry(name, "built in", _built_in(name, replicas, some))
    for name, steps in project.file.strategies.items() if project else ():
        yield _entry(name, "gaesup.yaml", own_plan(steps, replicas, some, replicas))
    for name, point in sorted(strategies.installed().items()):
        try:
            given = strategies.steps_of(name, replicas, some, {})
        except GaesupError as error:  # one that is broken must not hide the others
            yield _entry(name, strategies.package_of(point), (), str(error))
        else:
            plan = own_plan(given, replicas, some, replicas)
            yield _entry(name, strategies.package_of(point), plan)


def _built_in(name: str, replicas: int, checks: Any) -> Plan:
    from gaesup_tui.domain import strategy
    from gaesup_tui.domain.abtest import spec as abtest
    from gaesup_tui.domain.rolling import rolling
    from gaesup_tui.domain.strategy_spec import StrategySpec

    usual = StrategySpec()
    match name:
        case "canary":
            return strategy.canary(usual.canary, replicas, checks)
        case "blueGreen":
            return strategy.blue_green(usual.blue_green, replicas, checks)
        case "abTest":
            return abtest.plan(usual.ab_test, replicas, checks)
    return rolling(usual.rolling, replicas, checks, replicas)


def _entry(name: str, source: str, plan: Plan, problem: str = "") -> dict[str, Any]:
    return {
        "name": name,
        "from": source,
        "steps": [step.title() for step in plan],
        "problem": problem,
    }


def _table(found: list[dict[str, Any]], replicas: int, out: Output) -> None:
    rows = [
        (each["name"], each["from"], each["problem"] or ", ".join(each["steps"])) for each in found
    ]
    styles = ["bad" if each["problem"] else "" for each in found]
    out.table(("NAME", "FROM", f"STEPS of {replicas} replicas"), rows, styles)


def _one(entry: dict[str, Any], out: Output) -> None:
    out.line(f"{entry['name']}  ({entry['from']})", "bold")
    for number, title in enumerate(entry["steps"], 1):
        out.line(f"{number:4}  {title}")
