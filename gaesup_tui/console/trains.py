"""Release trains: the list of them, and one with its groups, its gate and its way back."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from textual.app import ComposeResult
from textual.widget import Widget

from gaesup_tui.console.desk import Desk
from gaesup_tui.console.page import Page
from gaesup_tui.console.replica import Diff
from gaesup_tui.console.train_keys import ON_TRAIN, train_hint
from gaesup_tui.console.train_words import (
    change_of,
    expiry,
    phase_cell,
    place_cell,
    train_named,
    trains_of,
)
from gaesup_tui.domain.train_views import TrainView
from gaesup_widgets.cells import Cell, age
from gaesup_widgets.footer import KeyHint
from gaesup_widgets.grid import Column, Grid, Row
from gaesup_widgets.paint import Lines, Runs

if TYPE_CHECKING:
    from gaesup_tui.console.app import Console

_TRAINS = (
    Column("name", "TRAIN", min_width=12, weight=1),
    Column("to", "TO", min_width=11),
    Column("state", "STATE", min_width=15),
    Column("what", "WHAT", min_width=24, weight=3),
    Column("since", "SINCE", min_width=6, align="right"),
    Column("by", "BY", min_width=8, hide_below=90),
)
_CARS = (
    Column("name", min_width=20, weight=1),
    Column("change", min_width=9),
    Column("stands", min_width=30, weight=3),
)
_EMPTY = "No train was started yet: gaesup train start NAME begins one of gaesup.yaml."


class Trains(Page):
    """All trains the engine remembers, those under way first."""

    actions: ClassVar[tuple[str, ...]] = ("open", "promote", "abort", "copy", "time")

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk, "Trains")
        self._grid = Grid(_TRAINS, empty_text=_EMPTY, symbols=desk.symbols)

    def compose(self) -> ComposeResult:
        yield self._grid

    def home(self) -> Widget:
        return self._grid

    def copied(self) -> str:
        return self._grid.cursor_key or ""

    def show(self, diff: Diff) -> None:
        if diff.engine or diff.clock:
            self._grid.set_stale(self.desk.link.is_stale)
            now = self.desk.now()
            self._grid.set_rows([self._row(t, now) for t in trains_of(self.desk.replica.engine)])

    def _row(self, train: TrainView, now: float) -> Row:
        began = train["finished_at"] or train["since"]
        return Row(
            train["name"],
            {
                "name": Cell(train["name"], "strong"),
                "to": train["environment"],
                "state": phase_cell(train, self.desk.symbols),
                "what": train["text"],
                "since": Cell(self.desk.times.show(began, now), "dim"),
                "by": Cell(train["by"], "dim"),
            },
        )

    def _train(self) -> TrainView | None:
        return train_named(self.desk.replica.engine, self._grid.cursor_key or "")

    def means(self, action_id: str) -> bool:
        return action_id == "open" and self._train() is not None

    def hint(self, action_id: str) -> KeyHint | None:
        return train_hint(self.desk, action_id, self._train())

    def do(self, action_id: str) -> bool:
        name = self._grid.cursor_key
        if action_id == "open" and name:
            open_train(cast("Console", self.app), name)
            return True
        if action_id in ON_TRAIN and name:
            ask_train(cast("Console", self.app), action_id, name)
            return True
        return False


class Train(Page):
    """One train: its groups in their order, and each unit's stand. Enter opens a unit."""

    actions: ClassVar[tuple[str, ...]] = (
        "promote",
        "abort",
        "open",
        "logs",
        "timeline",
        "copy",
        "time",
    )
    DEFAULT_CSS = """
    Train Lines { height: auto; }
    Train #foot { margin-top: 1; }
    """

    def __init__(self, desk: Desk, name: str) -> None:
        super().__init__(desk, f"train {name}")
        self._train_name = name
        self._head, self._foot = Lines(), Lines(id="foot")
        self._grid = Grid(_CARS, symbols=desk.symbols)

    def compose(self) -> ComposeResult:
        yield self._head
        yield self._grid
        yield self._foot

    def home(self) -> Widget:
        return self._grid

    def subject(self) -> str | None:
        key = self._grid.cursor_key
        return key if key in self.desk.replica.deployments else None

    def hint(self, action_id: str) -> KeyHint | None:
        return train_hint(self.desk, action_id, self._train())

    def do(self, action_id: str) -> bool:
        if action_id not in ON_TRAIN:
            return False
        ask_train(cast("Console", self.app), action_id, self._train_name)
        return True

    def _train(self) -> TrainView | None:
        return train_named(self.desk.replica.engine, self._train_name)

    def show(self, diff: Diff) -> None:
        if not (diff.engine or diff.clock):
            return
        train = self._train()
        if train is None:
            gone = f" there is no train {self._train_name} any more"
            self._head.set_lines([[Cell(gone, "warn")]])
            return
        now = self.desk.now()
        self._head.set_lines(self._head_lines(train, now))
        self._grid.set_stale(self.desk.link.is_stale)
        self._grid.set_rows(self._rows(train))
        self._foot.set_lines(_foot_lines(train))

    def _head_lines(self, train: TrainView, now: float) -> list[Runs]:
        took = age((train["finished_at"] or now) - train["at"])
        begun = self.desk.times.clock(train["at"], now)
        why = f'   "{train["why"]}"' if train["why"] else ""
        who = f" to {train['environment']}  by {train['by']} {begun}  {took}{why}"
        then = expiry(train, now)
        return [
            [Cell(f" {train['name']}", "strong"), Cell(who)],
            [
                Cell(" "),
                phase_cell(train, self.desk.symbols),
                Cell(f"  {train['text']}"),
                Cell(f"; {then}" if then else "", "warn"),
            ],
        ]

    def _rows(self, train: TrainView) -> list[Row]:
        rows: list[Row] = []
        symbols = self.desk.symbols
        for number, group in enumerate(train["groups"]):
            note = "at work" if number == train["group"] and train["phase"] != "finished" else ""
            total = len(train["groups"])
            rows.append(Row.heading(f"group:{number}", f"Group {number + 1} of {total}", note))
            rows += [
                Row(
                    car["deployment"],
                    {
                        "name": car["deployment"],
                        "change": change_of(car, symbols),
                        "stands": place_cell(car, symbols),
                    },
                )
                for car in group
            ]
        return rows


_GATES = {
    "before": "waits for you before the first group",
    "between": "waits for you between groups",
    "none": "none of its own",
}
_FAILURES = {
    "rollback": "all go back, dependents first",
    "hold": "nothing more begins until you decide",
    "continue": "the others go on without it and what needs it",
}


def _foot_lines(train: TrainView) -> list[Runs]:
    lines = [_labelled("Gate", _GATES[train["gate"]])]
    if train["on_promote"]:
        lines.append(_labelled("Promote", train["on_promote"]))
    if train["phase"] != "finished":
        lines.append(_labelled("Fails", f"one goes back: {_FAILURES[train['on_failure']]}"))
        lines.append(_labelled("Way back", train["way_back"]))
    return lines


def _labelled(label: str, text: str) -> Runs:
    return [Cell(f" {label:<9} ", "dim"), Cell(text)]


def open_train(console: Console, name: str) -> None:
    """Goes into a train."""
    console.stack.push(Train(console.desk, name))
    console.show_tabs()
    console.router.show_keys()


def ask_train(console: Console, action_id: str, name: str) -> None:
    """A key of a rollout, pressed on a train."""
    from gaesup_tui.console.train_deeds import decide

    decide(console, ON_TRAIN[action_id], name)
