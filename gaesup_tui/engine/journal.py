"""The journal as the engine sees it: an append-only list of events that is true after a crash.

There is one writer, the conductor, and it hands over everything that queued up meanwhile as one
batch: that is the group commit.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from gaesup_tui.domain.errors import GaesupError
from gaesup_tui.domain.events import Recorded
from gaesup_tui.domain.world import Snapshot

KEEP_ANSWERS = 10_000
"""How many idempotency keys are remembered."""


class JournalError(GaesupError):
    """The journal cannot be opened, read or written; says where and what to do."""

    code = "journal"


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered to the command that carried an idempotency key."""

    key: str
    digest: str
    """Of the command, so that a key is not answered with another command's events."""
    first: int
    last: int
    """Numbers of its first and last event."""


@dataclass(frozen=True, slots=True)
class Batch:
    """What becomes durable together, or not at all."""

    events: tuple[Recorded, ...]
    answers: tuple[Answer, ...] = ()


@dataclass(frozen=True, slots=True)
class Restored:
    """All one needs to stand where the engine stood."""

    snapshot: Snapshot | None
    tail: tuple[Recorded, ...]
    """Events after the snapshot."""
    answers: tuple[Answer, ...]
    """The newest ``KEEP_ANSWERS``, oldest first."""
    lost: str = ""
    """What shows that it held more once; empty when nothing does."""


class Journal(Protocol):
    """Where events are kept. All methods raise ``JournalError``."""

    async def open(self) -> Restored:
        """Takes it for this engine alone and reads where things stand."""

    async def append(self, batch: Batch) -> None:
        """Durable on return; an empty batch only tries whether one could be.

        When it raises, nothing of the batch may be acted upon: it may be appended again under the
        same numbers, or something else may.
        """

    async def read(
        self, after: int, limit: int, deployment: str | None = None
    ) -> tuple[Recorded, ...]:
        """Events with a number above ``after``, oldest first."""

    async def read_before(
        self, before: int | None, limit: int, deployment: str | None = None
    ) -> tuple[Recorded, ...]:
        """Events with a number below ``before`` (None: the newest), newest first."""

    async def save_snapshot(self, snapshot: Snapshot) -> None:
        """Keeps a world to begin the next replay from."""

    async def oldest_snapshot(self) -> str | None:
        """The oldest snapshot that is kept, as JSON just read from where it lies."""

    async def prune(self, before_at: float, through: int, limit: int) -> int:
        """Removes at most ``limit`` of the oldest events, and the answers that told of them.

        Never one that happened at ``before_at`` or later, that has a number above ``through``, or
        that a replay from any kept snapshot needs; without a snapshot, none. All or nothing, so
        a crash harms nothing. Returns how many.
        """

    async def backup(self, path: Path) -> None:
        """A consistent copy, made while work goes on."""

    async def close(self) -> None:
        """Lets go of it. Safe to call twice."""
