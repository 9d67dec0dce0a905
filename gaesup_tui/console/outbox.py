"""Commands on their way: each is sent until the engine has answered it.

A command whose answer was lost may or may not have been done. It is sent again under the same
Idempotency-Key, on every new try of the connection, so that it is done once and its answer is
known. Commands live here and not in a dialog: closing a dialog takes nothing back.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from gaesup_tui.console.remote import Engine
from gaesup_tui.domain.errors import GaesupError, Unavailable

if TYPE_CHECKING:
    from gaesup_tui.domain.views import Receipt

_RESEND_S = (0.2, 0.5, 1.0, 2.0)
_ANSWER_WITHIN_S = 3.0


@dataclass
class Sending:
    """One command on its way."""

    body: Mapping[str, Any]
    title: str
    """``abort cart@production``, for notices."""
    answer: asyncio.Future[Receipt]
    """The receipt, or the engine's refusal."""
    key: str = field(default_factory=lambda: uuid.uuid4().hex)
    tries: int = 0
    problem: str = ""
    """Why the last try brought no answer."""


class Outbox:
    """Sends commands and keeps those that are not answered yet."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._tasks: dict[asyncio.Task[None], Sending] = {}

    @property
    def pending(self) -> list[Sending]:
        """What is not answered yet, oldest first."""
        return list(self._tasks.values())

    def send(self, body: Mapping[str, Any], title: str) -> Sending:
        """Begin to send a command; its ``answer`` completes when the engine has spoken."""
        sending = Sending(body, title, asyncio.get_running_loop().create_future())
        task = asyncio.create_task(self._deliver(sending), name=f"command: {title}")
        self._tasks[task] = sending
        task.add_done_callback(lambda done: self._tasks.pop(done, None))
        return sending

    async def _deliver(self, sending: Sending) -> None:
        while not sending.answer.done():
            sending.tries += 1
            try:
                receipt = await self._engine.command(sending.body, sending.key, _ANSWER_WITHIN_S)
            except Unavailable as error:
                sending.problem = error.message
                at = min(sending.tries, len(_RESEND_S)) - 1
                await asyncio.sleep(_RESEND_S[at])
            except GaesupError as error:
                _finish(sending.answer, error)
                return
            else:
                _finish(sending.answer, receipt)
                return

    async def settle(self, timeout_s: float) -> list[Sending]:
        """Wait for answers; returns what still has none after ``timeout_s``."""
        if self._tasks:
            await asyncio.wait(set(self._tasks), timeout=timeout_s)
        return self.pending


def _finish(answer: asyncio.Future[Receipt], outcome: Receipt | GaesupError) -> None:
    if answer.done():
        return
    if isinstance(outcome, GaesupError):
        answer.set_exception(outcome)
        # Somebody may have closed the dialog that would have asked.
        answer.exception()
    else:
        answer.set_result(outcome)
