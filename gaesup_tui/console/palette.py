"""``Ctrl+P``: every action and every deployment, found by a few letters of its name."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import TYPE_CHECKING, cast

from textual.command import CommandPalette, DiscoveryHit, Hit, Provider

from gaesup_tui.console.doors import open_deployment
from gaesup_tui.domain.actions import ACTIONS

if TYPE_CHECKING:
    from gaesup_tui.console.app import Console

_NOT_HERE = ("open", "back", "mark", "sort", "sort_back")
_Entry = tuple[str, str, Callable[[], None]]


class Actions(Provider):
    """What can be done to what the cursor is on; what cannot be done now says why."""

    @property
    def _console(self) -> Console:
        return cast("Console", self.app)

    def _entries(self) -> list[_Entry]:
        console = self._console
        view = console.router.view()
        found: list[_Entry] = []
        closed: list[_Entry] = []
        for action in ACTIONS:
            if action.id in _NOT_HERE:
                continue
            reason = console.router.reason(action.id)
            about = action.help if reason is None else f"not now: {reason}"
            title = action.title
            if action.scope == "deployment" and view is not None:
                title = f"{title} {view['key']}"
            entry = (title, about, partial(console.router.act, action.id))
            (found if reason is None else closed).append(entry)
        for key in sorted(console.desk.replica.deployments):
            found.append((f"Open {key}", "", partial(open_deployment, console, key)))
        return found + closed

    async def discover(self) -> AsyncIterator[DiscoveryHit]:
        for title, about, run in self._entries()[:40]:
            yield DiscoveryHit(title, run, help=about or None)

    async def search(self, query: str) -> AsyncIterator[Hit]:
        matcher = self.matcher(query)
        for title, about, run in self._entries():
            score = matcher.match(title)
            if score > 0:
                yield Hit(score, matcher.highlight(title), run, help=about or None)


def palette() -> CommandPalette:
    """A palette over the table of actions."""
    return CommandPalette(providers=[Actions], placeholder="an action or a deployment")
