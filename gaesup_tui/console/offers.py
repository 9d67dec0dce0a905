"""Why a key that only looks or moves does nothing here. Pure. What changes something is answered
by the engine; this is about the console itself, so that no footer and no help offers what would
only be refused."""

from __future__ import annotations

from collections.abc import Container
from typing import TYPE_CHECKING

from gaesup_tui.domain.actions import BY_ID

if TYPE_CHECKING:
    from gaesup_tui.console.page import Page
    from gaesup_tui.domain.views import DeploymentView

NO_SUBJECT = "no deployment is under the cursor"
_OF_ROWS = {"sort": "sorted", "sort_back": "sorted", "mark": "marked"}


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
