"""What people are shown of release trains: before one starts, and while it is under way. Plain
JSON, typed, as in ``views``; times are Unix seconds.
"""

from __future__ import annotations

from typing import TypedDict


class CarView(TypedDict):
    """One unit of a train."""

    deployment: str
    leaves: str
    """Version that ran before; empty: nothing did."""
    to: str
    place: str
    """``to come``, ``moving``, ``gate``, ``arrived``, ``ready``, ``leaving``, ``through``,
    ``going back``, ``back``, ``elsewhere`` (moved by hand since) or ``aside`` (left out)."""
    text: str
    """The same in words, with the share and the step or the reason."""
    weight: int
    """Percent of the traffic on the new version, as wished."""


class TrainView(TypedDict):
    """Where a train stands."""

    name: str
    environment: str
    by: str
    at: float
    why: str
    seq: int
    """Send it back as ``expect_seq`` with a decision."""
    phase: str
    """``forward``, ``gate``, ``held``, ``back`` or ``finished``."""
    outcome: str | None
    """``arrived``, ``returned`` or ``partly``."""
    text: str
    """In one line: ``2 of 2 ready, at 25 %, waits for you (group 1 of 3)``."""
    since: float
    person: bool
    """Whether it waits for a person."""
    until: float | None
    """When a gate nobody passes sends it back."""
    group: int
    """At work, from 0; -1 before the first."""
    groups: list[list[CarView]]
    """Dependencies first."""
    gate: str
    on_failure: str
    at_once: int | None
    cause: str
    note: str
    finished_at: float | None
    on_promote: str
    """What a promotion would do now."""
    glass: str
    """The freeze window in the way of a promotion, which needs a reason then; empty: none is."""
    way_back: str
    """What an abort would do now, and in which order."""
    actions: dict[str, str | None]
    """``train_promote`` and ``train_abort`` to None when possible, else why not."""


class CarPlan(TypedDict):
    """What a train would do with one unit."""

    deployment: str
    leaves: str
    to: str
    strategy: str
    steps: list[str]
    text: str
    """``v41 → v42, canary``, or why it stays as it is."""


class TrainPlan(TypedDict):
    """What a train would do."""

    name: str
    environment: str
    title: str
    groups: list[list[CarPlan]]
    lines: list[tuple[str, str]]
    """Label and text: Gate, Fails, Takes, Way back."""
    refused: str | None
    """Why it cannot start."""
