"""The emergency stop: two keys, no typing, over anything, also when nothing answers.

It stays open after the key and shows what the engine says and what still moves, until nothing
does. The command itself lives in the outbox: it is sent until it is answered, whatever becomes of
this dialog.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen

from gaesup_tui.console.desk import Desk
from gaesup_tui.console.outbox import Sending
from gaesup_tui.console.stop_rollback import RollbackPlan, progress, rollback_of
from gaesup_tui.console.words import active_rollout
from gaesup_tui.domain.errors import GaesupError
from gaesup_tui.domain.stop_views import StopPreview, StopScope
from gaesup_widgets.cells import Cell, age, duration
from gaesup_widgets.paint import Lines, Runs

_DEAD_TIME_S = 0.3
_REFRESH_S = 0.25
_SCOPES_SHOWN = 6
_SHOWN = 8


class StopDialog(ModalScreen[None]):
    """Chooses a scope, stops or freezes it, and watches until it is so."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "close", "Close", show=False),
        Binding("right,down,tab", "scope(1)", "Next scope", show=False),
        Binding("left,up,shift+tab", "scope(-1)", "Scope before", show=False),
    ]
    DEFAULT_CSS = """
    StopDialog { align: center middle; background: $background; }
    StopDialog > Vertical {
        width: 80; max-width: 100%; height: auto; max-height: 100%;
        border: heavy $error; background: $background; padding: 0 1;
    }
    StopDialog Lines { height: auto; }
    """

    def __init__(self, desk: Desk, subject: str | None, *, rollback: bool = False) -> None:
        """``subject``: the deployment under the cursor, which is one of the scopes. ``rollback``:
        open with what a global rollback of the first scope would do."""
        super().__init__()
        self._desk = desk
        self._scopes = known_scopes(desk, subject)
        self._switch_s: float | None = None
        self._at = 0
        self._last_key_at = time.monotonic()
        self._sending: Sending | None = None
        self._plan: RollbackPlan | None = None
        self._is_asked_to_roll_back = rollback
        self._mode = ""
        self._body = Lines()
        self._work: set[asyncio.Task[None]] = set()

    def compose(self) -> ComposeResult:
        with Vertical() as box:
            box.border_title = "STOP"
            yield self._body

    def on_mount(self) -> None:
        self.set_interval(_REFRESH_S, self._draw)
        self._start(self._ask_engine())
        if self._is_asked_to_roll_back:
            self._ask_rollback()
        self._draw()

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._work.add(task)
        task.add_done_callback(self._work.discard)

    def on_unmount(self) -> None:
        for task in self._work:
            task.cancel()

    async def _ask_engine(self) -> None:
        """What the engine knows better, if it answers in time; the dialog works without."""
        with suppress(GaesupError):
            self._take_preview(await self._desk.engine.stop_preview())

    def _take_preview(self, preview: StopPreview) -> None:
        self._switch_s = preview["switch_s"]
        by_scope = {scope["scope"]: scope for scope in preview["scopes"]}
        self._scopes = [by_scope.get(known["scope"], known) for known in self._scopes]
        self._draw()

    # Keys -----------------------------------------------------------------------------------

    def on_key(self, event: events.Key) -> None:
        now = time.monotonic()
        quiet_s, self._last_key_at = now - self._last_key_at, now
        act = self._act_of(event.character or "")
        if act is None:
            return
        event.stop()
        event.prevent_default()
        # A held or bouncing key acts on nothing.
        if self._sending is None and quiet_s >= _DEAD_TIME_S:
            act()

    def _act_of(self, character: str) -> Callable[[], None] | None:
        """What a key does here. The way to safety of the first view stays open over a plan."""
        match character:
            case "S":
                return lambda: self._stop("stop")
            case "F":
                return lambda: self._stop("freeze")
            case "B" if self._plan is None:
                return self._ask_rollback
            case "y" if self._plan is not None:
                return self._roll_back
        return None

    def action_close(self) -> None:
        if self._plan is not None and self._sending is None:
            self._plan = None
            self._draw()
        else:
            self.dismiss(None)

    def action_scope(self, by: int) -> None:
        if self._plan is not None:
            self._plan.scroll(by)
            self._draw()
        elif self._sending is None:
            self._at = (self._at + by) % len(self._scopes)
            self._draw()

    def _stop(self, mode: str) -> None:
        if reason := self._desk.why_not("stop", None):
            self._mode = reason
            self._draw()
            return
        scope = self._scopes[self._at]
        self._mode = mode
        body = {"action": "stop", "scope": scope["scope"], "mode": mode}
        title = f"{mode} of {scope['scope'] or 'everything'}"
        self._send(body, title)

    def _ask_rollback(self) -> None:
        if reason := self._desk.why_not("global_rollback", None):
            self._mode = reason
        else:
            self._plan = RollbackPlan(self._scopes[self._at]["scope"])
            self._start(self._preview_rollback(self._plan))
        self._draw()

    async def _preview_rollback(self, plan: RollbackPlan) -> None:
        try:
            plan.take(await self._desk.engine.rollback_preview(plan.scope))
        except GaesupError as error:
            plan.fail(str(error))
        self._draw()

    def _roll_back(self) -> None:
        plan = self._plan
        if plan is None or (plan.shown_s() or 0.0) < _DEAD_TIME_S:
            return  # nobody has read yet what it would do
        body = {"action": "global_rollback", "scope": plan.scope}
        title = f"global rollback of {plan.scope or 'everything'}"
        self._plan = None
        self._send(body, title)

    def _send(self, body: dict[str, str], title: str) -> None:
        self._desk.link.need()
        self._sending = self._desk.outbox.send(body, title)
        self._draw()

    # Lines ----------------------------------------------------------------------------------

    def _draw(self) -> None:
        if self._sending is not None:
            lines = self._progress(self._sending)
        else:
            lines = self._choices() if self._plan is None else self._plan.lines()
        link = self._desk.link
        if link.state in ("lost", "late", "connecting"):
            old = age(self._desk.replica.age_s())
            lines.append([Cell(f"The engine is {link.state}, what is shown is {old} old;", "warn")])
            lines.append([Cell(self._comfort(), "warn")])
        lines += [(), [Cell("Esc close" if self._plan is None else "Esc back", "dim")]]
        self._body.set_lines(lines)

    def _comfort(self) -> str:
        """What becomes of a stop while the engine is away."""
        if self._sending is None or not self._sending.answer.done():
            return "a stop is sent until the engine answers."
        return "the stop is recorded: the engine goes on with it as soon as it is back."

    def _choices(self) -> list[Runs]:
        scope = self._scopes[self._at]
        count = len(scope["rollouts"])
        takes = duration(self._switch_s) if self._switch_s is not None else "time not measured yet"
        refused = self._desk.why_not("stop", None)
        key, text = ("dim", "dim") if refused else ("bad", "")
        lines: list[Runs] = [
            [Cell("Scope: arrows choose", "dim")],
            *self._scope_lines(),
            (),
            [
                Cell("S", key),
                Cell(f"  stop: return {_rollouts(count)} to the stable revision ({takes})", text),
            ],
            [
                Cell("F", key),
                Cell("  freeze: hold everything where it stands, traffic untouched", text),
            ],
            [
                Cell("B", key),
                Cell("  global rollback: all to their last good revision (preview first)", text),
            ],
            (),
            [Cell("Each holds all automation there until somebody releases it.", "dim")],
        ]
        if refused or self._mode:
            lines += [(), [Cell(refused or self._mode, "bad")]]
        return lines

    def _scope_lines(self) -> list[Runs]:
        """The scopes around the chosen one, each with what moves in it."""
        first = max(0, min(self._at - _SCOPES_SHOWN // 2, len(self._scopes) - _SCOPES_SHOWN))
        lines: list[Runs] = []
        for number, scope in enumerate(self._scopes[first : first + _SCOPES_SHOWN], first):
            names = ", ".join(scope["rollouts"][:2]) + (", …" if len(scope["rollouts"]) > 2 else "")
            name = scope["scope"] or "everything"
            text = f"{name}: {len(scope['rollouts'])} of {scope['deployments']} move"
            chosen = number == self._at
            mark = self._desk.symbols.cursor if chosen else " "
            lines.append(
                [Cell(f"{mark} {text} ", "cursor" if chosen else ""), Cell(f" {names}", "dim")]
            )
        return lines

    def _progress(self, sending: Sending) -> list[Runs]:
        lines: list[Runs] = [[Cell(sending.title.upper(), "bad")], ()]
        if not sending.answer.done():
            lines.append([Cell(f"sent, not confirmed yet (try {sending.tries})", "warn")])
            if sending.problem:
                lines.append([Cell(f"{sending.problem}; goes on trying", "warn")])
            return lines
        if (error := sending.answer.exception()) is not None:
            lines.append([Cell(f"refused: {error}", "bad")])
            return lines
        lines.append([Cell("confirmed: ", "ok"), Cell(sending.answer.result()["text"])])
        engine = self._desk.replica.engine
        scope = str(sending.body["scope"])
        moving = [key for key in _moving(self._desk) if in_scope(key, scope)]
        still = engine["still"] if engine else []
        if sending.body["action"] == "global_rollback":
            lines += progress(rollback_of(engine, scope), still)
        elif sending.body["mode"] == "freeze":
            lines.append([Cell(f"{len(moving)} hold where they stand", "ok")])
        elif still or moving:
            self._desk.link.need()
            lines += _still_moving(still or moving)
        else:
            lines.append([Cell("all at their stable revision", "ok")])
        lines.append([Cell("L lets go, with a reason, once this is closed", "dim")])
        return lines


def _rollouts(count: int) -> str:
    return "1 rollout" if count == 1 else f"{count} rollouts"


def _still_moving(texts: list[str]) -> list[Runs]:
    """What moves, as far as it fits into the dialog, and how much it is."""
    lines: list[Runs] = [[Cell("still moving: ", "warn"), Cell(text)] for text in texts[:_SHOWN]]
    if len(texts) > _SHOWN:
        more = f"{len(texts) - _SHOWN} more, {len(texts)} in all"
        lines.append([Cell("still moving: ", "warn"), Cell(more)])
    return lines


def _moving(desk: Desk) -> list[str]:
    return [view["key"] for view in desk.replica.deployments.values() if active_rollout(view)]


def in_scope(key: str, scope: str) -> bool:
    """Whether a deployment is in a scope: empty is everything, else its environment or itself."""
    return not scope or key == scope or key.endswith(f"@{scope}")


def known_scopes(desk: Desk, subject: str | None) -> list[StopScope]:
    """Everything, each environment, and what is under the cursor, from what is known here: the
    stop must open at once also when the engine is slow."""
    views = desk.replica.deployments.values()
    environments = sorted({view["environment"] for view in views})
    chosen = desk.options.environment
    names = [chosen] if chosen else ["", *environments]
    if subject:
        names.append(subject)
    moving = _moving(desk)
    return [
        StopScope(
            scope=name,
            title=name or "everything",
            rollouts=[key for key in moving if in_scope(key, name)],
            deployments=sum(1 for view in views if in_scope(view["key"], name)),
        )
        for name in names
    ]
