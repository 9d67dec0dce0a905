"""Who is calling: the kernel says it (``SO_PEERCRED``, ``loginuid``), never the request."""

from __future__ import annotations

import asyncio
import os
import pwd
import socket
import struct
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from starlette.requests import HTTPConnection
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from gaesup_tui.domain.rollout import Actor

_CREDENTIALS = struct.Struct("3i")


@dataclass(frozen=True, slots=True)
class Peer:
    """The process at the other end of a connection."""

    pid: int
    uid: int
    person: int
    """Who logged in, also behind ``sudo`` and a shared account; else the same as ``uid``."""
    transport: asyncio.Transport
    """To cut off a client that reads no more."""

    @property
    def allowed(self) -> bool:
        """The engine's own user and root, nobody else, even when a folder was opened by mistake."""
        return self.uid in (os.geteuid(), 0)

    @property
    def actor(self) -> Actor:
        """As commands of this caller are journaled."""
        return Actor(name=login(self.person), uid=self.person)


@lru_cache(maxsize=64)
def login(uid: int) -> str:
    """The login name of a user id; ``uid 4711`` for one without a name."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"


_NOBODY_LOGGED_IN = 2**32 - 1


def person_behind(pid: int, uid: int) -> int:
    """The user who logged in to where this process comes from: the kernel keeps it over ``sudo``
    and ``su``, and only root can set it. Where nobody logged in (a service, a container) or the
    kernel does not say, the process's own user."""
    try:
        found = int(Path(f"/proc/{pid}/loginuid").read_text(encoding="ascii"))
    except (OSError, ValueError):
        return uid
    return uid if found == _NOBODY_LOGGED_IN else found


class PeerProtocol(HttpToolsProtocol):
    """Puts a ``Peer`` into the state of every request of its connection."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        sock = transport.get_extra_info("socket")
        raw = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
        pid, uid, _gid = _CREDENTIALS.unpack(raw)
        self.app_state = {
            **self.app_state,
            "peer": Peer(pid, uid, person_behind(pid, uid), transport),
        }
        super().connection_made(transport)


def peer(request: HTTPConnection) -> Peer:
    """Who sent this request."""
    found = request.scope["state"]["peer"]
    assert isinstance(found, Peer)  # PeerProtocol is the only protocol we serve with
    return found
