"""A rollout that failed, once more: with how many replicas, and from which step."""

from __future__ import annotations

from gaesup_tui.domain.deployment import Deployment
from gaesup_tui.domain.rollout import Rollout
from gaesup_tui.domain.steps import (
    Analyse,
    AwaitTrain,
    Compare,
    Pause,
    Plan,
    Scale,
    SetTraffic,
    SmokeTest,
)
from gaesup_tui.domain.waves import in_waves


def from_failed(failed: Rollout) -> tuple[Plan, int]:
    """The plan without the waits and tests that had passed, and straight to the share the
    candidate had; and the index in it of the step that failed. Where the base goes in waves, each
    takes its share away from it first."""
    passed = max(0, len(failed.records) - 1)
    before = [
        step
        for step in failed.spec.plan[:passed]
        if not isinstance(step, Pause | Analyse | Compare | AwaitTrain | SmokeTest)
    ]
    if any(isinstance(step, Scale) and step.side == "base" for step in before):
        return (*before, *failed.spec.plan[passed:]), len(before)
    last_share = [step for step in before if isinstance(step, SetTraffic)][-1:]
    kept = [step for step in before if not isinstance(step, SetTraffic)]
    done = (*kept, *last_share)
    return (*done, *failed.spec.plan[passed:]), len(done)


def replicas_again(state: Deployment, failed: Rollout) -> int:
    """As many as it was to have; as many as there are now, if somebody scaled since."""
    before = failed.base_wanted if failed.base else failed.replicas
    return failed.replicas if state.replicas == before else max(1, state.replicas)


def no_again(state: Deployment, failed: Rollout) -> str | None:
    """Why its plan cannot be run once more; None when it can."""
    plan = failed.spec.plan
    if failed.spec.strategy != "rolling" and not in_waves(plan):
        return None
    counts = [s.replicas for s in plan if isinstance(s, Scale) and s.side == "candidate"]
    fits = state.replicas == failed.base_wanted and max(counts) == failed.replicas
    if fits and not failed.scaled:
        return None
    return "replicas were scaled since, so its waves do not fit any more: deploy it again"


def retry_lines(failed: Rollout, *, failed_step: bool) -> list[tuple[str, str]]:
    """From which step it begins again, and that there is another way to begin."""
    version, plan = failed.candidate.version, failed.spec.plan
    again, index = from_failed(failed)
    if failed_step:
        rest = again[index:]
        then = f"{version} again from {rest[0].title()}: what had passed is not waited for anew"
        other = "from the start: retry"
    else:
        then = f"{version} again from the start: {', '.join(step.title() for step in plan[:4])} …"
        other = f"from {again[index].title()}, where it ended: retry --from failed"
    why = failed.cause.reason if failed.cause else ""
    return [("Then", then), ("Or", other), ("Failed by", why)]
