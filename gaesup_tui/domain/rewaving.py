"""A rolling update that is scaled on its way: what there is goes on, and the waves to come are
planned for the new number.

What is added at once is added where it is needed, in the parts in which both revisions serve; but
so much of it to the base that enough are ready even if none of the candidate's new ones comes. What
goes first is what is not ready.
"""

from __future__ import annotations

from typing import NamedTuple

from gaesup_tui.domain import events as ev
from gaesup_tui.domain.deployment import Deployment
from gaesup_tui.domain.rolling import Bounds, await_ready, bounds, waves
from gaesup_tui.domain.rolling_spec import RollingSpec
from gaesup_tui.domain.rollout import Rollout
from gaesup_tui.domain.steps import (
    AwaitReady,
    AwaitTrain,
    Bake,
    Check,
    Pause,
    Plan,
    Scale,
    SetTraffic,
    SmokeTest,
    Step,
)
from gaesup_tui.domain.waves import Replanned, in_waves, scaled


class Sides(NamedTuple):
    """Replicas of both revisions."""

    candidate: int
    base: int


class _Parts(NamedTuple):
    """What is left of a plan: gates before anything moves, the waves, and what follows them."""

    gates: Plan
    moving: Plan
    end: Plan


def no_scale_in_waves(rollout: Rollout) -> str | None:
    """Why a rollout that goes forward cannot be scaled; None when it can."""
    if rollout.spec.rolling is not None or not in_waves(rollout.plan):
        return None
    version = rollout.candidate.version
    made = f"{version} comes in parts that its steps made for {rollout.replicas} replicas: "
    return f"{made}scale once it came to rest"


def scale(state: Deployment, replicas: int, why: str) -> ev.DeploymentScaled:
    """What follows from a scale to ``replicas``."""
    waves = replanned(state.active, replicas) if state.active else None
    return ev.DeploymentScaled(deployment=state.key, replicas=replicas, why=why, waves=waves)


def replanned(rollout: Rollout, replicas: int) -> Replanned | None:
    """The rollout planned for ``replicas`` from its present step on; None where it has no waves,
    or none any more since it goes back."""
    spec = rollout.spec.rolling
    if spec is None or rollout.phase != "forward":
        return None
    within = bounds(spec, replicas, replicas)
    parts = _parts(rollout)
    if not parts.moving and (sides := _at_the_end(rollout, within)):
        rest = rollout.plan[rollout.index :]
        return Replanned(candidate=sides.candidate, base=sides.base, rest=rest)
    sides = _sides(rollout, within)
    steps = _steps(rollout, spec, within, sides, parts.moving)
    return Replanned(
        candidate=sides.candidate, base=sides.base, rest=(*parts.gates, *steps, *parts.end)
    )


def scale_in_waves_lines(
    state: Deployment, replicas: int | None, ready: str
) -> list[tuple[str, str]]:
    """What the dialog says where waves are planned anew; empty where none are. ``ready``: what is
    seen, in words."""
    rollout = state.active
    spec = rollout.spec.rolling if rollout else None
    if rollout is None or rollout.base is None or spec is None or rollout.phase != "forward":
        return []
    if replicas == 0:
        return []
    old, version = rollout.base.version, rollout.candidate.version
    has = f"{old} {rollout.base_replicas}, {version} {rollout.candidate_replicas}"
    has = f"{has} of {rollout.replicas}{', ' + ready if ready else ''}"
    if replicas is None:
        return [("Has", has), ("Then", "as many as you say, and waves planned for them")]
    new = replanned(rollout, replicas)
    if new is None:
        return []
    after = scaled(rollout, replicas, rollout.step_began, new)
    ends = ", ".join(step.title() for step in new.rest[:4])
    within = bounds(spec, replicas, replicas)
    return [
        ("Has", has),
        ("Then", f"{old} {after.base_replicas}, {version} {after.candidate_replicas} at once"),
        ("Waves", f"{ends}{' …' if len(new.rest) > 4 else ''}: to {replicas} of {version}"),
        ("Limits", f"at least {within.least} ready, at most {within.most} there"),
        ("Way back", f"scale to {rollout.replicas} again; abort: {replicas} of {old}"),
    ]


