"""Hard guards: limits on the candidate that act at once, beside the judge and before it.

Each is a condition, and for how long it must hold without a break. Since when it holds is what the
engine saw, not what the journal says: a new life of the engine counts anew, so it acts later, never
without cause. Nothing seen is no breach, except of ``noData``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from gaesup_tui.domain.drops import Comparisons, conversion_lost, traffic_lost
from gaesup_tui.domain.ignored import is_ignored
from gaesup_tui.domain.observation import DeploymentSeen, RevisionSeen
from gaesup_tui.domain.rollout import Rollout
from gaesup_tui.domain.steps import Cause, Guard
from gaesup_tui.domain.surely import surely_more_errors, surely_slower
from gaesup_tui.domain.telemetry import Window
from gaesup_tui.domain.text import duration, milliseconds, percent, quantity

DROPS = ("trafficDrop", "conversionDrop")

Windows = Mapping[float, Window | None]
Broken = Mapping[int, str]
"""Number of a guard to how it is broken, in words."""


def windows_needed(rollout: Rollout) -> set[float]:
    """The window lengths, in seconds, its guards look at."""
    return {
        guard.above if guard.metric == "noData" else guard.window
        for guard in rollout.spec.guards
        if guard.metric in ("errorRatio", "p95", "noData")
    }


def comparisons_needed(rollout: Rollout) -> set[float]:
    """The window lengths, in seconds, over which its guards compare both sides."""
    return {guard.window for guard in rollout.spec.guards if guard.metric in DROPS or guard.sure}


def totals_needed(rollout: Rollout) -> dict[float, float]:
    """Of these, those for which the whole deployment is compared with its past; and for each how
    long ago that past has to end, so that a drop does not become it while it lasts."""
    needed: dict[float, float] = {}
    for guard in rollout.spec.guards:
        if guard.metric in DROPS:
            needed[guard.window] = max(needed.get(guard.window, 0.0), guard.hold_s)
    return needed


def guard_name(guards: tuple[Guard, ...], number: int) -> str:
    """What a guard is called: its metric, with a number where there are several of it."""
    same = [i for i, guard in enumerate(guards) if guard.metric == guards[number].metric]
    metric = guards[number].metric
    return metric if len(same) == 1 else f"{metric}#{same.index(number) + 1}"


def broken(
    rollout: Rollout,
    seen: DeploymentSeen,
    windows: Windows,
    now: float,
    compared: Comparisons | None = None,
) -> dict[int, str]:
    """The guards whose condition holds now and that nobody ignores."""
    there = seen.revision(rollout.candidate.id)
    if there is None:
        return {}
    guards, found = rollout.spec.guards, {}
    for number, guard in enumerate(guards):
        if is_ignored(rollout, guard_name(guards, number)):
            continue
        if guard.metric in DROPS:
            reason = _dropped(guard, rollout, compared or {})
        else:
            reason = _broken(guard, rollout, there, windows, now)
            if reason and guard.sure and not _surely(guard, windows, (compared or {})):
                continue
        if reason:
            found[number] = reason
    return found


def breach(
    rollout: Rollout,
    seen: DeploymentSeen,
    windows: Windows,
    now: float,
    compared: Comparisons | None = None,
    since: Mapping[int, float] | None = None,
) -> Cause | None:
    """The first guard that acts, as the reason a person reads; None when none does.

    ``since``: by number of a guard with a ``for``, since when its condition holds without a break.
    """
    there = seen.revision(rollout.candidate.id)
    name = rollout.candidate.version
    if there is not None and there.error:
        return Cause(kind="guard", reason=f"{name} cannot start: {there.error}"[:500])
    for number, reason in broken(rollout, seen, windows, now, compared).items():
        guard = rollout.spec.guards[number]
        if guard.hold_s:
            began = (since or {}).get(number)
            if began is None or now - began < guard.hold_s:
                continue
            reason = f"{reason}, for {duration(now - began)}"
        check = guard_name(rollout.spec.guards, number)
        return Cause(kind="guard", reason=f"{name} {reason}"[:500], check=check)
    return None


def brewing(rollout: Rollout, found: Broken, since: Mapping[int, float]) -> list[tuple[str, str]]:
    """(name, sentence) of guards whose condition holds, but not for long enough yet."""
    lines = []
    for number, reason in found.items():
        guard = rollout.spec.guards[number]
        if guard.hold_s and number in since:
            end = f"aborts when it holds for {duration(guard.hold_s)}"
            line = f"{rollout.candidate.version} {reason}: {end}"
            lines.append((guard_name(rollout.spec.guards, number), line))
    return lines


def _dropped(guard: Guard, rollout: Rollout, compared: Comparisons) -> str | None:
    seen = compared.get(guard.window)
    if seen is None:
        return None
    if guard.metric == "trafficDrop":
        return traffic_lost(guard, rollout, seen)
    return conversion_lost(guard, rollout, seen)


def _broken(
    guard: Guard,
    rollout: Rollout,
    there: RevisionSeen,
    windows: Windows,
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
        case "memory":
            return _too_big(guard, rollout, there)
        case "noData":
            window = windows.get(guard.above)
            waited = now - rollout.step_began
            silent = window is None or window.requests == 0
            if rollout.weight_percent and waited >= guard.above and silent:
                return f"got no request for {duration(guard.above)}"
    return None


def _surely(guard: Guard, windows: Windows, compared: Comparisons) -> bool:
    """Whether what is over the limit is beyond chance, and beyond what the base does."""
    window, seen = windows.get(guard.window), compared.get(guard.window)
    if guard.metric == "p95":
        return surely_slower(guard, seen)
    return window is not None and surely_more_errors(guard, window, seen)


def _too_big(guard: Guard, rollout: Rollout, there: RevisionSeen) -> str | None:
    """A limit of up to 1 is a share of what a replica may use at most."""
    most = rollout.candidate.limits.memory_bytes
    limit = guard.above * most if guard.above <= 1 else guard.above
    known = [(r.memory_bytes, r.id) for r in there.replicas if r.memory_bytes is not None]
    used, replica = max(known, default=(0, ""))
    if used <= limit:
        return None
    of = f"{percent(guard.above)} of {quantity(most)}" if guard.above <= 1 else ""
    return f"uses {quantity(used)} in {replica} > {of or quantity(round(limit))}"


def _enough(
    guard: Guard,
    windows: Windows,
    value: Callable[[Window], float | None],
) -> float | None:
    """The value over the guard's window; None below the requests that make it evidence."""
    window = windows.get(guard.window)
    if window is None or window.requests < guard.min_requests:
        return None
    return value(window)
