"""Activity: every event with who and why, of all deployments or of one; exportable as Markdown."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.widget import Widget

from gaesup_tui.console.desk import Desk
from gaesup_tui.console.facts import event_facts
from gaesup_tui.console.filtering import parse_filter
from gaesup_tui.console.now import event_cells
from gaesup_tui.console.page import Page
from gaesup_tui.console.replica import Diff
from gaesup_tui.console.words import said
from gaesup_tui.domain.errors import GaesupError
from gaesup_tui.domain.views import EventView
from gaesup_widgets.cells import Cell
from gaesup_widgets.grid import Column, Grid, Row
from gaesup_widgets.paint import Lines, wrapped

_MAX_ROWS = 1000
_PAGE_OF_HISTORY = 1000

_FULL_ROWS = ((20, 3), (14, 2))
"""From which height on, how many lines the event under the cursor has below the list."""
_COLUMNS = (
    Column("at", "WHEN", min_width=8),
    Column("by", "WHO", min_width=8),
    Column("deployment", "WHERE", min_width=18, weight=1),
    Column("text", "WHAT AND WHY", min_width=22, weight=4),
)


class Activity(Page):
    """The journal as people read it, newest first."""

    actions: ClassVar[tuple[str, ...]] = ("open", "filter", "time", "copy", "logs")
    can_filter = exports = True

    def __init__(self, desk: Desk, *, deployment: str = "") -> None:
        """``deployment`` shows one's own events."""
        name = f"{deployment} events" if deployment else "Activity"
        super().__init__(desk, name)
        self._deployment = deployment
        self._filter = parse_filter("")
        self._past: dict[int, EventView] = {}
        self._rows: dict[int, Row] = {}
        self._problem = ""
        columns = [c for c in _COLUMNS if not deployment or c.key != "deployment"]
        self._grid = Grid(columns, empty_text="No events yet.", symbols=desk.symbols)
        self._full = Lines()

    def compose(self) -> ComposeResult:
        yield self._grid
        yield self._full

    def on_resize(self) -> None:
        self.call_after_refresh(self.point)

    def point(self) -> None:
        """The event under the cursor in full: on a row there is often room for a part only."""
        room = next((rows for least, rows in _FULL_ROWS if self.size.height >= least), 0)
        if self._full.display != bool(room):
            self._full.display = bool(room)
        event = self._under_cursor()
        lines = wrapped([Cell(" "), *event_cells(event)], self.size.width - 1) if event else []
        if len(lines) > room > 0:
            rest = [cell for line in lines[room - 1 :] for cell in (Cell(" "), *line)]
            lines = [*lines[: room - 1], rest]
        self._full.set_lines([*lines, *[()] * (room - len(lines))])

    def _under_cursor(self) -> EventView | None:
        return self._known().get(int(self._grid.cursor_key or 0))

    def on_mount(self) -> None:
        # Only reading: a worker that dies with the page is right for it.
        self.run_worker(self._load(), exclusive=True)

    async def _load(self) -> None:
        try:
            events = await self.desk.engine.history(
                deployment=self._deployment, limit=_PAGE_OF_HISTORY
            )
        except GaesupError as error:
            self._grid.set_empty_text(f"The history cannot be read: {error}")
            return
        self._past = {event["seq"]: event for event in events}
        self._draw()

    def home(self) -> Widget:
        return self._grid

    def subject(self) -> str | None:
        if self._deployment:
            return self._deployment
        event = self._under_cursor()
        return event["deployment"] if event and event["deployment"] else None

    def copied(self) -> str:
        event = self._under_cursor()
        return _line(event) if event else ""

    def show(self, diff: Diff) -> None:
        if diff.events or (diff.clock and self.desk.times.mode == "age"):
            self._draw()

    def set_filter(self, text: str) -> None:
        self._filter = parse_filter(text)
        self.filter_text = text
        self._draw()

    def export(self, folder: Path) -> Path:
        """Write what is shown as Markdown, oldest first; returns the file.

        Raises:
            OSError: it cannot be written.
        """
        known = self._known()
        events = [known[int(row.key)] for row in reversed(self._grid.rows)]
        name = (self._deployment or "activity").replace("@", "-")
        path = folder / f"gaesup-{name}-{int(self.desk.now())}.md"
        path.write_text(markdown(self.title, events), encoding="utf-8")
        return path

    # Rows -----------------------------------------------------------------------------------

    def _known(self) -> dict[int, EventView]:
        live = {event["seq"]: event for event in self.desk.replica.events}
        return {**self._past, **live}

    def _shown(self) -> Iterable[EventView]:
        now = self.desk.now()
        chosen = self.desk.options.environment
        known = self._known()
        for seq in sorted(known, reverse=True):
            event = known[seq]
            where = event["deployment"]
            if self._deployment and where != self._deployment:
                continue
            if chosen and where and not where.endswith(f"@{chosen}"):
                continue
            if not self.filter_text or self._filter.matches(event_facts(event, now)):
                yield event

    def _draw(self) -> None:
        now = self.desk.now()
        rows = []
        for event in self._shown():
            rows.append(self._row(event, now))
            if len(rows) >= _MAX_ROWS:
                break
        self._grid.set_rows(rows)
        self.point()

    def _row(self, event: EventView, now: float) -> Row:
        return Row(
            str(event["seq"]),
            {
                "at": self.desk.times.show(event["at"], now),
                "by": event["by"],
                "deployment": event["deployment"] or "–",
                "text": said(event),
            },
        )


def markdown(title: str, events: Iterable[EventView]) -> str:
    """Events as a Markdown table, with times in UTC."""
    lines = [f"# {title}", "", "| when (UTC) | who | where | what | why |", "|---|---|---|---|---|"]
    for event in events:
        cells = (event["by"], event["deployment"], event["text"], event["why"])
        escaped = (cell.replace("|", "\\|") for cell in cells)
        lines.append(f"| {_stamp(event)} | {' | '.join(escaped)} |")
    return "\n".join(lines) + "\n"


def _stamp(event: EventView) -> str:
    from gaesup_tui.console.times import Times

    return Times.stamp(event["at"])


def _line(event: EventView) -> str:
    why = f": {event['why']}" if event["why"] else ""
    return f"{_stamp(event)} {event['by']} {event['deployment']} {event['text']}{why}"
