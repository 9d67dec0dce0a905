"""What a person can ask of the engine, as it goes over the wire."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from gaesup_tui.domain.model import DeploymentKey, Frozen, Name, Text, Version
from gaesup_tui.domain.policy import Policy
from gaesup_tui.domain.revision import Revision
from gaesup_tui.domain.route_spec import ConversionSpec
from gaesup_tui.domain.step_spec import StrategyStep
from gaesup_tui.domain.steps import Check, StrategyName
from gaesup_tui.domain.strategy_spec import StrategySpec
from gaesup_tui.domain.windows import FreezeWindow

Replicas = Annotated[int, Field(ge=0, le=1000)]


class _OnDeployment(Frozen):
    deployment: DeploymentKey
    why: Text = ""
    expect_seq: int | None = None
    """The deployment's ``seq`` when the person looked; refused if it moved. None: no check."""


class _Forward(_OnDeployment):
    break_glass: Text = ""
    """Why it cannot wait for the end of a freeze window; empty: it does not break the glass."""


class Deploy(_Forward):
    """Begin a rollout to ``revision``."""

    action: Literal["deploy"] = "deploy"
    backend: Name = "local"
    project: str = ""
    revision: Revision
    strategy: StrategyName = "rolling"
    steps: tuple[StrategyStep, ...] = ()
    """Of a strategy that is not built in."""
    spec: StrategySpec = StrategySpec()
    checks: tuple[Check, ...] = ()
    replicas: Annotated[int, Field(ge=1, le=1000)] | None = None
    """None: as many as there are, or 1."""
    depends_on: tuple[Name, ...] = ()
    """Units it asks while it serves, in the same environment."""
    conversion: ConversionSpec | None = None
    """The request whose success is counted."""
    policy: Policy | None = None
    """What the file says of the environment; None: nothing new."""


class Unqueue(_OnDeployment):
    """Take out the revision that waits for its turn."""

    action: Literal["unqueue"] = "unqueue"


class Rollback(_OnDeployment):
    """Back to the last good revision, or to ``version`` of the known-good history."""

    action: Literal["rollback"] = "rollback"
    version: Version | None = None


class Promote(_Forward):
    """Pass the gate the rollout stands at; with ``full`` every later one too."""

    action: Literal["promote"] = "promote"
    full: bool = False


class Abort(_OnDeployment):
    """All traffic back to the base. Needs no ``expect_seq``: it always wins."""

    action: Literal["abort"] = "abort"
    gradual: bool = False
    """Share by share instead of at once."""


class Pause(_OnDeployment):
    action: Literal["pause"] = "pause"


class Resume(_Forward):
    action: Literal["resume"] = "resume"


class Extend(_OnDeployment):
    """Let the wait or the analysis at hand expire later."""

    action: Literal["extend"] = "extend"
    by_s: Annotated[float, Field(gt=0, le=7 * 86400)]


class StepBack(_OnDeployment):
    """Back to the share before this one, and wait there for a person."""

    action: Literal["step_back"] = "step_back"


class Retry(_Forward):
    """The last rollout again, from the start or from the step it failed at."""

    action: Literal["retry"] = "retry"
    start: Literal["start", "failed"] = "start"


class Ignore(_OnDeployment):
    """One check does not count at the step at hand. Needs a reason."""

    action: Literal["ignore"] = "ignore"
    check: str = Field(default="", max_length=200)
    """Its name; empty: the one that stands in the way."""


class Ack(_OnDeployment):
    """A person has seen that it went back by itself."""

    action: Literal["ack"] = "ack"


class Delete(_OnDeployment):
    """Nothing serves there any more; the history stays."""

    action: Literal["delete"] = "delete"


class Scale(_OnDeployment):
    action: Literal["scale"] = "scale"
    replicas: Replicas


class Hold(_OnDeployment):
    """Hold a deployment's automation: nothing goes forward there by itself. Needs a reason."""

    action: Literal["hold"] = "hold"


class Lock(_OnDeployment):
    """Have the next word: only who locks it moves it forward. Needs a reason."""

    action: Literal["lock"] = "lock"
    for_s: Annotated[float, Field(gt=0, le=30 * 86400)] | None = None
    """None: until it is unlocked."""


