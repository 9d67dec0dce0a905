"""What was seen in the world. Volatile: only what follows from it is journaled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from gaesup_tui.domain.route import Rules

ReplicaState = Literal["starting", "ready", "unready", "backoff", "draining"]


@dataclass(frozen=True, slots=True)
class ReplicaSeen:
    """One replica as its backend reports it. Times are Unix seconds."""

    id: str
    state: ReplicaState
    since: float
    restarts: int = 0
    last_exit: str | None = None
    """Why it last ended, for a person: ``trap unreachable``, ``exit 137 (memory limit)``."""
    problem: str | None = None
    """Why it runs and is not ready, for a person: ``gsu_ready answered 1``."""
    health_failures: int = 0
    """Consecutive failed health checks."""
    inflight: int = 0
    memory_bytes: int | None = None
    cpu_s: float | None = None
    next_start_at: float | None = None


@dataclass(frozen=True, slots=True)
class Counters:
    """Cumulative traffic counters of a revision; they restart only with the backend's ``boot``."""

    ok: int = 0
    """Replies of class 2xx, 3xx and 4xx."""
    errors: int = 0
    """Replies of class 5xx, made by the unit or by the front for it (traps, deadlines)."""
    client_errors: int = 0
    """Of ``ok``, those of class 4xx."""
    bounds_s: tuple[float, ...] = ()
    """Upper bounds of the duration buckets, seconds; the last bucket is open."""
    buckets: tuple[int, ...] = ()
    """Successful replies per bucket, one more than bounds, not cumulative. A backend that counts
    them for failures too makes a fast failure look like fast service."""
    conversions: int | None = None
    """Successful replies to the requests a unit calls its conversion; None: nothing counts them."""
    users: int | None = None
    """Different users, by the key that keeps them on their side; None: nothing tells them apart."""
    converted_users: int | None = None
    """Of ``users``, those with at least one conversion."""
    users_full: bool = False
    """Whether no more users can be told apart than already are."""

    @property
    def requests(self) -> int:
        """Replies of every kind."""
        return self.ok + self.errors


@dataclass(frozen=True, slots=True)
class Copies:
    """Copies of other revisions' reads that a revision got; no user saw a reply. Cumulative."""

    answered: int
    """Below class 5xx."""
    failed: int
    dropped: int
    """Not made, since too many were waiting."""

    def __str__(self) -> str:
        return f"{self.answered} answered, {self.failed} failed, {self.dropped} dropped"


@dataclass(frozen=True, slots=True)
class RevisionSeen:
    """A revision of a deployment as it stands."""

    wanted: int
    replicas: tuple[ReplicaSeen, ...] = ()
    counters: Counters = Counters()
    error: str | None = None
    """Why no replica can be made at all: a gate refused the module."""
    copies: Copies | None = None
    """None: it never got one."""

    @property
    def ready(self) -> int:
        """How many replicas are ready now."""
        return sum(replica.state == "ready" for replica in self.replicas)

    def ready_since(self, at: float | None) -> int:
        """How many have been ready since ``at``, Unix seconds; None: are ready now."""
        if at is None:
            return self.ready
        return sum(each.state == "ready" and each.since <= at for each in self.replicas)

    @property
    def health_failures(self) -> int:
        """Failed health checks in a row, of the replica with most."""
        return max((replica.health_failures for replica in self.replicas), default=0)

    @property
    def restarts(self) -> int:
        """Of all its replicas together."""
        return sum(replica.restarts for replica in self.replicas)


@dataclass(frozen=True, slots=True)
class DeploymentSeen:
    """A deployment as its backend reports it; ``weights`` and ``rules`` are read back from the live
    route."""

    weights: Mapping[str, int] = field(default_factory=dict)
    revisions: Mapping[str, RevisionSeen] = field(default_factory=dict)
    rules: Rules | None = None
    """None: the backend splits by weights and knows no rules."""

    def revision(self, revision_id: str | None) -> RevisionSeen | None:
        """None: it is not seen there."""
        return self.revisions.get(revision_id) if revision_id else None


@dataclass(frozen=True, slots=True)
class Observation:
    """Everything one backend sees at one moment."""

    at: float
    boot: str
    """Changes when the backend restarted and its counters began anew."""
    deployments: Mapping[str, DeploymentSeen]
    endpoint: str = ""
    """Where traffic enters, ``127.0.0.1:7411``."""
