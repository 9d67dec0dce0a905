"""Now: what needs me, what moves, what happened."""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING, cast

from gaesup_tui.console.desk import Desk
from gaesup_tui.console.facts import deployment_facts, event_facts
from gaesup_tui.console.filtering import Facts, parse_filter
from gaesup_tui.console.grid_page import GridPage
from gaesup_tui.console.needs import Need, needs
from gaesup_tui.console.replica import Diff
from gaesup_tui.console.train_keys import ON_TRAIN, train_hint
from gaesup_tui.console.train_words import train_named, train_of_row, train_rows, trains_of
from gaesup_tui.console.trains import ask_train, open_train
from gaesup_tui.console.words import (
    active_rollout,
    against,
    change,
    following,
    position,
    said,
    status_cell,
)
from gaesup_tui.domain.views import DeploymentView, EventView
from gaesup_widgets.cells import Cell, age, millis, percent, width_of
from gaesup_widgets.footer import KeyHint
from gaesup_widgets.grid import Column, Grid, Row
from gaesup_widgets.grid_rows import place_columns
from gaesup_widgets.traffic_bar import share_bar

if TYPE_CHECKING:
    from gaesup_tui.console.app import Console

_BAR = 10
_RECENT = 100
_LEAST_ERRORS, _LEAST_P95_S = 0.001, 0.005
"""Differences below these are noise to a person."""
_MECHANICS = frozenset({"step_completed"})
"""Kinds of events that tell how and not what; Activity has them all."""

_NEED = (
    Column("kind", min_width=9),
    Column("name", min_width=19, weight=1),
    Column("text", min_width=30, weight=3),
    Column("since", min_width=18, weight=1, align="right"),
)
_MOVE = (
    Column("name", min_width=19, weight=1),
    Column("change", min_width=8),
    Column("bar", min_width=_BAR),
    Column("share", min_width=5, align="right"),
    Column("step", min_width=13, weight=1),
    Column("errors", min_width=8),
    Column("p95", min_width=7),
    Column("status", min_width=13, hide_below=100),
    Column("by", min_width=8, hide_below=120),
)
_TRAIN = (
    Column("name", min_width=19, weight=1),
    Column("text", min_width=40, weight=4),
)
_EVENT = (
    Column("at", min_width=8),
    Column("what", min_width=40, weight=1),
)


