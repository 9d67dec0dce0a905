"""``gaesup train start``: the train of ``gaesup.yaml``, or the units that are named."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gaesup_tui.cli import rest, seen
from gaesup_tui.cli.output import Output
from gaesup_tui.domain.errors import Invalid
from gaesup_tui.domain.text import printable_line, short_line
from gaesup_tui.domain.train_views import TrainPlan
from gaesup_tui.service.client import Client

if TYPE_CHECKING:
    from gaesup_tui.domain.commands import TrainStart
    from gaesup_tui.domain.train_config import TrainSpec
    from gaesup_tui.service.project import Project


def start(engine: Client, args: argparse.Namespace, out: Output) -> str | None:
    """Shows what the train would do and, without ``--plan``, starts it; its name, or None when it
    was only shown."""
    command = _command(engine, args)
    body = command.model_dump(mode="json", by_alias=False)
    plan = engine.train_plan(body)
    if args.plan and args.json:
        out.raw(json.dumps(plan, ensure_ascii=False, separators=(",", ":")) + "\n")
    elif not args.json:
        show_plan(plan, out)
    if args.plan:
        return None
    receipt = engine.command(body)  # what is refused is refused here, with its exit code
    if args.json:
        out.raw(json.dumps(receipt, ensure_ascii=False, separators=(",", ":")) + "\n")
    else:
        out.line(seen.receipt_line(receipt), "ok")
    return command.train


def _command(engine: Client, args: argparse.Namespace) -> TrainStart:
    from gaesup_tui.service.project import find, load
    from gaesup_tui.service.train_project import seen as bound
    from gaesup_tui.service.train_project import train_command

    project = load(Path(args.file) if args.file else find())
    name, spec = _spec(project, args)
    command = train_command(project, name, spec, short_line(args.reason))
    rows = engine.status()["deployments"]
    command = bound(command, {row["key"]: row["seq"] for row in rows if row["version"]})
    glass = short_line(args.break_glass)
    orders = tuple(o.model_copy(update={"break_glass": glass}) for o in command.orders)
    return command.model_copy(update={"orders": orders})


def _spec(project: Project, args: argparse.Namespace) -> tuple[str, TrainSpec]:
    """The name and what is asked for: from the file, with what the command line says instead."""
    from gaesup_tui.domain.train_config import TrainSpec
    from gaesup_tui.service.train_project import train_spec

    changes = _changes(args)
    if not args.unit:
        if not args.name:
            known = ", ".join(project.file.trains) or "none"
            raise Invalid("which train?", hint=f"name one of {known}, or units with --unit cart=v2")
        found = train_spec(project, args.name)
        return args.name, TrainSpec.model_validate({**found.model_dump(), **changes})
    name = args.name or time.strftime("train-%m%d-%H%M%S")
    units = _units(args.unit)
    given = {**changes, "units": units, "environment": args.environment or _only(project)}
    return _valid_name(name), _valid(given)


def _valid_name(name: str) -> str:
    from pydantic import TypeAdapter, ValidationError

    from gaesup_tui.domain.model import Name

    try:
        return TypeAdapter(Name).validate_python(name)
    except ValidationError as error:
        text = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise Invalid(f"train name: {printable_line(text, 200)}") from None


def _valid(given: Mapping[str, Any]) -> TrainSpec:
    from pydantic import ValidationError

    from gaesup_tui.domain.train_config import TrainSpec

    try:
        return TrainSpec.model_validate(given)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"] if part != "[key]")
        text = first["msg"].removeprefix("Value error, ")
        raise Invalid(f"{printable_line(f'{field}: {text}', 300)}") from None


def _changes(args: argparse.Namespace) -> dict[str, Any]:
    """What the command line says instead of the file."""
    given: dict[str, Any] = {
        "environment": args.environment,
        "gate": args.gate,
        "on_failure": args.on_failure,
        "at_once": args.at_once,
        "strategy": args.strategy,
    }
    if args.at_once is not None and args.at_once < 1:
        raise Invalid(f"--at-once: {args.at_once} is not possible", hint="give 1 or more")
    if args.expiry is not None:
        never = args.expiry == "never"
        given["expiry"] = None if never else rest.length(args.expiry, "--expiry", 30)
    return {name: v for name, v in given.items() if v is not None or name == "expiry"}


def _only(project: Project) -> str:
    names = list(project.file.environments)
    if len(names) == 1:
        return names[0]
    raise Invalid("which environment?", hint=f"say --environment with one of {', '.join(names)}")


def _units(given: list[str]) -> dict[str, str]:
    """``cart=v42`` as a unit and its version; each unit once."""
    found: dict[str, str] = {}
    for text in given:
        unit, equals, version = text.partition("=")
        if not (unit and equals and version):
            raise Invalid(
                f"--unit: {printable_line(text, 80)!r} is not a unit with its version",
                hint="write --unit cart=v42",
            )
        if unit in found:
            raise Invalid(f"--unit: {printable_line(unit, 80)} is named twice")
        found[unit] = version
    return found


def show_plan(plan: TrainPlan, out: Output) -> None:
    """Groups, steps, gates and the way back."""
    out.line(plan["title"], "bold")
    rows = [
        (str(number), car["deployment"], car["text"], ", ".join(car["steps"]) or "–")
        for number, group in enumerate(plan["groups"], 1)
        for car in group
    ]
    if rows:
        out.table(("GROUP", "DEPLOYMENT", "CHANGE", "STEPS"), rows)
    for label, text in plan["lines"]:
        out.line(f"  {label:9} {text}")
    if plan["refused"]:
        out.line(plan["refused"], "bad")
