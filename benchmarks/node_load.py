"""A small closed-loop load generator for the node: raw sockets, one process.

    python benchmarks/node_load.py PORT CONNECTIONS SECONDS [--pause S] [--samples F] [--header H]

Prints one JSON object: requests per second, latency percentiles, statuses, revisions. `--pause` is
the wait after a 503. With `--samples` each reply becomes a line of the file: sent and received on
the system's monotonic clock, status, revision.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from collections import Counter
from pathlib import Path
from typing import cast

import uvloop


class Totals:
    """What all connections saw."""

    def __init__(self) -> None:
        self.over = False
        self.lost = 0
        self.samples: list[tuple[float, float, int, str]] = []

    def report(self, duration_s: float) -> dict[str, object]:
        """As JSON."""
        latencies_s = sorted(received - sent for sent, received, _, _ in self.samples)
        count = len(latencies_s)
        return {
            "rps": round(count / duration_s, 1),
            "p50_ms": round(latencies_s[count // 2] * 1000, 3) if count else None,
            "p99_ms": round(latencies_s[count * 99 // 100] * 1000, 3) if count else None,
            "statuses": dict(Counter(status for _, _, status, _ in self.samples)),
            "revisions": dict(Counter(revision for _, _, _, revision in self.samples)),
            "lost": self.lost,
        }


class Client(asyncio.Protocol):
    """One connection that sends the next request when the reply is whole."""

    def __init__(self, request: bytes, totals: Totals, pause_s: float) -> None:
        self._request = request
        self._totals = totals
        self._pause_s = pause_s
        self._transport: asyncio.Transport | None = None
        self._buffer = b""
        self._sent = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start."""
        self._transport = cast(asyncio.Transport, transport)
        self._send()

    def data_received(self, data: bytes) -> None:
        """A reply, or a part of it."""
        self._buffer += data
        head, separator, body = self._buffer.partition(b"\r\n\r\n")
        if not separator or len(body) < int(_value(head, b"content-length: ")):
            return
        self._buffer = b""
        status = int(head[9:12])
        revision = _value(head, b"x-gaesup-revision: ").decode()
        self._totals.samples.append((self._sent, time.monotonic(), status, revision))
        if status == 503 and self._pause_s:
            asyncio.get_running_loop().call_later(self._pause_s, self._send)
        else:
            self._send()

    def connection_lost(self, error: Exception | None) -> None:
        """Count it: no connection should be lost."""
        self._transport = None
        self._totals.lost += 1

    def _send(self) -> None:
        if self._transport is not None and not self._totals.over:
            self._sent = time.monotonic()
            self._transport.write(self._request)


def _value(head: bytes, name: bytes) -> bytes:
    found = head.find(name)
    return b"0" if found < 0 else head[found + len(name) :].split(b"\r\n", 1)[0]


async def run(options: argparse.Namespace) -> Totals:
    """Run the load."""
    lines = "".join(f"{header}\r\n" for header in options.header)
    request = f"GET / HTTP/1.1\r\nhost: cart.production.localhost\r\n{lines}\r\n".encode()
    totals = Totals()
    loop = asyncio.get_running_loop()
    for _ in range(options.connections):
        await loop.create_connection(
            lambda: Client(request, totals, options.pause), "127.0.0.1", options.port
        )
    await asyncio.sleep(options.seconds)
    totals.over = True
    return totals


def main() -> None:
    """Run, write samples, print the report."""
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("connections", type=int)
    parser.add_argument("seconds", type=float)
    parser.add_argument("--pause", type=float, default=0.0)
    parser.add_argument("--samples", type=Path)
    parser.add_argument("--header", action="append", default=[])
    options = parser.parse_args()
    totals = uvloop.run(run(options))
    if options.samples is not None:
        options.samples.write_text(json.dumps(totals.samples))
    print(json.dumps(totals.report(options.seconds)))


if __name__ == "__main__":
    main()
