"""The rolling update: in waves, never more replicas than the surge allows, never fewer ready than
what may be unavailable leaves."""

from __future__ import annotations

from dataclasses import dataclass

from gaesup_tui.domain import amounts
from gaesup_tui.domain.rolling_spec import RollingSpec
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


def limits(spec: RollingSpec, replicas: int) -> tuple[int, int]:
    """How many replicas more there may be than ``replicas``, and how many fewer ready.

    Rounded as Kubernetes does: a surge up, what is unavailable down; and one may be unavailable
    when both come to nothing, since nothing could move.
    """
    surge = amounts.up(spec.max_surge, replicas)
    unavailable = amounts.down(spec.max_unavailable, replicas)
    return (surge, unavailable) if surge or unavailable else (0, 1)


@dataclass(frozen=True, slots=True)
class Bounds:
    """Between which numbers a rolling update of ``replicas`` moves."""

    replicas: int
    least: int
    """So many stay ready."""
    most: int
    """So many may there be, of both revisions."""
    fewer: int
    """How many fewer than all of the base may be ready."""
    keep: bool
    """Whether one of the base stays, warm for the way back."""


def bounds(spec: RollingSpec, replicas: int, base: int) -> Bounds:
    """With a surge at least one replica stays ready, and one of the base through the bake."""
    surge, unavailable = limits(spec, replicas)
    least = max(min(replicas, base) - unavailable, 1 if surge else 0)
    return Bounds(
        replicas=replicas,
        least=least,
        most=max(replicas, base) + surge,
        fewer=max(0, min(replicas, base) - least),
        keep=bool(surge),
    )


def rolling(spec: RollingSpec, replicas: int, checks: tuple[Check, ...], base: int) -> Plan:
    """Wave by wave: some of the base go, some of the candidate come, and get their share of the
    traffic once ready. ``base`` is how many the base has.

    With a surge the first wave takes nothing away: a revision that does not start costs nothing.
    """
    steps = waves(spec, bounds(spec, replicas, base), base, checks)
    bake: list[Step] = [Bake(duration_s=spec.bake)] if spec.bake > 0 else []
    return (*steps, *bake, Scale(side="base", replicas=0))


def waves(
    spec: RollingSpec,
    within: Bounds,
    base: int,
    checks: tuple[Check, ...] = (),
    *,
    ready: int = 0,
    share: int = 0,
) -> list[Step]:
    """The steps to all replicas and all traffic, from ``base`` replicas of the base, and of the
    candidate ``ready`` that have ``share`` percent of the traffic. A share only grows."""
    steps: list[Step] = []

    def give(after: int) -> None:
        nonlocal share
        if (weight := _share(ready, after)) > share:
            share = weight
            steps.append(SetTraffic(weight_percent=share))

    if ready:
        give(_after(within, base, ready))
    while ready < within.replicas:
        going = _left(base, within, ready)
        if (ready or not within.keep) and going < base:
            base = going
            steps.append(Scale(side="base", replicas=base, unavailable=within.fewer))
        ready = min(within.replicas, within.most - base)
        steps.append(Scale(side="candidate", replicas=ready))
        steps.append(await_ready(spec))
        if checks and not share:
            steps.append(SmokeTest(checks=checks))
        give(_after(within, base, ready))
    return steps


def _after(within: Bounds, base: int, ready: int) -> int:
    """How many of the base there are once the wave after these took its part."""
    return _left(base, within, ready) if ready < within.replicas else 0


def _left(base: int, within: Bounds, ready: int) -> int:
    """How many of ``base`` have to stay, so that enough are ready with those of the candidate;
    with a surge one does in any case, warm for the way back."""
    return min(base, max(within.least - ready, 1 if within.keep else 0))


def _share(ready: int, base: int) -> int:
    """What each replica gets is the same once the base is down to ``base``."""
    if not base:
        return 100
    return min(99, max(1, round(100 * ready / (ready + base))))


def await_ready(spec: RollingSpec) -> AwaitReady:
    """Until the candidate's replicas are ready, and have been for as long as the spec says."""
    return AwaitReady(
        side="candidate",
        timeout_s=spec.progress_deadline + spec.min_ready,
        steady_s=spec.min_ready,
    )
