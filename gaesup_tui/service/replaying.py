"""What a ``gaesup.yaml`` asks of the judge, for a rollout that is long over."""

from __future__ import annotations

from pathlib import Path

from gaesup_tui.domain import config
from gaesup_tui.domain.deploying import rollout_spec_of
from gaesup_tui.domain.judged import start_of
from gaesup_tui.domain.judged_record import Record
from gaesup_tui.domain.judging import Start
from gaesup_tui.domain.judging.settings import FINE_BOUNDS_S
from gaesup_tui.service.project import installed_steps, load

_NO_MODULE = "0" * 64


def start_by(record: Record, path: Path) -> Start:
    """The judge's settings as the file has them now for the rollout's unit and environment.

    The counts are as they were made: ticks and latency buckets stay those of the record.

    Raises:
        Invalid: the file is wrong.
        NotFound: it does not exist, or knows no such unit or environment.
    """
    project = load(path)
    unit, _, environment = record.rollout.partition("#")[0].partition("@")
    spec, where = project.file.unit(unit), project.file.environment(environment)
    name = config.strategy_of(project.file, unit, environment)
    replicas = where.replicas or 1
    command = config.deploy_command(
        project.file,
        unit,
        record.candidate if record.candidate in spec.versions else next(iter(spec.versions)),
        environment,
        artifact=spec.artifact,
        sha256=_NO_MODULE,  # nothing is deployed
        strategy=name,
        steps=installed_steps(project, unit, environment, name, replicas),
    )
    old = record.start
    counted = old.metrics.latency.enabled or old.bounds_s != FINE_BOUNDS_S
    start = start_of(rollout_spec_of(command, replicas, replicas), old.bounds_s if counted else ())
    return start._replace(tick_s=old.tick_s, bounds_s=old.bounds_s)
