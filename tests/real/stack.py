"""The whole system for a test: engine, node and the shop's units in a home of their own.

``with running_stack() as stack`` starts the real daemon, which starts the real node; what the test
leaves is taken away, and a process that outlives the stop fails the test.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import yaml

from gaesup_backends.local.client import NodeClient
from gaesup_tui.domain.errors import Unavailable
from gaesup_tui.domain.views import EventView, Receipt, StatusRow
from gaesup_tui.service import lifecycle, places
from gaesup_tui.service.client import Client
from gaesup_tui.service.project import deploy_command, load

SHOP = Path(__file__).resolve().parents[2] / "examples" / "shop"
CART = "cart@production"
DEADLINE_S = 30.0
POLL_S = 0.02
GAESUP = (
    sys.executable,
    "-c",
    "import sys; from gaesup_tui.cli.main import main; sys.exit(main())",
)

QUICK: dict[str, Any] = {
    "steps": [
        {"weight": 10},
        {"pause": "1s"},
        {"weight": 25},
        {"pause": {"expiry": "30m", "onExpiry": "abort"}},
        {"weight": 50},
        {"pause": "1s"},
    ],
    "bake": "2s",
}
"""A canary that stands where a person must decide after two seconds."""


class Stack:
    """One engine, its node and what they run, below ``home``."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith(("XDG_", "GAESUP_"))},
            places.HOME: str(home),
        }
        self.places = places.find(self.environment)
        self.client = Client(self.places.socket)
        self.project = home / "shop" / "gaesup.yaml"
        self._sessions: set[int] = set()
        self.write_project({"cart": {"canary": QUICK}})

    # What is deployed from.

    def write_project(
        self, changes: Mapping[str, Mapping[str, Any]], replicas: int | None = 2
    ) -> None:
        """The shop's project file with other values per unit, on the shop's own modules."""
        document = yaml.safe_load((SHOP / "gaesup.yaml").read_text(encoding="utf-8"))
        document["environments"]["production"]["replicas"] = replicas
        for unit, values in changes.items():
            document["units"][unit].update(values)
        if any("versions" in values for values in changes.values()):
            del document["trains"]  # they name the shop's own versions
        self.project.parent.mkdir(exist_ok=True)
        artifacts = self.project.parent / "artifacts"
        if not artifacts.exists():
            artifacts.symlink_to(SHOP / "artifacts")
        self.project.write_text(yaml.safe_dump(document), encoding="utf-8")

    # Commands.

    def run(
        self, *words: str, timeout_s: float = 60.0, cwd: Path | None = None
    ) -> subprocess.CompletedProcess[str]:
        """``gaesup WORDS`` as a person in a script would run it."""
        return subprocess.run(
            [*GAESUP, *words],
            env=self.environment,
            cwd=cwd or self.project.parent,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )

    def start(self) -> int:
        """An engine, started by the command; its process."""
        done = self.run("engine", "start")
        assert done.returncode == 0, done.stderr
        return self.engine_pid

    def deploy(self, unit: str, version: str, why: str = "test") -> Receipt:
        """Asks for a version; answered once it is recorded."""
        command = deploy_command(load(self.project), unit, version, "production", why)
        return self.client.command(command.model_dump(mode="json"))

    def ask(self, action: str, deployment: str = CART, **fields: Any) -> Receipt:
        """Any other command about a deployment."""
        return self.client.command({"action": action, "deployment": deployment, **fields})

    def serve(self, unit: str, version: str) -> int:
        """Deploys a first version and waits until it is healthy; the port of the traffic."""
        self.deploy(unit, version)
        self.until(f"{unit}@production", lambda row: row["status"] == "healthy", "healthy")
        return self.port

    def canary_at_gate(self, version: str = "v42") -> StatusRow:
        """A quick canary of cart that stands at 25 % and waits for a person."""
        self.deploy("cart", version)
        return self.until(CART, waits_for_person, "at the gate")

    # What is.

    def row(self, deployment: str = CART) -> StatusRow:
        """How a deployment stands."""
        return self.client.status(deployment)["deployments"][0]

    def until(
        self,
        deployment: str,
        holds: Callable[[StatusRow], object],
        what: str,
        deadline_s: float = DEADLINE_S,
    ) -> StatusRow:
        """Waits until a deployment's row is so; an engine that is away is waited for."""
        last: Any = None
        give_up = time.monotonic() + deadline_s
        while time.monotonic() < give_up:
            with suppress(Unavailable, IndexError):
                last = self.row(deployment)
                if holds(last):
                    found: StatusRow = last
                    return found
            time.sleep(POLL_S)
        raise AssertionError(f"not within {deadline_s:g} s: {deployment} {what}; last: {last}")

    def history(self, deployment: str = CART) -> list[EventView]:
        """The journal's newest events of a deployment, oldest first."""
        return self.client.history(deployment, limit=1000)

    @property
    def engine_pid(self) -> int:
        """The engine's process."""
        return self.client.hello()["pid"]

    def _node_facts(self) -> dict[str, Any]:
        text = (self.places.runtime / "local" / "node.json").read_text(encoding="utf-8")
        facts: dict[str, Any] = json.loads(text)
        return facts

    @property
    def node_pid(self) -> int:
        """The node's process."""
        return int(self._node_facts()["pid"])

    @property
    def port(self) -> int:
        """Where the node takes traffic."""
        return int(self._node_facts()["data_port"])

    # Processes.

    def processes(self) -> dict[int, str]:
        """Every living process of this home, with its command line: those that were told of it,
        and all in a session one of them began."""
        found = {}
        told = f"{places.HOME}={self.home}".encode()
        for pid in map(int, filter(str.isdigit, os.listdir("/proc"))):
            with suppress(OSError):
                stat = Path(f"/proc/{pid}/stat").read_text(errors="replace")
                state, _, _, session = stat.rpartition(")")[2].split()[:4]
                if state in "ZX" or pid == os.getpid():
                    continue
                environment = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
                if told in environment and int(session) != os.getsid(0):
                    self._sessions.add(int(session))
                if told in environment or int(session) in self._sessions:
                    words = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ")
                    found[pid] = words.decode(errors="replace")
        return found

    def workers(self, version: str = "") -> list[int]:
        """Processes that run replicas, all or those of a version, as the node reports them."""
        deployments = asyncio.run(self._node_state())["deployments"]
        return [
            replica["pid"]
            for deployment in deployments.values()
            for revision, found in deployment["revisions"].items()
            if revision.startswith(version)
            for replica in found["replicas"]
            if replica["pid"]
        ]

    async def _node_state(self) -> dict[str, Any]:
        node = await NodeClient.connect(self.places.runtime / "local" / "node.sock")
        try:
            reply = await node.request("state")
        finally:
            await node.close()
        state: dict[str, Any] = reply["state"]
        return state

    def kill_engine(self) -> int:
        """kill -9, and wait until it is gone; which process it was."""
        pid = self.engine_pid
        kill(pid)
        return pid

    def close(self) -> dict[int, str]:
        """Stops engine and node politely, then kills what is left; what that was."""
        self.processes()
        with suppress(Unavailable):
            lifecycle.stop(self.places)
        with suppress(OSError, ValueError, KeyError):
            os.kill(self.node_pid, signal.SIGTERM)
        until = time.monotonic() + 10.0
        while (left := self.processes()) and time.monotonic() < until:
            time.sleep(POLL_S)
        for pid in left:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return left


