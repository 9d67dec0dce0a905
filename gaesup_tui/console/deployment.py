"""One deployment: its revisions and replicas, where its traffic enters, what happened to it."""

from __future__ import annotations

from contextlib import suppress
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.widget import Widget

from gaesup_tui.console.desk import Desk
from gaesup_tui.console.now import event_cells
from gaesup_tui.console.page import Page
from gaesup_tui.console.replica import EVERYTHING, Diff
from gaesup_tui.console.words import LABEL, following, status_cell, waiting_sentence
from gaesup_tui.domain.errors import GaesupError
from gaesup_tui.domain.lock_views import lock_words
from gaesup_tui.domain.views import DeploymentView, EventView, Numbers, ReplicaView, RevisionView
from gaesup_widgets.cells import Cell, Value, age, millis, percent, rate, size
from gaesup_widgets.grid import Column, Grid, Row
from gaesup_widgets.paint import Lines, Runs, wrapped

_RECENT = 50
_FACT_ROWS = 5
_REPLICA_STYLES = {"ready": "ok", "starting": "accent", "draining": "dim", "backoff": "bad"}

_REVISION = (
    Column("name", min_width=14, weight=1),
    Column("role", min_width=15),
    Column("share", min_width=14),
    Column("ready", min_width=5),
    Column("rps", min_width=7, align="right"),
    Column("errors", min_width=7, align="right"),
    Column("p95", min_width=7, align="right"),
)
_REPLICA = (
    Column("name", min_width=18, weight=1),
    Column("state", min_width=10),
    Column("age", min_width=5, align="right"),
    Column("restarts", min_width=11),
    Column("inflight", min_width=11),
    Column("memory", min_width=8, align="right"),
    Column("exit", min_width=12, weight=2),
)
_FACT = (Column("label", min_width=10), Column("text", min_width=40, weight=1))
_KNOWN_GOOD = (
    Column("version", min_width=12),
    Column("age", min_width=9),
    Column("baked", min_width=11),
    Column("by", min_width=10),
    Column("measured", min_width=25),
    Column("verdict", min_width=12, weight=1),
)
_GOOD = "good:"
_EVENT = (Column("at", min_width=8), Column("what", min_width=40, weight=1))


