"""What the journal holds of release trains."""

from __future__ import annotations

from typing import Literal

from gaesup_tui.domain.commands import OnFailure, TrainGate
from gaesup_tui.domain.model import DeploymentKey, Frozen, Name, Text
from gaesup_tui.domain.train import Car, Standing, TrainOutcome


class TrainStarted(Frozen):
    """A release train was put together; its first group begins when its gate lets it."""

    kind: Literal["train_started"] = "train_started"
    train: Name
    environment: Name
    groups: tuple[tuple[Car, ...], ...]
    gate: TrainGate = "between"
    on_failure: OnFailure = "rollback"
    at_once: int | None = None
    expiry_s: float | None = None
    why: Text = ""


class TrainMoved(Frozen):
    """Units of a group began: the rollouts whose ids these are."""

    kind: Literal["train_moved"] = "train_moved"
    train: Name
    group: int
    groups: int
    begins: tuple[str, ...] = ()


class TrainStood(Frozen):
    """It came to a gate, and waits for a person."""

    kind: Literal["train_stood"] = "train_stood"
    train: Name
    standing: Standing
    what: Text = ""


class TrainPromoted(Frozen):
    """It goes on: up to ``group`` no gate is ahead. ``aside`` are left out, for ``note``; of
    ``accepted`` it does not matter what runs there now."""

    kind: Literal["train_promoted"] = "train_promoted"
    train: Name
    group: int
    aside: tuple[DeploymentKey, ...] = ()
    accepted: tuple[DeploymentKey, ...] = ()
    note: Text = ""
    why: Text = ""
    glass: Text = ""
    """Why its next group begins in a freeze window; empty: nobody broke the glass."""
    glass_until: float = 0.0


class TrainSetAside(Frozen):
    """It goes on without these units."""

    kind: Literal["train_set_aside"] = "train_set_aside"
    train: Name
    units: tuple[DeploymentKey, ...]
    why: Text = ""


class TrainTurned(Frozen):
    """It goes back, or is held until a person decides."""

    kind: Literal["train_turned"] = "train_turned"
    train: Name
    to: Literal["back", "held"]
    cause: Text = ""


class TrainWentBack(Frozen):
    """On the way back the turn of a group has come; ``late`` of the one before did not come to
    rest in time."""

    kind: Literal["train_went_back"] = "train_went_back"
    train: Name
    group: int
    groups: int
    late: tuple[DeploymentKey, ...] = ()


class TrainFinished(Frozen):
    """It is over; what it came to is ``outcome``."""

    kind: Literal["train_finished"] = "train_finished"
    train: Name
    outcome: TrainOutcome
    note: Text = ""