def waits_for_person(row: StatusRow) -> bool:
    """Whether its rollout stands where a person must decide."""
    return bool(row["waiting"] and row["waiting"]["person"])


def kill(pid: int) -> None:
    """kill -9, and wait until the process is gone."""
    os.kill(pid, signal.SIGKILL)
    gone(pid)


def gone(pid: int) -> None:
    """Waits until a process has ended."""
    until = time.monotonic() + DEADLINE_S
    while alive(pid):
        assert time.monotonic() < until, f"process {pid} still runs"
        time.sleep(0.005)


def alive(pid: int) -> bool:
    """Whether a process runs; one that only waits to be reaped does not."""
    with suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)
    try:
        text = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except OSError:
        return False
    return text.rpartition(")")[2].split()[0] not in ("Z", "X")


@contextmanager
def running_stack(*, start: bool = True) -> Iterator[Stack]:
    """A stack in a short-named home; its end fails when a process had to be killed."""
    home = Path(tempfile.mkdtemp(prefix="gsup-"))
    stack = Stack(home)
    left: dict[int, str] = {}
    try:
        if start:
            stack.start()
        yield stack
    finally:
        try:
            left = stack.close()
        finally:
            shutil.rmtree(home, ignore_errors=True)
    assert not left, f"processes outlived the stop: {left}"
