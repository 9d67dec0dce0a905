"""A real node for a test: starts it, speaks to it, and leaves no process behind."""

from __future__ import annotations

import asyncio
import atexit
import os
import shutil
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gaesup_backends.local.client import NodeClient, NodeGone

from . import node_units

CART = "cart@production"
DEADLINE_S = 15.0
COMPILED = Path(tempfile.mkdtemp(prefix="gsu-compiled-"))
atexit.register(shutil.rmtree, COMPILED, ignore_errors=True)


@dataclass(frozen=True)
class Reply:
    """What a client saw."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def revision(self) -> str:
        """The revision that answered."""
        return self.headers.get("x-gaesup-revision", "")


class Rig:
    """One node under test."""

    def __init__(self, directory: Path, before: tuple[str, ...] = ()) -> None:
        """``before``: words that start the node's command line, ``ulimit`` in a shell for one."""
        self.directory = directory
        self._before = before
        self.modules = directory / "m"
        self.modules.mkdir()
        self._share_compiled_modules()
        self.process: asyncio.subprocess.Process | None = None
        self.client: NodeClient | None = None
        self.port = 0

    def _share_compiled_modules(self) -> None:
        # Most tests use the same few modules; compiling them once saves half of the time.
        COMPILED.mkdir(mode=0o700, exist_ok=True)
        (self.directory / "s").mkdir(mode=0o700)
        (self.directory / "s" / "compiled").symlink_to(COMPILED)

    @property
    def runtime_dir(self) -> Path:
        """Where its socket is."""
        return self.directory / "r"

    async def start(self) -> None:
        """Start the node and wait until it answers."""
        log = (self.directory / "node.log").open("ab")
        with log:
            self.process = await asyncio.create_subprocess_exec(
                *self._before,
                sys.executable,
                "-m",
                "gaesup_backends.local.node",
                "--runtime-dir",
                str(self.runtime_dir),
                "--state-dir",
                str(self.directory / "s"),
                stdout=log,
                stderr=log,
            )
        if self.client is not None:
            await self.client.close()
        self.client = await self.connect()
        self.port = (await self.client.request("hello"))["data_port"]

    async def connect(self) -> NodeClient:
        """Another connection to its control socket."""
        until = time.monotonic() + DEADLINE_S
        while True:
            try:
                return await NodeClient.connect(self.runtime_dir / "node.sock")
            except NodeGone:
                if time.monotonic() > until:
                    raise
                await asyncio.sleep(0.01)

    async def ask(self, operation: str, **fields: Any) -> dict[str, Any]:
        """One operation on the control socket."""
        assert self.client is not None
        return await self.client.request(operation, **fields)

    async def state(self, deployment: str = CART) -> dict[str, Any]:
        """The deployment as the node sees it."""
        state = (await self.ask("state"))["state"]
        return dict(state["deployments"].get(deployment, {"revisions": {}, "weights": {}}))

    async def deploy(
        self,
        revision_id: str,
        text: str,
        *,
        replicas: int = 1,
        deployment: str = CART,
        wait: bool = True,
        **changes: Any,
    ) -> None:
        """Apply a unit from WAT text and wait until its replicas are ready."""
        path = node_units.build(self.modules, revision_id, text)
        await self.apply(path, revision_id, replicas=replicas, deployment=deployment, **changes)
        if wait:
            await self.until(
                lambda state: ready(state, revision_id) == replicas, deployment=deployment
            )

    async def apply(
        self,
        path: Path,
        revision_id: str,
        *,
        replicas: int = 1,
        deployment: str = CART,
        **changes: Any,
    ) -> None:
        """Apply a module file."""
        await self.ask(
            "apply_revision",
            deployment=deployment,
            revision=node_units.revision(path, revision_id, **changes),
            replicas=replicas,
        )

    async def traffic(
        self, deployment: str = CART, *, rules: dict[str, Any] | None = None, **weights: int
    ) -> None:
        """Set weights; underscores in names stand for dashes."""
        named = {name.replace("_", "-"): weight for name, weight in weights.items()}
        await self.ask("set_traffic", deployment=deployment, weights=named, rules=rules or {})

    async def until(
        self, holds: Callable[[dict[str, Any]], bool], deployment: str = CART
    ) -> dict[str, Any]:
        """Follow observations until one is as wanted; returns the deployment in it."""
        watcher = await self.connect()
        last: dict[str, Any] = {}
        try:
            async with asyncio.timeout(DEADLINE_S):
                async for state in watcher.states(0.2):
                    last = state["deployments"].get(deployment, {"revisions": {}, "weights": {}})
                    if holds(last):
                        return last
        except TimeoutError:
            raise AssertionError(f"not seen within {DEADLINE_S} s; last was {last}") from None
        finally:
            await watcher.close()
        raise AssertionError("the node hung up")

    async def line(self, holds: Callable[[str], bool], deployment: str = CART) -> str:
        """The first log line that is as wanted, from now or before."""
        follower = await self.connect()
        lines = follower.logs(deployment, tail=2000)
        try:
            async with asyncio.timeout(DEADLINE_S):
                async for line in lines:
                    if holds(line["line"]):
                        return str(line["line"])
        finally:
            await follower.close()
        raise AssertionError("the node hung up")

    async def get(self, path: str = "/", deployment: str = CART, **options: Any) -> Reply:
        """One request through the front, on a connection of its own."""
        unit, _, environment = deployment.partition("@")
        return await fetch(self.port, path, host=f"{unit}.{environment}.localhost", **options)

    async def stop(self) -> None:
        """End the node and see that nothing of it is left."""
        if self.client is not None:
            await self.client.close()
        if self.process is not None and self.process.returncode is None:
            self.process.terminate()
            await asyncio.wait_for(self.process.wait(), DEADLINE_S)


