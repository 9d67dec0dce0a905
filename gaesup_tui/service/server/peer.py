"""Who is calling: the kernel says it (``SO_PEERCRED``), never the request."""

from __future__ import annotations

import asyncio
import os
import pwd
import socket
import struct
from dataclasses import dataclass
from functools import lru_cache

from starlette.requests import HTTPConnection
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from gaesup_tui.domain.rollout import Actor

_CREDENTIALS = struct.Struct("3i")


@dataclass(frozen=True, slots=True)
class Peer:
    """The process at the other end of a connection."""

    pid: int
    uid: int
    transport: asyncio.Transport
    """To cut off a client that reads no more."""

    @property
    def allowed(self) -> bool:
        """The engine's own user and root, nobody else, even when a folder was opened by mistake."""
        return self.uid in (os.geteuid(), 0)

    @property
    def actor(self) -> Actor:
        return Actor(name=login(self.uid), uid=self.uid)


@lru_cache(maxsize=64)
def login(uid: int) -> str:
    """The login name of a user id; ``uid 4711`` for one without a name."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"


class PeerProtocol(HttpToolsProtocol):
    """Puts a ``Peer`` into the state of every request of its connection."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        sock = transport.get_extra_info("socket")
        raw = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
        pid, uid, _gid = _CREDENTIALS.unpack(raw)
        self.app_state = {**self.app_state, "peer": Peer(pid, uid, transport)}
        super().connection_made(transport)


def peer(request: HTTPConnection) -> Peer:
    """Who sent this request."""
    found = request.scope["state"]["peer"]
    assert isinstance(found, Peer)  # PeerProtocol is the only protocol we serve with
    return found
