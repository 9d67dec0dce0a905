"""What moves a rollout: pure rules from an observation or the passing of time to events.

Two asymmetries keep it safe. Going back is looked at first, always. And time alone never goes
forward: a pause that ran out ends with the next look at the world, so an engine that sees
nothing promotes nothing.
"""

from __future__ import annotations

from gaesup_tui.domain import events as ev
from gaesup_tui.domain.abtest import rules as abtest
from gaesup_tui.domain.capacity import too_few_left
from gaesup_tui.domain.checking import failed_check, judge_acts
from gaesup_tui.domain.deployment import Deployment
from gaesup_tui.domain.gradual import base_is_gone, is_gradual
from gaesup_tui.domain.guards import breach
from gaesup_tui.domain.holding import held_before, is_held
from gaesup_tui.domain.ignored import JUDGE, SMOKE, is_ignored
from gaesup_tui.domain.look import Look as Look
from gaesup_tui.domain.look import SmokeResult as SmokeResult
from gaesup_tui.domain.observation import DeploymentSeen
from gaesup_tui.domain.rollout import Measured, Rollout
from gaesup_tui.domain.step_done import step_done
from gaesup_tui.domain.steps import (
    Analyse,
    AwaitReady,
    Bake,
    Cause,
    Compare,
    Pause,
    Plan,
    SetTraffic,
    SmokeTest,
)
from gaesup_tui.domain.strategy import way_back
from gaesup_tui.domain.telemetry import Window
from gaesup_tui.domain.text import duration
from gaesup_tui.domain.waiting import not_ready


def retreat(
    deployment: Deployment,
    cause: Cause,
    gradually: Plan | None = None,
    *,
    seen: DeploymentSeen | None = None,
) -> list[ev.Event]:
    """The way back begins, or overtakes a gradual one. An automatic one holds the deployment's
    automation afterwards. ``gradually``: its steps instead of the fastest. ``seen``: from it, a
    base of which nothing is ready is brought back before it gets the traffic."""
    rollout = deployment.active
    if rollout is None or not (rollout.phase == "forward" or is_gradual(rollout)):
        return []
    plan = gradually or way_back(
        rollout.base_wanted if rollout.base else None,
        base_gone=base_is_gone(rollout) or (seen is not None and _base_is_down(rollout, seen)),
    )
    events: list[ev.Event] = [ev.RetreatStarted(deployment=deployment.key, cause=cause, plan=plan)]
    if cause.kind in ("guard", "verdict", "smoke", "deadline", "check") and deployment.hold is None:
        why = f"after automatic rollback of {rollout.candidate.version}: {cause.reason}"
        events.append(ev.HoldSet(deployment=deployment.key, why=why[:500]))
    return events


def _base_is_down(rollout: Rollout, seen: DeploymentSeen) -> bool:
    """Whether nobody would answer on the base while somebody does on the candidate."""
    base = seen.revision(rollout.base.id) if rollout.base else None
    candidate = seen.revision(rollout.candidate.id)
    answers = candidate is not None and candidate.ready > 0 and rollout.weight_percent > 0
    return answers and (base is None or base.ready == 0)


def decide_look(
    deployment: Deployment,
    look: Look,
    now: float,
    *,
    frozen: bool = False,
    back_only: bool = False,
    windowed: bool = False,
) -> list[ev.Event]:
    """What follows from looking at the world. ``frozen``: a freeze is in force for it, so nothing
    moves by itself in either direction, except a way back that already began. ``back_only``: a
    global rollback is, so nothing goes forward except a rollback. ``windowed``: it stands still in
    a freeze window, so what leads back acts, and nothing else."""
    rollout = deployment.active
    if rollout is None:
        return []
    if rollout.phase == "back":
        harm = _harm(rollout, look, now) if is_gradual(rollout) else None
        if harm is None:
            return _advance(rollout, look, now, deployment)
        return retreat(deployment, harm, seen=look.seen)
    if frozen:
        return []
    harm = _harm(rollout, look, now)
    if harm and harm.kind == "guard":
        return retreat(deployment, harm, seen=look.seen)
    answered = abtest.news(rollout, look.seen, look.boot, now)
    events = [*_news(rollout, look), *answered]
    if harm:
        return [*events, *retreat(deployment, harm, seen=look.seen)]
    if cause := _failed_smoke(rollout, look):
        return [*events, *retreat(deployment, cause)]
    if rollout.paused or windowed or (back_only and rollout.spec.strategy != "rollback"):
        return events
    if answered:
        return events  # the next look acts on it: none acts on the answer it takes the place of
    # In a global rollback nobody is waited for: the route is made what it has to be.
    if not back_only and (why := _off_plan(rollout, look.seen)):
        return [*events, ev.RolloutPaused(deployment=rollout.deployment, why=why, engine=True)]
    if cause := abtest.back(rollout):
        return [*events, *retreat(deployment, cause)]
    return [*events, *_advance(rollout, look, now, deployment)]