def _parts(rollout: Rollout) -> _Parts:
    rest = rollout.plan[rollout.index :]
    end = len(rest) - 1
    while end > 0 and isinstance(rest[end - 1], Bake | AwaitTrain | Pause):
        end -= 1
    begin = 0
    while begin < end and isinstance(rest[begin], Pause | AwaitTrain):
        begin += 1
    return _Parts(rest[:begin], rest[begin:end], rest[end:])


def _at_the_end(rollout: Rollout, within: Bounds) -> Sides | None:
    """All waves are over: the candidate is whole. None: more of the base is left than may stay
    beside it, so it is planned as waves."""
    left = within.most - within.replicas
    base = min(rollout.base_replicas, within.replicas)
    if base > left and within.replicas > rollout.candidate_replicas:
        return None
    return Sides(within.replicas, min(base, left))


def _sides(rollout: Rollout, within: Bounds) -> Sides:
    """How many of each are wished at once: between them never more than may be, at least one of
    what has traffic, and nothing that shrinks while the other grows. What is still on its way out
    is left to ``pacing``."""
    wanted, most = within.replicas, within.most
    candidate, base = (
        min(rollout.candidate_replicas, wanted),
        min(rollout.base_replicas, wanted),
    )
    if not candidate:
        return Sides(0, wanted)
    ready = min(_awaited(rollout), candidate)
    whole = rollout.weight_percent == 100
    if candidate + base > most:
        if whole:
            return Sides(candidate, most - candidate)
        return _fewer(candidate, base, ready, most)
    if whole:
        return Sides(max(candidate, min(wanted, most - base)), base)
    if not rollout.weight_percent:  # it was never tried: what is added is added to the base
        return Sides(candidate, max(base, min(wanted - ready, most - candidate)))
    missing = max(0, wanted - candidate - base)
    part = -(-missing * base // (candidate + base))
    grown = max(base, min(max(base + part, within.least - ready), most - candidate))
    return Sides(max(candidate, wanted - grown), grown)


def _fewer(candidate: int, base: int, ready: int, most: int) -> Sides:
    """First what is not ready of the candidate, then of both in their parts."""
    left = max(1, ready, candidate - (candidate + base - most))
    if left + base <= most:
        return Sides(left, base)
    stays = max(min(base, 1), round(most * base / (left + base)))
    return Sides(max(1, most - stays), stays)


def _awaited(rollout: Rollout) -> int:
    """How many of the candidate's replicas were waited for and ready, by its steps that are
    over."""
    count = ready = 0
    for step in rollout.plan[: rollout.index]:
        if isinstance(step, Scale) and step.side == "candidate":
            count, ready = step.replicas, min(ready, step.replicas)
        elif isinstance(step, AwaitReady) and step.side == "candidate":
            ready = count
    return ready


def _unconfirmed(rollout: Rollout, moving: Plan) -> bool:
    """Whether some of the base are perhaps still on their way out."""
    wish = rollout.base_replicas
    return any(isinstance(s, Scale) and s.side == "base" and s.replicas == wish for s in moving)


def _steps(
    rollout: Rollout, spec: RollingSpec, within: Bounds, sides: Sides, moving: Plan
) -> list[Step]:
    smoke = [step for step in moving if isinstance(step, SmokeTest)]
    base = Scale(side="base", replicas=sides.base, unavailable=within.fewer)
    if not sides.candidate:
        checks: tuple[Check, ...] = smoke[0].checks if smoke else ()
        begin: list[Step] = [base] if sides.base < rollout.base_replicas else []
        return [*begin, *waves(spec, within, sides.base, checks)]
    step = moving[0] if moving else None
    # A share that is wished already has to be seen on the route before anything else.
    opening: list[Step] = [step] if isinstance(step, SetTraffic) else []
    if sides.candidate != rollout.candidate_replicas or (
        isinstance(step, Scale) and step.side == "candidate"
    ):
        opening += [Scale(side="candidate", replicas=sides.candidate), await_ready(spec)]
    elif isinstance(step, AwaitReady):
        opening = [step]
    opening += smoke
    if sides.base != rollout.base_replicas or _unconfirmed(rollout, moving):
        opening.append(base)
    share = rollout.weight_percent
    return [*opening, *waves(spec, within, sides.base, ready=sides.candidate, share=share)]
