"""The engine of the ways to safety: one that dies under a stop or an abort is started again and
asked again, so that what was pressed is seen through without anybody who starts it by hand."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from gaesup_tui.cli.connecting import connect
from gaesup_tui.domain.errors import Unavailable
from gaesup_tui.service.client import Client, Query
from gaesup_tui.service.wire import Broken

INSIST_S = 20.0
"""How long an engine that went away is looked for, for each thing that is asked of it."""
RETRY_S = 0.1


def steadfast(args: argparse.Namespace) -> Client:
    """As ``connect`` with ``start``, for what must not end with the engine it spoke to."""
    found = connect(args, start=True)
    return Steadfast(found.socket, lambda: connect(args, start=True))


class Steadfast(Client):
    """Asks again when an engine that had answered does not, and has it started; a command goes
    again under its same key."""

    def __init__(self, socket: Path, start: Callable[[], object]) -> None:
        super().__init__(socket)
        self._start = start
        self._had_answered = False

    def _ask(
        self, method: str, path: str, query: Query, body: bytes, headers: Mapping[str, str]
    ) -> Any:
        until = time.monotonic() + INSIST_S
        while True:
            try:
                answer = super()._ask(method, path, query, body, headers)
            except Unavailable as error:
                was_there = self._had_answered or isinstance(error, Broken)
                if not was_there or time.monotonic() >= until:
                    raise
            else:
                self._had_answered = True
                return answer
            with suppress(Unavailable):
                self._start()
            time.sleep(RETRY_S)
