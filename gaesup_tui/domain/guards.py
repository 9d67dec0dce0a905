"""Hard guards: limits on the candidate that act at once, beside the judge and before it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from gaesup_tui.domain.observation import DeploymentSeen, RevisionSeen
from gaesup_tui.domain.rollout import Rollout
from gaesup_tui.domain.steps import Cause, Guard
from gaesup_tui.domain.telemetry import Window
from gaesup_tui.domain.text import duration, milliseconds, percent


def windows_needed(rollout: Rollout) -> set[float]:
    """The window lengths, in seconds, its guards look at."""
    return {
        guard.above if guard.metric == "noData" else guard.window
        for guard in rollout.spec.guards
        if guard.metric in ("errorRatio", "p95", "noData")
    }


def breach(
    rollout: Rollout, seen: DeploymentSeen, windows: Mapping[float, Window | None], now: float
) -> Cause | None:
    """The first guard that is broken, as the reason a person reads; None when all hold."""
    there = seen.revision(rollout.candidate.id)
    if there is None:
        return None
    name = rollout.candidate.version
    if there.error:
        return Cause(kind="guard", reason=f"{name} cannot start: {there.error}"[:500])
    for guard in rollout.spec.guards:
        if reason := _broken(guard, rollout, there, windows, now):
            return Cause(kind="guard", reason=f"{name} {reason}"[:500])
    return None


def _broken(
    guard: Guard,
    rollout: Rollout,
    there: RevisionSeen,
    windows: Mapping[float, Window | None],
    now: float,
) -> str | None:
    match guard.metric:
        case "healthFailures":
            if there.health_failures > guard.above:
                return f"failed {there.health_failures} health checks in a row"
        case "restarts":
            if there.restarts > guard.above:
                last = next((r.last_exit for r in there.replicas if r.last_exit), "no reason known")
                return f"restarted {there.restarts} times: {last}"
        case "errorRatio":
            ratio = _enough(guard, windows, lambda window: window.error_ratio)
            if ratio is not None and ratio > guard.above:
                over = f"{percent(guard.above)} over {duration(guard.window)}"
                return f"errors {percent(ratio)} > {over}"
        case "p95":
            p95_s = _enough(guard, windows, lambda window: window.p95_s)
            if p95_s is not None and p95_s > guard.above:
                over = f"{milliseconds(guard.above)} over {duration(guard.window)}"
                return f"p95 {milliseconds(p95_s)} > {over}"
        case "noData":
            window = windows.get(guard.above)
            waited = now - rollout.step_began
            silent = window is None or window.requests == 0
            if rollout.weight_percent and waited >= guard.above and silent:
                return f"got no request for {duration(guard.above)}"
    return None


def _enough(
    guard: Guard,
    windows: Mapping[float, Window | None],
    value: Callable[[Window], float | None],
) -> float | None:
    """The value over the guard's window; None below the requests that make it evidence."""
    window = windows.get(guard.window)
    if window is None or window.requests < guard.min_requests:
        return None
    return value(window)
