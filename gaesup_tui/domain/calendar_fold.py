"""The fold of what happens to policies and freeze windows."""

from __future__ import annotations

from gaesup_tui.domain import events as ev
from gaesup_tui.domain.policy import AddedWindow, Calendar, OpenWindow
from gaesup_tui.domain.windows import is_weekly

CalendarEvent = ev.PolicyTaken | ev.WindowAdded | ev.WindowRemoved | ev.WindowBegan | ev.WindowEnded


def apply(calendar: Calendar, event: CalendarEvent, recorded: ev.Recorded) -> Calendar:
    """Total: an event about a window that is not there changes nothing."""
    match event:
        case ev.PolicyTaken(policy=policy):
            others = (p for p in calendar.policies if p.environment != policy.environment)
            return calendar.model_copy(update={"policies": (*others, policy)})
        case ev.WindowAdded(scope=scope, window=window, why=why):
            new = AddedWindow(scope=scope, window=window, by=recorded.by, at=recorded.at, why=why)
            others_added = _without(calendar, scope, window.name)
            return calendar.model_copy(update={"added": (*others_added, new)})
        case ev.WindowRemoved(scope=scope, name=name):
            return calendar.model_copy(update={"added": _without(calendar, scope, name)})
        case ev.WindowBegan(scope=scope, name=name, since=since, ends=ends):
            began = OpenWindow(scope=scope, name=name, since=since, ends=ends)
            return calendar.model_copy(update={"open": (*calendar.open, began)})
        case ev.WindowEnded(scope=scope, name=name):
            left = tuple(w for w in calendar.open if (w.scope, w.name) != (scope, name))
            # What was added for once does not come again.
            once = tuple(
                a
                for a in calendar.added
                if (a.scope, a.window.name) != (scope, name) or is_weekly(a.window)
            )
            return calendar.model_copy(update={"open": left, "added": once})


def _without(calendar: Calendar, scope: str, name: str) -> tuple[AddedWindow, ...]:
    return tuple(a for a in calendar.added if (a.scope, a.window.name) != (scope, name))