class Unlock(_OnDeployment):
    """End a lock; another's needs a reason."""

    action: Literal["unlock"] = "unlock"


class ReleaseHold(_OnDeployment):
    """Let a held deployment's automation go on. Needs a reason."""

    action: Literal["unhold"] = "unhold"


TrainGate = Literal["before", "between", "none"]
"""Where a train waits for a person by itself: before its first group, between its groups, or
nowhere. Where its units would wait, it waits in any case, once for all of them."""
OnFailure = Literal["rollback", "hold", "continue"]
"""When one unit goes back: all go back, or nothing more starts until a person decides, or the
others go on without it and without what needs it."""


class TrainStart(Frozen):
    """Begin a release train: these deploys, dependencies first, all in one environment."""

    action: Literal["train_start"] = "train_start"
    train: Name
    environment: Name
    orders: Annotated[tuple[Deploy, ...], Field(min_length=1, max_length=100)]
    gate: TrainGate = "between"
    on_failure: OnFailure = "rollback"
    at_once: Annotated[int, Field(ge=1)] | None = None
    """How many units of a group move side by side; None: all of them."""
    expiry_s: Annotated[float, Field(gt=0, le=30 * 86400)] | None = 1800.0
    """How long a gate waits before the train goes back; None: for ever."""
    why: Text = ""


class _OnTrain(Frozen):
    train: Name
    why: Text = ""
    expect_seq: int | None = None
    """The train's ``seq`` when the person looked; refused if it moved. None: no check."""


class TrainPromote(_OnTrain):
    """Pass the gate the train stands at, or let one that is held go on with what is left."""

    action: Literal["train_promote"] = "train_promote"
    break_glass: Text = ""
    """Why it cannot wait for the end of a freeze window; empty: it does not break the glass."""


class TrainAbort(_OnTrain):
    """Everything the train moved goes back, dependents first. It always wins."""

    action: Literal["train_abort"] = "train_abort"


class TakePolicies(Frozen):
    """What a file says of its environments, without a deploy."""

    action: Literal["take_policies"] = "take_policies"
    policies: Annotated[tuple[Policy, ...], Field(min_length=1, max_length=100)]


class AddWindow(Frozen):
    """A freeze window of a scope, by hand. Needs a reason."""

    action: Literal["window_add"] = "window_add"
    scope: str = Field(default="", max_length=130)
    window: FreezeWindow
    why: Text = ""


class RemoveWindow(Frozen):
    """Takes away a window that was added by hand. Needs a reason."""

    action: Literal["window_remove"] = "window_remove"
    name: Text
    why: Text = ""


class Stop(Frozen):
    """Emergency stop of a scope: everything (empty), an environment, or a deployment."""

    action: Literal["stop"] = "stop"
    scope: str = Field(default="", max_length=130)
    mode: Literal["stop", "freeze"] = "stop"
    why: Text = ""


class GlobalRollback(Frozen):
    """Everything in a scope back to its last good revision, dependents first; nothing new begins
    there until it is released."""

    action: Literal["global_rollback"] = "global_rollback"
    scope: str = Field(default="", max_length=130)
    why: Text = ""


class Release(Frozen):
    """Ends a stop, a freeze or a global rollback. Needs a reason."""

    action: Literal["release"] = "release"
    scope: str = Field(default="", max_length=130)
    why: Text = ""


Command = Annotated[
    Deploy
    | Unqueue
    | Rollback
    | Promote
    | Abort
    | Pause
    | Resume
    | Extend
    | StepBack
    | Retry
    | Ignore
    | Ack
    | Delete
    | Scale
    | ReleaseHold
    | Hold
    | Lock
    | Unlock
    | TrainStart
    | TrainPromote
    | TrainAbort
    | TakePolicies
    | AddWindow
    | RemoveWindow
    | Stop
    | GlobalRollback
    | Release,
    Field(discriminator="action"),
]
COMMAND: TypeAdapter[Command] = TypeAdapter(Command)

ALWAYS_ALLOWED = (Abort, Stop, Rollback, GlobalRollback, TrainAbort)
"""What acts even while the journal cannot be written."""
