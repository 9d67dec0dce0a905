"""What a decision about a rollout is made from: the world as it was seen at one moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from gaesup_tui.domain.drops import Comparisons
from gaesup_tui.domain.observation import DeploymentSeen
from gaesup_tui.domain.rollout import Rollout
from gaesup_tui.domain.telemetry import Window
from gaesup_tui.domain.verdict import Verdict


@dataclass(frozen=True, slots=True)
class SmokeResult:
    """How the smoke test of the step at ``index`` of rollout ``rollout`` went."""

    rollout: str
    index: int
    passed: bool
    note: str


@dataclass(frozen=True, slots=True)
class Look:
    """What the engine knows of a deployment's world at one moment."""

    seen: DeploymentSeen
    windows: Mapping[float, Window | None] = field(default_factory=dict)
    """Of the candidate, per window length that a guard asks for."""
    verdict: Verdict | None = None
    """What the judge says now."""
    smoke: SmokeResult | None = None
    boot: str = ""
    """The backend's life its counters belong to."""
    refused: str | None = None
    """Why the backend will never run the candidate, in its words."""
    compared: Comparisons = field(default_factory=dict)
    """Per window length over which a guard compares."""
    since: Mapping[int, float] = field(default_factory=dict)
    """By number of a guard with a ``for``: since when it is broken without a break."""
    lately: Window | None = None
    """The candidate since all traffic is on it, a minute at most; of a finished rollout the base
    since the way back was over."""
    said: Verdict | None = None
    """The judge's last word, at the last step."""
    at: float | None = None
    """When it was made, in the engine's time; None: just now."""

    def before(self, rollout: Rollout, wish: str) -> bool:
        """Whether it was made before a wish of the rollout changed: then it tells nothing of it,
        even if what it shows happens to be the same."""
        return self.at is not None and self.at < rollout.wished_at.get(wish, 0.0)
