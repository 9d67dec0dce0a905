"""The gradual way back: share by share, so that a base that cooled down is not hit at once.

Whatever wants the traffic back faster overtakes it: abort, stop, a guard, the judge.
"""

from __future__ import annotations

from gaesup_tui.domain.rollout import Rollout
from gaesup_tui.domain.steps import AwaitReady, Pause, Plan, Scale, SetTraffic, Step
from gaesup_tui.domain.text import duration

SHARES = (50, 25, 10)
"""What is left on the candidate, one after the other, before nothing is."""


def shares_back(rollout: Rollout) -> list[int]:
    """The shares on the way from the present one to none; empty: it is small already."""
    return [share for share in SHARES if share < rollout.weight_percent]


def gradual_way_back(rollout: Rollout, deadline_s: float = 60.0) -> Plan:
    """First the base whole again, then the shares, then the candidate goes."""
    shares = shares_back(rollout)
    base: tuple[Step, ...] = (
        Scale(side="base", replicas=rollout.base_wanted),
        AwaitReady(side="base", timeout_s=deadline_s),
    )
    steps: list[Step] = list(base) if rollout.base_replicas < rollout.base_wanted else []
    for share in shares:
        steps.append(SetTraffic(weight_percent=share))
        steps.append(Pause(duration_s=rollout.spec.gradual_abort_s / len(shares)))
    return (*steps, SetTraffic(weight_percent=0), *base, Scale(side="candidate", replicas=0))


def is_gradual(rollout: Rollout) -> bool:
    """Whether it goes back share by share now, and could go faster."""
    left = rollout.plan[rollout.index :]
    return rollout.phase == "back" and any(isinstance(step, Pause) for step in left)


def base_is_gone(rollout: Rollout) -> bool:
    """Whether the base had been taken away and is not back yet: traffic has to wait for it."""
    if rollout.base_replicas == 0:
        return True
    done = rollout.plan[: rollout.index] if rollout.phase == "back" else ()
    if rollout.phase == "forward" or any(isinstance(step, SetTraffic) for step in done):
        return False
    if isinstance(rollout.step, SetTraffic):
        return False
    left = rollout.spec.plan[: len(rollout.records)]
    return any(step == Scale(side="base", replicas=0) for step in left)


def gradual_line(rollout: Rollout) -> str:
    """``50 %, 25 %, 10 %, then none: about 1m00``."""
    shares = ", ".join(f"{share} %" for share in shares_back(rollout))
    return f"{shares}, then none: about {duration(rollout.spec.gradual_abort_s)}"
