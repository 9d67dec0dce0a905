"""A release train: several units in dependency order as one release. Values only.

Its units' rollouts are ordinary ones with stops of the train in their plans (``steps.AwaitTrain``):
one where a unit would wait for a person, and one before the base is taken away. So nothing of a
train is final until all of it has arrived, and until then every way back is warm.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from pydantic import Field

from gaesup_tui.domain.commands import Deploy, OnFailure, TrainGate
from gaesup_tui.domain.model import DeploymentKey, Frozen, Name, Text
from gaesup_tui.domain.rollout import Actor

KEEP_TRAINS = 4
"""So many are remembered beside those under way, one of each name: everybody is shown them with
every change. The journal has all."""

TrainPhase = Literal["forward", "gate", "held", "back", "finished"]
TrainOutcome = Literal["arrived", "returned", "partly"]
Standing = Literal["before", "units", "between"]
"""Which gate a train stands at: the one before its first group, the one where its units wait, or
the one between two groups."""


class Car(Frozen):
    """One unit of a train."""

    order: Deploy
    """What is deployed, as one would by hand."""
    leaves: str = ""
    """Version that ran when the train began; empty: nothing did."""
    leaves_revision: str = ""
    rollout: str = ""
    """Id of its rollout; empty until its turn has come."""
    aside: Text = ""
    """Why the train goes on without it; empty: it does not."""
    accepted: bool = False
    """A person said to go on though something else runs here than when the train began."""

    @property
    def key(self) -> DeploymentKey:
        """Of its deployment."""
        return self.order.deployment


class Train(Frozen):
    """Where a release stands. Groups count from 0; before the first has begun it is -1."""

    name: Name
    environment: Name
    by: Actor
    at: float
    why: Text = ""
    groups: tuple[tuple[Car, ...], ...]
    """Dependencies first."""
    gate: TrainGate = "between"
    on_failure: OnFailure = "rollback"
    at_once: int | None = Field(default=None, ge=1)
    """How many units of a group move side by side; None: all of them."""
    expiry_s: float | None = None
    """How long a gate waits before the train goes back; None: for ever."""
    phase: TrainPhase = "forward"
    since: float
    """When the present phase began."""
    group: int = -1
    standing: Standing | None = None
    open_to: int = -1
    """The last group a person has let the train enter."""
    glass: Text = ""
    """Why units up to ``glass_group`` begin in a freeze window until ``glass_until``."""
    glass_by: Actor | None = None
    glass_until: float = 0.0
    glass_group: int = -1
    turn: int = 0
    """On the way back: the group at work; before the first it is their number."""
    turn_began: float = 0.0
    cause: Text = ""
    """Why it is held or goes back."""
    late: tuple[DeploymentKey, ...] = ()
    """On the way back: what had not come to rest when its group's time was over."""
    outcome: TrainOutcome | None = None
    note: Text = ""
    finished_at: float | None = None
    seq: int = 0
    """The last event that changed it: what a decision is based on."""

    @property
    def active(self) -> bool:
        """Whether it is still under way."""
        return self.phase != "finished"

    @property
    def cars(self) -> tuple[Car, ...]:
        """All of them, in the order of their groups."""
        return tuple(car for group in self.groups for car in group)

    @property
    def at_work(self) -> tuple[Car, ...]:
        """The units of the present group."""
        return self.groups[self.group] if 0 <= self.group < len(self.groups) else ()


def with_cars(train: Train, keys: Iterable[str], **changes: object) -> Train:
    """The train with some of its units changed."""
    chosen = set(keys)
    groups = tuple(
        tuple(car.model_copy(update=changes) if car.key in chosen else car for car in group)
        for group in train.groups
    )
    return train.model_copy(update={"groups": groups})
