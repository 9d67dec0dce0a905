"""The rollout: traffic as it is, steps, evidence, and the way back."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widget import Widget

from gaesup_tui.console import ab
from gaesup_tui.console.desk import Desk
from gaesup_tui.console.evidence import (
    evidence_of,
    helps_cells,
    meter_cells,
    requests_line,
    verdict_cells,
)
from gaesup_tui.console.page import Page
from gaesup_tui.console.replica import Diff
from gaesup_tui.console.words import (
    active_rollout,
    change,
    labelled,
    status_cell,
    timeline_step,
    waiting_sentence,
)
from gaesup_tui.domain.lock_views import lock_words
from gaesup_tui.domain.views import DeploymentView, RolloutView
from gaesup_widgets.cells import Cell, age, millis, percent, rate
from gaesup_widgets.evidence import EvidenceTable
from gaesup_widgets.paint import Lines, Runs, wrapped
from gaesup_widgets.timeline import Timeline
from gaesup_widgets.traffic_bar import Traffic, traffic_runs

_LABEL = 10


class Rollout(Page):
    """One rollout of one deployment, the active one or the last."""

    actions: ClassVar[tuple[str, ...]] = (
        "promote",
        "pause",
        "resume",
        "abort",
        "ack",
        "open",
        "logs",
        "verdicts",
        "ab",
        "timeline",
        "promote_full",
        "extend",
        "load",
        "step_back",
        "retry",
        "retry_failed",
        "rollback",
        "unhold",
        "hold",
        "lock",
        "unlock",
        "unqueue",
        "abort_gradual",
        "ignore",
        "watch",
        "copy",
        "time",
    )
    DEFAULT_CSS = """
    Rollout > Horizontal { height: 1fr; }
    Rollout Timeline {
        width: 2fr; max-width: 44; height: 1fr; border: solid $foreground 40%; padding: 0;
    }
    Rollout #evidence { width: 3fr; border: solid $foreground 40%; padding: 0 1; }
    Rollout #verdict { height: auto; margin-top: 1; }
    """

    def __init__(self, desk: Desk, key: str) -> None:
        super().__init__(desk, f"{key} rollout")
        self._key = key
        self._head, self._foot = Lines(), Lines()
        self._steps = Timeline(symbols=desk.symbols)
        self._table = EvidenceTable(symbols=desk.symbols)
        self._verdict = Lines(id="verdict")
        self._evidence = Vertical(self._table, self._verdict, id="evidence")

    def compose(self) -> ComposeResult:
        yield self._head
        with Horizontal():
            yield self._steps
            yield self._evidence
        yield self._foot

    def on_mount(self) -> None:
        self._steps.border_title = "Steps"

    def on_resize(self) -> None:
        self.call_after_refresh(self._draw)

    def home(self) -> Widget:
        return self._steps

    def subject(self) -> str | None:
        return self._key

    def show(self, diff: Diff) -> None:
        if diff.anything:
            self._draw()

    def _draw(self) -> None:
        view = self.desk.replica.deployments.get(self._key)
        rollout = view["rollout"] if view else None
        if view is None or rollout is None:
            self._head.set_lines([[Cell(f" {self._key}: there is no rollout any more", "warn")]])
            return
        now = self.desk.now()
        self._head.set_lines(self._head_lines(view, rollout, now))
        self._steps.show([timeline_step(step, view, now) for step in rollout["steps"]])
        base, candidate = rollout["base"] or "nothing", rollout["candidate"]
        self._evidence.border_title = requests_line(rollout["verdict"], base, candidate)
        verdict = rollout["verdict"]
        findings = verdict["findings"] if verdict else []
        self._table.show(base, candidate, [evidence_of(finding) for finding in findings])
        said = [*self._ab_lines(rollout, now), *self._verdict_lines(view, rollout)]
        measured = self._numbers(view)
        meters = meter_cells(verdict, self.desk.symbols)
        room = self._evidence.content_size.height - len(findings) - 2
        if len(said) + len(meters) + 1 + len(measured) > room:
            short = meter_cells(verdict, self.desk.symbols, short=True)
            self._verdict.set_lines([*said, *short, *measured])
        else:
            self._verdict.set_lines([*said, *meters, (), *measured])
        self._foot.set_lines(self._foot_lines(view, rollout, now))

    # Lines ----------------------------------------------------------------------------------

    def _head_lines(self, view: DeploymentView, rollout: RolloutView, now: float) -> list[Runs]:
        width = self._head.content_size.width or self.size.width
        symbols = self.desk.symbols
        ended = rollout["finished_at"]
        took = age((ended or now) - rollout["at"])
        begun = self.desk.times.clock(rollout["at"], now)
        who = f"  {rollout['strategy']} by {rollout['by']} {begun}  {took}"
        why = f'   "{rollout["why"]}"' if rollout["why"] else ""
        first = [
            Cell(f" {self._key}  ", "strong"),
            Cell(change(rollout, symbols)),
            Cell(who + why),
        ]
        second = [Cell(" "), status_cell(view, symbols), Cell(f"  {view['status_text']}")]
        lines: list[Runs] = [first, second]
        if self.desk.link.is_stale:
            old = age(self.desk.replica.age_s())
            lines = [
                [Cell("".join(c.text for c in line), "dim") for line in lines for c in [*line]]
            ]
            lines.append([Cell(f" data is {old} old: the engine is not heard", "bad")])
        if active_rollout(view) is not None and rollout["base"]:
            traffic = Traffic(
                rollout["base"],
                rollout["candidate"],
                float(rollout["weight_wished"]),
                None if rollout["weight_seen"] is None else float(rollout["weight_seen"]),
            )
            lines.append([Cell(" Traffic  "), *traffic_runs(traffic, width - _LABEL - 1, symbols)])
        return lines

    def _numbers(self, view: DeploymentView) -> list[Runs]:
        """Both sides as they are measured now."""
        lines: list[Runs] = []
        for revision in view["revisions"]:
            name = "copy" if revision["role"] == "fresh copy" else revision["version"]
            if revision["copies"]:
                lines.append([Cell("mirror  ", "strong"), Cell(revision["copies"])])
            numbers = self.desk.replica.revision_numbers(self._key, revision["id"])
            if numbers["rps"] is None and numbers["error_ratio"] is None:
                continue
            p95_s = numbers["p95_s"]
            lines.append(
                [
                    Cell(f"{name:<8}", "strong"),
                    Cell(f"{rate(numbers['rps']):>8}"),
                    Cell(f"  err {percent(numbers['error_ratio']):>7}"),
                    Cell(f"  p95 {millis(None if p95_s is None else p95_s * 1000):>7}"),
                ]
            )
        return lines

    def _ab_lines(self, rollout: RolloutView, now: float) -> list[Runs]:
        width = max(20, self._verdict.content_size.width)
        test = rollout["ab"]
        return [*ab.panel(test, now, width, self.desk.symbols), ()] if test else []

    def _verdict_lines(self, view: DeploymentView, rollout: RolloutView) -> list[Runs]:
        width, verdict = max(20, self._verdict.content_size.width), rollout["verdict"]
        cells = verdict_cells(verdict)
        if verdict and rollout["outcome"] != "promoted" and rollout["phase"] != "forward":
            # What ended it may be newer than what the judge last saw; both are on this screen.
            cells = [Cell("Before the way back: ", "dim"), *cells]
        said = wrapped(cells, width)
        if active_rollout(view) is None:
            return said
        return [*said, *wrapped(helps_cells(verdict, self.desk, view), width)]

    def _foot_lines(self, view: DeploymentView, rollout: RolloutView, now: float) -> list[Runs]:
        lines: list[Runs] = []
        width = self.size.width

        def add(label: str, text: str, style: str = "", most: int = 2) -> None:
            lines.extend(labelled(label, text, style, width, most))

        if rollout["cause"]:
            who = rollout["cause_by"]
            is_said = not who or f"by {who}" in rollout["cause"]
            by = "" if is_said else f" (by {who})"
            add("Because", f"{rollout['cause']}{by}", "bad")
        if rollout["verified"]:
            style = "bad" if view["notice"] and view["notice"]["sick"] else "ok"
            add("After it", rollout["verified"], style)
        for line in rollout["brewing"]:
            add("Beware", line, "bad")
        waiting, hold = view["waiting"], view["hold"]
        if waiting is not None:
            text = waiting_sentence(waiting, now)
            add("Waits", text, "warn" if waiting["person"] else "")
        if view["problem"]:
            add("Problem", view["problem"], "bad")
        if hold:
            why = hold["why"]
            if rollout["cause"] and rollout["cause"][:60] in why:  # said above
                why = why.partition(":")[0]
            add("Held", f"by {hold['by']}: {why}", "warn")
        if rollout["glass"]:
            add("Glass", f"broken {rollout['glass']}", "bad")
        if lock := view["lock"]:
            add("Locked", lock_words(lock, now).removeprefix("locked "), "warn")
        if view["preview"]:
            add("Preview", view["preview"])
        add("Way back", rollout["way_back"])
        return lines
