"""The engine's port to the local node: starts it, finds it again, translates."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any, Final

from gaesup_backends.local import launch
from gaesup_backends.local.client import NodeClient, NodeGone, NodeRefused, NodeSilent
from gaesup_backends.local.gate import GateError, check_module
from gaesup_backends.local.launch import LaunchError
from gaesup_backends.local.names import LOG_NAME, PROTOCOL
from gaesup_backends.local.translate import observation
from gaesup_tui.domain.errors import Invalid, Unavailable
from gaesup_tui.domain.observation import Observation
from gaesup_tui.domain.revision import Revision
from gaesup_tui.domain.route import Route, rules_to_json
from gaesup_tui.domain.steps import Check
from gaesup_tui.engine.ports import LogLine, Places, ProbeReply

START_TIMEOUT_S: Final = 10.0
POLL_S: Final = 0.02
OBSERVE_INTERVAL_S: Final = 1.0
FIRST_RETRY_S: Final = 0.1
LAST_RETRY_S: Final = 5.0
TRANSPORT_SLACK_S: Final = 2.0


class LocalBackend:
    """Runs units on this machine in a node process that outlives the engine."""

    def __init__(self, places: Places) -> None:
        self._runtime_dir = places.runtime / "local"
        self._state_dir = places.state / "local"
        self._client: NodeClient | None = None
        self._connecting = asyncio.Lock()
        self._started_pid: int | None = None
        self._pid: int | None = None
        """Of the node that answered last."""

    @staticmethod
    def refuses(module: bytes, capabilities: Sequence[str], memory_bytes: int) -> str:
        """Why this node never runs a module; empty when it may."""
        try:
            check_module(module, list(capabilities), memory_bytes)
        except GateError as error:
            return str(error)
        return ""

    async def start(self) -> None:
        """Find the node or start it; returns once it answered."""
        await self._connected()

    async def ensure(self, deployment: str, revision: Revision, replicas: int) -> None:
        """Ask for replicas of a revision; 0 drains and removes it."""
        limits = revision.limits
        await self._request(
            "apply_revision",
            deployment=deployment,
            replicas=replicas,
            revision={
                "id": revision.id,
                "version": revision.version,
                "artifact": revision.artifact,
                "sha256": revision.sha256,
                "memory_bytes": limits.memory_bytes,
                "deadline_ms": limits.deadline_ms,
                "cpu_share": limits.cpu_share,
                "config": dict(revision.config),
                "capabilities": list(revision.capabilities),
            },
        )

    async def set_traffic(self, deployment: str, route: Route) -> None:
        """Send new requests where the route says; in force on return."""
        await self._request(
            "set_traffic",
            deployment=deployment,
            weights=dict(route.weights),
            rules=rules_to_json(route.rules),
        )

    async def probe(
        self, deployment: str, revision: str, check: Check, timeout_s: float
    ) -> ProbeReply:
        """One request to a revision, not counted as a user's."""
        reply = await self._request(
            "probe",
            request_timeout_s=timeout_s + TRANSPORT_SLACK_S,
            deployment=deployment,
            revision=revision,
            method=check.method,
            path=check.path,
            headers={"host": "localhost"},
            body=base64.b64encode(check.body.encode()).decode(),
            timeout_s=timeout_s,
        )
        return ProbeReply(reply["status"], base64.b64decode(reply["body"]), reply["duration_s"])

    async def observations(self) -> AsyncIterator[Observation]:
        """What is seen, at least once a second and soon after changes; never ends."""
        retry_s = FIRST_RETRY_S
        while True:
            try:
                client = await self._open()
            except Unavailable:
                await asyncio.sleep(retry_s)
                retry_s = min(retry_s * 2, LAST_RETRY_S)
                continue
            try:
                with contextlib.suppress(NodeGone):
                    async for state in client.states(OBSERVE_INTERVAL_S):
                        retry_s = FIRST_RETRY_S
                        yield observation(state)
            finally:
                await client.close()
            await asyncio.sleep(FIRST_RETRY_S)

    async def logs(
        self, deployment: str, *, revision: str | None, replica: str | None, tail: int, follow: bool
    ) -> AsyncIterator[LogLine]:
        """The last lines, oldest first, then with `follow` new ones as they come."""
        asked: dict[str, Any] = {"revision": revision, "replica": replica, "tail": tail}
        if not follow:
            reply = await self._request("logs", deployment=deployment, **asked)
            for line in reply["lines"]:
                yield LogLine(**line)
            return
        client = await self._open()
        try:
            async for line in client.logs(deployment, **asked):
                yield LogLine(**line)
        except NodeGone as error:
            raise Unavailable(str(error), hint="the engine connects again") from None
        except NodeRefused as error:
            raise _refusal(error) from None
        finally:
            await client.close()

    async def close(self) -> None:
        """Let go; the node and what it runs stay."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    async def _request(
        self, operation: str, request_timeout_s: float = 10.0, **fields: Any
    ) -> dict[str, Any]:
        client = await self._connected()
        try:
            return await client.request(operation, request_timeout_s, **fields)
        except NodeRefused as error:
            raise _refusal(error) from None
        except NodeSilent as error:
            await self.close()
            raise Unavailable(str(error), hint=self._of_silence()) from None
        except NodeGone as error:
            await self.close()
            raise Unavailable(
                str(error), hint="it is started again; the wish is repeated"
            ) from None

    async def _connected(self) -> NodeClient:
        async with self._connecting:
            if self._client is None or self._client.closed:
                await self.close()
                self._client = await self._open()
            return self._client

    async def _open(self) -> NodeClient:
        """A new connection to a node that answered; starts one when there is none."""
        try:
            socket_path = await asyncio.to_thread(
                launch.prepare, self._runtime_dir, self._state_dir
            )
            deadline = time.monotonic() + START_TIMEOUT_S
            while True:
                try:
                    return await self._greet(await NodeClient.connect(socket_path))
                except NodeGone:
                    self._start_if_absent()
                if time.monotonic() >= deadline:
                    raise LaunchError(f"the node did not answer within {START_TIMEOUT_S:.0f} s")
                await asyncio.sleep(POLL_S)
        except (LaunchError, OSError) as error:
            raise Unavailable(str(error), hint=self._hint()) from None

    def _hint(self) -> str:
        if self._pid is not None and Path(f"/proc/{self._pid}").exists():
            return self._of_silence()
        return f"look into {self._state_dir / LOG_NAME}"

    def _of_silence(self) -> str:
        """A node that hangs is not ended by us: a machine that is only busy would lose it all."""
        return (
            f"it is asked again; if it hangs for good, `kill -9 {self._pid}`: "
            "it is started anew and given all it had"
        )

    async def _greet(self, client: NodeClient) -> NodeClient:
        try:
            hello = await client.request("hello", 2.0)
        except (NodeGone, asyncio.CancelledError):
            await client.close()
            raise
        self._pid = hello["pid"]
        if hello["version"] != PROTOCOL:
            await client.close()
            raise LaunchError(
                f"the running node (pid {hello['pid']}) speaks protocol {hello['version']}, this "
                f"program {PROTOCOL}; end it with SIGTERM and it is started anew"
            )
        return client

    def _start_if_absent(self) -> None:
        if self._started_pid is not None:
            if not launch.ended(self._started_pid):
                return
            self._started_pid = None
        with launch.start_lock(self._runtime_dir) as ours:
            if ours and not launch.node_lives(self._runtime_dir):
                self._started_pid = launch.launch(self._runtime_dir, self._state_dir)


def _refusal(error: NodeRefused) -> Exception:
    if error.code == "not_found":
        # After a restart the node is empty until everything was applied again.
        return Unavailable(str(error), hint="it is applied again, then this works")
    return Invalid(str(error))
