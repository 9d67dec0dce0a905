"""The engine as one thing: what the service and the tests hold."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from gaesup_tui.domain.commands import Command
from gaesup_tui.domain.events import Recorded
from gaesup_tui.domain.judge import Judge
from gaesup_tui.domain.observation import DeploymentSeen
from gaesup_tui.domain.rollout import Actor
from gaesup_tui.domain.rollout_rules import Look
from gaesup_tui.domain.waiting import Waiting
from gaesup_tui.domain.world import World
from gaesup_tui.engine.ports import Backend, Clock, LogLine, Places


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a command led to."""

    seq: int
    """The last event's number."""
    events: tuple[Recorded, ...]
    durable: bool = True
    """False: acted from memory, since the journal cannot be written; recorded as soon as it can."""
    repeated: bool = False
    """The idempotency key was used before: this is the first answer again."""


class Subscription:
    """``async for batch in subscription``: committed events, in order, from after ``seq``.

    Ends by raising ``Overflow`` when its reader falls 1,000 batches behind: read again from a
    snapshot. Ends without a word when the engine stops.
    """

    seq: int

    def __aiter__(self) -> AsyncIterator[tuple[Recorded, ...]]:
        raise NotImplementedError

    def close(self) -> None:
        raise NotImplementedError


class Engine:
    """``start`` it, ``submit`` commands, read ``world`` and ``observer``, ``stop`` it."""

    def __init__(
        self,
        journal: object,
        backends: Mapping[str, Backend],
        *,
        clock: Clock,
        judge: Judge,
        places: Places,
        version: str = "",
    ) -> None:
        raise NotImplementedError

    world: World
    """The present state; read only, replaced with every change."""
    observer: object
    """What is seen: ``Observer`` of ``gaesup_tui.engine.observer``."""
    frozen: str | None
    """Why nothing moves forward: the journal cannot be written. None in health."""

    async def start(self) -> None:
        """Replays the journal, then begins to work. Raises ``GaesupError`` with what to do."""
        raise NotImplementedError

    async def stop(self, why: str = "") -> None:
        """Ends cleanly: what is in hand is recorded, backends keep running what they run."""
        raise NotImplementedError

    async def submit(
        self, command: Command, by: Actor, idempotency_key: str | None = None
    ) -> Receipt:
        """Decides on a command; returns when what follows is durable.

        Raises the domain's errors: ``Refused``, ``Moved``, ``Invalid``, ``NotFound``, ``Frozen``.
        """
        raise NotImplementedError

    def subscribe(self) -> Subscription:
        """Every batch committed from now on; ``Subscription.seq`` is where ``world`` stands."""
        raise NotImplementedError

    async def history(
        self, after: int = 0, limit: int = 500, deployment: str | None = None
    ) -> tuple[Recorded, ...]:
        """Committed events with a number above ``after``, oldest first."""
        raise NotImplementedError

    async def history_before(
        self, before: int | None = None, limit: int = 200, deployment: str | None = None
    ) -> tuple[Recorded, ...]:
        """Committed events below ``before`` (None: the newest), newest first."""
        raise NotImplementedError

    async def changed(self, since: int) -> int:
        """Waits until anything a view shows may have changed since number ``since``; returns the
        new number. Latest wins: many changes may be one return."""
        raise NotImplementedError

    def seen(self, key: str) -> DeploymentSeen | None:
        """The deployment as last seen; None when its backend was not seen for 10 s."""
        raise NotImplementedError

    def look(self, key: str) -> Look | None:
        """What the engine decides from now: seen, windows, verdict. None without active rollout."""
        raise NotImplementedError

    def waiting(self, key: str) -> Waiting | None:
        """Why its rollout stands where it stands."""
        raise NotImplementedError

    def troubles(self, key: str) -> tuple[str, ...]:
        """Last errors of the calls that should make its wishes true; empty when all is well."""
        raise NotImplementedError

    def strangers(self) -> Mapping[str, tuple[str, ...]]:
        """Per backend, what runs there and the journal does not know: reported, not touched."""
        raise NotImplementedError

    def logs(
        self,
        key: str,
        *,
        revision: str | None = None,
        replica: str | None = None,
        tail: int = 200,
        follow: bool = False,
    ) -> AsyncIterator[LogLine]:
        """Log lines of a deployment from its backend. Raises ``NotFound``, ``Unavailable``."""
        raise NotImplementedError

    async def backup(self, path: Path | None = None) -> Path:
        """An online copy of the journal; None: a dated file in the state directory."""
        raise NotImplementedError
