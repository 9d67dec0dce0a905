"""A command of the program, run beside the console, and what it says."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.widget import Widget

from gaesup_tui.console.desk import Desk
from gaesup_tui.console.page import Page
from gaesup_tui.console.replica import Diff
from gaesup_tui.domain.errors import GaesupError
from gaesup_widgets.log_view import LogLine, LogView


class Output(Page):
    """The output of ``gaesup WORDS``. Leaving it ends the command if it still runs."""

    actions: ClassVar[tuple[str, ...]] = ("filter", "copy")
    can_filter = searches = True

    def __init__(self, desk: Desk, words: Sequence[str]) -> None:
        super().__init__(desk, f"gaesup {shlex.join(words)}")
        self._words = words
        self._log = LogView(symbols=desk.symbols)

    def compose(self) -> ComposeResult:
        yield self._log

    def on_mount(self) -> None:
        # What it changes is known to the engine as soon as it is asked for; losing sight of it
        # loses nothing but its words.
        self.run_worker(self._run(), exclusive=True)

    def home(self) -> Widget:
        return self._log

    def show(self, diff: Diff) -> None:
        """It has no part in the replica."""

    def set_filter(self, text: str) -> None:
        self.filter_text = text
        self._log.search(text)

    def copied(self) -> str:
        return self.title

    async def _run(self) -> None:
        try:
            async for line in self.desk.engine.run_program(self._words):
                self._log.append([LogLine(line, "error" if line.startswith("gaesup:") else "info")])
        except (GaesupError, OSError) as error:
            self._log.append([LogLine(str(error), "error")])
