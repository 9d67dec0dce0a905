"""Why a key that only looks or moves does nothing here. Pure. What changes something is answered
by the engine; this is about the console itself, so that no footer and no help offers what would
only be refused."""

from __future__ import annotations

from collections.abc import Container
from typing import TYPE_CHECKING

from gaesup_tui.domain.actions import BY_ID
from gaesup_widgets.footer import KeyHint

if TYPE_CHECKING:
    from gaesup_tui.console.page import Page
    from gaesup_tui.domain.views import DeploymentView

NO_SUBJECT = "no deployment is under the cursor"
_OF_ROWS = {"sort": "sorted", "sort_back": "sorted", "mark": "marked"}


_LIST = (
    ("j k", "One line down, one up; arrows do it too"),
    ("g G", "To the first line, to the last; Home and End do it too"),
    ("PgUp PgDn", "A page; Ctrl+U and Ctrl+D half of one"),
    ("arrows", "Left and right: what does not fit on the line"),
)
_LOG = (("n N", "The next line that has what was searched, and the one before"),)
_EVERYWHERE = (
    ("Esc", "One step back; Backspace and h do it too"),
    ("Ctrl+P", "Find an action or a deployment by some letters"),
    ("Ctrl+L", "Paint the screen anew"),
    ("F12", "Emergency stop, also while you type"),
)
_EXPORT = (("Ctrl+E", "Write what is shown as Markdown into the current folder"),)


def moving_keys(page: Page) -> list[KeyHint]:
    """The keys that are no actions: to move, and those of the page's own."""
    own = (*(_LOG if page.searches else ()), *(_EXPORT if page.exports else ()))
    return [KeyHint(key, "", about=about) for key, about in (*_LIST, *own, *_EVERYWHERE)]


def no_reading(action_id: str, view: DeploymentView | None) -> str | None:
    """Why there is nothing to read of a deployment; None when there is."""
    if view is None:
        return NO_SUBJECT
    rollout = view["rollout"]
    if action_id == "verdicts" and rollout is None:
        return "it had no rollout yet: nothing was judged"
    if action_id == "ab" and (rollout is None or rollout["ab"] is None):
        return "its last rollout was no A/B test"
    return None


def no_movement(action_id: str, page: Page, known: Container[str]) -> str | None:
    """Why an action of the view means nothing on ``page``; None where it does. ``known`` are the
    deployments there are."""
    if BY_ID[action_id].scope != "view" or page.means(action_id):
        return None
    if action_id in _OF_ROWS:
        return f"rows are {_OF_ROWS[action_id]} in Deployments: 2"
    if action_id == "filter":
        return None if page.can_filter else "this screen has nothing to filter"
    if action_id in ("open", "watch") and not any(key in known for key in page.subjects()):
        return NO_SUBJECT
    if action_id == "copy" and not page.copied():
        return "there is nothing to copy here"
    return None
