"""One deployment's rollout, as the journal told it so far."""

from __future__ import annotations

from dataclasses import dataclass, field

from gaesup_tui.domain.rollout import Rollout
from gaesup_tui.domain.steps import Pause, Plan, SetTraffic


@dataclass
class Course:
    """One deployment's rollout, as the journal told it so far."""

    rollout: Rollout
    plan: Plan
    stable: str | None
    replicas: int
    index: int = 0
    began: float = 0.0
    weight: int = 0
    phase: str = "forward"
    paused: bool = False
    full: bool = False
    decided: set[int] = field(default_factory=set)
    ignored: set[int] = field(default_factory=set)
    """Steps of which a check is ignored, also when one steps back before them."""
    verdict: str = ""
    answer: str = ""
    extended: float = 0.0
    least_asked: int = 0
    """The fewest replicas anybody asked for while it moved."""
    rescaled: bool = False

    def enter(self, index: int, at: float) -> None:
        self.index, self.began, self.extended = index, at, 0.0
        if index < len(self.plan) and isinstance(step := self.plan[index], SetTraffic):
            self.weight = step.weight_percent

    def split(self, weight: int, *, back: bool = False) -> dict[str, int]:
        """Traffic with this share on the candidate; ``back``: a fresh copy has none any more."""
        base = self.rollout.base.id if self.rollout.base else None
        shares = {self.rollout.candidate.id: weight}
        if base:
            shares[base] = shares.get(base, 0) + 100 - weight
            if self.rollout.spec.fresh_baseline and self.phase == "forward" and not back:
                version, _, digest = base.rpartition("-")
                shares[f"{version}+copy-{digest}"] = copied = min(weight, 100 - weight)
                shares[base] -= copied
        return {revision: share for revision, share in shares.items() if share}

    @property
    def gradual(self) -> bool:
        """Whether it goes back share by share: that may still be overtaken."""
        left = self.plan[self.index :]
        return self.phase == "back" and any(isinstance(step, Pause) for step in left)

    def allowed(self) -> list[dict[str, int]]:
        """The splits that may be asked for now: the step's, or the way back's."""
        if self.phase == "finished":
            return [{self.stable: 100} if self.stable and self.replicas else {}]
        return [self.split(self.weight), self.split(0)]
