"""A page that is one grid of deployments, with the one under the cursor beside it."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widget import Widget

from gaesup_tui.console.desk import Desk
from gaesup_tui.console.page import Page
from gaesup_tui.console.side import SidePane
from gaesup_widgets.grid import Grid


class GridPage(Page):
    """The grid, and where the terminal is wide enough the side pane."""

    def __init__(self, desk: Desk, title: str, grid: Grid) -> None:
        super().__init__(desk, title)
        self._grid = grid
        self._side = SidePane(desk)

    def compose(self) -> ComposeResult:
        with Horizontal():
            yield self._grid
            yield self._side

    def on_resize(self) -> None:
        self.call_after_refresh(self.point)

    def point(self) -> None:
        self._side.show(self.subject())

    def home(self) -> Widget:
        return self._grid
