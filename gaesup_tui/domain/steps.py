"""The steps every strategy is made of. One interpreter runs them; none knows its strategy."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from gaesup_tui.domain.judge_spec import JudgeSpec
from gaesup_tui.domain.model import Duration, Frozen, GuardLimit, Name, Spec, Text
from gaesup_tui.domain.rolling_spec import RollingSpec
from gaesup_tui.domain.route_spec import ConversionSpec, MatchSpec, Sticky
from gaesup_tui.domain.text import duration

Side = Literal["candidate", "base"]
WhileMoving = Literal["refuse", "queue", "replace"]
OnExpiry = Literal["abort", "promote", "hold"]
OnAnswer = OnExpiry
"""What follows from an A/B test's answer; ``hold`` waits for a person."""


class Check(Spec):
    """One request of a smoke test and what its reply must be."""

    path: str = Field(pattern=r"^/[\x21-\x7e]*$", max_length=512)
    """Path and query, beginning with ``/``."""
    method: Literal["GET", "HEAD", "POST", "PUT", "DELETE"] = "GET"
    """Method of the request."""
    body: str = Field(default="", max_length=65_536)
    """Body of the request."""
    status: int = Field(default=200, ge=100, le=599)
    """Status the reply must have."""
    contains: str = Field(default="", max_length=1024)
    """Text the reply's body must contain."""


class Scale(Frozen):
    """Ask for this many replicas of one side; done when the backend works towards them."""

    kind: Literal["scale"] = "scale"
    side: Side
    replicas: int = Field(ge=0, le=1000)
    unavailable: int = Field(default=0, ge=0, le=1000)
    """Of the base: how many fewer than asked for may be ready once it is done."""

    def title(self) -> str:
        return f"{self.side} × {self.replicas}"


class AwaitReady(Frozen):
    """Wait until all replicas asked for on one side are ready, and have been for ``steady_s``."""

    kind: Literal["await_ready"] = "await_ready"
    side: Side
    timeout_s: Duration = 60.0
    steady_s: Duration = 0.0

    def title(self) -> str:
        return "healthy" if self.side == "candidate" else "base healthy"


class SmokeTest(Frozen):
    """Requests straight to the candidate, before it gets a user's."""

    kind: Literal["smoke_test"] = "smoke_test"
    checks: tuple[Check, ...]
    timeout_s: Duration = 30.0

    def title(self) -> str:
        return f"smoke {len(self.checks)}"


class SetTraffic(Frozen):
    """Give the candidate this share; done when the live route shows it."""

    kind: Literal["set_traffic"] = "set_traffic"
    weight_percent: int = Field(ge=0, le=100)

    def title(self) -> str:
        return f"{self.weight_percent} %"


class SetMatch(Frozen):
    """Requests with one of these values go to the candidate, whatever its share."""

    kind: Literal["match"] = "match"
    match: tuple[MatchSpec, ...]

    def title(self) -> str:
        return f"match {', '.join(each.title() for each in self.match)}"


class SetMirror(Frozen):
    """Copy so many of the base's reads to the candidate; their replies reach nobody."""

    kind: Literal["mirror"] = "mirror"
    percent: int = Field(ge=0, le=100)

    def title(self) -> str:
        return f"mirror {self.percent} %"


class Pause(Frozen):
    """Wait for a time, or (``duration_s`` None) for a person until ``expiry_s``."""

    kind: Literal["pause"] = "pause"
    duration_s: Duration | None = None
    expiry_s: Duration | None = None
    on_expiry: OnExpiry = "abort"
    second: bool = False
    """Before anything begins: for somebody else than who asked for it."""

    def title(self) -> str:
        if self.second:
            return "second person"
        return (
            "wait for you" if self.duration_s is None else f"stabilise {duration(self.duration_s)}"
        )


class Analyse(Frozen):
    """Let the judge decide: PROMOTE ends the step once ``duration_s`` passed; ABORT ends the
    rollout; without either until ``expiry_s``, ``on_expiry`` happens."""

    kind: Literal["analyse"] = "analyse"
    duration_s: Duration
    expiry_s: Duration = 1800.0
    on_expiry: OnExpiry = "hold"
    checks: tuple[str, ...] = ()
    """Expressions that have to hold too; one that does not ends the rollout."""
    judge: bool = True
    """``False``: the checks alone decide."""

    def title(self) -> str:
        said = f"check {', '.join(self.checks)}"
        if not self.judge:
            return said
        look = f"analyse {duration(self.duration_s)}"
        return f"{look}, {said}" if self.checks else look


class Watch(Frozen):
    """From here on the judge's ABORT acts by itself, and these checks are looked at beside
    whatever step follows. Done at once."""

    kind: Literal["watch"] = "watch"
    checks: tuple[str, ...] = ()

    def title(self) -> str:
        return f"watch {', '.join(self.checks) or 'the verdict'}"


class Compare(Frozen):
    """Compare both sides' users until there is an answer, and do what it asks for."""

    kind: Literal["compare"] = "compare"
    metric: Literal["conversion"] = "conversion"
    share_percent: int = Field(ge=1, le=99)
    """The candidate's share of users."""
    min_run_s: Duration
    max_run_s: Duration
    min_users: int = Field(ge=1)
    min_effect: float = Field(gt=0, le=10)
    """The smallest change worth a decision, as a share of the base's conversion."""
    confidence: float = Field(ge=0.5, lt=1)
    on_better: OnAnswer = "hold"
    on_worse: OnAnswer = "abort"
    on_no_difference: OnAnswer = "hold"
    on_undecided: OnAnswer = "hold"

    def title(self) -> str:
        return f"compare {self.metric}"


