"""The command line and the filter line. They are made when first needed: a start needs neither."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from gaesup_tui.console.commandline import complete
from gaesup_tui.domain.errors import Invalid

if TYPE_CHECKING:
    from gaesup_tui.console.app import Console
    from gaesup_widgets.command_line import CommandLine
    from gaesup_widgets.symbols import Symbols


class TypedLines:
    """Opens the two lines and hands on what was typed."""

    def __init__(self, console: Console, run: Callable[[str], None]) -> None:
        self._console = console
        self._run = run
        self._command: CommandLine | None = None
        self._filter: CommandLine | None = None

    def open_command(self, text: str = "") -> None:
        """Let a person type a command, beginning with ``text``."""
        if self._command is None:
            from gaesup_widgets.command_line import CommandLine

            self._command = CommandLine(self._complete, prompt=":", symbols=self._symbols)
            self._mount(self._command, text)
        else:
            self._command.open(text)

    def open_filter(self) -> None:
        """Let a person type a filter for the page in sight; it acts while one types."""
        page = self._console.stack.page
        if self._filter is None:
            from gaesup_widgets.command_line import CommandLine

            self._filter = CommandLine(lambda _: (), prompt="/", symbols=self._symbols)
            self._mount(self._filter, page.filter_text)
        else:
            self._filter.open(page.filter_text)

    def _mount(self, line: CommandLine, text: str) -> None:
        self._console.screen.mount(line)
        self._console.call_after_refresh(line.open, text)

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
