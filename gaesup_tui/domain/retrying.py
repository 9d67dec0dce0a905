"""A rollout that failed, once more: with how many replicas, and from which step."""

from __future__ import annotations

from gaesup_tui.domain.deployment import Deployment
from gaesup_tui.domain.rolling import rolling
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
from gaesup_tui.domain.train_order import without_stops
from gaesup_tui.domain.waves import in_waves, resized


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
    """Why it cannot be run once more; None when it can."""
    if failed.spec.rolling is not None or not waves_changed(state, failed):
        return None
    return "replicas were scaled since, so its waves do not fit any more: deploy it again"


def waves_changed(state: Deployment, failed: Rollout) -> bool:
    """Whether its plan has waves that were made for another number of replicas than there is."""
    plan = failed.spec.plan
    if failed.spec.strategy != "rolling" and not in_waves(plan):
        return False
    counts = [s.replicas for s in plan if isinstance(s, Scale) and s.side == "candidate"]
    fits = state.replicas == failed.base_wanted and max(counts) == failed.replicas
    return failed.scaled or not fits


def plan_again(state: Deployment, failed: Rollout, *, failed_step: bool) -> Plan:
    """The steps it takes once more; of waves that do not fit any more, new ones, all of them."""
    replicas, spec = replicas_again(state, failed), failed.spec.rolling
    if spec is not None and waves_changed(state, failed):
        checks = next((s.checks for s in failed.spec.plan if isinstance(s, SmokeTest)), ())
        return rolling(spec, replicas, checks, state.replicas or replicas)
    plan = from_failed(failed)[0] if failed_step else failed.spec.plan
    return resized(without_stops(plan), replicas)


def retry_lines(state: Deployment, failed: Rollout, *, failed_step: bool) -> list[tuple[str, str]]:
    """From which step it begins again, and that there is another way to begin."""
    version, plan = failed.candidate.version, failed.spec.plan
    why = failed.cause.reason if failed.cause else ""
    if waves_changed(state, failed):
        count = replicas_again(state, failed)
        steps = plan_again(state, failed, failed_step=failed_step)
        titles = ", ".join(step.title() for step in steps[:4])
        then = f"{version} again from the start: {titles} …"
        scaled = f"planned anew for {count} replicas: they were scaled since"
        return [("Then", then), ("Waves", scaled), ("Failed by", why)]
    again, index = from_failed(failed)
    if failed_step:
        rest = again[index:]
        then = f"{version} again from {rest[0].title()}: what had passed is not waited for anew"
        other = "from the start: retry"
    else:
        then = f"{version} again from the start: {', '.join(step.title() for step in plan[:4])} …"
        other = f"from {again[index].title()}, where it ended: retry --from failed"
    return [("Then", then), ("Or", other), ("Failed by", why)]
