"""The command line and the filter line. They are made when first needed: a start needs neither."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from gaesup_tui.console.commandline import complete
from gaesup_tui.domain.errors import Invalid

if TYPE_CHECKING:
    from textual import events

    from gaesup_tui.console.app import Console
    from gaesup_widgets.command_line import CommandLine
    from gaesup_widgets.symbols import Symbols


_OPENS_WITHIN_S = 2.0
_BEGINS_WITHIN_S = 0.5
"""How long after its key a line has begun to open, or does not at all."""
_LOOK_EVERY_S = 0.01
_OPENERS = ("command", "filter")


class TypedLines:
    """Opens the two lines and hands on what was typed."""

    def __init__(self, console: Console, run: Callable[[str], None]) -> None:
        self._console = console
        self._run = run
        self._command: CommandLine | None = None
        self._filter: CommandLine | None = None
        self._ahead = ""
        """What was typed for a line that has not opened yet."""
        self._opens_until = 0.0

    def expect(self, key: str) -> None:
        """A key is about to act: what comes behind one that opens a line is the line's."""
        openers = [self._console.desk.keys.get(action) for action in _OPENERS]
        if key in openers and len(self._console.screen_stack) == 1:
            self._opens_until = time.monotonic() + _BEGINS_WITHIN_S

    def takes(self, event: events.Key) -> bool:
        """Whether a key belongs to a line that is about to open: on a slow line the text comes
        together with the key that opens it, and must not act as keys of the page. Enter is left
        out: a line that nobody has seen yet is not run."""
        if time.monotonic() >= self._opens_until:
            self._ahead = ""
            return False
        if event.key == "backspace":
            self._ahead = self._ahead[:-1]
        elif event.is_printable and event.character:
            self._ahead += event.character
        return event.is_printable or event.key in ("backspace", "enter", "escape")

    def open_command(self, text: str = "") -> None:
        """Let a person type a command, beginning with ``text``."""
        if self._command is None:
            from gaesup_widgets.command_line import CommandLine

            self._command = CommandLine(self._complete, prompt=":", symbols=self._symbols)
            self._mount(self._command, text)
        else:
            self._command.open(text)
        self._await(self._command)

    def open_filter(self) -> None:
        """Let a person type a filter for the page in sight; it acts while one types."""
        page = self._console.stack.page
        if self._filter is None:
            from gaesup_widgets.command_line import CommandLine

            self._filter = CommandLine(lambda _: (), prompt="/", symbols=self._symbols)
            self._mount(self._filter, page.filter_text)
        else:
            self._filter.open(page.filter_text)
        self._await(self._filter)

    def _mount(self, line: CommandLine, text: str) -> None:
        # Before it is whole its input would not get the keys.
        mounted = self._console.screen.mount(line)

        async def open_it() -> None:
            await mounted
            line.open(text)

        self._console.start(open_it(), "line")

    def _await(self, line: CommandLine) -> None:
        self._opens_until = time.monotonic() + _OPENS_WITHIN_S
        self._console.call_after_refresh(self._opened, line)

    def _opened(self, line: CommandLine) -> None:
        if not self._console.is_typing() and time.monotonic() < self._opens_until:
            self._console.set_timer(_LOOK_EVERY_S, lambda: self._opened(line))
            return
        self._opens_until, ahead, self._ahead = 0.0, self._ahead, ""
        if ahead and self._console.is_typing():
            line.insert(ahead)

    @property
    def _symbols(self) -> Symbols:
        return self._console.desk.symbols

    def _complete(self, text: str) -> list[str]:
        desk = self._console.desk
        views = desk.replica.deployments.values()
        named = [view for view in views if {view["key"], view["unit"]} & set(text.split())]
        versions = {good["version"] for view in named or views for good in view["good"]}
        return complete(text, sorted(desk.replica.deployments), sorted(versions))

    # What was typed -------------------------------------------------------------------------

    def changed(self, line: CommandLine, text: str) -> None:
        """A filter acts at once; one that is not finished yet is not an error yet."""
        if line is not self._filter:
            return
        try:
            self._console.stack.page.set_filter(text)
        except Invalid:
            return
        self._console.show_tabs()

    def submitted(self, line: CommandLine, text: str) -> None:
        """Enter was pressed."""
        page = self._console.stack.page
        page.home().focus()
        if line is self._command:
            if text:
                self._run(text)
            return
        try:
            page.set_filter(text)
        except Invalid as error:
            self._console.foot.say(str(error), "warn")
        self._console.show_tabs()

    def closed(self, line: CommandLine) -> None:
        """Esc was pressed: a filter goes with its line."""
        page = self._console.stack.page
        if line is self._filter:
            page.set_filter("")
            self._console.show_tabs()
        page.home().focus()
