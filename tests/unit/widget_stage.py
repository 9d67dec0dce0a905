"""A stage for widgets in a test: an app that holds them and remembers what they say."""

from __future__ import annotations

from textual.app import App, ComposeResult
from textual.widget import Widget

from gaesup_widgets.command_line import CommandLine
from gaesup_widgets.timeline import Timeline


class Stage(App[None]):
    """An app with some widgets on it."""

    def __init__(self, *widgets: Widget) -> None:
        super().__init__()
        self.widgets = widgets
        self.heard: list[object] = []

    def compose(self) -> ComposeResult:
        yield from self.widgets

    def on_command_line_submitted(self, message: CommandLine.Submitted) -> None:
        self.heard.append(message.text)

    def on_command_line_closed(self, message: CommandLine.Closed) -> None:
        self.heard.append("closed")

    def on_timeline_selected(self, message: Timeline.Selected) -> None:
        self.heard.append(message.index)
