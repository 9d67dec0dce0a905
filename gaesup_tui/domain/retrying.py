"""The plan of a rollout that failed, again from the step it failed at."""

from __future__ import annotations

from gaesup_tui.domain.rollout import Rollout
from gaesup_tui.domain.steps import (
    Analyse,
    AwaitTrain,
    Compare,
    Pause,
    Plan,
    SetTraffic,
    SmokeTest,
)


def from_failed(failed: Rollout) -> tuple[Plan, int]:
    """The plan without the waits and tests that had passed, and straight to the share the
    candidate had; and the index in it of the step that failed."""
    passed = max(0, len(failed.records) - 1)
    before = [
        step
        for step in failed.spec.plan[:passed]
        if not isinstance(step, Pause | Analyse | Compare | AwaitTrain | SmokeTest)
    ]
    last_share = [step for step in before if isinstance(step, SetTraffic)][-1:]
    kept = [step for step in before if not isinstance(step, SetTraffic)]
    done = (*kept, *last_share)
    return (*done, *failed.spec.plan[passed:]), len(done)
