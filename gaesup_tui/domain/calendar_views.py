"""From freeze windows to what people are shown of them."""

from __future__ import annotations

from gaesup_tui.domain.window_views import WindowView
from gaesup_tui.domain.windows import FreezeWindow, next_span
from gaesup_tui.domain.world import World


def window_views(world: World, now: float) -> list[WindowView]:
    """Every window, those in force first, then those that begin next; what is over comes last."""
    found = [
        *(
            _view(policy.environment, window, policy.source or "a deploy", now)
            for policy in world.calendar.policies
            for window in policy.windows
        ),
        *(
            _view(added.scope, added.window, f"{added.by.name}: {added.why}", now)
            for added in world.calendar.added
        ),
    ]
    return sorted(found, key=lambda v: (not v["is_in_force"], v["since"] or 1e12, v["name"]))


def _view(scope: str, window: FreezeWindow, source: str, now: float) -> WindowView:
    span = next_span(window, now)
    return WindowView(
        scope=scope,
        name=window.name,
        begins=window.begins,
        ends=window.ends,
        timezone=window.timezone,
        is_in_force=span is not None and span[0] <= now,
        since=span[0] if span else None,
        until=span[1] if span else None,
        source=source,
    )
