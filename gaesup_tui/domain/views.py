"""What the console and the commands are shown: plain JSON, typed. No third-party import, so a
screen can be painted before any model is loaded. ``viewing`` makes these in the engine.

Times are Unix seconds, ratios 0…1, durations seconds. None is "no data", never zero.
"""

from __future__ import annotations

from typing import Literal, TypedDict

from gaesup_tui.domain.abtest.views import ABView
from gaesup_tui.domain.lock_views import LockView
from gaesup_tui.domain.notice_views import NoticeView, QueuedView
from gaesup_tui.domain.preview_views import Preview as Preview
from gaesup_tui.domain.stop_views import RollbackView
from gaesup_tui.domain.train_views import TrainView
from gaesup_tui.domain.verdict_views import VerdictView
from gaesup_tui.domain.window_views import WindowView

Status = Literal[
    "healthy",  # nothing moves, all replicas ready
    "degraded",  # nothing moves, some replica is not ready
    "down",  # nothing moves, none is ready
    "progressing",
    "waiting",  # for a person
    "paused",
    "baking",
    "returning",  # on the way back
    "aborted",  # the last rollout was; users are served by the stable revision
    "failed",  # nothing serves
    "frozen",
    "unknown",  # its backend is not seen
]

Health = Literal["healthy", "degraded", "down", "unknown"]

Level = Literal["info", "ok", "warn", "bad"]
"""How good or bad the news of an event is."""


class Numbers(TypedDict):
    """Traffic over the last seconds."""

    rps: float | None
    error_ratio: float | None
    p50_s: float | None
    p95_s: float | None


class ReplicaView(TypedDict):
    id: str
    state: str
    since: float
    restarts: int
    last_exit: str | None
    problem: str | None
    """Why it runs and is not ready."""
    health_failures: int
    inflight: int
    memory_bytes: int | None
    cpu_s: float | None
    next_start_at: float | None


class RevisionView(TypedDict):
    id: str
    version: str
    role: str
    """``stable``, ``candidate``, ``base`` (warm while a rollout moves) or ``leaving``."""
    colour: str
    """``blue`` or ``green`` where a deployment was ever switched between them; else empty."""
    wanted: int
    ready: int
    weight_wished: int
    weight_seen: int | None
    error: str | None
    copies: str
    """What became of the reads copied to it, in words; empty when none was."""
    replicas: list[ReplicaView]


class WaitingView(TypedDict):
    what: str
    since: float
    person: bool
    until: float | None
    then: str


class StepView(TypedDict):
    title: str
    state: Literal["done", "skipped", "failed", "now", "todo"]
    began: float | None
    ended: float | None
    planned_s: float | None
    note: str


class RolloutSummary(TypedDict):
    """What a rollout is and how it stands: in its line and in its whole view."""

    id: str
    strategy: str
    base: str | None
    """Version it comes from; None at a first deployment."""
    candidate: str
    by: str
    at: float
    why: str
    phase: Literal["forward", "back", "finished"]
    outcome: str | None
    finished_at: float | None
    weight_wished: int
    weight_seen: int | None
    glass: str
    """Who broke the glass in which freeze window, and why; empty: nobody did."""
    cause: str | None
    brewing: list[str]
    """Guards that are broken, but not for long enough yet."""


class RolloutView(RolloutSummary):
    """A rollout with its steps and all that is said of it."""

    steps: list[StepView]
    index: int
    """Of the step at work, within ``steps``; their count when none is."""
    paused_by: str | None
    full: bool
    verdict: VerdictView | None
    ab: ABView | None
    """Its A/B test; None: it has none."""
    cause_by: str | None
    way_back: str
    """How one gets back and how long it takes, in one line."""
    verified: str | None
    """How the base was seen to be after a way back; None: not yet, or there was none."""
    check: str
    """The check that can be ignored now without naming it; empty: none."""


class NoteView(TypedDict):
    """Who, when and why of a hold or a stop."""

    scope: str
    mode: str
    by: str
    at: float
    why: str


class GoodView(TypedDict):
    """A release that finished its bake: something one can go back to."""

    version: str
    revision: str
    at: float
    by: str
    baked_s: float
    verdict: str
    """What the judge said last; empty: it was not asked."""
    measured: Numbers | None
    """At the end of its bake; None: not measured."""


