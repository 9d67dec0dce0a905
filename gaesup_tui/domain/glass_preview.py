"""The freeze window in the way of an action, in its dialog: the reason given breaks the glass."""

from __future__ import annotations

from gaesup_tui.domain.freezing import InForce, window_for
from gaesup_tui.domain.views import Preview
from gaesup_tui.domain.world import World

_FORWARD = frozenset({"deploy", "promote", "promote_full", "retry", "retry_failed", "resume"})


def glass_in_the_way(world: World, action: str, key: str, now: float) -> InForce | None:
    """The window that keeps an action from happening; None when none does."""
    state = world.deployments.get(key)
    rollout = state.active if state else None
    if action == "resume" and rollout and rollout.spec.strategy == "rollback":
        return None
    return window_for(world, key, now) if action in _FORWARD else None


def with_glass(preview: Preview, window: InForce | None) -> Preview:
    """The dialog as it is in a freeze window."""
    if window is None:
        return preview
    how_far = "this step" if preview["action"] == "promote" else "this rollout"
    line = f"{window.words}; a reason breaks the glass for {how_far}"
    lines = [*preview["lines"], ("Beware", line)]
    return {**preview, "lines": lines, "needs_reason": True, "glass": window.words}


def with_lines(preview: Preview, more: list[tuple[str, str]]) -> Preview:
    """The dialog with more to read."""
    return {**preview, "lines": [*preview["lines"], *more]} if more else preview
