"""Everything the journal can hold. An event is what follows from an input, in the past tense."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from gaesup_tui.domain.abtest.answer import ABAnswer
from gaesup_tui.domain.claim_events import ApprovalGiven as ApprovalGiven
from gaesup_tui.domain.claim_events import GlassBroken as GlassBroken
from gaesup_tui.domain.claim_events import HoldReleased as HoldReleased
from gaesup_tui.domain.claim_events import HoldSet as HoldSet
from gaesup_tui.domain.claim_events import LockReleased as LockReleased
from gaesup_tui.domain.claim_events import LockSet as LockSet
from gaesup_tui.domain.claim_events import PolicyTaken as PolicyTaken
from gaesup_tui.domain.claim_events import WindowAdded as WindowAdded
from gaesup_tui.domain.claim_events import WindowBegan as WindowBegan
from gaesup_tui.domain.claim_events import WindowEnded as WindowEnded
from gaesup_tui.domain.claim_events import WindowRemoved as WindowRemoved
from gaesup_tui.domain.commands import Deploy
from gaesup_tui.domain.life_events import BackendRestarted as BackendRestarted
from gaesup_tui.domain.life_events import EngineStarted as EngineStarted
from gaesup_tui.domain.life_events import EngineStopped as EngineStopped
from gaesup_tui.domain.model import DeploymentKey, Frozen, Name, Text
from gaesup_tui.domain.rollout import Actor, Measured, Outcome, Rollout
from gaesup_tui.domain.steps import Cause, Plan
from gaesup_tui.domain.train_events import TrainFinished as TrainFinished
from gaesup_tui.domain.train_events import TrainMoved as TrainMoved
from gaesup_tui.domain.train_events import TrainPromoted as TrainPromoted
from gaesup_tui.domain.train_events import TrainSetAside as TrainSetAside
from gaesup_tui.domain.train_events import TrainStarted as TrainStarted
from gaesup_tui.domain.train_events import TrainStood as TrainStood
from gaesup_tui.domain.train_events import TrainTurned as TrainTurned
from gaesup_tui.domain.train_events import TrainWentBack as TrainWentBack
from gaesup_tui.domain.turns import Turn
from gaesup_tui.domain.verdict import Verdict
from gaesup_tui.domain.waves import Replanned


class RolloutCreated(Frozen):
    kind: Literal["rollout_created"] = "rollout_created"
    deployment: DeploymentKey
    backend: Name
    project: str = ""
    """The ``gaesup.yaml`` it came from, so that later commands find the unit's versions."""
    depends_on: tuple[Name, ...] | None = None
    """Units it asks while it serves; None: as before."""
    rollout: Rollout


class DeployQueued(Frozen):
    """A revision came while another one moved, and begins after it; an earlier one that waited
    is forgotten."""

    kind: Literal["deploy_queued"] = "deploy_queued"
    deployment: DeploymentKey
    deploy: Deploy
    replaces: bool = False
    """Whether what moves goes back for it."""
    why: Text = ""


class QueueDropped(Frozen):
    """What was queued never begins."""

    kind: Literal["queue_dropped"] = "queue_dropped"
    deployment: DeploymentKey
    version: str = ""
    why: Text = ""


class StepCompleted(Frozen):
    """The step at ``index`` of the present phase is over; the next begins with it."""

    kind: Literal["step_completed"] = "step_completed"
    deployment: DeploymentKey
    index: int
    result: Literal["done", "skipped"] = "done"
    note: Text = ""


class DecisionMade(Frozen):
    """A person answered: the gate at ``index`` is passed, or with ``full`` every one after it."""

    kind: Literal["decision_made"] = "decision_made"
    deployment: DeploymentKey
    index: int
    full: bool = False
    approved_by: tuple[Text, ...] = ()
    """Where two persons have to agree: who else did."""
    share: bool = False
    """No gate, but the share after this step: a held deployment takes none by itself."""
    why: Text = ""


class RolloutPaused(Frozen):
    kind: Literal["rollout_paused"] = "rollout_paused"
    deployment: DeploymentKey
    why: Text = ""
    engine: bool = False
    held: bool = False
    """By the engine, before a larger share of a held deployment."""


class RolloutResumed(Frozen):
    kind: Literal["rollout_resumed"] = "rollout_resumed"
    deployment: DeploymentKey
    why: Text = ""


class RolloutExtended(Frozen):
    """The step at ``index`` expires later."""

    kind: Literal["rollout_extended"] = "rollout_extended"
    deployment: DeploymentKey
    index: int
    by_s: float
    why: Text = ""


class SteppedBack(Frozen):
    """The share of the step at ``index``, an earlier one, holds again; what follows it is next."""

    kind: Literal["stepped_back"] = "stepped_back"
    deployment: DeploymentKey
    index: int
    why: Text = ""


