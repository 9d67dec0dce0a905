"""A release train from ``gaesup.yaml``, or from units named on a command line."""

from __future__ import annotations

from collections.abc import Mapping

from gaesup_tui.domain.commands import Deploy, TrainStart
from gaesup_tui.domain.errors import NotFound
from gaesup_tui.domain.text import printable_line
from gaesup_tui.domain.train_config import TrainSpec
from gaesup_tui.service.project import Project, deploy_command


def train_spec(project: Project, name: str) -> TrainSpec:
    """The train of that name.

    Raises:
        NotFound: the file has none; the hint names those it has.
    """
    trains = project.file.trains
    if name not in trains:
        raise NotFound(
            f"{project.path.name} has no train {printable_line(name, 80)!r}",
            hint=f"trains here: {', '.join(trains) or 'none'}; or name units with --unit",
        )
    return trains[name]


def train_command(project: Project, name: str, spec: TrainSpec, why: str = "") -> TrainStart:
    """The command that starts a train; every module is read and its digest checked.

    Raises:
        NotFound: no such unit, version or environment.
        Invalid: a module is missing, is none, or has another digest.
    """
    orders = tuple(
        _order(project, unit, version, spec, why) for unit, version in spec.units.items()
    )
    return TrainStart(
        train=name,
        environment=spec.environment,
        orders=orders,
        gate=spec.gate,
        on_failure=spec.on_failure,
        at_once=spec.at_once,
        expiry_s=spec.expiry,
        why=why,
    )


def _order(project: Project, unit: str, version: str, spec: TrainSpec, why: str) -> Deploy:
    order = deploy_command(project, unit, version, spec.environment, why)
    return order.model_copy(update={"strategy": spec.strategy}) if spec.strategy else order


def seen(command: TrainStart, known: Mapping[str, int]) -> TrainStart:
    """The command bound to what was seen: ``known`` are the deployments that run something, with
    their ``seq``. Those keep the number of replicas they have."""
    orders = tuple(
        order.model_copy(update={"replicas": None, "expect_seq": known[order.deployment]})
        if order.deployment in known
        else order
        for order in command.orders
    )
    return command.model_copy(update={"orders": orders})
