"""The steps of a rollout or a pipeline, one line each: what was done, what runs, what comes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from textual.binding import Binding, BindingType
from textual.message import Message

from gaesup_widgets.cells import Cell, age, duration, fit, width_of
from gaesup_widgets.drawn import DrawnLines
from gaesup_widgets.paint import Runs
from gaesup_widgets.symbols import UNICODE, Symbols

StepState = Literal["planned", "running", "waiting", "paused", "done", "failed", "skipped"]

_STYLES: dict[StepState, str] = {
    "planned": "dim",
    "running": "accent",
    "waiting": "warn",
    "paused": "warn",
    "done": "",
    "failed": "bad",
    "skipped": "dim",
}


@dataclass(frozen=True, slots=True)
class Step:
    """One step. `elapsed_s` is how long it took or has run, `planned_s` how long it should;
    `None` is not known or has no plan."""

    title: str
    state: StepState
    elapsed_s: float | None = None
    planned_s: float | None = None


def step_time(step: Step) -> str:
    """The time worth telling: elapsed of planned while it runs, else the one that is known."""
    if step.state in ("running", "waiting", "paused"):
        if step.elapsed_s is None:
            return duration(step.planned_s) if step.planned_s is not None else ""
        if step.planned_s is None:
            return age(step.elapsed_s)
        return f"{age(step.elapsed_s)} of {duration(step.planned_s)}"
    known = step.elapsed_s if step.state in ("done", "failed") else step.planned_s
    return "" if known is None else duration(known)


def step_runs(step: Step, width: int, symbols: Symbols, *, is_selected: bool = False) -> list[Cell]:
    """One line: selection, symbol, title, time at the right."""
    time = step_time(step)
    gutter = symbols.cursor if is_selected else " "
    mark = getattr(symbols, step.state)
    room = max(0, width - 3 - (width_of(time) + 1 if time else 0))
    style = _STYLES[step.state]
    title = fit(step.title, room, ellipsis=symbols.ellipsis)
    return [
        Cell(gutter, "mark"),
        Cell(f"{mark} ", style),
        Cell(title, "strong" if step.state in ("running", "waiting") else style),
        Cell(f" {time}" if time else "", style),
    ]


def marks(steps: Sequence[Step], symbols: Symbols = UNICODE) -> list[Cell]:
    """All steps in one grid cell: `✔build ▶test ·deploy`."""
    runs: list[Cell] = []
    for step in steps:
        if runs:
            runs.append(Cell(" "))
        runs.append(Cell(f"{getattr(symbols, step.state)}{step.title}", _STYLES[step.state]))
    return runs


class Timeline(DrawnLines, can_focus=True):
    """Steps under each other, with one of them selected; scrolls to keep it in sight."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j", "move(1)", "Next step", show=False, id="timeline.down"),
        Binding("up,k", "move(-1)", "Step before", show=False, id="timeline.up"),
        Binding("enter", "select", "Open step", show=False, id="timeline.select"),
    ]
    DEFAULT_CSS = "Timeline { height: 1fr; width: 1fr; }"

    class Selected(Message):
        """A person pressed Enter on the step at `index`."""

        def __init__(self, timeline: Timeline, index: int) -> None:
            super().__init__()
            self.timeline = timeline
            self.index = index

        @property
        def control(self) -> Timeline:
            return self.timeline

    _steps: tuple[Step, ...] = ()
    _selected: int | None = None
    _top = 0

    @property
    def selected(self) -> int:
        """Index of the selected step: the one a person chose, else the one that is on."""
        if self._selected is not None:
            return max(0, min(self._selected, len(self._steps) - 1))
        on = [at for at, step in enumerate(self._steps) if step.state != "planned"]
        return on[-1] if on else 0

    def show(self, steps: Sequence[Step]) -> None:
        """Show `steps`; the selection stays where a person put it."""
        self._steps = tuple(steps)
        self.redraw()

    def action_move(self, by: int) -> None:
        self._selected = max(0, min(self.selected + by, len(self._steps) - 1))
        self.redraw()

    def action_select(self) -> None:
        if self._steps:
            self.post_message(self.Selected(self, self.selected))

    def lines_for(self, width: int) -> Sequence[Runs]:
        height = self.content_size.height
        selected = self.selected
        self._top = max(min(self._top, selected), selected - height + 1)
        self._top = max(0, min(self._top, len(self._steps) - height))
        window = self._steps[self._top : self._top + height]
        lines: list[Runs] = [
            step_runs(step, width, self._symbols, is_selected=at == selected)
            for at, step in enumerate(window, self._top)
        ]
        return lines + [()] * (height - len(lines))
