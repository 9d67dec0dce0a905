"""After a way back: is the base really well? Looked at, journaled, and said.

It is not part of the way back itself, which is over when the traffic is back and the candidate
gone: nothing waits for it, and a new rollout may begin meanwhile, which ends it.
"""

from __future__ import annotations

from gaesup_tui.domain import events as ev
from gaesup_tui.domain.deployment import Deployment
from gaesup_tui.domain.observation import DeploymentSeen
from gaesup_tui.domain.rollout import Rollout
from gaesup_tui.domain.telemetry import Window
from gaesup_tui.domain.text import duration, percent

VERIFY_S = 10.0
"""How long the base is looked at."""
LATEST_S = 120.0
"""When nobody could look until then, nothing is said: the numbers would tell of another time."""
_REQUESTS_MISSED = ("noData", "trafficDrop")
_ERRORS, _REQUESTS = 0.05, 20
"""When the rollout has no guard on its error ratio: this ratio, from so many requests on."""


def to_verify(state: Deployment, now: float) -> Rollout | None:
    """The rollout whose way back is over and not verified yet; None when there is none."""
    rollout = state.rollout
    if rollout is None or rollout.outcome != "aborted" or rollout.verified or not state.replicas:
        return None
    ended = rollout.finished_at
    return rollout if ended is not None and now - ended <= LATEST_S else None


def decide_verification(
    state: Deployment, seen: DeploymentSeen, window: Window | None, now: float
) -> list[ev.Event]:
    """What is seen of the base; ``window``: its traffic since the way back was over."""
    rollout = to_verify(state, now)
    if rollout is None or rollout.base is None or rollout.finished_at is None:
        return []
    if now - rollout.finished_at < VERIFY_S:
        return []
    name = rollout.base.version
    there = seen.revision(rollout.base.id)
    ready = there.ready if there else 0
    reason = _errors(rollout, window) or _silence(rollout, there is not None, window)
    if ready == 0:
        reason = "no replica is ready"
    if reason:
        again = "still failing after the way back"
        note = f"{again}: {name} {reason}. {_sick(rollout)}"
        return [ev.WayBackVerified(deployment=state.key, healthy=False, note=note[:500])]
    measured = _measured(window)
    note = f"verified: {name} {ready} of {state.replicas} ready, {measured}"
    return [ev.WayBackVerified(deployment=state.key, healthy=True, note=note[:500])]


def _sick(rollout: Rollout) -> str:
    if rollout.cause and rollout.cause.check.partition("#")[0] in _REQUESTS_MISSED:
        return "Look at what sends the requests, and at what leads them here"
    if rollout.cause and rollout.cause.kind in ("guard", "verdict", "smoke", "check"):
        return "Both revisions are sick: what they share is the place to look"
    return "The trouble is not the new revision's alone"


def _silence(rollout: Rollout, there: bool, window: Window | None) -> str:
    """Requests that were missed, and went on missing: then whoever sends them stopped, or what
    leads to it, and no revision of the unit brings them back."""
    missed = rollout.cause is not None and rollout.cause.check.partition("#")[0] in _REQUESTS_MISSED
    silent = there and (window is None or not window.requests)
    return f"got no request in {duration(VERIFY_S)}" if missed and silent else ""


def _errors(rollout: Rollout, window: Window | None) -> str:
    if window is None or window.error_ratio is None:
        return ""
    guards = [guard for guard in rollout.spec.guards if guard.metric == "errorRatio"]
    limit = guards[0].above if guards else _ERRORS
    least = guards[0].min_requests if guards else _REQUESTS
    if window.requests < max(1, least) or window.error_ratio <= limit:
        return ""
    over = duration(window.seconds)
    return f"errors {percent(window.error_ratio)} > {percent(limit)} over {over}"


def _measured(window: Window | None) -> str:
    if window is None or not window.requests:
        return f"no request in {duration(VERIFY_S)} to measure"
    many = f"{window.requests} request{'' if window.requests == 1 else 's'}"
    return f"{percent(window.error_ratio)} errors of {many} over {duration(window.seconds)}"
