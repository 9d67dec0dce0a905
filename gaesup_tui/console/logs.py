"""Logs of a deployment's replicas, both sides of a rollout, as they come."""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.widget import Widget

from gaesup_tui.console.desk import Desk
from gaesup_tui.console.page import Page
from gaesup_tui.console.replica import Diff
from gaesup_tui.domain.errors import GaesupError
from gaesup_widgets.log_view import Level, LogLine, LogView

_AGAIN_AFTER_S = 2.0
_WORDS: tuple[tuple[str, Level], ...] = (
    ("error", "error"),
    ("fatal", "error"),
    ("panic", "error"),
    ("warn", "warn"),
    ("debug", "debug"),
    ("info", "info"),
)


class Logs(Page):
    """One deployment's log; ``/`` searches, ``n`` and ``N`` go through what was found."""

    actions: ClassVar[tuple[str, ...]] = ("filter", "copy", "time", "abort", "rollback")
    can_filter = searches = True

    def __init__(self, desk: Desk, key: str) -> None:
        super().__init__(desk, f"{key} logs")
        self._key = key
        self._log = LogView(
            interval_s=1.0 if desk.options.low_bandwidth else 0.25, symbols=desk.symbols
        )

    def compose(self) -> ComposeResult:
        yield self._log

    def on_mount(self) -> None:
        # Only reading: a worker that dies with the page is right for it.
        self.run_worker(self._follow(), exclusive=True)

    def home(self) -> Widget:
        return self._log

    def subject(self) -> str | None:
        return self._key

    def show(self, diff: Diff) -> None:
        """The log comes on its own stream."""

    def set_filter(self, text: str) -> None:
        self.filter_text = text
        self._log.search(text)

    async def _follow(self) -> None:
        tail = 500
        while True:
            try:
                async for entry in self.desk.engine.logs(self._key, tail=tail):
                    if "error" in entry:
                        self._log.append([LogLine(f"-- {entry['error']}", "error")])
                    elif "dropped" in entry:
                        self._log.append([], n_lost=int(entry["dropped"]))
                    else:
                        self._log.append([self._line(entry)])
                reason = "the engine ended the log"
            except GaesupError as error:
                reason = str(error)
            self._log.append([LogLine(f"-- {reason}; trying again", "warn")])
            tail = 0
            await asyncio.sleep(_AGAIN_AFTER_S)

    def _line(self, entry: dict[str, Any]) -> LogLine:
        text = str(entry["line"])
        when = self.desk.times.clock(float(entry["at"]), self.desk.now())
        return LogLine(f"{when} {entry['replica']} {text}", level_of(text, str(entry["stream"])))


def level_of(text: str, stream: str) -> Level:
    """The level a line tells of itself; what a unit writes to stderr without one is a warning."""
    start = text[:48].lower()
    for word, level in _WORDS:
        if word in start:
            return level
    return "warn" if stream == "stderr" else "info"