class Now(GridPage):
    """The first screen: one grid of three sections."""

    actions = (
        "open",
        "promote",
        "pause",
        "resume",
        "abort",
        "ack",
        "rollback",
        "unhold",
        "retry",
        "retry_failed",
        "promote_full",
        "logs",
        "timeline",
        "filter",
        "abort_gradual",
        "ignore",
        "hold",
        "lock",
        "unlock",
        "unqueue",
        "watch",
        "copy",
        "time",
    )
    can_filter = True

    def __init__(self, desk: Desk) -> None:
        grid = Grid(
            (Column("name", min_width=20, weight=1),),
            layouts={"need": _NEED, "move": _MOVE, "train": _TRAIN, "event": _EVENT},
            empty_text="Nothing is known yet: waiting for the engine.",
            symbols=desk.symbols,
        )
        super().__init__(desk, "Now", grid)
        self._filter = parse_filter("")
        self._deployment_of: dict[str, str] = {}

    def subject(self) -> str | None:
        return self._deployment_of.get(self._grid.cursor_key or "")

    def means(self, action_id: str) -> bool:
        return action_id == "open" and bool(train_of_row(self._grid.cursor_key))

    def hint(self, action_id: str) -> KeyHint | None:
        name = train_of_row(self._grid.cursor_key)
        if not name:
            return None
        return train_hint(self.desk, action_id, train_named(self.desk.replica.engine, name))

    def do(self, action_id: str) -> bool:
        name = train_of_row(self._grid.cursor_key)
        if not name:
            return False
        if action_id == "open":
            open_train(cast("Console", self.app), name)
        elif action_id in ON_TRAIN:
            ask_train(cast("Console", self.app), action_id, name)
        else:
            return False
        return True

    def show(self, diff: Diff) -> None:
        if diff.anything:
            self._grid.set_stale(self.desk.link.is_stale)
            before = self._grid.cursor_key
            self._grid.set_rows(self._rows())
            if not self._grid.is_moved or self._grid.cursor_key != before:
                # It waits at what is most urgent, until a person moves it, and once that is gone.
                self._grid.action_first()
            self.point()

    def set_filter(self, text: str) -> None:
        self._filter = parse_filter(text)
        self.filter_text = text
        self._grid.set_rows(self._rows())

    # Rows -----------------------------------------------------------------------------------

    def _rows(self) -> list[Row]:
        desk = self.desk
        if desk.replica.engine is None:
            return []
        now = desk.now()
        views = [view for view in desk.deployments() if self._keeps(view, now)]
        waits = needs(views, desk.replica.engine, now)
        moves = sorted(
            (view for view in views if active_rollout(view)),
            key=lambda view: (view["status"] != "returning", view["key"]),
        )
        self._deployment_of = {}
        # What moves stays in sight however much is wrong.
        most = max(5, self.size.height - 8 - min(len(moves), 5))
        rows = [self._heading_needs(waits, now), *(self._need(need, now) for need in waits[:most])]
        if len(waits) > most:
            more = f"{len(waits) - most} more, less urgent: press 2 for all"
            rows.append(Row("need:more", {"text": Cell(more, "dim")}, layout="need"))
        trains = train_rows(trains_of(desk.replica.engine), desk.symbols)
        count = len(moves) + len(trains)
        rows.append(Row.heading("h:move", "Moving", f"{count}" if count else "nothing"))
        rows += trains
        for view in moves:
            rows += [self._move(view), *self._next(view)]
        return rows + self._recent(now)

    def _keeps(self, view: DeploymentView, now: float) -> bool:
        if not self.filter_text:
            return True
        replica = self.desk.replica
        key = view["key"]
        return self._filter.matches(
            deployment_facts(view, replica.numbers(key), replica.ready(key), now)
        )

    def _heading_needs(self, waits: list[Need], now: float) -> Row:
        oldest = min((need.since for need in waits if need.since is not None), default=None)
        note = f"oldest {age(now - oldest)}" if oldest is not None else ""
        if not waits:
            note = "nothing"
        return Row.heading("h:need", "Needs you", note)

    def _need(self, need: Need, now: float) -> Row:
        self._deployment_of[need.key] = need.deployment
        return Row(
            need.key,
            {
                "kind": Cell(need.kind, need.style),
                "name": need.name or need.deployment or "engine",
                "text": need.text,
                "since": self._since(need, now),
            },
            layout="need",
        )

    def _since(self, need: Need, now: float) -> list[Cell]:
        """``4m12, aborts in 26m``. What happens if nobody acts is never cut for the age's sake."""
        since = self.desk.times.show(need.since, now) if need.since else ""
        placed, _ = place_columns(_NEED, self._grid.content_size.width - 1)
        room = next((cells for column, cells in placed if column.key == "since"), 0)
        since = since_beside(since, need.then, room)
        between = ", " if since and need.then else ""
        return [Cell(since), Cell(f"{between}{need.then}", "dim")]

    def _move(self, view: DeploymentView) -> Row:
        desk, key = self.desk, f"move:{view['key']}"
        self._deployment_of[key] = view["key"]
        rollout = active_rollout(view)
        assert rollout is not None  # chosen by it
        seen = rollout["weight_seen"]
        share = "–" if seen is None else f"{seen} %"
        style = "bad" if seen is not None and seen != rollout["weight_wished"] else ""
        errors, p95 = self._compared(view)
        return Row(
            key,
            {
                "name": view["key"],
                "change": change(rollout, desk.symbols),
                "bar": Cell(share_bar(seen, _BAR, desk.symbols), "accent"),
                "share": Cell(share, style),
                "step": position(rollout),
                "errors": errors,
                "p95": p95,
                "status": status_cell(view, desk.symbols),
                "by": Cell(rollout["by"], "dim"),
            },
            layout="move",
        )

    def _next(self, view: DeploymentView) -> list[Row]:
        """What is queued behind what moves, on a line of its own."""
        if not (text := following(view)):
            return []
        key = f"next:{view['key']}"
        self._deployment_of[key] = view["key"]
        return [Row(key, {"name": "", "text": Cell(text, "dim")}, layout="train")]

    def _compared(self, view: DeploymentView) -> tuple[list[Cell], list[Cell]]:
        desk = self.desk
        by_role = {revision["role"]: revision["id"] for revision in view["revisions"]}
        key = view["key"]
        new = desk.replica.revision_numbers(key, by_role.get("candidate", ""))
        old = desk.replica.revision_numbers(key, by_role.get("base", ""))
        p95_ms = None if new["p95_s"] is None else new["p95_s"] * 1000
        return (
            [
                Cell(percent(new["error_ratio"])),
                Cell(" "),
                against(old["error_ratio"], new["error_ratio"], _LEAST_ERRORS, desk.symbols),
            ],
            [
                Cell(millis(p95_ms)),
                Cell(" "),
                against(old["p95_s"], new["p95_s"], _LEAST_P95_S, desk.symbols),
            ],
        )

    def _recent(self, now: float) -> list[Row]:
        events = [event for event in reversed(self.desk.replica.events) if self._tells(event, now)]
        rows = [self._event(event, now) for event in islice(events, _RECENT)]
        return [Row.heading("h:recent", "Recent"), *rows]

    def _tells(self, event: EventView, now: float) -> bool:
        chosen = self.desk.options.environment
        if event["kind"] in _MECHANICS and event["level"] == "info":
            return False
        if chosen and event["deployment"] and not event["deployment"].endswith(f"@{chosen}"):
            return False
        if not self.filter_text:
            return True
        facts: Facts = event_facts(event, now)
        return self._filter.matches(facts)

    def _event(self, event: EventView, now: float) -> Row:
        key = f"event:{event['seq']}"
        self._deployment_of[key] = event["deployment"]
        return Row(
            key,
            {"at": self.desk.times.clock(event["at"], now), "what": event_cells(event)},
            layout="event",
        )


def since_beside(since: str, then: str, room: int) -> str:
    """As much of an age or a clock time as has room beside ``then``: all, without the smaller
    unit, or nothing."""
    if not then or width_of(f"{since}, {then}") <= room:
        return since
    larger = re.sub(r"(?<=[mh])\d+$", "", since)
    return larger if width_of(f"{larger}, {then}") <= room else ""


def event_cells(event: EventView, *, with_deployment: bool = True) -> list[Cell]:
    """``kim cart@production promoted to 25 %: "metrics flat"``."""
    runs = [Cell(f"{event['by']} ", "dim")] if event["by"] else []
    if event["deployment"] and with_deployment:
        runs.append(Cell(f"{event['deployment']} ", "strong"))
    return runs + said(event)
