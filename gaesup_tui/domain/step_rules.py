"""What is wrong with a list of steps, before anything runs: which step, what, and what to do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from gaesup_tui.domain import amounts
from gaesup_tui.domain.step_spec import CanaryStep, StrategyStep

MOST_STEPS = 200
_TRAFFIC = ("stabilise", "approve", "pause", "check", "background", "bake", "retire", "base")
"""What may follow once all traffic is on the new revision."""
_EARLY = ("freshBaseline", "deploy", "approve", "stabilise", "pause", "background")
"""What may be before there are replicas."""


class Fault(NamedTuple):
    """``step`` counts from 0, the message says it from 1."""

    step: int
    message: str
    hint: str


def growth_fault(steps: Sequence[CanaryStep | StrategyStep]) -> Fault | None:
    """Where shares or replicas of the new revision fall."""
    weight, size = 0, None
    for index, step in enumerate(steps):
        if step.weight is not None:
            if step.weight < weight:
                what = f"step {index + 1} goes back from {weight} to {step.weight} percent"
                return Fault(index, what, "weights only grow; the way back is abort")
            weight = step.weight
        if step.replicas is not None:
            if fault := _size_fault(index, size, step.replicas):
                return fault
            size = step.replicas
    return None


def _size_fault(index: int, before: int | str | None, now: int | str) -> Fault | None:
    number = index + 1
    if amounts.is_none(now):
        what = f"step {number} leaves the new revision without replicas"
        return Fault(index, what, "give it at least 1; the way back is abort")
    if before is not None and amounts.is_less(now, before):
        what = f"step {number} goes from {amounts.words(before)} to {amounts.words(now)} replicas"
        return Fault(index, what, "replicas of the new revision only grow; the way back is abort")
    return None


def strategy_fault(steps: Sequence[StrategyStep]) -> Fault | None:
    """The first thing wrong with a whole strategy; None when it can run."""
    if not steps:
        return Fault(0, "it has no steps", "the shortest is deploy, ready, weight: 100, retire")
    if len(steps) > MOST_STEPS:
        return Fault(MOST_STEPS, f"it has {len(steps)} steps", f"{MOST_STEPS} are the most")
    walk = _Walk()
    for index, step in enumerate(steps):
        if fault := walk.take(index, step):
            return fault
    return walk.end(len(steps) - 1)


class _Walk:
    """Where a list stands after each of its steps."""

    def __init__(self) -> None:
        self.size: int | str | None = None
        """Replicas of the new revision; None: none was started."""
        self.base: int | str = "100%"
        self.is_ready = False
        self.weight = 0
        self.shares = 0
        """How many different ones there were above nothing."""
        self.retired = False
        self.compared = False
        self.routed = False
        """Some requests go to the new revision whatever its share."""
        self.fresh = False
        """It is compared with a fresh copy of the old revision."""

    def take(self, index: int, step: StrategyStep) -> Fault | None:
        """What is wrong with the step here; None: it is taken."""
        if wrong := self._order(step) or self._traffic(step):
            message, hint = wrong
            return Fault(index, f"step {index + 1} {message}", hint)
        if step.replicas is not None or step.deploy is not None:
            size = step.replicas if step.replicas is not None else step.deploy
            assert size is not None  # one of the two
            if fault := _size_fault(index, self.size, size):
                return fault
            self.size, self.is_ready = size, step.replicas is not None
        return self._move(index, step)

    def _order(self, step: StrategyStep) -> tuple[str, str] | None:
        word = step.word
        if self.retired:
            return f"is {word}, but retire was before it", "retire comes last"
        if fault := self._fresh(word):
            return fault
        if word == "deploy" and self.size is not None:
            return "starts the new revision again", "say `replicas:` for another number of them"
        if self.size is None and word not in _EARLY:
            return f"is {word}, but nothing was started yet", "begin with `deploy:`"
        if not self.is_ready and word not in ("ready", *_EARLY):
            return f"is {word}, but nobody waited for the replicas", "put `ready:` before it"
        return None

    def _fresh(self, word: str) -> tuple[str, str] | None:
        """A fresh copy starts with the new revision and shares what the old one has: it goes with
        neither waves nor the arms of an A/B test."""
        if word == "freshBaseline" and self.fresh:
            return "asks for a fresh copy once more", "once is enough: take one of them out"
        if word == "freshBaseline" and self.size is not None:
            return "is freshBaseline, but the new revision was started", "put it before `deploy:`"
        if self.fresh and word in ("base", "compare"):
            why = f"is {word}, but a fresh copy of the old revision has a share of its own"
            return why, f"take out `freshBaseline:` or `{word}:`"
        self.fresh = self.fresh or word == "freshBaseline"
        return None

    def _traffic(self, step: StrategyStep) -> tuple[str, str] | None:
        word = step.word
        if self.weight == 100 and word not in _TRAFFIC:
            hint = "put it before `weight: 100`, which ends the comparison"
            return f"is {word}, but all traffic is on the new revision", hint
        # Who matches is no random part of all users: there is nothing to judge them against.
        if not self.weight and (word == "analysis" or (word == "check" and not self.routed)):
            return f"is {word}, but nothing can be compared yet", "put a weight before it"
        if word == "compare" and self.compared:
            return "compares once more", "one answer per rollout: take one of them out"
        if word == "compare" and self.shares != 1:
            if not self.shares:
                return "is compare, but nobody is on the new revision yet", "put a weight before it"
            why = "is compare, but the share grew before it: users would be on both sides"
            return why, "let the first weight be the one that is compared"
        if word in ("bake", "retire") and self.weight < 100:
            why = f"is {word}, but the old revision still has {100 - self.weight} percent"
            return why, "put `weight: 100` before it; to wait in between say `stabilise:`"
        return None

    def _move(self, index: int, step: StrategyStep) -> Fault | None:
        number = index + 1
        if step.ready is not None:
            self.is_ready = True
        if step.retire is not None:
            self.retired = True
        if step.match is not None:
            self.routed = True
        if step.compare is not None:
            self.compared = True
        if step.base is not None:
            if amounts.is_less(self.base, step.base):
                what = f"step {number} gives the old revision more replicas than it has"
                return Fault(index, what, "they only go; abort brings them back")
            if amounts.is_none(step.base) and self.weight < 100:
                what = f"step {number} takes the old revision away while it has traffic"
                return Fault(index, what, "put `weight: 100` before it")
            self.base = step.base
        if step.weight is None:
            return None
        if step.weight < self.weight:
            what = f"step {number} goes back from {self.weight} to {step.weight} percent"
            return Fault(index, what, "weights only grow; the way back is abort")
        if step.weight == 100 and not (self.size is not None and amounts.is_all(self.size)):
            what = f"step {number} gives all traffic to {amounts.words(self.size or 0)} replicas"
            return Fault(index, what, "put `replicas: all` before it")
        self.shares += step.weight > self.weight
        self.weight = step.weight
        return None

    def end(self, last: int) -> Fault | None:
        """What is missing at the end."""
        if self.weight < 100:
            what = f"it ends with {self.weight} percent on the new revision"
            return Fault(last, what, "add `weight: 100` and `retire:`")
        if not self.retired:
            return Fault(last, "it does not end: the old revision stays", "add `retire:`")
        return None
