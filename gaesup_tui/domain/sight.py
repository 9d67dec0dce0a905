"""What the engine knows of a deployment beside its journal: what is seen now, in figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from gaesup_tui.domain.abtest.answer import ABAnswer
from gaesup_tui.domain.observation import DeploymentSeen
from gaesup_tui.domain.telemetry import Window
from gaesup_tui.domain.verdict import Verdict
from gaesup_tui.domain.views import Numbers


@dataclass(frozen=True, slots=True)
class Sight:
    """What the engine knows of a deployment beside its journal."""

    seen: DeploymentSeen | None = None
    """None when its backend has not been seen lately."""
    seen_at: float | None = None
    endpoint: str = ""
    preview: str = ""
    problem: str | None = None
    verdict: Verdict | None = None
    """The judge's latest look, newer than the journaled one."""
    answer: ABAnswer | None = None
    """Of the A/B test at work, newer than the journaled one."""
    windows: Mapping[str, Window | None] = field(default_factory=dict)
    """Revision id to its traffic over the last seconds."""
    total: Window | None = None
    """The deployment's traffic over the last seconds."""
    switch_s: float | None = None
    """How long a traffic change took until it was seen, lately."""
    start_s: float | None = None
    """How long replicas took from asked for to ready, lately."""
    starts: int = 0
    """From how many starts that is known."""
    brewing: Sequence[tuple[str, str]] = ()
    """Guards that are broken but not for long enough yet: name and sentence."""


def numbers(window: Window | None) -> Numbers:
    """Traffic as people are shown it; all None where nothing was measured."""
    if window is None:
        return Numbers(rps=None, error_ratio=None, p50_s=None, p95_s=None)
    return Numbers(
        rps=digits(window.rate),
        error_ratio=digits(window.error_ratio),
        p50_s=digits(window.p50_s),
        p95_s=digits(window.p95_s),
    )


def digits(value: float | None) -> float | None:
    """Four of them: more is noise, and would be sent for every deployment every second."""
    return float(f"{value:.4g}") if value else value
