"""``gaesup.yaml`` as models: what a person writes, and how it becomes a ``Deploy``.

Pure: reading the file, the positions of its lines and the artifacts is ``service.project``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, model_validator

from gaesup_tui.domain.abtest.spec import ABTestSpec
from gaesup_tui.domain.commands import Deploy
from gaesup_tui.domain.dependencies import circle
from gaesup_tui.domain.errors import NotFound
from gaesup_tui.domain.judge_spec import JudgeSpec
from gaesup_tui.domain.model import Duration, Name, Spec, Version, deployment_key
from gaesup_tui.domain.policy import Policy
from gaesup_tui.domain.revision import (
    LEAST_DEADLINE_MS,
    MOST_DEADLINE_MS,
    Limits,
    Sha256,
    make_revision,
)
from gaesup_tui.domain.rolling_spec import RollingSpec
from gaesup_tui.domain.route_spec import ConversionSpec, Sticky
from gaesup_tui.domain.step_spec import Expression, StrategyStep
from gaesup_tui.domain.steps import Check, Guard, StrategyName, WhileMoving
from gaesup_tui.domain.strategy_spec import BlueGreenSpec, CanarySpec, StrategySpec
from gaesup_tui.domain.text import parse_quantity
from gaesup_tui.domain.train_config import TrainSpec, train_fault
from gaesup_tui.domain.window_spec import WindowSpec

Named = TypeVar("Named")


def _bytes(value: Any) -> Any:
    return parse_quantity(value) if isinstance(value, str) else value


Quantity = Annotated[
    int,
    BeforeValidator(_bytes),
    Field(ge=2**16, le=2**32),
    WithJsonSchema({"type": ["string", "integer"], "examples": ["64Mi", "1Gi"]}),
]
"""Bytes; in files ``64Mi`` or a number of bytes."""


def _text_only(value: Any) -> Any:
    if isinstance(value, bool | int | float):
        raise ValueError(f"{value!r} is not text: put it in quotes")
    return value


ConfigText = Annotated[str, BeforeValidator(_text_only), Field(max_length=4096)]
ConfigMap = dict[
    Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=128)], ConfigText
]


def _deadline(seconds: float) -> float:
    if not LEAST_DEADLINE_MS <= seconds * 1000 <= MOST_DEADLINE_MS:
        raise ValueError(f"{seconds:g} s is not possible: give 10ms to 60s")
    return seconds


class LimitsSpec(Spec):
    """What one replica may use. Absent means: as the unit says, or the default."""

    memory: Quantity | None = None
    """Memory of one replica, ``64Mi`` when nothing is said."""
    deadline: Annotated[Duration, AfterValidator(_deadline)] | None = None
    """How long one request may run before the replica is killed, ``10ms`` to ``60s``; ``1s`` when
    nothing is said."""
    cpu: Annotated[float, Field(gt=0, le=1)] | None = None
    """Share of one core a replica may use, 0 to 1; no limit when nothing is said."""


class VersionSpec(LimitsSpec):
    """One version of a unit: its digest, and where it differs from the unit's settings."""

    sha256: Sha256 | None = None
    """SHA-256 of the artifact, 64 hexadecimal digits; an artifact with another one is refused."""
    config: ConfigMap = Field(default_factory=dict)
    """Values added to the unit's ``config``, or instead of them."""


class RolloutSettings(Spec):
    """How a unit moves from one revision to the next. Absent means: as said further out."""

    strategy: StrategyName | None = None
    """``rolling``, ``canary``, ``blueGreen``, ``abTest``, one of ``strategies``, or an installed
    one; ``rolling`` when nothing is said."""
    strategy_options: dict[str, Any] | None = None
    """What an installed strategy is told; what it knows says its package."""
    canary: CanarySpec | None = None
    """Steps of a canary."""
    rolling: RollingSpec | None = None
    """Settings of a rolling update."""
    blue_green: BlueGreenSpec | None = None
    """Settings of a blue-green switch."""
    ab_test: ABTestSpec | None = None
    """Settings of an A/B test."""
    guards: tuple[Guard, ...] | None = None
    """Hard limits on the new revision; one that is broken aborts at once."""
    error_tolerance: Annotated[float, Field(ge=0, le=100)] | None = None
    """Percentage points by which the new revision's error ratio may be above the old one's."""
    p95_tolerance: Annotated[float, Field(ge=0, le=1000)] | None = None
    """Percent by which the new revision's p95 may be above the old one's."""
    auto_abort: bool | None = None
    """Whether the judge's ABORT acts by itself; ``true`` when nothing is said."""
    sticky: Sticky | None = None
    """Whether a client stays on the revision it saw first: ``true``, or what tells clients apart,
    ``{cookie: NAME}`` or ``{header: NAME}``; ``false`` when nothing is said."""
    checks: Annotated[tuple[Expression, ...], Field(max_length=16)] | None = None
    """Expressions on the new revision, ``p95 <= +10% over 1m min 100``, looked at beside the judge
    from the first share on; one that fails aborts."""
    judge: JudgeSpec | None = None
    """How the judge looks at each metric."""
    while_moving: WhileMoving | None = None
    """What a new revision does while another one moves: ``refuse``, ``queue`` behind it, or
    ``replace`` it; ``refuse`` when nothing is said."""
    rollback_bake: Duration | None = None
    """How long a rollback is watched before the revision it leaves goes; ``30s`` when nothing is
    said."""
    gradual_abort: Duration | None = None
    """How long a gradual abort takes from its first share to none; ``60s`` when nothing is said."""


