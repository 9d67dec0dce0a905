"""The grid: cursor and marks follow keys, and only what changed is painted."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from textual.app import App, ComposeResult
from textual.geometry import Region

from gaesup_widgets.cells import Cell
from gaesup_widgets.grid import Column, Grid, Row, Sort

COLUMNS = (
    Column("name", "NAME", min_width=10, weight=1),
    Column("status", "STATUS", min_width=8),
    Column("errors", "ERR", min_width=6, align="right", hide_below=40),
)


def row(key: str, status: str = "ok", errors: float | None = 0.0) -> Row:
    return Row(
        key,
        {"name": key, "status": Cell(status, status), "errors": str(errors)},
        {"errors": errors},
    )


class GridApp(App[None]):
    def __init__(self, rows: list[Row]) -> None:
        super().__init__()
        self.first_rows = rows
        self.events: list[tuple[str, object]] = []

    def compose(self) -> ComposeResult:
        yield Grid(COLUMNS, empty_text="No deployments yet.")

    def on_mount(self) -> None:
        self.grid.focus()
        self.grid.set_rows(self.first_rows)

    @property
    def grid(self) -> Grid:
        return self.query_one(Grid)

    def on_grid_highlighted(self, message: Grid.Highlighted) -> None:
        self.events.append(("highlighted", message.key))

    def on_grid_selected(self, message: Grid.Selected) -> None:
        self.events.append(("selected", message.key))

    def on_grid_marks_changed(self, message: Grid.MarksChanged) -> None:
        self.events.append(("marks", message.keys))

    def shown(self) -> list[str]:
        return [self.grid.render_line(y).text.rstrip() for y in range(self.grid.size.height)]


@pytest.fixture
def painted(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Region]]:
    """Every region the grid asks to be painted; the whole widget counts as an empty region."""
    asked: list[Region] = []
    refresh = Grid.refresh

    def record(self: Grid, *regions: Region, **options: bool) -> Grid:
        asked.extend(regions or (Region(),))
        return refresh(self, *regions, **options)

    monkeypatch.setattr(Grid, "refresh", record)
    return asked


async def test_keys_move_the_cursor_and_enter_selects() -> None:
    app = GridApp([row(f"unit-{n:02}") for n in range(50)])
    async with app.run_test(size=(60, 12)) as pilot:
        await pilot.press("j", "down", "k", "enter")
        assert app.events[-1] == ("selected", "unit-01")
        await pilot.press("G")
        assert app.grid.cursor_key == "unit-49"
        assert "unit-49" in app.shown()[-1]
        await pilot.press("ctrl+u")
        assert app.grid.cursor_key == "unit-44"
        await pilot.press("pageup")
        assert app.grid.cursor_key == "unit-33"
        await pilot.press("g")
        assert app.grid.cursor_key == "unit-00"
        assert app.shown()[0].startswith(" NAME")
