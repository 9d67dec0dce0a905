"""The engine's API, typed, for commands. Standard library only, so that it costs no start-up.

Text in answers is safe to print. Every method raises ``Unavailable`` when no engine answers, and
the domain's error that the engine refused with.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import gaesup_tui
from gaesup_tui.domain.errors import Unavailable
from gaesup_tui.service.failures import error_of, parse
from gaesup_tui.service.messages import Message, MessageReader
from gaesup_tui.service.wire import Broken, Exchange, quote

if TYPE_CHECKING:
    from gaesup_tui.domain.stop_views import RollbackPreview, StopPreview
    from gaesup_tui.domain.train_views import TrainPlan
    from gaesup_tui.domain.verdict_views import VerdictHistory
    from gaesup_tui.domain.views import (
        DeploymentSeries,
        EventView,
        Hello,
        LogView,
        Overview,
        Preview,
        Receipt,
        RolloutView,
        StatusView,
    )

VERSION_HEADER = "x-gaesup-version"
RESEND_FOR_S = 3.0
"""How long a command whose answer was lost is sent again, under its same key."""

Query = Mapping[str, str | int | None]


class Client:
    """One engine behind its socket. Holds no connection between calls."""

    def __init__(self, socket: Path, *, timeout_s: float = 10.0, any_version: bool = False) -> None:
        """``any_version``: talk to an engine of another version too, to ask it or to stop it."""
        self.socket = socket
        self._timeout_s = timeout_s
        self._any_version = any_version

    # What is asked.

    def hello(self) -> Hello:
        """Who answers."""
        return cast("Hello", self._get("/v1/hello"))

    def snapshot(self) -> Overview:
        """Everything, at one moment."""
        return cast("Overview", self._get("/v1/snapshot"))

    def status(self, deployment: str = "") -> StatusView:
        """Light rows of all deployments, or of one."""
        return cast("StatusView", self._get("/v1/status", {"deployment": deployment or None}))

    def preview(
        self,
        action: str,
        deployment: str,
        *,
        version: str = "",
        replicas: int | None = None,
        by_s: float | None = None,
        check: str = "",
    ) -> Preview:
        """What an action would do now; raises ``Refused`` with the reason when it may not."""
        query: Query = {
            "action": action,
            "deployment": deployment,
            "version": version or None,
            "replicas": replicas,
            "by_s": None if by_s is None else round(by_s),
            "check": check or None,
        }
        return cast("Preview", self._get("/v1/preview", query))

    def stop_preview(self, scope: str = "") -> StopPreview:
        """What a stop would take; without ``scope`` every scope there is."""
        return cast("StopPreview", self._get("/v1/stop/preview", {"scope": scope or None}))

    def rollback_preview(self, scope: str = "") -> RollbackPreview:
        """What a global rollback of a scope would do; empty is everything."""
        return cast("RollbackPreview", self._get("/v1/rollback/preview", {"scope": scope}))

    def train_plan(self, command: Mapping[str, Any]) -> TrainPlan:
        """What a ``train_start`` would do; nothing is begun."""
        body = json.dumps(command).encode()
        return cast("TrainPlan", self._ask("POST", "/v1/trains/plan", {}, body, {}))

    def history(
        self,
        deployment: str = "",
        *,
        after: int | None = None,
        before: int | None = None,
        limit: int = 200,
        kinds: Iterable[str] = (),
    ) -> list[EventView]:
        """The newest ``limit`` events, or the first after, or the last before a number; always
        oldest first."""
        query: Query = {
            "deployment": deployment or None,
            "after": after,
            "before": before,
            "limit": limit,
            "kinds": ",".join(kinds) or None,
        }
        return cast("list[EventView]", self._get("/v1/history", query))

    def rollout(self, rollout_id: str) -> RolloutView:
        """A rollout by its id, also a past one."""
        return cast("RolloutView", self._get(f"/v1/rollouts/{quote(rollout_id)}"))

    def judged(self, rollout_id: str) -> list[str]:
        """The judge's record of a rollout as lines; ``judged_record.read_record`` takes them."""
        return cast("list[str]", self._get(f"/v1/judged/{quote(rollout_id)}")["lines"])

    def verdicts(self, rollout_id: str) -> VerdictHistory:
        """How the judgement of a rollout went, ready to be shown."""
        return cast("VerdictHistory", self._get(f"/v1/verdicts/{quote(rollout_id)}"))

    def series(self, deployment: str, points: int = 120) -> DeploymentSeries:
        """The last seconds of a deployment and its revisions."""
        query: Query = {"deployment": deployment, "points": points}
        return cast("DeploymentSeries", self._get("/v1/series", query))

    def metrics(self) -> str:
        """The engine's own numbers as Prometheus text."""
        with self._open("GET", "/metrics", {}) as exchange:
            return exchange.text()

    # What flows.

    def logs(
        self,
        deployment: str,
        *,
        revision: str = "",
        replica: str = "",
        tail: int = 200,
        follow: bool = False,
    ) -> Iterator[LogView | dict[str, Any]]:
        """Log lines; between them ``{"dropped": N}`` and at the end perhaps ``{"error": WHY}``."""
        query: Query = {
            "deployment": deployment,
            "revision": revision or None,
            "replica": replica or None,
            "tail": tail,
            "follow": int(follow),
        }
        for line in self._lines("/v1/logs", query):
            if line:
                yield parse(line)

    def export(self, since: int = 0) -> Iterator[str]:
        """The journal's events after ``since``, one JSON object a line."""
        return self._lines("/v1/export", {"since": since})

    def stream(
        self, after: int | None = None, *, rev: int | None = None, boot: str = ""
    ) -> Iterator[Message]:
        """What happens from event ``after`` on, until the engine ends it; a beat comes each 2 s.

        ``rev`` and ``boot`` of the snapshot one has: then what changed since comes first.
        """
        reader = MessageReader()
        query: Query = {"after": after, "rev": rev, "boot": boot or None}
        for line in self._lines("/v1/stream", query):
            if message := reader.feed(line):
                yield message

    # What changes something.

    def command(self, command: Mapping[str, Any], key: str = "") -> Receipt:
        """Asks for it once, however often it must be sent: a lost answer is asked for again under
        the same key for ``RESEND_FOR_S``.

        Raises:
            Unavailable: no answer came. With the same ``key`` it can be sent again later.
        """
        headers = {"idempotency-key": key or os.urandom(16).hex()}
        body = json.dumps(command).encode()
        sent = False
        until = time.monotonic() + RESEND_FOR_S
        while True:
            try:
                return cast("Receipt", self._ask("POST", "/v1/commands", {}, body, headers))
            except Unavailable as error:
                sent = sent or isinstance(error, Broken)
                if not sent or time.monotonic() >= until:
                    raise
            time.sleep(0.1)

    def backup(self, path: Path | None = None) -> Path:
        """A copy of the journal, at ``path`` or among the engine's own; where it is."""
        body = json.dumps({"path": str(path)} if path else {}).encode()
        return Path(self._ask("POST", "/v1/backup", {}, body, {})["path"])

    def shutdown(self) -> Hello:
        """Asks the engine to end; who it was. It answers before it ends."""
        return cast("Hello", self._ask("POST", "/v1/shutdown", {}, b"", {}))

    # How.

    def _get(self, path: str, query: Query | None = None) -> Any:
        return self._ask("GET", path, query or {}, b"", {})

    def _ask(
        self, method: str, path: str, query: Query, body: bytes, headers: Mapping[str, str]
    ) -> Any:
        with self._open(method, path, query, body, headers) as exchange:
            return parse(exchange.text())

    def _lines(self, path: str, query: Query) -> Iterator[str]:
        with self._open("GET", path, query) as exchange:
            exchange.wait_for_ever()
            yield from exchange.lines()

    @contextmanager
    def _open(
        self,
        method: str,
        path: str,
        query: Query,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
    ) -> Iterator[Exchange]:
        given = [f"{name}={quote(str(v))}" for name, v in query.items() if v is not None]
        target = f"{path}?{'&'.join(given)}" if given else path
        exchange = Exchange(self.socket, self._timeout_s)
        try:
            exchange.ask(method, target, body, headers or {})
            self._check_version(exchange)
            if exchange.status >= 300:
                raise error_of(exchange.status, exchange.text())
            yield exchange
        finally:
            exchange.close()

    def _check_version(self, exchange: Exchange) -> None:
        theirs = exchange.headers.get(VERSION_HEADER, "")
        if self._any_version or compatible(theirs, gaesup_tui.__version__):
            return
        raise Unavailable(
            f"the engine that runs is version {theirs or 'unknown'}, "
            f"this is {gaesup_tui.__version__}",
            hint="`gaesup engine stop`, then `gaesup engine start`; what is deployed keeps running",
        )


def compatible(theirs: str, ours: str) -> bool:
    """Whether two versions speak the same API: major and minor agree."""
    return theirs.split(".")[:2] == ours.split(".")[:2]