class EnvironmentSpec(RolloutSettings):
    """Where units run. What is said here about rollouts wins over what the unit says."""

    backend: Name = "local"
    """What runs the units: ``local`` is the node on this machine."""
    replicas: Annotated[int, Field(ge=1, le=1000)] | None = None
    """Replicas at a first deployment; later ones keep the number that runs. 1 when absent."""
    freeze_windows: Annotated[tuple[WindowSpec, ...], Field(max_length=100)] = ()
    """Times in which nothing begins here and nothing goes forward by itself."""
    two_person_rule: bool = False
    """Whether a second person has to agree before a rollout begins here, and to each promotion."""

    @model_validator(mode="after")
    def _windows_have_names_of_their_own(self) -> EnvironmentSpec:
        names = [window.name for window in self.freeze_windows]
        if twice := [name for name in names if names.count(name) > 1]:
            raise ValueError(f"two freezeWindows are called {twice[0]}: give each its own name")
        return self


def _empty_if_null(value: Any) -> Any:
    return {} if value is None else value


class UnitSpec(RolloutSettings, LimitsSpec):
    """What is built and deployed on its own."""

    artifact: Annotated[str, Field(min_length=1, max_length=1024)]
    """Path of the module, relative to this file; ``{version}`` stands for the version."""
    versions: Annotated[
        dict[Version, Annotated[VersionSpec, BeforeValidator(_empty_if_null)]],
        Field(min_length=1),
    ]
    """The versions that can be deployed."""
    config: ConfigMap = Field(default_factory=dict)
    """Values the unit reads at its start. Config and artifact together are one revision."""
    capabilities: tuple[Name, ...] = ()
    """What the unit may ask of its host beside answering requests."""
    smoke_tests: tuple[Check, ...] = ()
    """Requests sent to the new revision before it gets a user's."""
    conversion: ConversionSpec | None = None
    """The request whose success is counted and compared: ``{method: POST, path: /orders}``."""
    depends_on: tuple[Name, ...] = ()
    """Units of this file that it asks while it serves; a global rollback takes it back before
    them."""

    @model_validator(mode="after")
    def _one_artifact_per_version(self) -> UnitSpec:
        if len(self.versions) > 1 and "{version}" not in self.artifact:
            raise ValueError(
                f"{len(self.versions)} versions share the artifact {self.artifact!r}: "
                "write {version} where its name says the version"
            )
        return self


class ProjectFile(Spec):
    """A whole ``gaesup.yaml``."""

    api_version: Literal["gaesup/v1"]
    """Always ``gaesup/v1``."""
    environments: Annotated[
        dict[Name, Annotated[EnvironmentSpec, BeforeValidator(_empty_if_null)]],
        Field(min_length=1),
    ]
    """Name to settings: ``development``, ``staging``, ``production``, or any other."""
    units: Annotated[dict[Name, UnitSpec], Field(min_length=1)]
    """Name to settings."""
    trains: dict[Name, TrainSpec] = Field(default_factory=dict)
    """Name to units that are released together, see [trains.md](trains.md)."""
    strategies: dict[StrategyName, tuple[StrategyStep, ...]] = Field(default_factory=dict)
    """Strategies of your own: name to steps."""

    def unit(self, name: str) -> UnitSpec:
        """Raises ``NotFound`` with the names there are."""
        return _named(self.units, name, "unit")

    def environment(self, name: str) -> EnvironmentSpec:
        """Raises ``NotFound`` with the names there are."""
        return _named(self.environments, name, "environment")