def states(state: dict[str, Any], revision_id: str) -> list[str]:
    """The states of a revision's replicas, in order."""
    replicas = state["revisions"].get(revision_id, {"replicas": []})["replicas"]
    return [replica["state"] for replica in replicas]


def ready(state: dict[str, Any], revision_id: str) -> int:
    """How many replicas of a revision take traffic."""
    return states(state, revision_id).count("ready")


async def fetch(
    port: int,
    path: str,
    *,
    host: str = "localhost",
    method: str = "GET",
    headers: dict[str, str] | None = None,
    body: bytes = b"",
) -> Reply:
    """One request and its reply."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        lines = {"host": host, "connection": "close", **(headers or {})}
        if body:
            lines["content-length"] = str(len(body))
        head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        writer.write(f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode() + body)
        async with asyncio.timeout(DEADLINE_S):
            return parse(await reader.read())
    finally:
        writer.close()


def parse(raw: bytes) -> Reply:
    """A whole reply from bytes."""
    head, _, body = raw.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {}
    for line in lines:
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    return Reply(int(first.split()[1]), headers, body)


def alive(pid: int) -> bool:
    """Whether a process runs; a zombie does not."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return text.rpartition(")")[2].split()[0] not in ("Z", "X")


def worker_pids(state: dict[str, Any]) -> list[int]:
    """Pids of all workers of a deployment."""
    return [
        replica["pid"]
        for revision in state["revisions"].values()
        for replica in revision["replicas"]
        if replica["pid"]
    ]


async def gone(pid: int) -> None:
    """Wait until a process has ended."""
    until = time.monotonic() + DEADLINE_S
    while alive(pid):
        assert time.monotonic() < until, f"process {pid} still runs"
        await asyncio.sleep(0.01)


@asynccontextmanager
async def running_node(*before: str) -> AsyncIterator[Rig]:
    """A node in a short-named directory of its own."""
    directory = Path(tempfile.mkdtemp(prefix="gsu-"))
    rig = Rig(directory, before)
    try:
        await rig.start()
        yield rig
        said = (directory / "node.log").read_text()
        assert "Traceback" not in said, said[-3000:]
    finally:
        await rig.stop()
        shutil.rmtree(directory, ignore_errors=True)


def pid_of(rig: Rig) -> int:
    """The node's pid."""
    assert rig.process is not None
    return rig.process.pid


def children(pid: int) -> list[int]:
    """Direct children of a process."""
    path = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(text) for text in path.read_text().split()] if os.path.exists(path) else []
