"""Deployments: every unit in every environment, one line each."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import suppress

from gaesup_tui.console.desk import Desk
from gaesup_tui.console.facts import deployment_facts
from gaesup_tui.console.filtering import parse_filter
from gaesup_tui.console.grid_page import GridPage
from gaesup_tui.console.replica import SPARK_BAR_S, SPARK_BARS, Diff
from gaesup_tui.console.words import active_rollout, change, claims, status_cell
from gaesup_tui.domain.errors import GaesupError
from gaesup_tui.domain.views import DeploymentView
from gaesup_widgets.cells import Cell, age, millis, percent, short
from gaesup_widgets.grid import Column, Grid, Row, Sort
from gaesup_widgets.sparkline import spark

_SPARK_CELLS = 12
_MOST_SPARKS = 40
"""So many charts get a past; others begin when somebody looks."""
_LET_PAINT_S = 0.3
_AGES_EVERY = 20
"""Ticks after which all rows are made anew, so that ages move on."""

_COLUMNS = (
    Column("unit", "UNIT", min_width=13, weight=2),
    Column("environment", "ENV", min_width=10, weight=1),
    Column("version", "VERSION", min_width=7, weight=1),
    Column("status", "STATUS", min_width=13),
    Column("share", "TRAFFIC", min_width=7, align="right", hide_below=100),
    Column("ready", "READY", min_width=5, align="right"),
    Column("age", "UP", min_width=5, align="right"),
    Column("rps", "REQ/S", min_width=5, align="right"),
    Column("errors", "ERR", min_width=6, align="right"),
    Column("p95", "P95", min_width=6, align="right"),
    Column("spark", "REQ/S 1m", min_width=_SPARK_CELLS, hide_below=100),
)
_SORTABLE = ("unit", "environment", "status", "age", "rps", "errors", "p95", "ready")
_URGENCY = (
    *("failed", "down", "unknown", "degraded", "returning", "waiting", "paused", "frozen"),
    *("progressing", "baking", "aborted", "healthy"),
)


class Deployments(GridPage):
    """The grid of all deployments."""

    actions = (
        "open",
        "logs",
        "scale",
        "rollback",
        "deploy",
        "promote",
        "pause",
        "resume",
        "abort",
        "ack",
        "unhold",
        "retry",
        "retry_failed",
        "scale_up",
        "scale_down",
        "promote_full",
        "timeline",
        "filter",
        "sort",
        "sort_back",
        "mark",
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
        columns = [c for c in _COLUMNS if c.key != "spark" or not desk.options.low_bandwidth]
        grid = Grid(columns, empty_text="No deployments are known yet.", symbols=desk.symbols)
        super().__init__(desk, "Deployments", grid)
        self._rows: dict[str, Row] = {}
        self._tick = 0
        self._sort = 0

    def on_mount(self) -> None:
        if not self.desk.options.low_bandwidth:
            # Only reading: a worker that dies with the page is right for it.
            self.run_worker(self._load_sparks(), exclusive=True)

    async def _load_sparks(self) -> None:
        """Charts do not begin when somebody looks: what went before is asked for."""
        await asyncio.sleep(_LET_PAINT_S)
        replica, points = self.desk.replica, SPARK_BARS * SPARK_BAR_S
        for row in list(self._grid.rows)[:_MOST_SPARKS]:
            with suppress(GaesupError, KeyError):
                series = await self.desk.engine.series(row.key, points)
                replica.backfill(row.key, series["at"], series["step_s"], series["rps"])

    def subject(self) -> str | None:
        return self._grid.cursor_key

    def subjects(self) -> list[str]:
        return sorted(self._grid.marked) or super().subjects()

    def show(self, diff: Diff) -> None:
        self._tick += 1
        self._grid.set_stale(self.desk.link.is_stale)
        if diff.anything:
            self.point()
        stale_keys = self._to_make_anew(diff)
        if not stale_keys and not diff.deployments:
            return
        now, views = self.desk.now(), self.desk.replica.deployments
        for key in stale_keys:
            view = views.get(key)
            if view is None:
                self._rows.pop(key, None)
            else:
                self._rows[key] = self._row(view, now)
        self._grid.set_rows(
            [self._rows[view["key"]] for view in self._in_order(self.desk.deployments())]
        )

    def set_filter(self, text: str) -> None:
        chosen = parse_filter(text)
        self.filter_text = text
        replica, desk = self.desk.replica, self.desk

        def keep(row: Row) -> bool:
            view = replica.deployments.get(row.key)
            if view is None:
                return False
            facts = deployment_facts(
                view, replica.numbers(row.key), replica.ready(row.key), desk.now()
            )
            return chosen.matches(facts)

        self._grid.set_filter(keep if text.strip() else None)
        self._grid.set_empty_text(
            f"No deployment matches {text}" if text.strip() else "No deployments are known yet."
        )

    def means(self, action_id: str) -> bool:
        return action_id in ("sort", "sort_back", "mark")

    def do(self, action_id: str) -> bool:
        if action_id == "sort":
            self._sort = (self._sort + 1) % (len(_SORTABLE) + 1)
            column = _SORTABLE[self._sort - 1] if self._sort else None
            # Numbers are asked for to find the most of something, names to find one.
            falling = column in ("rps", "errors", "p95")
            self._grid.set_sort(Sort(column, falling) if column else None)
            return True
        if action_id == "sort_back":
            sort = self._grid.sort or Sort("unit")
            self._grid.set_sort(Sort(sort.column, not sort.descending))
            return True
        if action_id == "mark":
            self._grid.action_mark()
            return True
        return False

    def _to_make_anew(self, diff: Diff) -> set[str]:
        replica = self.desk.replica
        if not self._rows or self._tick % _AGES_EVERY == 0:
            return {*replica.deployments, *self._rows}
        keys = set(diff.deployments)
        if diff.engine and not diff.deployments and diff.clock and diff.numbers:
            keys |= replica.deployments.keys()
        if diff.numbers:
            keys |= replica.measured() & replica.deployments.keys()
        return keys

    def _in_order(self, views: Iterable[DeploymentView]) -> list[DeploymentView]:
        return sorted(views, key=lambda view: view["key"])

    def _row(self, view: DeploymentView, now: float) -> Row:
        desk, key = self.desk, view["key"]
        numbers, ready = desk.replica.numbers(key), desk.replica.ready(key)
        rollout = active_rollout(view)
        p95_s, since = numbers["p95_s"], view["since"]
        version = change(rollout, desk.symbols) if rollout else view["version"] or "–"
        ready_text = f"{'–' if ready is None else ready}/{view['replicas']}"
        ready_style = "" if ready is not None and ready >= view["replicas"] else "warn"
        return Row(
            key,
            {
                "unit": [Cell(view["unit"]), *claims(view)],
                "environment": view["environment"],
                "version": version,
                "status": status_cell(view, desk.symbols),
                "share": _share(view),
                "ready": Cell(ready_text, ready_style),
                "age": age(None if since is None else now - since),
                "rps": short(numbers["rps"]),
                "errors": _errors(numbers["error_ratio"]),
                "p95": millis(None if p95_s is None else p95_s * 1000),
                "spark": Cell(spark(desk.replica.spark(key), _SPARK_CELLS, desk.symbols), "accent"),
            },
            order={
                "status": _URGENCY.index(view["status"]),
                "age": None if since is None else now - since,
                "rps": numbers["rps"],
                "errors": numbers["error_ratio"],
                "p95": p95_s,
                "ready": None if ready is None else ready / max(1, view["replicas"]),
            },
        )


def _share(view: DeploymentView) -> Cell:
    rollout = active_rollout(view)
    if rollout is None:
        return Cell("")
    seen = rollout["weight_seen"]
    if seen is None:
        return Cell("–", "warn")
    return Cell(f"{100 - seen}/{seen}", "" if seen == rollout["weight_wished"] else "bad")


def _errors(ratio: float | None) -> Cell:
    style = "" if ratio is None or ratio < 0.01 else "warn" if ratio < 0.05 else "bad"
    return Cell(percent(ratio), style)
