"""The engine as the console sees it: typed questions and commands, and the one gate of read-only.

Everything that changes something goes through ``Engine.refusal``: commands, and command lines that
are run as a program of their own. Nothing else in the console decides whether it may.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from gaesup_tui.domain.actions import ACTIONS
from gaesup_tui.domain.errors import Refused
from gaesup_tui.domain.text import printable_line

if TYPE_CHECKING:
    from gaesup_tui.console.wire import Wire
    from gaesup_tui.domain.stop_views import RollbackPreview, StopPreview
    from gaesup_tui.domain.verdict_views import VerdictHistory
    from gaesup_tui.domain.views import (
        DeploymentSeries,
        EventView,
        Hello,
        Overview,
        Preview,
        Receipt,
    )
    from gaesup_tui.service.messages import Message

MUTATING = frozenset(
    {action.id for action in ACTIONS if action.mutating}
    | {action.command.split()[0] for action in ACTIONS if action.mutating}
    | {"load", "demo", "init"}
)
"""Names of actions and first words of command lines that change something."""

READ_ONLY = "read-only: this console was started with --read-only"


class Engine:
    """One engine, behind its socket. Methods raise ``GaesupError`` when it refuses or is away."""

    def __init__(
        self, socket: Path, *, read_only: bool = False, is_elsewhere: bool = False
    ) -> None:
        """``is_elsewhere``: programs must be told the socket, it is not this user's own."""
        self.socket = socket
        self._flags = ["--socket", str(socket)] if is_elsewhere else []
        self.read_only = read_only

    @cached_property
    def _wire(self) -> Wire:
        # Loaded with the first question: the frame is painted before that.
        from gaesup_tui.console.wire import Wire

        return Wire(self.socket)

    def refusal(self, action: str) -> str | None:
        """Why this console may not do ``action`` whatever the engine says; None: it may."""
        return READ_ONLY if self.read_only and action in MUTATING else None

    # What is asked --------------------------------------------------------------------------

    async def hello(self, timeout_s: float = 5.0) -> Hello:
        """Who answers: version, boot, sequence number."""
        return cast("Hello", await self._wire.get("/v1/hello", timeout_s=timeout_s))

    async def snapshot(self) -> Overview:
        """Everything at one moment."""
        return cast("Overview", await self._wire.get("/v1/snapshot", timeout_s=15.0))

    async def stream(self, after: int, rev: int, boot: str) -> AsyncIterator[Message]:
        """What happens from event ``after`` on, until the engine ends it; first the views that
        changed since ``rev`` of the snapshot of ``boot``."""
        from gaesup_tui.service.messages import MessageReader

        reader = MessageReader()
        query: dict[str, str | int] = {"after": after, "rev": rev, "boot": boot}
        async for line in self._wire.lines("/v1/stream", query):
            if message := reader.feed(line):
                yield message

    async def preview(
        self, action: str, deployment: str, *, timeout_s: float = 5.0, **more: str | int
    ) -> Preview:
        """What ``action`` would do now."""
        query = {"action": action, "deployment": deployment, **more}
        return cast("Preview", await self._wire.get("/v1/preview", query, timeout_s=timeout_s))

    async def stop_preview(self) -> StopPreview:
        """The scopes of an emergency stop and what each would take."""
        return cast("StopPreview", await self._wire.get("/v1/stop/preview", timeout_s=2.0))

    async def rollback_preview(self, scope: str) -> RollbackPreview:
        """What a global rollback of ``scope`` would do; empty is everything."""
        query: dict[str, str | int] = {"scope": scope}
        answer = await self._wire.get("/v1/rollback/preview", query, timeout_s=5.0)
        return cast("RollbackPreview", answer)

    async def history(self, *, deployment: str = "", limit: int = 500) -> list[EventView]:
        """The newest ``limit`` events of the journal, oldest first."""
        query: dict[str, str | int] = {"limit": limit}
        if deployment:
            query["deployment"] = deployment
        return cast("list[EventView]", await self._wire.get("/v1/history", query))

    async def verdicts(self, rollout: str) -> VerdictHistory:
        """How the judgement of a rollout went."""
        from urllib.parse import quote

        answer = await self._wire.get(f"/v1/verdicts/{quote(rollout)}", timeout_s=15.0)
        return cast("VerdictHistory", answer)

    async def series(self, deployment: str, points: int) -> DeploymentSeries:
        """The last ``points`` seconds of a deployment and its revisions."""
        query: dict[str, str | int] = {"deployment": deployment, "points": points}
        return cast("DeploymentSeries", await self._wire.get("/v1/series", query))

    async def logs(self, deployment: str, *, tail: int = 200) -> AsyncIterator[dict[str, Any]]:
        """Log lines of all replicas, the last ``tail`` first, then as they come."""
        query: dict[str, str | int] = {"deployment": deployment, "tail": tail, "follow": 1}
        from gaesup_tui.service.failures import parse

        async for line in self._wire.lines("/v1/logs", query):
            if line:
                yield parse(line)

    # What changes something -----------------------------------------------------------------

    async def command(self, body: Mapping[str, Any], key: str, timeout_s: float = 5.0) -> Receipt:
        """Do it; the same ``key`` does it once however often it is sent.

        Raises:
            Refused: the state does not allow it, or this console is read-only.
            Unavailable: no answer came; whether it was done is not known. Send it again.
        """
        if reason := self.refusal(str(body["action"])):
            raise Refused(reason)
        headers = {"idempotency-key": key}
        return cast("Receipt", await self._wire.post("/v1/commands", body, headers, timeout_s))

    async def run_program(self, words: Sequence[str]) -> AsyncIterator[str]:
        """The output lines of ``gaesup WORDS``, run as its own process; the last says how it
        ended. It is ended when the caller stops listening.

        Raises:
            Refused: it would change something and this console is read-only.
        """
        if words and (reason := self.refusal(words[0])):
            raise Refused(reason)
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            "import sys; from gaesup_tui.cli.main import main; sys.exit(main())",
            *self._flags,
            *words,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env={**os.environ, "NO_COLOR": "1", "COLUMNS": "100"},
            start_new_session=True,
        )
        assert process.stdout is not None
        try:
            while line := await process.stdout.readline():
                yield printable_line(line.decode("utf-8", "replace"))
            code = await process.wait()
            yield "done" if code == 0 else f"ended with exit code {code}"
        finally:
            if process.returncode is None:
                process.terminate()
                await process.wait()
