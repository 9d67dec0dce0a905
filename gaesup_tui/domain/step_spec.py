"""The words of a strategy's steps, as a person writes them in ``gaesup.yaml``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import AfterValidator, Field, model_validator
from pydantic.alias_generators import to_camel

from gaesup_tui.domain.abtest.spec import CompareSpec
from gaesup_tui.domain.amounts import Amount
from gaesup_tui.domain.expressions import checked
from gaesup_tui.domain.model import Duration, Spec
from gaesup_tui.domain.route_spec import Matches
from gaesup_tui.domain.steps import OnExpiry


class PauseSpec(Spec):
    """Wait for a time, or without ``duration`` for a person."""

    duration: Duration | None = None
    """How long; absent: until a person promotes or aborts."""
    expiry: Duration | None = 1800.0
    """When nobody came; None (``null``) waits for ever."""
    on_expiry: OnExpiry = "abort"
    """``abort``, ``promote`` or ``hold``."""


class ApproveSpec(Spec):
    """Wait for a person."""

    expiry: Duration | None = 1800.0
    """When nobody came; None (``null``) waits for ever."""
    on_expiry: OnExpiry = "abort"
    """``abort``, ``promote`` or ``hold``."""


class AnalysisSpec(Spec):
    """Let the judge decide, after at least ``duration``."""

    duration: Duration = 60.0
    """The shortest time the judge looks."""
    expiry: Duration = 1800.0
    """When the judge could not decide until then."""
    on_expiry: OnExpiry = "hold"
    """``abort``, ``promote`` or ``hold``."""


Expression = Annotated[str, Field(max_length=200), AfterValidator(checked)]
"""``errorRate <= 1%``, ``p95 <= +10% over 1m min 100``."""


class CheckSpec(Spec):
    """Expressions that have to hold, all of them; one that does not ends the rollout."""

    all: Annotated[tuple[Expression, ...], Field(min_length=1, max_length=16)]
    """The expressions: ``errorRate <= 1%``, ``p95 <= +10% over 1m min 100``."""
    duration: Duration | None = None
    """How long at this share before they are looked at; absent: the longest window of them."""
    expiry: Duration = 1800.0
    """When not enough was seen until then."""
    on_expiry: OnExpiry = "hold"
    """``abort``, ``promote`` or ``hold``."""


class BackgroundSpec(Spec):
    """From here on the judge's ABORT acts by itself; before, a person is told and decides."""

    checks: Annotated[tuple[Expression, ...], Field(max_length=16)] = ()
    """Expressions that are looked at from here on; one that fails ends the rollout."""


class ReadySpec(Spec):
    """Wait until all replicas of the new revision are ready."""

    timeout: Duration = 60.0
    """After this long without, the rollout is given up."""
    min_ready: Duration = 0.0
    """How long each has to be ready before it counts."""


class SmokeSpec(Spec):
    """Send the unit's ``smokeTests`` to the new revision; a unit without any goes on."""

    timeout: Duration = 30.0
    """After this long without an answer the rollout is given up."""


class OneWord(Spec):
    """A step: exactly one of its fields, which is its word."""

    short: ClassVar[Mapping[str, str]] = {
        "pause": "duration",
        "analysis": "duration",
        "ready": "timeout",
        "smoke": "timeout",
        "approve": "expiry",
        "check": "all",
        "background": "checks",
    }
    """``pause: 60s`` for ``pause: {duration: 60s}``: word to the field a plain value is of."""
    alone: ClassVar[Mapping[str, Any]] = {
        "deploy": "all",
        "retire": True,
        "compare": {},
        "fresh_baseline": True,
        "freshBaseline": True,
    }
    """What a word with nothing behind it means, where that is not all its defaults."""

    @model_validator(mode="before")
    @classmethod
    def _short_forms(cls, value: Any) -> Any:
        """A null beside another word is what a dumped model says: not that word."""
        if not isinstance(value, dict):
            return value
        step = dict(value)
        only_nulls = all(given is None for given in step.values())
        for word, given in step.items():
            if given is None and only_nulls and (word in cls.short or word in cls.alone):
                step[word] = cls.alone.get(word, {})
            elif word in cls.short and isinstance(given, str | int | float | list):
                listed = word in ("check", "background") and not isinstance(given, list)
                step[word] = {cls.short[word]: [given] if listed else given}
        return step

    @model_validator(mode="after")
    def _one_of(self) -> Self:
        words = list(type(self).model_fields)
        given = [word for word in words if getattr(self, word) is not None]
        if len(given) != 1:
            known, found = (list(map(to_camel, each)) for each in (words, given))
            raise ValueError(
                f"a step is one of {', '.join(known)}; this one has {' and '.join(found) or 'none'}"
            )
        return self

    @property
    def word(self) -> str:
        """Which one it is, as it is written."""
        fields = type(self).model_fields
        return to_camel(next(word for word in fields if getattr(self, word) is not None))


