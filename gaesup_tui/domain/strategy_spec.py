"""What a person writes about a strategy in ``gaesup.yaml``."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from gaesup_tui.domain.abtest.spec import ABTestSpec
from gaesup_tui.domain.judge_spec import JudgeSpec
from gaesup_tui.domain.model import Duration, Spec
from gaesup_tui.domain.rolling_spec import RollingSpec
from gaesup_tui.domain.route_spec import Sticky
from gaesup_tui.domain.step_rules import growth_fault
from gaesup_tui.domain.step_spec import AnalysisSpec, CanaryStep, Expression, PauseSpec
from gaesup_tui.domain.steps import DEFAULT_GUARDS, ROLLBACK_BAKE_S, Guard, WhileMoving

DEFAULT_STEPS: tuple[CanaryStep, ...] = (
    CanaryStep(weight=5),
    CanaryStep(pause=PauseSpec(duration=60.0)),
    CanaryStep(weight=25),
    CanaryStep(analysis=AnalysisSpec(duration=120.0)),
    CanaryStep(pause=PauseSpec()),
    CanaryStep(weight=50),
    CanaryStep(analysis=AnalysisSpec(duration=120.0)),
)


class CanarySpec(Spec):
    """A growing share for the new revision."""

    steps: tuple[CanaryStep, ...] = DEFAULT_STEPS
    """What happens between no traffic and all of it, in order."""
    bake: Duration = 600.0
    """How long the old revision stays warm after all traffic is on the new one."""
    fresh_baseline: bool = False
    """Whether the new revision is compared with a fresh copy of the old one, with as many replicas
    and the same share, instead of with what has run for long."""
    progress_deadline: Duration = 60.0
    """How long replicas may take to be ready before the rollout is given up."""

    @model_validator(mode="after")
    def _only_grows(self) -> CanarySpec:
        if fault := growth_fault(self.steps):
            raise ValueError(f"{fault.message}: {fault.hint}")
        return self


class BlueGreenSpec(Spec):
    """All replicas of the other colour first, then traffic in a few shares, or at once."""

    steps: Annotated[tuple[Annotated[int, Field(ge=1, le=100)], ...], Field(min_length=1)] = (
        10,
        50,
        100,
    )
    """Shares of the traffic, in percent, growing to 100; ``[100]`` switches at once."""
    stabilise: Duration = 30.0
    """How long to wait at each share before it is judged."""
    analysis: Duration = 30.0
    """How long the judge looks at least at each share below 100; 0 leaves it out."""
    auto_promotion: bool = True
    """``false``: the idle colour waits for a person before it gets its first share."""
    bake: Duration = 600.0
    """How long the old colour stays warm after all traffic is on the new one."""
    progress_deadline: Duration = 60.0
    """How long replicas may take to be ready before the rollout is given up."""

    @model_validator(mode="after")
    def _shares_grow_to_all(self) -> BlueGreenSpec:
        if list(self.steps) != sorted(set(self.steps)) or self.steps[-1] != 100:
            shares = ", ".join(str(share) for share in self.steps)
            raise ValueError(f"the shares {shares} have to grow and to end with 100")
        return self


class StrategySpec(Spec):
    """How a unit moves from one revision to the next."""

    canary: CanarySpec = CanarySpec()
    rolling: RollingSpec = RollingSpec()
    blue_green: BlueGreenSpec = BlueGreenSpec()
    ab_test: ABTestSpec = ABTestSpec()
    guards: tuple[Guard, ...] = DEFAULT_GUARDS
    error_tolerance: Annotated[float, Field(ge=0, le=100)] = 0.5
    """Percentage points by which the candidate's error ratio may be above the base's."""
    p95_tolerance: Annotated[float, Field(ge=0, le=1000)] = 10.0
    """Percent by which the candidate's p95 may be above the base's."""
    auto_abort: bool = True
    sticky: Sticky = False
    checks: tuple[Expression, ...] = ()
    judge: JudgeSpec = JudgeSpec()
    while_moving: WhileMoving = "refuse"
    rollback_bake: Duration = ROLLBACK_BAKE_S
    """How long a rollback is watched before the revision it leaves goes."""
    gradual_abort: Duration = 60.0
    """How long a gradual abort takes."""
