"""Serves one engine on one socket until it is told to stop. Used by the daemon and by tests."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import uuid
from collections.abc import Iterator

import uvicorn

from gaesup_tui.domain.errors import GaesupError
from gaesup_tui.engine.engine import Engine
from gaesup_tui.service.server.app import build
from gaesup_tui.service.server.hub import Hub
from gaesup_tui.service.server.listening import Door
from gaesup_tui.service.server.peer import PeerProtocol

LOOK_EVERY_S = 2.0
GRACE_S = 1.0
"""How long open answers may take to end when the engine stops."""
log = logging.getLogger("gaesup.service")


class _Server(uvicorn.Server):
    """Waits for the word to stop instead of looking for it. Signals are the daemon's."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.stopping = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def main_loop(self) -> None:
        self.server_state.default_headers = self.config.encoded_headers
        await self.stopping.wait()

    async def take(self, listening: socket.socket) -> None:
        """Serves one more socket."""

        def protocol() -> PeerProtocol:
            return PeerProtocol(self.config, self.server_state, self.lifespan.state)

        loop = asyncio.get_running_loop()
        self.servers.append(await loop.create_server(protocol, sock=listening))


async def _keep_open(door: Door, server: _Server) -> None:
    """Opens the door again whenever it was taken away."""
    said = ""
    while True:
        await asyncio.sleep(LOOK_EVERY_S)
        if door.stands:
            continue
        try:
            await server.take(door.again())
            log.warning("%s was taken away; listening there again", door.path)
            said = ""
        except GaesupError as error:
            if str(error) != said:
                log.warning("%s was taken away: %s", door.path, error)
            said = str(error)


class Service:
    """``run`` it; ``stop`` ends it from a signal, a request or a test."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._why = ""
        self._stopping = asyncio.Event()
        self.serving = asyncio.Event()
        """Set once it answers."""

    def stop(self, why: str) -> None:
        """Begins to end it; the first reason counts."""
        self._why = self._why or why
        self._stopping.set()

    async def run(self, door: Door) -> str:
        """Serves a started engine at a locked door; returns why it stopped. The engine and the
        door are left to the caller.

        Raises:
            Unavailable: the socket cannot be bound.
            Exception: a part of the engine broke that never should.
        """
        hub = Hub(self._engine, uuid.uuid4().hex[:12], self._engine.now())
        await hub.prepare()
        server = _Server(self._config(hub))
        serving = asyncio.create_task(server.serve(sockets=[door.listen()]), name="serve")
        feeding = asyncio.create_task(hub.run(), name="hub")
        broken = asyncio.create_task(self._engine.failed(), name="engine")
        stopping = asyncio.create_task(self._stopping.wait(), name="stopping")
        watching = asyncio.create_task(_keep_open(door, server), name="door")
        tasks = (serving, feeding, broken, stopping, watching)
        self.serving.set()
        try:
            await asyncio.wait(
                {serving, feeding, broken, stopping}, return_when=asyncio.FIRST_COMPLETED
            )
            if broken.done():
                raise broken.result()
            if feeding.done():
                feeding.result()
        finally:
            hub.close()
            server.should_exit = True
            server.stopping.set()
            await asyncio.wait({serving}, timeout=2 * GRACE_S)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        return self._why

    def _config(self, hub: Hub) -> uvicorn.Config:
        return uvicorn.Config(
            build(hub, self.stop),
            http=PeerProtocol,
            ws="none",
            lifespan="off",
            loop="asyncio",
            log_config=None,
            access_log=False,
            server_header=False,
            date_header=False,
            proxy_headers=False,
            timeout_keep_alive=75,
            timeout_graceful_shutdown=int(GRACE_S),
        )
