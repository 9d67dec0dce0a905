"""From states and what was seen to the views people are shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import cast

from gaesup_tui.domain.abtest.answer import ABAnswer
from gaesup_tui.domain.abtest.showing import ab_view
from gaesup_tui.domain.ailing import ailing, while_ailing
from gaesup_tui.domain.allowed import why_nots
from gaesup_tui.domain.attending import attend
from gaesup_tui.domain.deployment import Deployment
from gaesup_tui.domain.freezing import standing_in
from gaesup_tui.domain.fresh import copy_of_base
from gaesup_tui.domain.ignoring import meant, no_ignore_of
from gaesup_tui.domain.locks import lock_of, lock_view
from gaesup_tui.domain.notice_views import NoticeView
from gaesup_tui.domain.observation import DeploymentSeen, RevisionSeen
from gaesup_tui.domain.queueing import queued_view, waiting_queued
from gaesup_tui.domain.returning import way_back_line
from gaesup_tui.domain.rollout import Measured, Rollout
from gaesup_tui.domain.step_views import step_views
from gaesup_tui.domain.steps import Bake
from gaesup_tui.domain.telemetry import Window
from gaesup_tui.domain.text import printable_line
from gaesup_tui.domain.verdict import Verdict
from gaesup_tui.domain.verdict_views import FindingView, VerdictView
from gaesup_tui.domain.views import (
    DeploymentView,
    GoodView,
    Health,
    NoteView,
    Numbers,
    ReplicaView,
    RevisionView,
    RolloutView,
    Status,
    WaitingView,
)
from gaesup_tui.domain.waiting import Waiting, waiting
from gaesup_tui.domain.world import Stop, World


@dataclass(frozen=True, slots=True)
class Sight:
    """What the engine knows of a deployment beside its journal."""

    seen: DeploymentSeen | None = None
    """None when its backend has not been seen lately."""
    seen_at: float | None = None
    endpoint: str = ""
    preview: str = ""
    problem: str | None = None
    verdict: Verdict | None = None
    """The judge's latest look, newer than the journaled one."""
    answer: ABAnswer | None = None
    """Of the A/B test at work, newer than the journaled one."""
    windows: Mapping[str, Window | None] = field(default_factory=dict)
    """Revision id to its traffic over the last seconds."""
    total: Window | None = None
    """The deployment's traffic over the last seconds."""
    switch_s: float | None = None
    """How long a traffic change took until it was seen, lately."""
    start_s: float | None = None
    """How long replicas took from asked for to ready, lately."""
    starts: int = 0
    """From how many starts that is known."""
    brewing: Sequence[tuple[str, str]] = ()
    """Guards that are broken but not for long enough yet: name and sentence."""


def numbers(window: Window | None) -> Numbers:
    if window is None:
        return Numbers(rps=None, error_ratio=None, p50_s=None, p95_s=None)
    return Numbers(
        rps=digits(window.rate),
        error_ratio=digits(window.error_ratio),
        p50_s=digits(window.p50_s),
        p95_s=digits(window.p95_s),
    )


def digits(value: float | None) -> float | None:
    """Four of them: more is noise, and would be sent for every deployment every second."""
    return float(f"{value:.4g}") if value else value


def note_view(stop: Stop) -> NoteView:
    return NoteView(scope=stop.scope, mode=stop.mode, by=stop.by.name, at=stop.at, why=stop.why)


def deployment_view(world: World, state: Deployment, sight: Sight, now: float) -> DeploymentView:
    """One deployment, whole."""
    stop = world.stop_for(state.key)
    window = standing_in(world, state, now)
    why = waiting(state, sight.seen, stop, window) or waiting_queued(world, state, now)
    why = while_ailing(state, sight.seen, attend(state, why, now))
    if why and sight.seen is None and sight.seen_at:  # unseen since then, not since the step began
        why = replace(why, since=max(why.since, sight.seen_at))
    status = _status(state, sight.seen, stop, why)
    if window and status == "waiting":
        status = "frozen"
    hold = state.hold
    return DeploymentView(
        key=state.key,
        unit=state.unit,
        environment=state.environment,
        seq=state.seq,
        version=state.stable.version if state.stable else None,
        status=status,
        status_text=_status_text(state, status, why, ailing(state, sight.seen)),
        health=_health(state, sight.seen),
        since=_since(state),
        replicas=state.replicas,
        ready=_ready(state, sight.seen),
        revisions=_revisions(state, sight.seen),
        rollout=rollout_view(state.rollout, sight) if state.rollout else None,
        waiting=_waiting_view(why),
        queued=queued_view(state),
        hold=NoteView(scope=state.key, mode="hold", by=hold.by.name, at=hold.at, why=hold.why)
        if hold
        else None,
        lock=lock_view(lock) if (lock := lock_of(state, now)) else None,
        stop=note_view(stop) if stop else None,
        notice=_notice_view(state),
        actions=why_nots(world, state.key, now),
        good=[
            GoodView(
                version=r.revision.version,
                revision=r.revision.id,
                at=r.at,
                by=r.by.name,
                baked_s=r.baked_s,
                verdict=r.verdict,
                measured=_measured(r.measured),
            )
            for r in reversed(state.good)
        ],
        project=state.project,
        endpoint=sight.endpoint,
        preview=sight.preview,
        seen_at=sight.seen_at,
        problem=printable_line(sight.problem, 300) if sight.problem else None,
        numbers=numbers(sight.total),
        by_revision={revision: numbers(window) for revision, window in sight.windows.items()},
    )


