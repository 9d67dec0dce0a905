"""The global rollback inside the stop dialog: what would go back to what, and how it goes."""

from __future__ import annotations

import time
from collections.abc import Sequence

from gaesup_tui.domain.stop_views import RollbackPreview, RollbackView, TurnView
from gaesup_tui.domain.views import EngineView
from gaesup_widgets.cells import Cell
from gaesup_widgets.paint import Runs

_ROWS = 12


class RollbackPlan:
    """The preview of one scope: asked for, shown, and scrolled."""

    def __init__(self, scope: str) -> None:
        self.scope = scope
        self._preview: RollbackPreview | None = None
        self._problem = ""
        self._top = 0
        self._shown_at: float | None = None

    def take(self, preview: RollbackPreview) -> None:
        self._preview, self._shown_at = preview, time.monotonic()

    def fail(self, problem: str) -> None:
        self._problem = problem

    def shown_s(self) -> float | None:
        """How long what can be confirmed has been in sight; None while there is nothing."""
        if self._shown_at is None or self._preview is None or self._preview["refused"]:
            return None
        return time.monotonic() - self._shown_at

    def scroll(self, by: int) -> None:
        if self._preview:
            last = max(0, len(_rows(self._preview)) - _ROWS)
            self._top = min(max(0, self._top + by), last)

    def lines(self) -> list[Runs]:
        """The plan, or why there is none yet."""
        preview = self._preview
        if preview is None:
            said = self._problem or "asking what would go back to what"
            return [[Cell(f"Global rollback of {self.scope or 'everything'}", "bad")], [Cell(said)]]
        rows = _rows(preview)
        lines: list[Runs] = [[Cell(preview["title"], "bad")], ()]
        lines += rows[self._top : self._top + _ROWS]
        if len(rows) > _ROWS:
            last = min(len(rows), self._top + _ROWS)
            lines.append([Cell(f"{self._top + 1}-{last} of {len(rows)}, arrows scroll", "dim")])
        lines.append(())
        if preview["refused"]:
            return [*lines, [Cell(preview["refused"], "bad")]]
        return [
            *lines,
            [Cell("Each group waits until the one before it is back. Nothing new begins", "dim")],
            [Cell("there until somebody releases it, with a reason.", "dim")],
            (),
            [Cell("y", "bad"), Cell("  roll back all of these")],
        ]


def _rows(preview: RollbackPreview) -> list[Runs]:
    found: list[Runs] = []
    for number, group in enumerate(preview["groups"], 1):
        found += [_row(str(number), turn, "") for turn in group]
    return found + [_row("–", turn, "warn") for turn in preview["skipped"]]


def _row(group: str, turn: TurnView, style: str) -> Runs:
    text = f"left as it is: {turn['text']}" if style else turn["text"]
    return [Cell(f"{group:>3}  ", "dim"), Cell(f"{turn['deployment']}  "), Cell(text, style)]


def progress(rollback: RollbackView | None, still: Sequence[str]) -> list[Runs]:
    """How a global rollback goes, once it was confirmed."""
    if rollback is None:
        return [[Cell("not in force any more", "warn")]]
    lines: list[Runs] = [[Cell(rollback["text"], "ok" if rollback["is_over"] else "warn")]]
    lines += [[Cell(line, "bad")] for line in rollback["problems"]]
    lines += [[Cell("left as it is: ", "warn"), Cell(line)] for line in rollback["skipped"][:6]]
    shown = [] if rollback["is_over"] and not rollback["problems"] else still[:8]
    return lines + [[Cell("still moving: ", "warn"), Cell(line)] for line in shown]


def rollback_of(engine: EngineView | None, scope: str) -> RollbackView | None:
    """The global rollback in force for exactly this scope."""
    rollbacks = engine["rollbacks"] if engine else []
    return next((each for each in rollbacks if each["scope"] == scope), None)
