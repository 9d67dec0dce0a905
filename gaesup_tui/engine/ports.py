"""What the engine asks of the world. Wishes go out through these, observations come in.

Every call that changes something is idempotent: the engine repeats it until what is seen agrees.
An implementation is found through the entry point group ``gaesup.backends``.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from gaesup_tui.domain.observation import Observation
from gaesup_tui.domain.revision import Revision
from gaesup_tui.domain.route import Route
from gaesup_tui.domain.steps import Check


@dataclass(frozen=True, slots=True)
class ProbeReply:
    """What one request straight to a revision brought back."""

    status: int
    body: bytes
    """At most 64 KiB of it."""
    duration_s: float


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line a replica wrote; already one line, not yet sanitised."""

    at: float
    revision: str
    replica: str
    stream: str
    line: str


class Backend(Protocol):
    """Runs revisions of deployments and splits their traffic.

    All methods raise ``gaesup_tui.domain.errors.Unavailable`` when the backend cannot be reached
    and ``Invalid`` when it will never accept what is asked.
    """

    async def start(self) -> None:
        """Makes it reachable: finds what runs, or starts it. Returns once it answered."""

    async def ensure(self, deployment: str, revision: Revision, replicas: int) -> None:
        """Ask for ``replicas`` of a revision; 0 drains and removes it. Returns once accepted;
        whether it came true is seen in observations."""

    async def set_traffic(self, deployment: str, route: Route) -> None:
        """Send new requests where the route says; empty weights answer 503. In force on return. Its
        weights and, if the backend knows rules, its rules come back in observations."""

    async def probe(
        self, deployment: str, revision: str, check: Check, timeout_s: float
    ) -> ProbeReply:
        """One request to a revision, not counted as a user's."""

    def observations(self) -> AsyncIterator[Observation]:
        """What is seen: at least once a second, and soon after anything changed. Ends never; while
        the backend cannot be reached nothing is yielded, and it is started again if it is ours."""

    def logs(
        self, deployment: str, *, revision: str | None, replica: str | None, tail: int, follow: bool
    ) -> AsyncIterator[LogLine]:
        """The last ``tail`` lines, oldest first, then with ``follow`` new ones as they come."""

    async def close(self) -> None:
        """Lets go of it. What runs keeps running."""


@dataclass(frozen=True, slots=True)
class Places:
    """Where a backend may keep things."""

    runtime: Path
    """Sockets and locks; 0700, gone after a reboot."""
    state: Path
    """What must last."""


class BackendFactory(Protocol):
    """What the entry point names."""

    def __call__(self, places: Places) -> Backend: ...


class ModuleGate(Protocol):
    """What a factory may have too, to refuse a module before anything is deployed."""

    def refuses(self, module: bytes, capabilities: Sequence[str], memory_bytes: int) -> str:
        """Why a module never runs there, from its bytes alone; empty when it may."""


class Clock(Protocol):
    """Time as the engine sees it."""

    def now(self) -> float:
        """Unix seconds, never falling while the engine lives."""

    async def sleep(self, seconds: float) -> None: ...