def _notice_view(state: Deployment) -> NoticeView | None:
    notice = state.notice
    return NoticeView(at=notice.at, text=notice.text, sick=notice.sick) if notice else None


def _measured(measured: Measured | None) -> Numbers | None:
    if measured is None:
        return None
    return Numbers(
        rps=digits(measured.rate),
        error_ratio=digits(measured.error_ratio),
        p50_s=digits(measured.p50_s),
        p95_s=digits(measured.p95_s),
    )


def _since(state: Deployment) -> float | None:
    if state.stable is None:
        return None
    return next((r.at for r in reversed(state.good) if r.revision.id == state.stable.id), None)


def _ready(state: Deployment, seen: DeploymentSeen | None) -> int | None:
    """Of ``state.replicas``, how many are not missing on any revision that serves. While a rollout
    moves both sides may have as many; a sum over them would say 8 of 4."""
    if seen is None:
        return None
    weights, missing = state.weights(), 0
    for revision, (_, wished) in state.replica_wishes().items():
        if weights.get(revision):
            there = seen.revision(revision)
            missing += max(0, wished - (there.ready if there else 0))
    return max(0, state.replicas - missing) if weights else 0


def _health(state: Deployment, seen: DeploymentSeen | None) -> Health:
    if seen is None:
        return "unknown"
    serving = [revision for revision, weight in state.weights().items() if weight]
    there = [seen.revision(revision) for revision in serving]
    if not there or not any(r and r.ready for r in there):
        return "down"
    wishes = state.replica_wishes()
    whole = all(
        r is not None and r.ready >= wishes[revision][1]
        for revision, r in zip(serving, there, strict=True)
        if revision in wishes
    )
    return "healthy" if whole else "degraded"


def _status(
    state: Deployment, seen: DeploymentSeen | None, stop: Stop | None, why: Waiting | None
) -> Status:
    rollout = state.active
    if seen is None:
        return "unknown"
    if rollout is None:
        return _resting(state, seen)
    if rollout.phase == "back":
        return "returning"
    if stop and stop.mode == "freeze":
        return "frozen"
    if rollout.paused:
        return "paused"
    if why and why.person:
        return "waiting"
    return "baking" if isinstance(rollout.step, Bake) else "progressing"


def _resting(state: Deployment, seen: DeploymentSeen) -> Status:
    if state.stable is None:
        return "returning" if state.deleted else "failed"
    health = _health(state, seen)
    if health == "healthy" and state.rollout and state.rollout.outcome == "aborted":
        return "aborted"
    return health


def _status_text(state: Deployment, status: Status, why: Waiting | None, ails: str) -> str:
    rollout = state.active
    if rollout is not None:
        change = _change(rollout)
        what = f", {why.what}" if why else ""
        following = f"; then {state.queued.deploy.revision.version}" if state.queued else ""
        if rollout.phase == "back":
            return f"{change}{what}{following}"
        return f"{change} at {rollout.weight_percent} %{what}{following}"
    if state.deleted:
        return f"deleted by {state.deleted.by.name}: its replicas leave"
    stable = state.stable.version if state.stable else "nothing"
    queued = f"; {why.what}" if why else ""
    colour = f"{state.colour}, " if state.colour else ""
    match status:
        case "aborted":
            assert state.rollout is not None
            left = state.rollout.candidate.version
            return f"aborted {left}: 100 % on {stable} ({colour}healthy){queued}"
        case "failed":
            return "nothing serves: deploy one that is well, the first revision failed"
        case "unknown":
            return f"{stable}; its backend is not seen"
    because = f": {ails}" if ails and status in ("down", "degraded") else ""
    return f"100 % on {stable} ({colour}{status}{because}){queued}"


def _change(rollout: Rollout) -> str:
    base = rollout.base.version if rollout.base else "·"
    colour = f" ({rollout.colour})" if rollout.colour else ""
    return f"{base}→{rollout.candidate.version}{colour}"


def _waiting_view(why: Waiting | None) -> WaitingView | None:
    if why is None:
        return None
    return WaitingView(
        what=printable_line(why.what, 300),
        since=why.since,
        person=why.person,
        until=why.until,
        then=why.then,
    )


