"""The event stream as it comes over the wire: lines in, messages out. Standard library only."""

from __future__ import annotations

from typing import Any, NamedTuple

from gaesup_tui.service.failures import parse


class Message(NamedTuple):
    """One event of the stream."""

    kind: str
    """``hello``, ``journal``, ``changes``, ``telemetry`` or ``beat``."""
    data: Any
    """``views.Hello``, ``EventView``, ``Changes``, ``Telemetry``, or ``{at, frozen}``."""


class MessageReader:
    """Puts the messages of one stream together from its lines (server-sent events)."""

    def __init__(self) -> None:
        self._kind = self._data = ""

    def feed(self, line: str) -> Message | None:
        """Take one line without its end; the message that it completes, if it does.

        Raises:
            Unavailable: the message is not JSON.
        """
        name, _, value = line.partition(": ")
        if name == "event":
            self._kind = value
        elif name == "data":
            self._data = value
        elif not line and self._data:
            message = Message(self._kind, parse(self._data))
            self._kind = self._data = ""
            return message
        return None
