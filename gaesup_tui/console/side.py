"""The second pane of a wide terminal: what the cursor is on, without going in."""

from __future__ import annotations

from itertools import islice

from gaesup_tui.console.desk import Desk
from gaesup_tui.console.evidence import verdict_cells
from gaesup_tui.console.words import (
    active_rollout,
    change,
    said,
    status_cell,
    timeline_step,
    waiting_sentence,
)
from gaesup_tui.domain.lock_views import lock_words
from gaesup_tui.domain.views import DeploymentView, RolloutView
from gaesup_widgets.cells import Cell, millis, percent, rate
from gaesup_widgets.paint import Lines, Runs, wrapped
from gaesup_widgets.timeline import step_runs
from gaesup_widgets.traffic_bar import Traffic, traffic_runs

SHOWN_FROM_CELLS = 140
PANE_CELLS = 58
_EVENTS = 8


class SidePane(Lines):
    """Detail of one deployment; not there on a narrow terminal."""

    DEFAULT_CSS = f"""
    SidePane {{
        width: {PANE_CELLS}; height: 1fr; padding: 0 1; display: none;
        border-left: solid $foreground 40%;
    }}
    """

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self._desk = desk

    def show(self, key: str | None) -> None:
        """Show deployment ``key``, if the terminal is wide enough."""
        is_wide = self.app.size.width >= SHOWN_FROM_CELLS
        if self.display != is_wide:
            self.display = is_wide
        if not is_wide:
            return
        view = self._desk.replica.deployments.get(key) if key else None
        width, height = PANE_CELLS - 4, max(0, self.content_size.height)
        lines = detail_lines(self._desk, view, width) if view else []
        lines = lines[:height]
        self.set_lines(lines + [()] * (height - len(lines)))


def detail_lines(desk: Desk, view: DeploymentView, width: int) -> list[Runs]:
    """Everything worth knowing of a deployment before acting on it."""
    now = desk.now()
    lines: list[Runs] = [
        [Cell(view["key"], "strong"), Cell("  "), status_cell(view, desk.symbols)],
        *wrapped([Cell(view["status_text"])], width),
    ]
    if view["waiting"]:
        lines += wrapped([Cell(waiting_sentence(view["waiting"], now), "warn")], width)
    if view["problem"]:
        lines += wrapped([Cell(view["problem"], "bad")], width)
    if view["hold"]:
        text = f"automation held by {view['hold']['by']}: {view['hold']['why']}"
        lines += wrapped([Cell(text, "warn")], width)
    if view["lock"]:
        lines += wrapped([Cell(lock_words(view["lock"], now), "warn")], width)
    rollout = active_rollout(view)
    if rollout is not None:
        lines += [(), *_rollout_lines(desk, view, rollout, width, now)]
    lines += [(), *_revision_lines(desk, view)]
    return lines + _event_lines(desk, view["key"], now)


def _rollout_lines(
    desk: Desk, view: DeploymentView, rollout: RolloutView, width: int, now: float
) -> list[Runs]:
    lines: list[Runs] = [
        [
            Cell(change(rollout, desk.symbols), "heading"),
            Cell(f"  {rollout['strategy']} by {rollout['by']}"),
            Cell(f"  {rollout['why']}" if rollout["why"] else "", "dim"),
        ]
    ]
    if rollout["base"]:
        seen = rollout["weight_seen"]
        traffic = Traffic(
            rollout["base"],
            rollout["candidate"],
            float(rollout["weight_wished"]),
            None if seen is None else float(seen),
        )
        lines.append(traffic_runs(traffic, width, desk.symbols))
    lines += [
        step_runs(timeline_step(step, view, now), width, desk.symbols) for step in rollout["steps"]
    ]
    lines += wrapped(verdict_cells(rollout["verdict"]), width)
    return [*lines, *wrapped([Cell("way back: ", "dim"), Cell(rollout["way_back"])], width)]


def _revision_lines(desk: Desk, view: DeploymentView) -> list[Runs]:
    lines: list[Runs] = []
    for revision in view["revisions"]:
        numbers = desk.replica.revision_numbers(view["key"], revision["id"])
        p95_s = numbers["p95_s"]
        share = revision["weight_seen"]
        ready = f"{revision['ready']}/{revision['wanted']}"
        lines.append(
            [
                Cell(f"{revision['version'][:10]:<10} ", "strong"),
                Cell(f"{'–' if share is None else share:>3} %"),
                Cell(f" {ready:>5}", "" if revision["ready"] >= revision["wanted"] else "warn"),
                Cell(f" {rate(numbers['rps']):>7}"),
                Cell(f"  err {percent(numbers['error_ratio']):>6}"),
                Cell(f"  p95 {millis(None if p95_s is None else p95_s * 1000):>6}"),
            ]
        )
    return lines


def _event_lines(desk: Desk, key: str, now: float) -> list[Runs]:
    events = [event for event in reversed(desk.replica.events) if event["deployment"] == key]
    lines: list[Runs] = [(), [Cell("Recent", "heading")]] if events else []
    for event in islice(events, _EVENTS):
        when = desk.times.clock(event["at"], now)
        lines.append([Cell(f"{when} ", "dim"), Cell(f"{event['by']} ", "dim"), *said(event)])
    return lines