class Deployment(Page):
    """Everything known about one deployment."""

    actions: ClassVar[tuple[str, ...]] = (
        "open",
        "logs",
        "promote",
        "pause",
        "resume",
        "abort",
        "ack",
        "rollback",
        "deploy",
        "scale",
        "unhold",
        "retry",
        "retry_failed",
        "timeline",
        "scale_up",
        "scale_down",
        "promote_full",
        "verdicts",
        "abort_gradual",
        "ignore",
        "delete",
        "hold",
        "lock",
        "unlock",
        "unqueue",
        "watch",
        "copy",
        "time",
    )

    def __init__(self, desk: Desk, key: str) -> None:
        super().__init__(desk, key)
        self._key = key
        self._head = Lines()
        layouts = {
            "fact": _FACT,
            "revision": _REVISION,
            "replica": _REPLICA,
            "good": _KNOWN_GOOD,
            "event": _EVENT,
        }
        self._past: dict[int, EventView] = {}
        """Its events from before those that all deployments share the console's memory for."""
        self._grid = Grid(
            (Column("text", min_width=20, weight=1),), layouts=layouts, symbols=desk.symbols
        )

    def compose(self) -> ComposeResult:
        yield self._head
        yield self._grid

    def on_mount(self) -> None:
        # Only reading: a worker that dies with the page is right for it.
        self.run_worker(self._load(), exclusive=True)

    async def _load(self) -> None:
        with suppress(GaesupError):  # what is known without it is shown
            found = await self.desk.engine.history(deployment=self._key, limit=_RECENT)
            self._past = {event["seq"]: event for event in found}
            self.show(EVERYTHING)

    def home(self) -> Widget:
        return self._grid

    def subject(self) -> str | None:
        return self._key

    def copied(self) -> str:
        view = self.desk.replica.deployments.get(self._key)
        return view["endpoint"] or self._key if view else self._key

    def show(self, diff: Diff) -> None:
        if not diff.anything:
            return
        view = self.desk.replica.deployments.get(self._key)
        if view is None:
            self._head.set_lines([[Cell(f" {self._key} is not there any more", "warn")]])
            self._grid.set_rows([])
            return
        now = self.desk.now()
        self._head.set_lines(self._head_lines(view, now))
        self._grid.set_stale(self.desk.link.is_stale)
        rows = [*self._facts(view, now), *self._revisions(view, now), *self._good(view, now)]
        self._grid.set_rows([*rows, *self._events(now)])

    def _head_lines(self, view: DeploymentView, now: float) -> list[Runs]:
        seen = ""
        if view["status"] == "unknown":
            seen_at = view["seen_at"]
            seen = f"last seen {age(now - seen_at)} ago" if seen_at else "never seen"
        return [
            [
                Cell(f" {self._key}  ", "strong"),
                status_cell(view, self.desk.symbols),
                Cell(f"  {view['status_text']}"),
                Cell(f"   {seen}", "warn"),
            ]
        ]

    def _facts(self, view: DeploymentView, now: float) -> list[Row]:
        facts: list[tuple[str, str, str]] = [("Endpoint", view["endpoint"] or "not known", "")]
        if view["preview"]:
            facts.append(("Preview", view["preview"], ""))
        if view["waiting"]:
            facts.append(("Waits", waiting_sentence(view["waiting"], now), "warn"))
        if text := following(view):
            facts.append(("Next", text, ""))
        if view["problem"]:
            facts.append(("Problem", view["problem"], "bad"))
        if view["notice"]:
            facts.append(("Notice", view["notice"]["text"], "bad"))
        if hold := view["hold"]:
            # After a rollback by itself the notice has said why.
            why = hold["why"].partition(":")[0] if view["notice"] else hold["why"]
            facts.append(("Held", f"by {hold['by']}: {why}", "warn"))
        if lock := view["lock"]:
            facts.append(("Locked", lock_words(lock, now).removeprefix("locked "), "warn"))
        width = max(20, (self._grid.content_size.width or self.size.width) - LABEL - 2)
        return [
            Row(
                f"{label}:{number}" if number else label,
                {"label": Cell("" if number else label, "dim"), "text": list(line)},
                layout="fact",
            )
            for label, text, style in facts
            for number, line in enumerate(wrapped([Cell(text, style)], width)[:_FACT_ROWS])
        ]

    def _revisions(self, view: DeploymentView, now: float) -> list[Row]:
        rows = [Row.heading("h:revisions", "Revisions and replicas")]
        for revision in view["revisions"]:
            rows.append(self._revision(revision))
            rows += [self._replica(revision, replica, now) for replica in revision["replicas"]]
        if not view["revisions"]:
            rows.append(Row("none", {"text": Cell("none is running", "dim")}))
        return rows

    def _revision(self, revision: RevisionView) -> Row:
        numbers = self.desk.replica.revision_numbers(self._key, revision["id"])
        seen, wished = revision["weight_seen"], revision["weight_wished"]
        share = "not seen" if seen is None else f"{seen} % traffic"
        p95_s = numbers["p95_s"]
        ready = revision["ready"]
        return Row(
            f"revision:{revision['id']}",
            {
                "name": Cell(revision["version"], "strong"),
                "role": f"{revision['role']} {revision['colour']}".rstrip(),
                "share": Cell(share, "" if seen == wished else "bad"),
                "ready": Cell(
                    f"{ready}/{revision['wanted']}", "" if ready >= revision["wanted"] else "warn"
                ),
                "rps": rate(numbers["rps"]),
                "errors": percent(numbers["error_ratio"]),
                "p95": millis(None if p95_s is None else p95_s * 1000),
            },
            layout="revision",
        )

    def _replica(self, revision: RevisionView, replica: ReplicaView, now: float) -> Row:
        restarts = replica["restarts"]
        exit_text = replica["problem"] or replica["last_exit"] or ""
        if replica["next_start_at"] is not None:
            exit_text += f", starts in {age(max(0.0, replica['next_start_at'] - now))}"
        return Row(
            f"replica:{revision['id']}:{replica['id']}",
            {
                "name": f"  {replica['id']}",
                "state": Cell(replica["state"], _REPLICA_STYLES.get(replica["state"], "warn")),
                "age": age(now - replica["since"]),
                "restarts": Cell(f"{restarts} restarts" if restarts else "", "warn"),
                "inflight": f"{replica['inflight']} in flight",
                "memory": size(replica["memory_bytes"]),
                "exit": Cell(exit_text, "bad"),
            },
            layout="replica",
        )

    def _good(self, view: DeploymentView, now: float) -> list[Row]:
        key = self.desk.hint("rollback", view).key
        rows = [Row.heading("h:good", "Known good", f"{key}: back to the one under the cursor")]
        for good in view["good"]:
            serves = good["version"] == view["version"]
            cells: dict[str, Value] = {
                "version": Cell(good["version"], "strong"),
                "age": f"{age(now - good['at'])} ago",
                "baked": f"baked {age(good['baked_s'])}",
                "by": f"by {good['by']}",
                "measured": _measured(good["measured"]),
                "verdict": "serves now" if serves else good["verdict"] or "no verdict",
            }
            rows.append(Row(f"{_GOOD}{good['version']}:{good['revision']}", cells, layout="good"))
        if not view["good"]:
            rows.append(Row("none good", {"text": Cell("none yet", "dim")}))
        return rows

    def fields(self, action_id: str) -> dict[str, Any]:
        row = self._grid.cursor_key or ""
        if action_id != "rollback" or not row.startswith(_GOOD):
            return {}
        return {"version": row.split(":")[1]}

    def _events(self, now: float) -> list[Row]:
        live = {e["seq"]: e for e in self.desk.replica.events if e["deployment"] == self._key}
        known = {**self._past, **live}
        events = [known[seq] for seq in sorted(known, reverse=True)]
        rows = [Row.heading("h:events", "Recent events", "e: all of them")]
        for event in events[:_RECENT]:
            cells: dict[str, Value] = {
                "at": self.desk.times.clock(event["at"], now),
                "what": event_cells(event, with_deployment=False),
            }
            rows.append(Row(f"event:{event['seq']}", cells, layout="event"))
        return rows


def _measured(numbers: Numbers | None) -> Value:
    """At the end of its bake."""
    if numbers is None:
        return Cell("not measured", "dim")
    p95_s = numbers["p95_s"]
    p95 = millis(None if p95_s is None else p95_s * 1000)
    return f"{rate(numbers['rps'])} err {percent(numbers['error_ratio'])} p95 {p95}"