class VerdictGiven(Frozen):
    """The judge changed its mind."""

    kind: Literal["verdict_given"] = "verdict_given"
    deployment: DeploymentKey
    verdict: Verdict


class ABAnswered(Frozen):
    """What the A/B test says is another thing than before, or is said from many more users."""

    kind: Literal["ab_answered"] = "ab_answered"
    deployment: DeploymentKey
    answer: ABAnswer


class RetreatStarted(Frozen):
    """The way back began, with its steps."""

    kind: Literal["retreat_started"] = "retreat_started"
    deployment: DeploymentKey
    cause: Cause
    plan: Plan


class RolloutFinished(Frozen):
    kind: Literal["rollout_finished"] = "rollout_finished"
    deployment: DeploymentKey
    outcome: Outcome
    note: Text = ""
    measured: Measured | None = None
    """What the candidate did at the end of its bake; None: it was not seen, or went back."""
    verdict: Verdict | None = None
    """What the judge said last; None: nobody asked it, or as journaled before."""


class CheckIgnored(Frozen):
    """``check`` does not count at the step at ``index``."""

    kind: Literal["check_ignored"] = "check_ignored"
    deployment: DeploymentKey
    index: int
    check: Text
    why: Text


class WayBackVerified(Frozen):
    """The base was looked at after a way back, and this was seen."""

    kind: Literal["way_back_verified"] = "way_back_verified"
    deployment: DeploymentKey
    healthy: bool
    note: Text


class Acknowledged(Frozen):
    """A person has seen the notice of an automatic rollback."""

    kind: Literal["acknowledged"] = "acknowledged"
    deployment: DeploymentKey
    why: Text = ""


class DeploymentDeleted(Frozen):
    kind: Literal["deployment_deleted"] = "deployment_deleted"
    deployment: DeploymentKey
    why: Text = ""


class DeploymentScaled(Frozen):
    kind: Literal["deployment_scaled"] = "deployment_scaled"
    deployment: DeploymentKey
    replicas: int = Field(ge=0, le=1000)
    why: Text = ""
    waves: Replanned | None = None
    """What a rolling update that was on its way goes on with; None: there was none."""


class StopPressed(Frozen):
    """The emergency stop of a scope: empty for everything, an environment, or a deployment."""

    kind: Literal["stop_pressed"] = "stop_pressed"
    scope: str = ""
    mode: Literal["stop", "freeze"] = "stop"
    why: Text = ""


class StopReleased(Frozen):
    kind: Literal["stop_released"] = "stop_released"
    scope: str = ""
    why: Text
    left: tuple[DeploymentKey, ...] = ()
    """What a global rollback had not come to yet, and stays as it is."""


class GlobalRollbackStarted(Frozen):
    """Everything in a scope goes back to its last good revision, group by group."""

    kind: Literal["global_rollback_started"] = "global_rollback_started"
    scope: str = ""
    why: Text = ""
    groups: tuple[tuple[Turn, ...], ...]
    skipped: tuple[Turn, ...] = ()


class GlobalRollbackTurn(Frozen):
    """The next of its ``groups`` begins; with ``group`` equal to their number it is over."""

    kind: Literal["global_rollback_turn"] = "global_rollback_turn"
    scope: str = ""
    group: int
    groups: int
    late: tuple[DeploymentKey, ...] = ()
    """Of the group before, what had not come to rest when its time was over."""


Event = Annotated[
    RolloutCreated
    | DeployQueued
    | QueueDropped
    | StepCompleted
    | DecisionMade
    | RolloutPaused
    | RolloutResumed
    | RolloutExtended
    | SteppedBack
    | VerdictGiven
    | ABAnswered
    | RetreatStarted
    | RolloutFinished
    | CheckIgnored
    | WayBackVerified
    | Acknowledged
    | DeploymentScaled
    | DeploymentDeleted
    | HoldSet
    | HoldReleased
    | LockSet
    | LockReleased
    | ApprovalGiven
    | GlassBroken
    | PolicyTaken
    | WindowAdded
    | WindowRemoved
    | WindowBegan
    | WindowEnded
    | StopPressed
    | StopReleased
    | GlobalRollbackStarted
    | GlobalRollbackTurn
    | TrainStarted
    | TrainMoved
    | TrainStood
    | TrainPromoted
    | TrainSetAside
    | TrainTurned
    | TrainWentBack
    | TrainFinished
    | BackendRestarted
    | EngineStarted
    | EngineStopped,
    Field(discriminator="kind"),
]


class Recorded(Frozen):
    """An event in the journal: numbered, timed, and with the one who caused it."""

    seq: int
    at: float
    """Unix seconds, never falling."""
    by: Actor
    event: Event

    @property
    def deployment(self) -> str:
        """The deployment it belongs to; empty for the engine's own and the stop's."""
        return getattr(self.event, "deployment", "")