class CanaryStep(OneWord):
    """Exactly one of these."""

    weight: Annotated[int, Field(ge=0, le=100)] | None = None
    """Percent of the traffic for the new revision; weights only grow."""
    replicas: Amount | None = None
    """Replicas of the new revision, apart from its share: ``2``, ``25%`` or ``all``; they only
    grow. The first step says how many it begins with, all when it does not. All of them are there
    before it gets all traffic."""
    pause: PauseSpec | None = None
    """Wait: ``pause: 60s`` for a time, ``pause:`` alone for a person."""
    analysis: AnalysisSpec | None = None
    """Let the judge decide: ``analysis: 2m``."""
    check: CheckSpec | None = None
    """Compare plainly: ``check: errorRate <= 1%``, or a list of such."""
    background: BackgroundSpec | None = None
    """From here on the judge's ABORT acts by itself, which it does from the beginning where no
    step says this: alone, or with expressions to be looked at from here on."""
    match: Matches | None = None
    """From here on, requests with one of these values go to the new revision, whatever its share:
    ``match: [{header: x-beta, equals: "1"}]``."""
    mirror: Annotated[int, Field(ge=0, le=100)] | None = None
    """From here on, so many percent of the old revision's reads (GET, HEAD) are copied to the new
    one; users never see those replies. 0 ends it."""


class StrategyStep(OneWord):
    """One step of a strategy of your own: exactly one of these."""

    deploy: Amount | None = None
    """Start replicas of the new revision: ``2``, ``25%``, or alone all of them. Comes first."""
    fresh_baseline: Literal[True] | None = None
    """Compare the new revision with a fresh copy of the old one, which has as many replicas and the
    same share, instead of with what has run for long. Comes before ``deploy``."""
    ready: ReadySpec | None = None
    """Wait until they are ready: alone, or ``ready: 90s`` for another deadline than 60 s."""
    smoke: SmokeSpec | None = None
    """Send the unit's smoke tests to the new revision. A unit without any goes on."""
    replicas: Amount | None = None
    """Another number of replicas of the new revision, and wait until they are ready."""
    base: Amount | None = None
    """Another number of replicas of the old revision, of those it had: what a rolling update
    needs."""
    weight: Annotated[int, Field(ge=0, le=100)] | None = None
    """Percent of the traffic for the new revision; weights only grow."""
    stabilise: Duration | None = None
    """Wait for a time."""
    approve: ApproveSpec | None = None
    """Wait for a person: alone, or ``approve: 30m`` for when it expires."""
    pause: PauseSpec | None = None
    """As in a canary: with a time ``stabilise``, without one ``approve``."""
    analysis: AnalysisSpec | None = None
    """Let the judge decide: ``analysis: 2m``."""
    check: CheckSpec | None = None
    """Compare plainly: ``check: errorRate <= 1%``, or a list of such."""
    compare: CompareSpec | None = None
    """An A/B test of the users at this share, which must be the first: alone, or with settings."""
    background: BackgroundSpec | None = None
    """From here on the judge's ABORT acts by itself, which it does from the beginning where no
    step says this: alone, or with expressions to be looked at from here on."""
    match: Matches | None = None
    """From here on, requests with one of these values go to the new revision, whatever its share:
    ``match: [{header: x-beta, equals: "1"}]``."""
    mirror: Annotated[int, Field(ge=0, le=100)] | None = None
    """From here on, so many percent of the old revision's reads (GET, HEAD) are copied to the new
    one; users never see those replies. 0 ends it."""
    bake: Duration | None = None
    """Watch it with all traffic on the new revision and the old one warm."""
    retire: Literal[True] | None = None
    """Take the old revision away. Comes last."""
