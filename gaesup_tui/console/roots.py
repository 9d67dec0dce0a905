"""The first page of each tab, loaded when it is first shown: the frame waits for none of them."""

from __future__ import annotations

from gaesup_tui.console.desk import Desk
from gaesup_tui.console.page import Page

TABS: dict[str, str] = {"1": "Now", "2": "Deployments", "6": "Activity"}
"""Key to title. 3, 4 and 5 are kept for pipelines, metrics and alerts."""


def first_page(tab: str, desk: Desk) -> Page:
    """The first page of ``tab``."""
    if tab == "1":
        from gaesup_tui.console.now import Now

        return Now(desk)
    if tab == "2":
        from gaesup_tui.console.deployments import Deployments

        return Deployments(desk)
    from gaesup_tui.console.activity import Activity

    return Activity(desk)