def _named(there: Mapping[str, Named], name: str, kind: str) -> Named:
    if name not in there:
        raise NotFound(
            f"there is no {kind} {name[:80]!r}", hint=f"{kind}s here: {', '.join(there)}"
        )
    return there[name]


def dependency_fault(project: ProjectFile) -> tuple[tuple[str | int, ...], str, str] | None:
    """Where a ``dependsOn`` or a train is wrong, what is, and what to do; None when none is."""
    for name, unit in project.units.items():
        for number, other in enumerate(unit.depends_on):
            if other not in project.units:
                known = f"say one of {', '.join(project.units)}"
                return ("units", name, "dependsOn", number), f"there is no unit {other!r}", known
    found = circle({name: unit.depends_on for name, unit in project.units.items()})
    if not found:
        versions = {name: unit.versions for name, unit in project.units.items()}
        return train_fault(project.trains, versions, project.environments)
    shown = " → ".join(found if len(found) < 9 else (*found[:7], "…", found[-1]))
    message = f"units depend on each other in a circle: {shown}"
    return ("units", found[0], "dependsOn"), message, "take one of these out"


def artifact_path(unit: UnitSpec, version: str) -> str:
    """The path as written, with the version in its place."""
    return unit.artifact.replace("{version}", version)


def deploy_command(
    project: ProjectFile,
    unit: str,
    version: str,
    environment: str,
    *,
    artifact: str,
    sha256: str,
    path: str = "",
    why: str = "",
    strategy: str | None = None,
    steps: tuple[StrategyStep, ...] = (),
) -> Deploy:
    """The command that deploys ``version`` of ``unit`` to ``environment``.

    Args:
        artifact: absolute path of the module.
        sha256: the module's digest.
        path: the ``gaesup.yaml`` this comes from.
        strategy: instead of the one the file names.
        steps: of a strategy that is installed; those of the file are found here.

    Raises:
        NotFound: no such unit, version or environment; the hint names those there are.
    """
    where = project.environment(environment)
    what = project.unit(unit)
    one = named_version(what, unit, version)
    name = strategy or strategy_of(project, unit, environment)
    revision = make_revision(
        unit,
        version,
        sha256,
        artifact,
        _limits(what, one),
        what.config | one.config,
        what.capabilities,
    )
    return Deploy(
        deployment=deployment_key(unit, environment),
        why=why,
        backend=where.backend,
        project=path,
        revision=revision,
        strategy=name,
        steps=steps or project.strategies.get(name, ()),
        spec=_strategy_spec(what, where),
        checks=what.smoke_tests,
        replicas=where.replicas,
        depends_on=what.depends_on,
        conversion=what.conversion,
        policy=policy_of(environment, where, path),
    )


def strategy_of(project: ProjectFile, unit: str, environment: str) -> str:
    """The strategy the file names for a unit in an environment."""
    where, what = project.environment(environment), project.unit(unit)
    return where.strategy or what.strategy or "rolling"


def options_of(project: ProjectFile, unit: str, environment: str) -> dict[str, Any]:
    """What an installed strategy is told there."""
    where, what = project.environment(environment), project.unit(unit)
    return where.strategy_options or what.strategy_options or {}


def policy_of(name: str, environment: EnvironmentSpec, path: str) -> Policy:
    """What a file says of one of its environments."""
    windows = tuple(window.window() for window in environment.freeze_windows)
    return Policy(
        environment=name, windows=windows, two_persons=environment.two_person_rule, source=path
    )


def named_version(what: UnitSpec, unit: str, version: str) -> VersionSpec:
    """Raises ``NotFound`` with the versions there are."""
    return _named(what.versions, version, f"{unit} version")


def _limits(unit: LimitsSpec, version: LimitsSpec) -> Limits:
    given: dict[str, Any] = {}
    for each in (unit, version):
        if each.memory is not None:
            given["memory_bytes"] = each.memory
        if each.deadline is not None:
            given["deadline_ms"] = round(each.deadline * 1000)
        if each.cpu is not None:
            given["cpu_share"] = each.cpu
    return Limits(**given)


def _strategy_spec(unit: RolloutSettings, environment: RolloutSettings) -> StrategySpec:
    """What is said for the environment, else for the unit, else the default."""
    given: dict[str, Any] = {}
    for name in StrategySpec.model_fields:
        for each in (unit, environment):
            if (value := getattr(each, name)) is not None:
                given[name] = value
    return StrategySpec(**given)