class AwaitTrain(Frozen):
    """Stand until the release train goes on: at its gate, or with ``last`` until it arrived."""

    kind: Literal["await_train"] = "await_train"
    train: Name
    last: bool = False

    def title(self) -> str:
        return f"{self.train} {'arrives' if self.last else 'gate'}"


class Bake(Frozen):
    """All traffic is on the candidate; the base stays warm and the guards keep watching."""

    kind: Literal["bake"] = "bake"
    duration_s: Duration

    def title(self) -> str:
        return f"bake {duration(self.duration_s)}"


Step = Annotated[
    Scale
    | AwaitReady
    | SmokeTest
    | SetTraffic
    | SetMatch
    | SetMirror
    | Pause
    | Analyse
    | Compare
    | AwaitTrain
    | Watch
    | Bake,
    Field(discriminator="kind"),
]
Plan = tuple[Step, ...]


class Guard(Spec):
    """A hard limit on the candidate, looked at with every observation, outside all statistics."""

    metric: Literal[
        "healthFailures",
        "restarts",
        "errorRatio",
        "p95",
        "noData",
        "memory",
        "trafficDrop",
        "conversionDrop",
    ]
    """What is limited."""
    above: GuardLimit
    """``healthFailures``, ``restarts``: a count in a row. ``errorRatio``: ``5%`` of the requests.
    ``p95``: a time. ``noData``: a time without a request. ``memory`` of a replica: ``48Mi``, or
    up to 1 its share of the limit, ``90%``. ``trafficDrop``, ``conversionDrop``: the share that
    may be lost, ``50%``."""
    window: Duration = 10.0
    """Time over which a ratio, a percentile or a drop is taken."""
    min_requests: int = Field(default=20, ge=0)
    """Below this many requests in the window a ratio, a percentile or a drop is no evidence."""
    hold_s: Duration = Field(default=0.0, alias="for")
    """How long it must be broken without a break before it acts; 0 acts at once."""
    sure: bool = False
    """``errorRatio``, ``p95``: acts only when it is beyond chance, and beyond what the stable
    revision does in the same window."""

    @model_validator(mode="after")
    def _a_share_may_be_lost(self) -> Guard:
        if self.metric in ("trafficDrop", "conversionDrop") and not 0 < self.above < 1:
            raise ValueError(
                f"{self.metric}: above is the share that may be lost, as 50% or 0.5, "
                f"not {self.above:g}"
            )
        if self.sure and self.metric not in ("errorRatio", "p95"):
            raise ValueError(f"{self.metric}: sure is for errorRatio and p95")
        return self


DEFAULT_GUARDS: tuple[Guard, ...] = (
    Guard(metric="healthFailures", above=2, min_requests=0),
    Guard(metric="restarts", above=2, min_requests=0),
    Guard(metric="errorRatio", above=0.05, min_requests=5, sure=True),
    Guard(metric="p95", above=1.0, min_requests=5, sure=True),
)


ROLLBACK_BAKE_S = 30.0
StrategyName = Annotated[str, Field(pattern=r"^[a-z][A-Za-z0-9-]{0,62}$")]


class RolloutSpec(Frozen):
    """What a strategy made of its spec: the steps, the guards, and how the judge is used."""

    strategy: StrategyName
    """For people and for ``rollback``; nothing else depends on it."""
    plan: Plan
    guards: tuple[Guard, ...] = DEFAULT_GUARDS
    error_tolerance: float = Field(default=0.005, ge=0, le=1)
    """Absolute difference of error ratios that is harm: 0.005 is 0.5 percentage points."""
    p95_tolerance: float = Field(default=0.10, ge=0, le=10)
    """Share by which the candidate's p95 may be above the base's."""
    auto_abort: bool = True
    """Whether the judge's ABORT acts by itself. Guards always do."""
    checks: tuple[str, ...] = ()
    """Expressions that are looked at from the first share on; one that fails leads back."""
    judge: JudgeSpec = JudgeSpec()
    """How each metric is judged."""
    sticky: Sticky = False
    fresh_baseline: bool = False
    """Whether a fresh copy of the base stands beside the candidate, and is compared with."""
    conversion: ConversionSpec | None = None
    """The request whose success is counted and judged."""
    while_moving: WhileMoving = "refuse"
    """What a new revision may do that comes meanwhile, as the screens need to know it."""
    colours: bool = False
    """Whether the two sides are called blue and green."""
    rollback_bake_s: Duration = ROLLBACK_BAKE_S
    """How long a later rollback from it is watched with the revision it leaves still warm."""
    gradual_abort_s: Duration = 60.0
    """How long a gradual abort takes from its first share to none."""
    rolling: RollingSpec | None = None
    """What its waves were planned from, so that they can be planned anew; None: it has none."""


def compares(spec: RolloutSpec) -> bool:
    """Whether it is an A/B test, or has one among its steps."""
    return any(isinstance(step, Compare) for step in spec.plan)


class Cause(Frozen):
    """Why the way back began, for machines and for a person."""

    kind: Literal[
        "person",
        "guard",
        "verdict",
        "expiry",
        "deadline",
        "smoke",
        "stop",
        "answer",
        "replaced",
        "check",
        "train",
    ]
    reason: Text
    check: str = ""
    """The one check that failed, by the name it is ignored by; empty: none did."""


AUTOMATIC = ("guard", "verdict", "smoke", "deadline", "expiry", "check")
"""Kinds of causes nobody pressed a key for."""
