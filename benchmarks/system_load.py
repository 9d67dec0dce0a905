"""Requests at a fixed rate, each with the moment it was sent and the revision that answered.

    python benchmarks/system_load.py PORT HOST RPS FILE

Sends until its standard input ends. Every reply becomes a line of FILE: sent and received on the
system's monotonic clock, the status and the revision. A request that is due while its connection
still waits for a reply is sent when that came; a connection that breaks is opened again and counted
with status 0.
"""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path

CONNECTIONS = 16


class Connection:
    """One connection that sends its part of the requests."""

    def __init__(self, port: int, host: str, lines: list[str]) -> None:
        self._port = port
        self._request = f"GET /carts/7 HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()
        self._lines = lines

    async def send(self, first_at: float, every_s: float, over: asyncio.Event) -> None:
        """Sends when due until it is over."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        due = first_at
        while not over.is_set():
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            sent = time.monotonic()
            try:
                writer.write(self._request)
                status, revision = await _reply(reader)
            except (OSError, asyncio.IncompleteReadError):
                status, revision = 0, "-"
                writer.close()
                reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
            self._lines.append(f"{sent:.6f} {time.monotonic():.6f} {status} {revision}\n")
            due += every_s
        writer.close()


async def _reply(reader: asyncio.StreamReader) -> tuple[int, str]:
    head = await reader.readuntil(b"\r\n\r\n")
    revision, length = "-", 0
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b": ")
        if name == b"x-gaesup-revision":
            revision = value.decode()
        elif name == b"content-length":
            length = int(value)
    await reader.readexactly(length)
    return int(head[9:12]), revision


async def _run(port: int, host: str, rps: float) -> list[str]:
    lines: list[str] = []
    over = asyncio.Event()
    asyncio.get_running_loop().add_reader(0, over.set)
    now = time.monotonic()
    every_s = CONNECTIONS / rps
    await asyncio.gather(
        *(
            Connection(port, host, lines).send(now + n / rps, every_s, over)
            for n in range(CONNECTIONS)
        )
    )
    return lines


if __name__ == "__main__":
    _, port, host, rps, path = sys.argv
    sent = asyncio.run(_run(int(port), host, float(rps)))
    Path(path).write_text("".join(sent), encoding="ascii")
