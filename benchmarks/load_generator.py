"""What `gaesup load` costs and how exact it is, against a server that answers at once.

    python benchmarks/load_generator.py [RPS ...]

One JSON object per rate: requests due and answered, how many were sent more than 10 ms late, the
latencies seen, and the generator's share of one core. The last line is the control: a server that
stalls for one second in the middle of four at 100 requests a second. A quarter of the requests fall
due meanwhile, so p90 must be near 600 ms; a generator that waits for replies would see next to
nothing.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import sys
import time
from multiprocessing.connection import Connection
from typing import cast

from gaesup_tui.cli.load_report import LoadReport
from gaesup_tui.cli.load_traffic import LoadTarget, run_load

SECONDS = 4.0
STALL_AFTER_S = 1.5
STALL_S = 1.0
REPLY = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Gaesup-Revision: v1\r\n\r\nok"


class Answering(asyncio.Protocol):
    """Answers whatever arrives; the requests of this benchmark have no bodies."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start."""
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """One reply per request."""
        self._transport.write(REPLY * data.count(b"\r\n\r\n"))


async def serve(pipe: Connection, stalls: bool) -> None:
    """Listen, say where, and end when told."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Answering, "127.0.0.1", 0)
    pipe.send(server.sockets[0].getsockname()[1])
    if stalls:
        loop.call_later(STALL_AFTER_S, time.sleep, STALL_S)
    await loop.run_in_executor(None, pipe.recv)
    server.close()


def serve_process(pipe: Connection, stalls: bool) -> None:
    """The server in a process of its own."""
    asyncio.run(serve(pipe, stalls))


def measure(rps: float, stalls: bool = False) -> dict[str, object]:
    """One run."""
    ours, theirs = multiprocessing.Pipe()
    server = multiprocessing.Process(target=serve_process, args=(theirs, stalls))
    server.start()
    port = int(ours.recv())
    cpu_s, wall_s = time.process_time(), time.monotonic()
    target = LoadTarget("any", "production", port)
    report = asyncio.run(run_load(target, rps, SECONDS, lambda second: None, asyncio.Event()))
    share = (time.process_time() - cpu_s) / (time.monotonic() - wall_s)
    ours.send("end")
    server.join(5)
    return row(rps, stalls, share, report)


def row(rps: float, stalls: bool, cpu_share: float, report: LoadReport) -> dict[str, object]:
    """What is printed of a run."""
    latency = report.latency
    assert latency is not None
    return {
        "rps": rps,
        "server_stall_s": STALL_S if stalls else 0,
        "due": report.due,
        "answered": report.answered,
        "errors": report.errors,
        "late": report.late,
        "p50_ms": round(latency.p50_s * 1e3, 2),
        "p90_ms": round(latency.p90_s * 1e3, 2),
        "p99_ms": round(latency.p99_s * 1e3, 2),
        "max_ms": round(latency.max_s * 1e3, 2),
        "cpu_share": round(cpu_share, 3),
    }


if __name__ == "__main__":
    for wanted in [float(word) for word in sys.argv[1:]] or [100.0, 500.0, 1000.0, 2000.0]:
        print(json.dumps(measure(wanted)), flush=True)
    print(json.dumps(measure(100.0, stalls=True)), flush=True)
