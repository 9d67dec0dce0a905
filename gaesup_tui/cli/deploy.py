"""``gaesup deploy``: a version of ``gaesup.yaml`` into an environment."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from time import monotonic, time
from typing import TYPE_CHECKING

from gaesup_tui.cli import seen, targets
from gaesup_tui.cli.connecting import connect, row_of
from gaesup_tui.cli.output import Output
from gaesup_tui.domain.errors import GaesupError, Invalid, NotFound, Unavailable
from gaesup_tui.domain.model import deployment_key
from gaesup_tui.domain.text import printable_line, short_line
from gaesup_tui.domain.views import StatusRow
from gaesup_tui.service.client import Client

if TYPE_CHECKING:
    from gaesup_tui.domain import commands as cmd
    from gaesup_tui.service.project import Project


def run(args: argparse.Namespace, out: Output) -> int:
    """Checks the file and the module, begins the rollout, prints what was seen."""
    unit, environment = targets.split(args.unit, args.environment)
    project = _project(args) if args.file else _nearest()
    if project is not None and (args.file or unit in project.file.units):
        environment = environment or _only_environment(project)
    dry = args.dry_run
    engine = connect(args, start=not dry)
    rows = _seen_if_any(engine) if dry else engine.status()["deployments"]
    if project is None or unit not in project.file.units:
        # What runs already says which file it came from; another one here is not meant.
        row = _deployed(rows, unit, environment, project)
        project, environment = _project_of(engine, row), row["environment"]
    assert environment is not None  # from the file, or from the deployment
    if dry:
        there = _running(rows, deployment_key(unit, environment))
        return _show(project, unit, args.version, environment, there, args, out)
    return begin(engine, project, unit, args.version, environment, out, args)


def begin(
    engine: Client,
    project: Project,
    unit: str,
    version: str,
    environment: str,
    out: Output,
    args: argparse.Namespace,
) -> int:
    """Sends the command and waits until the new replicas are seen to start."""
    from gaesup_tui.service.modules import check_module
    from gaesup_tui.service.project import deploy_command

    there = _running(engine.status()["deployments"], deployment_key(unit, environment))
    command = deploy_command(
        project,
        unit,
        version,
        environment,
        short_line(args.reason),
        strategy=getattr(args, "strategy", None),
        replicas=_asked(args) or (there["replicas"] if there else None),
    )
    check_module(project, unit, command.backend, command.revision)
    # What runs keeps its number of replicas: somebody may have scaled it for a reason.
    updates: dict[str, object] = {"replicas": None, "expect_seq": there["seq"]} if there else {}
    if _asked(args) is not None:
        updates["replicas"] = _asked(args)
    if getattr(args, "break_glass", ""):
        updates["break_glass"] = short_line(args.break_glass)
    body = command.model_copy(update=updates).model_dump(mode="json", by_alias=False)
    began = monotonic()
    receipt = engine.command(body)
    out.line(f"{command.deployment}  {seen.receipt_line(receipt)}")
    if args.no_wait:
        return 0
    effect = seen.begun_or_queued(version)
    code = seen.until_seen(lambda: row_of(engine, command.deployment), effect, began, out)
    out.line(f"`gaesup watch {command.deployment}` follows it", "dim")
    return code


def _asked(args: argparse.Namespace) -> int | None:
    replicas: int | None = getattr(args, "replicas", None)
    if replicas is not None and not 1 <= replicas <= 1000:
        raise Invalid(f"--replicas: {replicas} is not possible", hint="give 1 to 1000")
    return replicas


def _show(
    project: Project,
    unit: str,
    version: str,
    environment: str,
    there: StatusRow | None,
    args: argparse.Namespace,
    out: Output,
) -> int:
    """What the deploy would do, with everything checked that can be without doing it."""
    from gaesup_tui.cli.strategies import numbered
    from gaesup_tui.domain.deploying import rollout_spec_of
    from gaesup_tui.service.modules import check_module
    from gaesup_tui.service.project import deploy_command

    asked = _asked(args) or (there["replicas"] if there else None)
    command = deploy_command(
        project, unit, version, environment, strategy=args.strategy, replicas=asked
    )
    check_module(project, unit, command.backend, command.revision)
    replicas = asked or command.replicas or 1
    spec = rollout_spec_of(command, replicas, there["replicas"] if there else None)
    change = f"{there['version'] if there else '·'}→{version}"
    out.line(f"{command.deployment}  {change} {spec.strategy}, {replicas} replicas")
    for line in numbered(spec.plan):
        out.line(f"  {line}")
    if there and spec.fresh_baseline:
        out.line(f"compared with a fresh copy of {there['version']}, of as many replicas", "dim")
    if there is None:
        out.line("there is no baseline: nothing runs here to compare with or to go back to", "dim")
    elif there["rollout"] and there["rollout"]["phase"] != "finished":
        moving = f"{there['rollout']['candidate']} moves now"
        out.line(f"{moving}; whileMoving is {command.spec.while_moving}", "warn")
    _warn_of_policy(command, out)
    out.line("nothing was changed", "dim")
    return 0


def _warn_of_policy(command: cmd.Deploy, out: Output) -> None:
    """What the environment, as its file has it, asks for before any of these steps."""
    from gaesup_tui.domain.window_views import until_words
    from gaesup_tui.domain.windows import span_at

    policy = command.policy
    if policy is None:
        return
    if policy.two_persons:
        out.line("waits for a second person first, and again at each promotion", "warn")
    for window in policy.windows:
        if span_at(window, int(time())):
            until = until_words(window.ends, window.timezone)
            said = f"freeze window {window.name} until {until}: refused without --break-glass"
            out.line(said, "warn")


def _seen_if_any(engine: Client) -> Sequence[StatusRow]:
    """What runs; nothing when no engine does, since a dry run starts none."""
    try:
        return engine.status()["deployments"]
    except Unavailable:
        return []


def _deployed(
    rows: Sequence[StatusRow], unit: str, environment: str | None, here: Project | None
) -> StatusRow:
    """What runs under that name; what does not run needs a file that knows it."""
    try:
        return targets.find(rows, unit, environment)
    except NotFound as error:
        if here is not None:
            known = ", ".join(here.file.units)
            raise NotFound(
                f"there is no unit {printable_line(unit, 80)!r} in {here.path}",
                hint=f"units there: {known}",
            ) from None
        raise NotFound(
            f"there is no gaesup.yaml here or above, and {error.message.removeprefix('there is ')}",
            hint="name one with --file, or let `gaesup init` write one",
        ) from None


def _running(rows: Sequence[StatusRow], key: str) -> StatusRow | None:
    return next((row for row in rows if row["key"] == key and row["version"]), None)


def _nearest() -> Project | None:
    from gaesup_tui.service.project import find, load

    try:
        path = find()
    except NotFound:
        return None
    return load(path)


def _project(args: argparse.Namespace) -> Project:
    from gaesup_tui.service.project import load

    return load(Path(args.file))


def _project_of(engine: Client, row: StatusRow) -> Project:
    """The file a deployment came from, when there is none where the person stands."""
    from gaesup_tui.service.project import load

    view = next(v for v in engine.snapshot()["deployments"] if v["key"] == row["key"])
    if not view["project"]:
        raise Invalid(
            f"{row['key']} came from no gaesup.yaml that is known", hint="name one with --file"
        )
    try:
        return load(Path(view["project"]))
    except GaesupError as error:
        raise Invalid(
            f"{row['key']} came from {view['project']}: {error.message}",
            hint="name another with --file",
        ) from None


def _only_environment(project: Project) -> str:
    names = list(project.file.environments)
    if len(names) == 1:
        return names[0]
    raise Invalid("which environment?", hint=f"say --environment with one of {', '.join(names)}")
