"""From states and what was seen to the views people are shown."""

from __future__ import annotations

from dataclasses import replace

from gaesup_tui.domain.ailing import ailing, while_ailing
from gaesup_tui.domain.allowed import why_nots
from gaesup_tui.domain.attending import attend
from gaesup_tui.domain.deployment import Deployment, Release
from gaesup_tui.domain.freezing import standing_in
from gaesup_tui.domain.fresh import copy_of_base
from gaesup_tui.domain.locks import lock_of, lock_view
from gaesup_tui.domain.notice_views import NoticeView
from gaesup_tui.domain.observation import DeploymentSeen, RevisionSeen
from gaesup_tui.domain.queueing import queued_view, waiting_queued
from gaesup_tui.domain.rollout import Measured
from gaesup_tui.domain.rollout_viewing import rollout_view as rollout_view
from gaesup_tui.domain.sight import Sight as Sight
from gaesup_tui.domain.sight import digits, numbers
from gaesup_tui.domain.status import health_of, ready, status_of, status_text
from gaesup_tui.domain.text import printable_line
from gaesup_tui.domain.views import (
    DeploymentView,
    GoodView,
    NoteView,
    Numbers,
    ReplicaView,
    RevisionView,
    WaitingView,
)
from gaesup_tui.domain.waiting import Waiting, waiting
from gaesup_tui.domain.world import Stop, World


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
    status = status_of(state, sight.seen, stop, why)
    if window and status == "waiting":
        status = "frozen"
    actions = why_nots(world, state.key, now)
    return DeploymentView(
        key=state.key,
        unit=state.unit,
        environment=state.environment,
        seq=state.seq,
        version=state.stable.version if state.stable else None,
        status=status,
        status_text=status_text(state, status, why, ailing(state, sight.seen)),
        health=health_of(state, sight.seen),
        since=_since(state),
        replicas=state.replicas,
        ready=ready(state, sight.seen),
        revisions=_revisions(state, sight.seen),
        rollout=rollout_view(state.rollout, sight, actions) if state.rollout else None,
        waiting=_waiting_view(why),
        queued=queued_view(state),
        hold=_hold_view(state),
        lock=lock_view(lock) if (lock := lock_of(state, now)) else None,
        stop=note_view(stop) if stop else None,
        notice=_notice_view(state),
        actions=actions,
        good=[_good_view(release) for release in reversed(state.good)],
        project=state.project,
        endpoint=sight.endpoint,
        preview=sight.preview,
        seen_at=sight.seen_at,
        problem=printable_line(sight.problem, 300) if sight.problem else None,
        numbers=numbers(sight.total),
        by_revision={revision: numbers(window) for revision, window in sight.windows.items()},
    )


def _hold_view(state: Deployment) -> NoteView | None:
    if (hold := state.hold) is None:
        return None
    return NoteView(scope=state.key, mode="hold", by=hold.by.name, at=hold.at, why=hold.why)


def _good_view(release: Release) -> GoodView:
    return GoodView(
        version=release.revision.version,
        revision=release.revision.id,
        at=release.at,
        by=release.by.name,
        baked_s=release.baked_s,
        verdict=release.verdict,
        measured=_measured(release.measured),
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