def decide_time(
    deployment: Deployment,
    now: float,
    *,
    frozen: bool = False,
    seen: DeploymentSeen | None = None,
) -> list[ev.Event]:
    """What follows from time alone: deadlines and expiries that lead back. ``seen`` only says
    why; None: nothing fresh is."""
    rollout = deployment.active
    if rollout is None or rollout.phase != "forward" or rollout.paused or frozen:
        return []
    waited = max(0.0, now - rollout.step_began)
    match rollout.step:
        case AwaitReady(timeout_s=limit, side=side) if waited >= limit:
            why = f"not ready within {duration(limit)}"
            if seen is not None:
                why = f"{why}: {not_ready(rollout, seen, side)}"
            return retreat(deployment, Cause(kind="deadline", reason=why[:500]))
        case SmokeTest(timeout_s=limit) if waited >= limit:
            why = f"smoke test without an answer for {duration(limit)}"
            return retreat(deployment, Cause(kind="deadline", reason=why))
        case Pause(duration_s=None, expiry_s=limit, on_expiry="abort") if (
            limit is not None and waited >= limit + rollout.extended_s
        ):
            why = f"nobody decided within {duration(limit + rollout.extended_s)}"
            return retreat(deployment, Cause(kind="expiry", reason=why))
        case Analyse(expiry_s=limit, on_expiry="abort") if waited >= limit + rollout.extended_s:
            why = f"no clear verdict within {duration(limit + rollout.extended_s)}"
            return retreat(deployment, Cause(kind="expiry", reason=why))
        case Compare() as step if abtest.overdue(rollout, step, waited):
            why = f"A/B test not decided within {duration(step.max_run_s + rollout.extended_s)}"
            return retreat(deployment, Cause(kind="expiry", reason=why))
    return []


def due(deployment: Deployment) -> float | None:
    """The next moment at which time changes something for it; None when only events do."""
    rollout = deployment.active
    if rollout is None or rollout.phase != "forward" or rollout.paused:
        return None
    match rollout.step:
        case AwaitReady(timeout_s=wait) | SmokeTest(timeout_s=wait) | Bake(duration_s=wait):
            return rollout.step_began + wait
        case Pause(duration_s=wait, expiry_s=expiry):
            if wait is not None:
                return rollout.step_began + wait
            return None if expiry is None else rollout.step_began + expiry + rollout.extended_s
        case Analyse(expiry_s=wait) | Compare(max_run_s=wait):
            return rollout.step_began + wait + rollout.extended_s
    return None


def _harm(rollout: Rollout, look: Look, now: float) -> Cause | None:
    """Why all traffic goes back at once: the backend, a guard, a check, or the judge."""
    if look.refused:
        reason = f"{rollout.candidate.version} cannot run here: {look.refused}"
        return Cause(kind="guard", reason=reason[:500])
    if cause := breach(rollout, look.seen, look.windows, now, look.compared, look.since):
        return cause
    if cause := failed_check(rollout, look.seen, look.compared, now):
        return cause
    verdict = look.verdict
    if verdict is None or verdict.kind != "ABORT" or not rollout.spec.auto_abort:
        return None
    if is_ignored(rollout, JUDGE) or not judge_acts(rollout):
        return None
    return Cause(kind="verdict", reason=verdict.reason, check=JUDGE)


def _news(rollout: Rollout, look: Look) -> list[ev.Event]:
    """The verdict is journaled when it changes in kind; its numbers are looked at live."""
    verdict = look.verdict
    if verdict is None or (rollout.verdict and rollout.verdict.is_like(verdict)):
        return []
    return [ev.VerdictGiven(deployment=rollout.deployment, verdict=verdict)]


def _off_plan(rollout: Rollout, seen: DeploymentSeen) -> str | None:
    """Why the live route is not the plan's: somebody else changed it. A route that still shows an
    earlier step's share is only late, and an empty one is a backend that restarted."""
    wished = rollout.replica_wishes()
    planned = {0, *(s.weight_percent for s in rollout.spec.plan if isinstance(s, SetTraffic))}
    live = seen.weights.get(rollout.candidate.id, 0)
    if not seen.weights or (live in planned and set(seen.weights) <= wished.keys()):
        return None
    if not any(wished[revision][1] for revision in rollout.weights() if revision in wished):
        return None  # what is to have the traffic is away: only going on leads to a route again
    shares = ", ".join(f"{revision} {weight} %" for revision, weight in seen.weights.items())
    return f"the live route shows {shares}, which is no step of the plan: resume sets it right"


def _failed_smoke(rollout: Rollout, look: Look) -> Cause | None:
    smoke = look.smoke
    if smoke is None or smoke.passed or not isinstance(rollout.step, SmokeTest):
        return None
    if (smoke.rollout, smoke.index) != (rollout.id, rollout.index):
        return None
    if is_ignored(rollout, SMOKE):
        return None
    return Cause(kind="smoke", reason=f"smoke test: {smoke.note}"[:500], check=SMOKE)


def _advance(rollout: Rollout, look: Look, now: float, deployment: Deployment) -> list[ev.Event]:
    ended = step_done(rollout, look, now, held=is_held(deployment))
    if ended is None:
        return []
    if too_few_left(rollout, look.seen):
        return []
    if (share := held_before(deployment)) is not None:
        why = f"{share} % waits for you"
        return [ev.RolloutPaused(deployment=rollout.deployment, why=why, engine=True, held=True)]
    result, note = ended
    key = rollout.deployment
    completed = ev.StepCompleted(
        deployment=key,
        index=rollout.index,
        result="skipped" if result == "skipped" else "done",
        note=note,
    )
    if rollout.index + 1 < len(rollout.plan):
        return [completed]
    if rollout.phase == "forward":
        measured = _measured(look.lately)
        promoted = ev.RolloutFinished(
            deployment=key, outcome="promoted", measured=measured, verdict=look.said
        )
        return [completed, promoted]
    outcome = "aborted" if rollout.base else "failed"
    return [completed, ev.RolloutFinished(deployment=key, outcome=outcome, verdict=look.said)]


def _measured(window: Window | None) -> Measured | None:
    if window is None:
        return None
    return Measured(
        seconds=window.seconds,
        rate=window.rate,
        error_ratio=window.error_ratio,
        p50_s=window.p50_s,
        p95_s=window.p95_s,
    )
