"""From an action's name to what does it: the one place where a key finds its meaning."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gaesup_tui.console.replica import Diff
from gaesup_tui.domain.actions import BY_ID
from gaesup_tui.domain.views import DeploymentView

if TYPE_CHECKING:
    from gaesup_tui.console.app import Console

_EVERYWHERE = ("help", "command", "stop")


class Router:
    """Decides who does an action: the page in sight, a dialog, or the console itself."""

    def __init__(self, console: Console) -> None:
        self._console = console

    # The footer -----------------------------------------------------------------------------

    def view(self) -> DeploymentView | None:
        """The deployment under the cursor."""
        console = self._console
        if not console.stack.tab:
            return None
        key = console.stack.page.subject()
        return console.desk.replica.deployments.get(key) if key else None

    def show_keys(self) -> None:
        """Bring the footer up to date with what the cursor is on: what can be done first."""
        console = self._console
        view = self.view()
        page = console.stack.page
        ids = [*page.actions, *_EVERYWHERE]
        engine = console.desk.replica.engine
        if engine is not None and engine["stops"]:
            ids.insert(0, "release")
        hints = [console.desk.hint(action_id, view) for action_id in ids]
        open_ones = [hint for hint in hints if hint.reason is None]
        closed = [hint for hint in hints if hint.reason is not None]
        console.foot.show([*open_ones, *closed])

    # Actions --------------------------------------------------------------------------------

    def act(self, action_id: str) -> None:
        """Do it, or say why not."""
        console = self._console
        if console.stack.tab and console.stack.page.do(action_id):
            return
        handler = getattr(self, f"_do_{action_id}", None)
        if handler is not None:
            handler()
            return
        action = BY_ID[action_id]
        if action.scope == "view":
            console.foot.say(f"{action.title.lower()}: nothing to {action.id} here", "dim")
            return
        if reason := console.desk.why_not(action_id, self.view()):
            console.foot.say(f"{action.title.lower()}: {reason}", "warn")

    def watch(self, diff: Diff) -> None:
        """Tell of watched deployments that came to rest."""

    def _do_now(self) -> None:
        self._go("1")

    def _do_deployments(self) -> None:
        self._go("2")

    def _go(self, tab: str) -> None:
        console = self._console
        if tab in console.stack.tabs:
            console.stack.go(tab)
            console.show_tabs()
            self.show_keys()

    def _do_back(self) -> None:
        console = self._console
        if console.stack.back():
            console.show_tabs()
            self.show_keys()
        elif console.stack.tab != "1":
            self._go("1")
        else:
            console.leave()
