"""The rolling update: in waves, never more replicas than the surge allows, never fewer ready than
what may be unavailable leaves."""

from __future__ import annotations

from gaesup_tui.domain import amounts
from gaesup_tui.domain.steps import (
    AwaitReady,
    Bake,
    Check,
    Plan,
    Scale,
    SetTraffic,
    SmokeTest,
    Step,
)
from gaesup_tui.domain.strategy_spec import RollingSpec


def limits(spec: RollingSpec, replicas: int) -> tuple[int, int]:
    """How many replicas more there may be than ``replicas``, and how many fewer ready.

    Rounded as Kubernetes does: a surge up, what is unavailable down; and one may be unavailable
    when both come to nothing, since nothing could move.
    """
    surge = amounts.up(spec.max_surge, replicas)
    unavailable = amounts.down(spec.max_unavailable, replicas)
    return (surge, unavailable) if surge or unavailable else (0, 1)


def rolling(spec: RollingSpec, replicas: int, checks: tuple[Check, ...], base: int) -> Plan:
    """Wave by wave: some of the base go, some of the candidate come, and get their share of the
    traffic once ready. ``base`` is how many the base has.

    With a surge the first wave takes nothing away: a revision that does not start costs nothing.
    And with one, at least one replica stays ready, and one of the base through the bake.
    """
    surge, unavailable = limits(spec, replicas)
    least = max(min(replicas, base) - unavailable, 1 if surge else 0)
    most = max(replicas, base) + surge
    fewer = max(0, min(replicas, base) - least)
    steps: list[Step] = []
    ready, share = 0, 0
    while ready < replicas:
        going = _left(base, least, ready, keep=bool(surge))
        if (ready or not surge) and going < base:
            base = going
            steps.append(Scale(side="base", replicas=base, unavailable=fewer))
        ready = min(replicas, most - base)
        steps.append(Scale(side="candidate", replicas=ready))
        steps.append(_await(spec))
        if checks and not share:
            steps.append(SmokeTest(checks=checks))
        after = _left(base, least, ready, keep=bool(surge)) if ready < replicas else 0
        if (weight := _share(ready, after)) != share:
            share = weight
            steps.append(SetTraffic(weight_percent=share))
    bake: list[Step] = [Bake(duration_s=spec.bake)] if spec.bake > 0 else []
    return (*steps, *bake, Scale(side="base", replicas=0))


def _left(base: int, least: int, ready: int, *, keep: bool) -> int:
    """How many of ``base`` have to stay, so that ``least`` are ready with those of the
    candidate; with a surge one does in any case, warm for the way back."""
    return min(base, max(least - ready, 1 if keep else 0))


def _share(ready: int, base: int) -> int:
    """What each replica gets is the same once the base is down to ``base``."""
    if not base:
        return 100
    return min(99, max(1, round(100 * ready / (ready + base))))


def _await(spec: RollingSpec) -> AwaitReady:
    return AwaitReady(
        side="candidate",
        timeout_s=spec.progress_deadline + spec.min_ready,
        steady_s=spec.min_ready,
    )
