"""How a deployment is, as one word and as one line."""

from __future__ import annotations

from gaesup_tui.domain.deployment import Deployment
from gaesup_tui.domain.observation import DeploymentSeen
from gaesup_tui.domain.rollout import Rollout
from gaesup_tui.domain.steps import Bake
from gaesup_tui.domain.views import Health, Status
from gaesup_tui.domain.waiting import Waiting
from gaesup_tui.domain.world import Stop


def ready(state: Deployment, seen: DeploymentSeen | None) -> int | None:
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


def health_of(state: Deployment, seen: DeploymentSeen | None) -> Health:
    """How well the revisions with traffic are served by replicas that are ready."""
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


def status_of(
    state: Deployment, seen: DeploymentSeen | None, stop: Stop | None, why: Waiting | None
) -> Status:
    """The one word, the most pressing first; ``why`` is what it waits for."""
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
    health = health_of(state, seen)
    if health == "healthy" and state.rollout and state.rollout.outcome == "aborted":
        return "aborted"
    return health


def status_text(state: Deployment, status: Status, why: Waiting | None, ails: str) -> str:
    """The line behind the word; ``ails`` is why a replica is not ready, empty where all are."""
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
