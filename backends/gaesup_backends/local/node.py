"""The node: serves the units of the local backend, by itself.

    python -m gaesup_backends.local.node --runtime-dir DIR --state-dir DIR [--port N]

It lives longer than the engine that started it and starts empty: whoever drives it applies what
should be there. It keeps logs and compiled modules, nothing else.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import fcntl
import json
import os
import resource
import secrets
import signal
import sys
import time
from pathlib import Path
from typing import Any, Final

from gaesup_backends.local import fleet as fleet_module
from gaesup_backends.local.control import ControlServer
from gaesup_backends.local.faults import tell_fault
from gaesup_backends.local.fleet import Fleet
from gaesup_backends.local.front import SWEEP_S, Front, room_for
from gaesup_backends.local.metrics import prometheus
from gaesup_backends.local.names import FACTS_NAME, LOCK_NAME, SOCKET_NAME
from gaesup_backends.local.router import Router

DRAIN_S: Final = 2.0
USUAL_PORT: Final = 7411
LISTEN_HOST: Final = "127.0.0.1"


class NodeError(Exception):
    """The node cannot start; the message says why and what to do."""


class Node:
    """All parts of the process in one place."""

    def __init__(self, runtime_dir: Path, state_dir: Path) -> None:
        self.boot = secrets.token_hex(8)
        self.started_at = time.time()
        self.data_port = 0
        self.watchers: set[asyncio.Event] = set()
        self._runtime_dir = runtime_dir
        self._router = Router()
        self.fleet = Fleet(state_dir, self._router, self._changed)
        self.front = Front(self._router, self._local_page)
        self.front.most_connections = room_for(resource.getrlimit(resource.RLIMIT_NOFILE)[0])
        self._control = ControlServer(self)
        self._stopping = asyncio.Event()

    async def run(self, port: int) -> None:
        """Serve until `stop`."""
        await self._open_data_port(port)
        self.fleet.spawner.start()
        await self._control.listen(self._runtime_dir / SOCKET_NAME)
        self._write_facts()
        with contextlib.suppress(OSError):  # its log may be on a disk that is full
            print(f"node {self.boot} ready, data port {self.data_port}", flush=True)
        ticking = asyncio.create_task(self._tick())
        try:
            await self._stopping.wait()
            await self._drain()
        finally:
            ticking.cancel()
            self.front.close()
            await self._control.close()
            self.fleet.close()
            with contextlib.suppress(FileNotFoundError):
                (self._runtime_dir / SOCKET_NAME).unlink()

    def stop(self) -> None:
        """Drain briefly and leave."""
        self._stopping.set()

    def observe(self) -> dict[str, Any]:
        """Everything the engine needs to know, as JSON."""
        return {
            "at": time.time(),
            "boot": self.boot,
            "pid": os.getpid(),
            "data_port": self.data_port,
            "deployments": self.fleet.state(),
        }

    def _changed(self) -> None:
        for event in self.watchers:
            event.set()

    async def _open_data_port(self, port: int) -> None:
        wanted = [port] if port else [*self._previous_port(), USUAL_PORT, 0]
        for number in wanted:
            try:
                self.data_port = await self.front.listen(LISTEN_HOST, number)
                return
            except OSError as error:
                if number == wanted[-1]:
                    raise NodeError(
                        f"data port {number} cannot be opened: {error.strerror}; choose another"
                    ) from None

    def _previous_port(self) -> list[int]:
        # The same address after a restart: clients need not learn a new one.
        try:
            facts = json.loads((self._runtime_dir / FACTS_NAME).read_bytes())
            return [int(facts["data_port"])]
        except (OSError, ValueError, KeyError, TypeError):
            return []

    def _write_facts(self) -> None:
        facts = {"pid": os.getpid(), "boot": self.boot, "data_port": self.data_port}
        path = self._runtime_dir / FACTS_NAME
        fresh = path.with_suffix(".new")
        fresh.write_text(json.dumps(facts))
        os.replace(fresh, path)

    async def _tick(self) -> None:
        next_sweep = 0.0
        while True:
            now = time.monotonic()
            try:
                self.fleet.tick()
                if now >= next_sweep:
                    next_sweep = now + SWEEP_S
                    self.front.sweep(self.fleet.lost_s)
            except Exception:
                # Without ticks nothing is ever restarted or timed out again.
                tell_fault()
            await asyncio.sleep(fleet_module.TICK_S)

    async def _drain(self) -> None:
        self.front.stop_listening()
        self.fleet.drain_all()
        deadline = time.monotonic() + DRAIN_S
        while self.fleet.replicas() and time.monotonic() < deadline:
            await self._changed_within(0.2)

    async def _changed_within(self, timeout_s: float) -> None:
        event = asyncio.Event()
        self.watchers.add(event)
        try:
            await asyncio.wait_for(event.wait(), timeout_s)
        except TimeoutError:
            return
        finally:
            self.watchers.discard(event)

    def _local_page(self, path: bytes) -> tuple[int, str]:
        if path == b"/metrics":
            return 200, prometheus(self.fleet.state().items())
        if path == b"/":
            return 200, self._listing()
        return 404, "here are / and /metrics; units answer under /_/unit@environment/\n"

    def _listing(self) -> str:
        lines = []
        for name, deployment in sorted(self.fleet.deployments.items()):
            unit, _, environment = name.partition("@")
            weights = " ".join(f"{k}:{w}" for k, w in deployment.table.weights.items()) or "closed"
            lines.append(
                f"{name}  {weights}  http://{unit}.{environment}.localhost:{self.data_port}/"
                f"  http://localhost:{self.data_port}/_/{name}/\n"
            )
            if deployment.table.target is not None:
                lines.append(
                    f"{name}  preview of {deployment.table.target.id}"
                    f"  http://preview.{unit}.{environment}.localhost:{self.data_port}/"
                    f"  http://localhost:{self.data_port}/_/{name}:preview/\n"
                )
        return "".join(lines) or "no deployments\n"


def _prepare(runtime_dir: Path, state_dir: Path) -> int:
    """Directories and the lock; returns its descriptor, to be kept open."""
    for directory in (runtime_dir, state_dir):
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            directory.chmod(0o700)
        except OSError as error:
            raise NodeError(f"directory {directory} cannot be used: {error.strerror}") from None
    lock = os.open(runtime_dir / LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        raise NodeError(f"another node serves {runtime_dir}; stop it first") from None
    return lock


def _raise_file_limit() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 65536 if hard == resource.RLIM_INFINITY else hard
    if soft < wanted:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


async def _main(runtime_dir: Path, state_dir: Path, port: int) -> None:
    node = Node(runtime_dir, state_dir)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, node.stop)
    await node.run(port)


def main() -> int:
    """Run the node; the exit code is 2 when it cannot start."""
    parser = argparse.ArgumentParser(prog="gaesup-node", description="Serves WASM units.")
    parser.add_argument("--runtime-dir", type=Path, required=True, help="socket, lock, facts")
    parser.add_argument("--state-dir", type=Path, required=True, help="logs, compiled modules")
    parser.add_argument(
        "--port", type=int, default=0, help="data port; 0 is the last one, the usual one or any"
    )
    options = parser.parse_args()
    try:
        lock = _prepare(options.runtime_dir, options.state_dir)
        _raise_file_limit()
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        _run(_main(options.runtime_dir, options.state_dir, options.port))
        os.close(lock)
    except NodeError as error:
        print(f"gaesup-node: {error}", file=sys.stderr)
        return 2
    return 0


def _run(work: Any) -> None:
    try:
        import uvloop
    except ImportError:
        asyncio.run(work)
    else:
        uvloop.run(work)


if __name__ == "__main__":
    sys.exit(main())
