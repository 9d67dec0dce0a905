"""Going into the pages of one deployment. Each is loaded when it is first opened."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gaesup_tui.console.desk import Desk
from gaesup_tui.console.page import Page

if TYPE_CHECKING:
    from gaesup_tui.console.app import Console


def open_deployment(console: Console, key: str) -> None:
    """Go into a deployment: its rollout when one moves, else the deployment itself; and from
    one of the two to the other."""
    from gaesup_tui.console.deployment import Deployment
    from gaesup_tui.console.rollout import Rollout
    from gaesup_tui.console.words import active_rollout

    view = console.desk.replica.deployments.get(key)
    page = console.stack.page
    if view is None:
        console.foot.say(f"there is no deployment {key} any more", "warn")
    elif isinstance(page, Rollout | Deployment) and page.subject() == key:
        other = Deployment if isinstance(page, Rollout) else Rollout
        if isinstance(console.stack.below, other):
            console.router.act("back")
        elif other is Deployment or view["rollout"] is not None:
            console.router.push(other(console.desk, key))
        else:
            console.foot.say(f"{key} had no rollout yet", "dim")
    elif active_rollout(view) is not None:
        console.router.push(Rollout(console.desk, key))
    else:
        console.router.push(Deployment(console.desk, key))


def open_page(console: Console, name: str, key: str) -> None:
    """Go into ``logs``, ``timeline``, ``ab``, ``verdicts`` or ``deployment`` of ``key``."""
    if (page := _page(console, name, key)) is not None:
        console.router.push(page)


def _page(console: Console, name: str, key: str) -> Page | None:
    desk = console.desk
    if name == "logs":
        from gaesup_tui.console.logs import Logs

        return Logs(desk, key)
    if name == "ab":
        from gaesup_tui.console.ab import ABAnswer

        return ABAnswer(desk, key)
    if name == "deployment":
        from gaesup_tui.console.deployment import Deployment

        return Deployment(desk, key)
    if name == "verdicts":
        return _verdicts(console, desk, key)
    from gaesup_tui.console.activity import Activity

    return Activity(desk, deployment=key)


def _verdicts(console: Console, desk: Desk, key: str) -> Page | None:
    from gaesup_tui.console.verdicts import Verdicts

    view = desk.replica.deployments.get(key)
    if view is None or view["rollout"] is None:
        console.foot.say(f"{key} had no rollout yet: nothing was judged", "dim")
        return None
    return Verdicts(desk, key, view["rollout"]["id"])