class DeploymentSummary(TypedDict):
    """What a deployment is and how it stands: in its row and in its whole view."""

    key: str
    unit: str
    environment: str
    seq: int
    """Send it back as ``expect_seq`` with a decision."""
    version: str | None
    """Of the stable revision."""
    status: Status
    status_text: str
    """One line in words, ``v41→v42 at 25 %, waits for you``."""
    health: Health
    since: float | None
    """When the stable revision became it."""
    replicas: int
    ready: int | None
    """Of ``replicas``, those not missing on any revision that serves."""
    waiting: WaitingView | None
    queued: QueuedView | None
    hold: NoteView | None
    lock: LockView | None
    stop: NoteView | None
    notice: NoticeView | None
    endpoint: str
    """Where its traffic enters, as a URL; empty when not known."""
    preview: str
    """Where its candidate answers whatever its share; empty when there is none."""
    seen_at: float | None
    problem: str | None
    """The last thing the backend refused or failed at, while it lasts."""
    numbers: Numbers


class DeploymentView(DeploymentSummary):
    """A deployment as its screen shows it."""

    revisions: list[RevisionView]
    rollout: RolloutView | None
    """The active one, or the last."""
    actions: dict[str, str | None]
    """Action id to None when possible, else why not."""
    good: list[GoodView]
    """Known good, newest first."""
    project: str
    by_revision: dict[str, Numbers]


class EngineView(TypedDict):
    version: str
    pid: int
    boot: str
    at: float
    frozen: str | None
    """Why nothing may move forward, when the journal cannot be written."""
    stops: list[NoteView]
    rollbacks: list[RollbackView]
    trains: list[TrainView]
    windows: list[WindowView]
    """Freeze windows, those in force first."""
    moving: list[str]
    """Deployments whose rollout is active."""
    still: list[str]
    """While a stop is in force: what has not come to rest yet, one line each."""
    backends: dict[str, float | None]
    """Name to when it was last seen."""
    strangers: list[str]
    """What runs that the journal does not know: ``backend: deployment`` or
    ``deployment: revision``."""
    actions: dict[str, str | None]


class Overview(TypedDict):
    """Everything, at one moment: ``GET /v1/snapshot``."""

    seq: int
    """The last journaled event in it: follow the stream from here."""
    rev: int
    """Of these views, counted within one ``boot``: the stream told it begins with what changed
    since."""
    engine: EngineView
    deployments: list[DeploymentView]
    recent: list[EventView]


class Changes(TypedDict):
    """What changed since the last one on the same stream; latest wins."""

    rev: int
    engine: EngineView | None
    deployments: list[DeploymentView]
    gone: list[str]


class RolloutLine(RolloutSummary):
    """A rollout in one line; its steps are in ``RolloutView``."""

    step: int
    """At work, counted from 1."""
    steps: int
    step_title: str
    verdict: str | None


class StatusRow(DeploymentSummary):
    """A deployment without its lists, for ``gaesup status``; names as in ``DeploymentView``."""

    rollout: RolloutLine | None


class StatusView(TypedDict):
    """``GET /v1/status``: all deployments, or the one asked for."""

    seq: int
    engine: EngineView
    deployments: list[StatusRow]


class Hello(TypedDict):
    """Who answers: ``GET /v1/hello`` and the first event of a stream."""

    name: str
    version: str
    api: int
    boot: str
    pid: int
    seq: int
    rev: int
    frozen: str | None
    started_at: float
    begins: int
    """The number of the first event the journal still has: 1 while it has all."""
    begins_at: float
    """When that one happened; 0 while it has all."""


class Series(TypedDict):
    """The last seconds of one deployment or revision, oldest first; None is a gap."""

    rps: list[float | None]
    error_ratio: list[float | None]
    p50_s: list[float | None]
    p95_s: list[float | None]
    memory: list[float | None]


class DeploymentSeries(Series):
    at: float
    """Of the last point; one point each ``step_s`` seconds."""
    step_s: int
    revisions: dict[str, Series]


class LogView(TypedDict):
    """One line of a replica, safe to print."""

    at: float
    revision: str
    replica: str
    stream: str
    line: str


class Telemetry(TypedDict):
    """The numbers of all deployments, once a second; may be dropped."""

    at: float
    rows: dict[str, list[float | None]]
    """Key to rps, error ratio, p50 s, p95 s, ready, wanted."""
    revisions: dict[str, dict[str, list[float | None]]]
    """Key to revision id to the same, only for what moves."""


class EventView(TypedDict):
    """One journaled event as a person reads it."""

    seq: int
    at: float
    by: str
    kind: str
    deployment: str
    text: str
    """``promoted to 25 %``: a sentence without the who and the where."""
    why: str
    level: Level


class Failure(TypedDict):
    """The body of every answer that is not 2xx."""

    code: str
    message: str
    hint: str


class Receipt(TypedDict):
    """What a command did."""

    seq: int
    """The last event it caused."""
    text: str
    deployment: str
    durable: bool
    """False: it acts already, and is recorded as soon as the journal can be written again."""
    repeated: bool
    """True when the same Idempotency-Key was answered before: nothing happened now."""
