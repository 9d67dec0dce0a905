"""A check that is ignored: once, at one step of one rollout, by a person with a reason."""

from __future__ import annotations

from gaesup_tui.domain.rollout import Rollout

SMOKE, ANALYSIS, JUDGE = "smoke", "analysis", "judge"


def is_ignored(rollout: Rollout, check: str) -> bool:
    """Whether ``check`` is ignored at the step the rollout stands at."""
    return rollout.phase == "forward" and any(
        each.check == check and each.index == rollout.index for each in rollout.ignored
    )


def ignored_note(rollout: Rollout, index: int) -> str:
    """``smoke ignored by kim: known flake`` of a step; empty when nothing is."""
    said = [
        f"{each.check} ignored by {each.by.name}: {each.why}"
        for each in rollout.ignored
        if each.index == index
    ]
    return "; ".join(said)[:500]
