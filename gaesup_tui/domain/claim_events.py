"""What the journal holds of holds, locks, freeze windows and what environments ask for."""

from __future__ import annotations

from typing import Literal

from gaesup_tui.domain.model import DeploymentKey, Frozen, Text
from gaesup_tui.domain.policy import Policy
from gaesup_tui.domain.rollout import Actor
from gaesup_tui.domain.windows import FreezeWindow


class GlassBroken(Frozen):
    """The rollout goes on in a freeze window, until that ends."""

    kind: Literal["glass_broken"] = "glass_broken"
    deployment: DeploymentKey
    window: Text
    until: float
    why: Text
    one_step: bool = False
    who: Actor | None = None
    """Who broke it, where it takes effect later, in a train or in a queue; None: who did this."""


class PolicyTaken(Frozen):
    """What an environment asks for, from now on: the newest file wins."""

    kind: Literal["policy_taken"] = "policy_taken"
    policy: Policy


class WindowAdded(Frozen):
    """A freeze window of a scope, by hand; one of the same name there is replaced."""

    kind: Literal["window_added"] = "window_added"
    scope: str = ""
    window: FreezeWindow
    why: Text


class WindowRemoved(Frozen):
    """A window that was added by hand is there no more."""

    kind: Literal["window_removed"] = "window_removed"
    scope: str = ""
    name: Text
    why: Text


class WindowBegan(Frozen):
    """A freeze window began at ``since``: what moves in its scope stands still."""

    kind: Literal["window_began"] = "window_began"
    scope: str = ""
    name: Text
    since: float
    ends: Text


class WindowEnded(Frozen):
    """A freeze window is over: the timers of what stood still are put off by it."""

    kind: Literal["window_ended"] = "window_ended"
    scope: str = ""
    name: Text
    until: float | None = None
    """When it was over, if nobody was there to see it; None: now."""


class LockSet(Frozen):
    """Only the one who did this may move the deployment forward, for so long."""

    kind: Literal["lock_set"] = "lock_set"
    deployment: DeploymentKey
    why: Text
    for_s: float | None = None
    """None: until it is unlocked."""


class LockReleased(Frozen):
    """``broken_of``: the holder, when somebody else did it."""

    kind: Literal["lock_released"] = "lock_released"
    deployment: DeploymentKey
    why: Text = ""
    broken_of: Text = ""


class HoldSet(Frozen):
    """Automation of this deployment is held until a person releases it."""

    kind: Literal["hold_set"] = "hold_set"
    deployment: DeploymentKey
    why: Text
    by_hand: bool = False


class HoldReleased(Frozen):
    """Automation of this deployment may act again."""

    kind: Literal["hold_released"] = "hold_released"
    deployment: DeploymentKey
    why: Text


class ApprovalGiven(Frozen):
    """The first of two persons let the step at ``index`` be passed; the second one passes it."""

    kind: Literal["approval_given"] = "approval_given"
    deployment: DeploymentKey
    index: int
    full: bool = False
    why: Text = ""


ClaimEvent = (
    GlassBroken
    | PolicyTaken
    | WindowAdded
    | WindowRemoved
    | WindowBegan
    | WindowEnded
    | LockSet
    | LockReleased
    | HoldSet
    | HoldReleased
    | ApprovalGiven
)