def _revisions(state: Deployment, seen: DeploymentSeen | None) -> list[RevisionView]:
    """Every revision wished or seen, the one with most traffic first."""
    wishes = state.replica_wishes()
    weights, colours = state.weights(), state.colours()
    names = dict.fromkeys([*wishes, *(seen.revisions if seen else ())])
    views = []
    for revision_id in names:
        wished = wishes.get(revision_id)
        there = seen.revision(revision_id) if seen else None
        if there is None and (wished is None or wished[1] == 0):
            continue
        views.append(
            RevisionView(
                id=revision_id,
                version=wished[0].version if wished else revision_id.rpartition("-")[0],
                role=_role(state, revision_id),
                colour=colours.get(revision_id, ""),
                wanted=wished[1] if wished else 0,
                ready=there.ready if there else 0,
                weight_wished=weights.get(revision_id, 0),
                weight_seen=seen.weights.get(revision_id, 0) if seen else None,
                error=printable_line(there.error, 300) if there and there.error else None,
                copies=str(there.copies) if there and there.copies else "",
                replicas=_replicas(there),
            )
        )
    return sorted(views, key=lambda view: -view["weight_wished"])


def _role(state: Deployment, revision_id: str) -> str:
    rollout = state.active
    if rollout and revision_id == rollout.candidate.id:
        return "candidate"
    if rollout and rollout.base and revision_id == rollout.base.id:
        return "base"
    if rollout and (copy := copy_of_base(rollout)) and revision_id == copy.id:
        return "fresh copy"
    if state.stable and revision_id == state.stable.id:
        return "stable"
    return "leaving"


def _replicas(there: RevisionSeen | None) -> list[ReplicaView]:
    if there is None:
        return []
    return [
        ReplicaView(
            id=replica.id,
            state=replica.state,
            since=replica.since,
            restarts=replica.restarts,
            last_exit=printable_line(replica.last_exit, 200) if replica.last_exit else None,
            problem=printable_line(replica.problem, 200) if replica.problem else None,
            health_failures=replica.health_failures,
            inflight=replica.inflight,
            memory_bytes=replica.memory_bytes,
            cpu_s=replica.cpu_s,
            next_start_at=replica.next_start_at,
        )
        for replica in there.replicas
    ]


def rollout_view(rollout: Rollout, sight: Sight) -> RolloutView:
    """One rollout with all its steps, those of the way back after those that were made."""
    seen = sight.seen
    verdict = (sight.verdict if rollout.active else None) or rollout.verdict
    if verdict and not (rollout.phase == "forward" and rollout.weight_percent < 100):
        verdict = verdict.when_over()
    steps = step_views(rollout)
    at_work = next((i for i, step in enumerate(steps) if step["state"] == "now"), len(steps))
    return RolloutView(
        id=rollout.id,
        strategy=rollout.spec.strategy,
        base=rollout.base.version if rollout.base else None,
        candidate=rollout.candidate.version,
        by=rollout.by.name,
        at=rollout.at,
        why=rollout.why,
        phase=rollout.phase,
        outcome=rollout.outcome,
        finished_at=rollout.finished_at,
        steps=steps,
        index=at_work,
        weight_wished=rollout.weight_percent,
        weight_seen=seen.weights.get(rollout.candidate.id, 0) if seen else None,
        paused_by=rollout.paused.by.name if rollout.paused else None,
        full=rollout.full,
        glass=_glass(rollout),
        verdict=_verdict_view(verdict, rollout.verdict_at),
        ab=ab_view(rollout, sight.answer, sight.seen_at),
        cause=rollout.cause.reason if rollout.cause else None,
        cause_by=rollout.cause_by.name if rollout.cause_by else None,
        way_back=way_back_line(rollout, sight),
        verified=rollout.verified.note if rollout.verified else None,
        brewing=[text for _, text in sight.brewing],
        check="" if no_ignore_of(rollout) else meant(rollout, "", sight.brewing),
    )


def _glass(rollout: Rollout) -> str:
    glass = rollout.glass
    return f"in {glass.window} by {glass.by.name}: {glass.why}" if glass else ""


def _verdict_view(verdict: Verdict | None, at: float | None) -> VerdictView | None:
    if verdict is None:
        return None
    return VerdictView(
        kind=verdict.kind,
        reason=verdict.reason,
        at=at,
        toward_abort=digits(verdict.toward_abort),
        toward_promote=digits(verdict.toward_promote),
        left_s=digits(verdict.left_s),
        left_span_s=[round(s, 1) for s in verdict.left_span_s] if verdict.left_span_s else None,
        whole_s=digits(verdict.whole_s),
        findings=[cast(FindingView, finding.model_dump()) for finding in verdict.findings],
        code=verdict.code,
        fix=verdict.fix,
        helps=list(verdict.helps),
    )
