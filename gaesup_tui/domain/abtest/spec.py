"""What a person writes about an A/B test, and the steps it becomes."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from gaesup_tui.domain.model import Duration, Spec
from gaesup_tui.domain.route_spec import KeySpec
from gaesup_tui.domain.steps import (
    AwaitReady,
    Bake,
    Check,
    Compare,
    OnAnswer,
    Plan,
    Scale,
    SetTraffic,
    SmokeTest,
    Step,
)


class CompareSpec(Spec):
    """Compare both sides' users on a business metric until there is an answer."""

    key: KeySpec = KeySpec(cookie="gsu-user")
    """What tells users apart and keeps each on its side: ``{cookie: NAME}`` or
    ``{header: NAME}``."""
    metric: Literal["conversion"] = "conversion"
    """Users with at least one conversion, per user; what one is the unit says in ``conversion``."""
    min_run: Duration = 3600.0
    """No answer before it ran so long; whole weeks where days of the week differ."""
    max_run: Duration = 7 * 86400.0
    """Without an answer until then it is undecided."""
    min_users: Annotated[int, Field(ge=1)] = 1000
    """No answer before each arm has so many."""
    min_effect: Annotated[float, Field(gt=0, le=1000)] = 10.0
    """The smallest change worth a decision, in percent of the old revision's conversion: 10 of
    3 % are 0.3 points."""
    confidence: Annotated[float, Field(ge=50, le=99.99)] = 95.0
    """Percent of tests of two equal arms that name no winner, ever, however often one looks."""
    on_better: OnAnswer = "hold"
    """``hold`` waits for a person, ``promote`` goes on by itself, ``abort`` goes back."""
    on_worse: OnAnswer = "abort"
    """The same, when it is worse."""
    on_no_difference: OnAnswer = "hold"
    """The same, when there is none of ``minEffect`` or more."""
    on_undecided: OnAnswer = "hold"
    """The same, when ``maxRun`` is over without an answer."""

    @model_validator(mode="after")
    def _ends_after_it_may(self) -> Self:
        if self.max_run <= self.min_run:
            raise ValueError(
                f"maxRun ({self.max_run:g} s) has to be longer than minRun ({self.min_run:g} s)"
            )
        return self

    def step(self, share_percent: int) -> Compare:
        """The step, at a share of the users."""
        return Compare(
            metric=self.metric,
            share_percent=share_percent,
            min_run_s=self.min_run,
            max_run_s=self.max_run,
            min_users=self.min_users,
            min_effect=self.min_effect / 100,
            confidence=self.confidence / 100,
            on_better=self.on_better,
            on_worse=self.on_worse,
            on_no_difference=self.on_no_difference,
            on_undecided=self.on_undecided,
        )


class ABTestSpec(CompareSpec):
    """Two arms of users, compared on a business metric until there is an answer."""

    share: Annotated[int, Field(ge=1, le=99)] = 50
    """Percent of the users for the new revision, the same for the whole test."""
    bake: Duration = 600.0
    """How long the old revision stays warm after all traffic is on the new one."""
    progress_deadline: Duration = 60.0
    """How long replicas may take to be ready before the rollout is given up."""


def plan(spec: ABTestSpec, replicas: int, checks: tuple[Check, ...]) -> Plan:
    """The candidate whole and tested, its share at once, the comparison; then all of it."""
    smoke: list[Step] = [SmokeTest(checks=checks)] if checks else []
    bake: list[Step] = [Bake(duration_s=spec.bake)] if spec.bake > 0 else []
    return (
        Scale(side="candidate", replicas=replicas),
        AwaitReady(side="candidate", timeout_s=spec.progress_deadline),
        *smoke,
        SetTraffic(weight_percent=spec.share),
        spec.step(spec.share),
        SetTraffic(weight_percent=100),
        *bake,
        Scale(side="base", replicas=0),
    )
