"""A rollout: the change of a deployment from one revision to another, by steps.

Everything here is a value and a fold. The rules that move it are in ``rollout_rules``.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from gaesup_tui.domain import fresh
from gaesup_tui.domain.abtest.answer import ABAnswer
from gaesup_tui.domain.model import DeploymentKey, Frozen, Text
from gaesup_tui.domain.revision import Revision
from gaesup_tui.domain.steps import Cause, Plan, RolloutSpec, Scale, SetTraffic, Step
from gaesup_tui.domain.verdict import Verdict

Phase = Literal["forward", "back", "finished"]
Outcome = Literal["promoted", "aborted", "failed"]


Colour = Literal["", "blue", "green"]
"""Empty: the deployment was never switched from one colour to the other."""


def other_colour(colour: Colour) -> Colour:
    """The one beside it; of a deployment without colours the second, green."""
    return "blue" if colour == "green" else "green"


class Actor(Frozen):
    """Who did it: a person (login name from the kernel) or the engine itself."""

    name: Text
    uid: int | None = None


ENGINE = Actor(name="gaesup")


class Paused(Frozen):
    """An operator's pause. It beats every timer."""

    by: Actor
    at: float
    why: Text
    engine: bool = False
    """Set by the engine because the world was not as planned."""
    held: bool = False
    """Set by the engine before a larger share, since the automation is held."""


class Glass(Frozen):
    """Somebody lets it go on in a freeze window."""

    by: Actor
    at: float
    why: Text
    window: Text
    until: float
    """When that window ends: the next one is closed again."""
    one_step: bool = False
    """Only up to the next gate."""


class Approval(Frozen):
    """One of two persons agreed to what comes after the present step."""

    by: Actor
    at: float
    full: bool
    why: Text = ""


class StepRecord(Frozen):
    """A step that is over."""

    began: float
    ended: float
    result: Literal["done", "skipped", "failed"]
    note: Text = ""


class Ignored(Frozen):
    """A check that does not count at one step of the plan."""

    index: int
    check: Text
    by: Actor
    at: float
    why: Text


class Measured(Frozen):
    """What a revision did over some seconds. None is "not measured", never zero."""

    seconds: float
    rate: float | None = None
    """Requests per second."""
    error_ratio: float | None = None
    p50_s: float | None = None
    p95_s: float | None = None


class Verified(Frozen):
    """How the base was seen to be after a way back."""

    at: float
    healthy: bool
    note: Text


class Rollout(Frozen):
    """One change, whole: what it does, where it stands, and how it came to be there."""

    id: str
    deployment: DeploymentKey
    spec: RolloutSpec
    base: Revision | None
    candidate: Revision
    replicas: int
    colour: Colour = ""
    """Of the candidate; the base has the other one."""
    by: Actor
    at: float
    why: Text = ""
    phase: Phase = "forward"
    plan: Plan
    """The steps of the present phase: forward, or the way back."""
    index: int = 0
    step_began: float
    extended_s: float = 0.0
    """By how much a person put off the expiry of the present step."""
    records: tuple[StepRecord, ...] = ()
    """One per step of ``spec.plan`` that is over, while going forward."""
    weight_percent: int = 0
    candidate_replicas: int = 0
    base_replicas: int
    wished_at: dict[str, float] = Field(default_factory=dict)
    """When the weight and the replicas of each side became what they are, by field; what was seen
    before that tells nothing about them."""
    base_wanted: int = 0
    """Replicas the base had when it began: the way back asks for them again."""
    scaled: bool = False
    """Whether somebody changed the number of replicas since it began."""
    ignored: tuple[Ignored, ...] = ()
    paused: Paused | None = None
    glass: Glass | None = None
    approvals: tuple[Approval, ...] = ()
    """For the present step, where two persons have to agree."""
    cleared: bool = False
    """The automation is held, and a person let it take the share after the present step."""
    full: bool = False
    """A person promoted fully: pauses and analysis are passed, guards are not."""
    verdict: Verdict | None = None
    verdict_at: float | None = None
    answer: ABAnswer | None = None
    """Of its A/B test, as it was journaled last."""
    cause: Cause | None = None
    cause_at: float | None = None
    cause_by: Actor | None = None
    outcome: Outcome | None = None
    finished_at: float | None = None
    verified: Verified | None = None

    @property
    def step(self) -> Step | None:
        """The step at work; None: the plan is done."""
        return self.plan[self.index] if self.index < len(self.plan) else None

    @property
    def active(self) -> bool:
        """Whether it still moves, forward or back."""
        return self.phase != "finished"

    def weights(self) -> dict[str, int]:
        """The traffic wished: revision id to percent; empty when nothing may serve."""
        shares = {self.candidate.id: self.weight_percent}
        if self.base is not None:
            rest = 100 - self.weight_percent - fresh.copy_share(self)
            shares[self.base.id] = shares.get(self.base.id, 0) + rest
        if copy := fresh.copy_of_base(self):
            shares[copy.id] = fresh.copy_share(self)
        return {revision: weight for revision, weight in shares.items() if weight}

    def replica_wishes(self) -> dict[str, tuple[Revision, int]]:
        """The replicas wished of every revision this rollout may speak of."""
        wished = {self.candidate.id: (self.candidate, self.candidate_replicas)}
        if self.base is not None and self.base.id != self.candidate.id:
            wished[self.base.id] = (self.base, self.base_replicas)
        if copy := fresh.copy_of_base(self):
            wished[copy.id] = (copy, fresh.copy_replicas(self))
        return wished


def wished(rollout: Rollout, at: float, **counts: int) -> dict[str, object]:
    """What changes with these wishes, and the time at which they did if they are new."""
    since = {name: at for name, count in counts.items() if getattr(rollout, name) != count}
    return {**counts, "wished_at": {**rollout.wished_at, **since}}


def enter(rollout: Rollout, index: int, at: float) -> Rollout:
    """The rollout as it is once the step at ``index`` has begun: its wish is in force."""
    changed: dict[str, object] = {
        "index": index,
        "step_began": at,
        "extended_s": 0.0,
        "cleared": False,
        "approvals": (),
    }
    step = rollout.plan[index] if index < len(rollout.plan) else None
    if isinstance(step, SetTraffic):
        changed |= wished(rollout, at, weight_percent=step.weight_percent)
    elif isinstance(step, Scale):
        changed |= wished(rollout, at, **{f"{step.side}_replicas": step.replicas})
    return rollout.model_copy(update=changed)


def stood_still(rollout: Rollout, since: float, until: float) -> Rollout:
    """The rollout with its step's timers put off by a time in which nothing was allowed to move:
    what expires meanwhile would otherwise abort it in the moment it may go on."""
    began = rollout.step_began
    lost = max(0.0, until - max(since, began))
    return rollout.model_copy(update={"step_began": began + lost})
