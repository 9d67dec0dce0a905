"""The data port: who may connect, and for how long."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable
from typing import Final

from gaesup_backends.local.connection import ClientConnection
from gaesup_backends.local.router import Router

MAX_CONNECTIONS: Final = 8192
KEPT_DESCRIPTORS: Final = 128
"""Never given to clients: workers, their pipes, logs and whoever drives the node need some."""
SWEEP_S: Final = 1.0
BACKLOG: Final = 4096


def room_for(descriptors: int) -> int:
    """How many connections a process may hold that may open so many descriptors; half of them
    where there are few."""
    return max(1, min(MAX_CONNECTIONS, max(descriptors - KEPT_DESCRIPTORS, descriptors // 2)))


class Front:
    """What the connections share.

    Attributes:
        connections: oldest first.
        most_connections: those that idle longest make room for more.
    """

    def __init__(self, router: Router, local_page: Callable[[bytes], tuple[int, str]]) -> None:
        self.router = router
        self.local_page = local_page
        self.connections: dict[ClientConnection, None] = {}
        self.most_connections = MAX_CONNECTIONS
        self.now = time.monotonic()
        self.buffered_bytes = 0
        self.refused_connections = 0
        self._server: asyncio.Server | None = None

    async def listen(self, host: str, port: int) -> int:
        """Open the data port; returns its number. Raises OSError when it is taken."""
        loop = asyncio.get_running_loop()
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind((host, port))
        except OSError:
            sock.close()
            raise
        self._server = await loop.create_server(
            lambda: ClientConnection(self), sock=sock, backlog=BACKLOG
        )
        return int(sock.getsockname()[1])

    def stop_listening(self) -> None:
        """Take no new connections."""
        if self._server is not None:
            self._server.close()
            self._server = None

    def close(self) -> None:
        """Drop every connection."""
        self.stop_listening()
        for connection in tuple(self.connections):
            connection.abort()

    def sweep(self, lost_s: float = 0.0) -> None:
        """Close what idles or dawdles; call it every `SWEEP_S`. The seconds that the node itself
        stood still, ``lost_s`` in all, are nobody's dawdling."""
        self.now = now = time.monotonic() - lost_s
        for connection in tuple(self.connections):
            connection.sweep(now)

    def admit(self, connection: ClientConnection) -> bool:
        """Count a new connection in; False when there are too many and none of them is idle."""
        self.connections[connection] = None
        if len(self.connections) <= self.most_connections or self._make_room(connection):
            return True
        self.refused_connections += 1
        return False

    def forget(self, connection: ClientConnection) -> None:
        """It is over."""
        self.connections.pop(connection, None)

    def _make_room(self, newest: ClientConnection) -> bool:
        """Drop those that idle longest, several at once: looking for them takes its time."""
        idle = [
            (since, number, connection)
            for number, connection in enumerate(self.connections)
            if connection is not newest and (since := connection.idle_since) is not None
        ]
        for _, _, connection in sorted(idle)[: 1 + self.most_connections // 16]:
            connection.abort()
            self.forget(connection)  # it hears of its end later
        return bool(idle)
