"""The grid: cursor and marks follow keys, and only what changed is painted."""

from __future__ import annotations

from time import perf_counter

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
    BINDINGS = [("space", "mark", "Mark")]  # noqa: RUF012 - as Textual has it

    def __init__(self, rows: list[Row]) -> None:
        super().__init__()
        self.first_rows = rows
        self.events: list[tuple[str, object]] = []

    def compose(self) -> ComposeResult:
        yield Grid(COLUMNS, empty_text="No deployments yet.")

    def on_mount(self) -> None:
        self.grid.focus()
        self.grid.set_rows(self.first_rows)

    def action_mark(self) -> None:
        self.grid.action_mark()

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
def painted(monkeypatch: pytest.MonkeyPatch) -> list[Region]:
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


async def test_the_cursor_stays_on_its_row_when_rows_come_go_and_sort() -> None:
    app = GridApp([row("b", errors=3), row("a", errors=1), row("c", errors=None)])
    async with app.run_test(size=(60, 12)) as pilot:
        await pilot.press("j")
        assert app.grid.cursor_key == "a"
        app.grid.set_sort(Sort("errors"))
        assert [shown.key for shown in app.grid.rows] == ["a", "b", "c"]
        app.grid.set_sort(Sort("errors", descending=True))
        assert [shown.key for shown in app.grid.rows] == ["b", "a", "c"]
        assert "▾" in app.shown()[0]
        app.grid.set_rows([row("new", errors=9), row("a", errors=1), row("c")])
        assert app.grid.cursor_key == "a"
        app.grid.set_rows([row("new"), row("c")])
        assert app.grid.cursor_key is not None
        app.grid.set_rows([])
        assert app.grid.cursor_key is None
        await pilot.pause()
        assert app.events[-1] == ("highlighted", None)


async def test_rows_that_come_above_do_not_move_the_line_under_the_eye() -> None:
    rows = [row(f"unit-{n:02}") for n in range(50)]
    app = GridApp(rows)
    async with app.run_test(size=(60, 12)) as pilot:
        await pilot.press(*["j"] * 30)
        line = next(y for y, text in enumerate(app.shown()) if "unit-30" in text)
        app.grid.set_rows([*(row(f"new-{n}") for n in range(5)), *rows])
        assert "unit-30" in app.shown()[line]


async def test_a_filter_hides_rows_and_headings_without_rows() -> None:
    rows = [
        Row.heading("h1", "Needs you", "oldest 6m"),
        row("a"),
        Row.heading("h2", "Moving"),
        row("b"),
    ]
    app = GridApp(rows)
    async with app.run_test(size=(60, 12)) as pilot:
        assert app.grid.cursor_key == "a"
        await pilot.press("j")
        assert app.grid.cursor_key == "b"
        assert app.shown()[1].startswith("─ Needs you ──")
        assert app.shown()[1].endswith("── oldest 6m ─")
        app.grid.set_filter(lambda shown: shown.key == "a")
        assert [shown.key for shown in app.grid.rows] == ["h1", "a"]
        assert app.grid.cursor_key == "a"
        app.grid.set_filter(lambda shown: False)
        assert app.shown()[1] == " No deployments yet."


async def test_marks_follow_their_rows() -> None:
    app = GridApp([row("a"), row("b"), row("c")])
    async with app.run_test(size=(60, 12)) as pilot:
        await pilot.press("space", "space")
        assert app.grid.marked == {"a", "b"}
        assert app.shown()[1].startswith("◆a")
        app.grid.set_rows([row("c"), row("b")])
        assert app.grid.marked == {"b"}
        await pilot.pause()
        assert app.events.count(("marks", frozenset({"a", "b"}))) == 1


async def test_only_the_changed_row_is_painted(painted: list[Region]) -> None:
    rows = [row(f"unit-{n:04}") for n in range(1000)]
    app = GridApp(rows)
    async with app.run_test(size=(60, 12)) as pilot:
        app.grid.set_rows(list(rows))
        painted.clear()
        app.grid.set_rows([row(f"unit-{n:04}") for n in range(1000)])
        assert painted == []
        rows[3] = row("unit-0003", "bad")
        rows[700] = row("unit-0700", "bad")
        app.grid.set_rows(list(rows))
        assert [region.y for region in painted] == [4]
        assert painted[0].height == 1
        painted.clear()
        await pilot.press("j")
        assert [region.y for region in painted] == [1, 2]


async def test_columns_follow_the_width() -> None:
    app = GridApp([row("a")])
    async with app.run_test(size=(60, 6)) as pilot:
        assert "ERR" in app.shown()[0]
        await pilot.resize_terminal(38, 6)
        await pilot.pause()
        assert "ERR" not in app.shown()[0]
        await pilot.resize_terminal(18, 6)
        await pilot.pause()
        assert "STATUS" not in app.shown()[0]
        await pilot.press("right")
        await pilot.resize_terminal(5, 2)
        await pilot.pause()
        assert len(app.shown()) == 2


async def test_text_of_any_width_keeps_the_columns_in_line() -> None:
    names = ["日本語のサービス名です", "a\x1b[31mred", "e\u0301" * 20, "👍🏽" * 9, "", "\ud800"]
    app = GridApp([row(name) for name in names])
    async with app.run_test(size=(60, 12)):
        for y in range(8):
            assert app.grid.render_line(y).cell_length == 60


async def test_other_layouts_share_the_grid() -> None:
    app = GridApp([])
    async with app.run_test(size=(60, 12)):
        app.grid.set_columns(
            (Column("name", min_width=10),), {"wide": (Column("text", min_width=20, weight=1),)}
        )
        app.grid.set_rows(
            [
                Row("a", {"name": "a"}),
                Row("b", {"text": [Cell("✔", "ok"), Cell("ab")]}, layout="wide"),
            ]
        )
        assert app.shown()[:2] == ["▌a", " ✔ab"]


async def test_a_click_moves_the_cursor() -> None:
    app = GridApp([row("a"), row("b"), row("c")])
    async with app.run_test(size=(60, 12)) as pilot:
        await pilot.click(Grid, offset=(5, 3))
        assert app.grid.cursor_key == "c"
        await pilot.click(Grid, offset=(5, 0))
        await pilot.click(Grid, offset=(5, 9))
        assert app.grid.cursor_key == "c"


async def test_ten_thousand_rows_refresh_within_a_tick() -> None:
    rows = [row(f"unit-{n:05}") for n in range(10_000)]
    app = GridApp(rows)
    async with app.run_test(size=(120, 40)):
        rows[5] = row("unit-00005", "bad")
        started = perf_counter()
        app.grid.set_rows(list(rows))
        assert perf_counter() - started < 0.25
        assert "bad" in app.shown()[6]


async def test_a_border_does_not_shift_what_is_painted() -> None:
    app = GridApp([row(f"unit-{n}") for n in range(5)])
    async with app.run_test(size=(60, 12)) as pilot:
        app.grid.styles.border = ("solid", "white")
        await pilot.pause()
        strips = app.grid.render_lines(Region(0, 0, 60, 12))
        assert "unit-0" in strips[2].text
        app.grid.set_rows([row(f"other-{n}") for n in range(5)])
        strips = app.grid.render_lines(Region(0, 0, 60, 12))
        assert [f"other-{n}" in strips[2 + n].text for n in range(5)] == [True] * 5
        await pilot.click(Grid, offset=(5, 3))
        assert app.grid.cursor_key == "other-1"
