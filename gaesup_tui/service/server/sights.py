"""From what the engine sees to what a view is made of, and whether it must be made anew."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass

from gaesup_tui.domain.abtest.answer import ABAnswer
from gaesup_tui.domain.abtest.rules import answer_now
from gaesup_tui.domain.abtest.showing import mark as answer_mark
from gaesup_tui.domain.deployment import Deployment
from gaesup_tui.domain.observation import DeploymentSeen, ReplicaSeen
from gaesup_tui.domain.sight import Sight
from gaesup_tui.domain.telemetry import Window
from gaesup_tui.domain.verdict import Verdict
from gaesup_tui.engine.engine import Engine
from gaesup_tui.service.server.speeds import Speeds

WINDOW_S = 5.0
"""The seconds that "now" means in numbers people read."""


@dataclass(frozen=True, slots=True)
class Traffic:
    """What a deployment did in the last ``WINDOW_S``."""

    total: Window | None
    windows: Mapping[str, Window | None]
    """By revision."""


def traffic_of(engine: Engine, state: Deployment) -> Traffic:
    """The numbers of this moment."""
    observer = engine.observer
    seen = observer.seen(state)
    total = observer.total(state, WINDOW_S)
    revisions = seen.revisions if seen else ()
    # At rest there is one revision, and it is the whole: half the work for a thousand of them.
    alone = total if len(revisions) == 1 else None
    return Traffic(total, {r: alone or observer.window(state, r, WINDOW_S) for r in revisions})


def verdict_of(engine: Engine, state: Deployment) -> Verdict | None:
    """What the judge says now, or said last; None when nobody asks it."""
    return engine.verdict(state.key) if state.active else None


def answer_of(engine: Engine, state: Deployment) -> ABAnswer | None:
    """What its A/B test says now; None when none is at work."""
    backend, seen = engine.observer.sight(state.backend), engine.observer.seen(state)
    if state.active is None or backend is None or seen is None:
        return None
    return answer_now(state.active, seen, backend.boot, engine.now())


def sight_of(
    engine: Engine,
    speeds: Speeds,
    state: Deployment,
    verdict: Verdict | None,
    traffic: Traffic | None,
    answer: ABAnswer | None = None,
) -> Sight:
    """Everything seen of a deployment at this moment."""
    observer = engine.observer
    seen = observer.seen(state)
    return Sight(
        seen=seen,
        seen_at=seen_at(engine, state),
        endpoint=url_of(observer.endpoint(state.backend), state.key),
        preview=preview_of(observer.endpoint(state.backend), state.key, seen),
        problem=problem_of(engine, state, seen),
        verdict=verdict,
        answer=answer,
        windows=traffic.windows if traffic else {},
        total=traffic.total if traffic else None,
        switch_s=speeds.switch_s,
        start_s=speeds.start_s,
        starts=speeds.starts,
        brewing=observer.brewing(state),
    )


def seen_at(engine: Engine, state: Deployment) -> float | None:
    """When its backend was last seen, in the engine's time."""
    backend = engine.observer.sight(state.backend)
    return backend.received_at if backend and backend.observation else None


def problem_of(engine: Engine, state: Deployment, seen: DeploymentSeen | None) -> str | None:
    """What keeps a deployment from being as it is wished, or from being seen; None when nothing."""
    if seen is None and (error := engine.observer.error(state.backend)):
        return error
    return next(iter(engine.troubles(state.key)), None)


def url_of(endpoint: str, key: str) -> str:
    """Where a deployment's traffic enters; empty while that is not known."""
    return f"http://{endpoint}/_/{key}/" if endpoint else ""


def preview_of(endpoint: str, key: str, seen: DeploymentSeen | None) -> str:
    """Where its candidate answers, as the live route says; empty when it leads to none."""
    there = seen is not None and seen.rules is not None and seen.rules.target in seen.revisions
    return url_of(endpoint, f"{key}:preview") if there else ""


def mark(
    seen: DeploymentSeen | None, verdict: Verdict | None, answer: ABAnswer | None, now: float
) -> Hashable:
    """Equal while nothing a view says in words has changed. Numbers that move all the time
    (requests in flight, processor time) are left out: they come with the telemetry."""
    if seen is None:
        return verdict and _verdict(verdict)  # that nothing is seen is news, too
    return (
        tuple(seen.weights.items()),
        seen.rules,
        tuple(
            (name, there.wanted, there.error, there.copies, tuple(map(_replica, there.replicas)))
            for name, there in seen.revisions.items()
        ),
        verdict and _verdict(verdict),
        answer_mark(answer, now),
    )


def _replica(replica: ReplicaSeen) -> Hashable:
    return (
        replica.id,
        replica.state,
        replica.restarts,
        replica.last_exit,
        replica.problem,
        replica.health_failures,
        replica.next_start_at,
        _coarse(replica.memory_bytes),
    )


def _verdict(verdict: Verdict) -> Hashable:
    return (
        verdict.kind,
        verdict.reason,
        tuple((f.metric, f.state, _coarse(f.low), _coarse(f.high)) for f in verdict.findings),
        _coarse(verdict.toward_abort),
        _coarse(verdict.toward_promote),
    )


def _coarse(value: float | None) -> str:
    """Two digits are enough to be worth sending again."""
    return "" if value is None else f"{value:.1e}"
