"""Open-loop HTTP traffic against one unit: the engine behind `gaesup load`.

Requests are due at fixed moments, whatever the replies do. Latency counts from the moment a
request was due, not from when it could be written, so a server that stalls shows the stall in
every request that should have been sent meanwhile (no coordinated omission).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from gaesup_tui.cli.load_connections import Connections, Shot
from gaesup_tui.cli.load_mix import Users, mix_for, request_maker
from gaesup_tui.cli.load_report import LoadReport, Tally

MAX_RPS = 10_000.0
REPORT_EVERY_S = 1.0
# A person who stops waits at most this long for replies under way.
_STOP_GRACE_S = 0.5
# So long at most until a stop is noticed; also the pace of a very slow load.
_LONGEST_SLEEP_S = 0.05


@dataclass(frozen=True)
class LoadTarget:
    """Where traffic goes: a node's front, and the unit behind it."""

    unit: str
    environment: str
    port: int
    address: str = "127.0.0.1"
    connections: int = 256
    timeout_s: float = 5.0
    users: Users | None = None
    """None: nobody can tell the requests' senders apart."""

    @property
    def host(self) -> str:
        """The Host header by which the front finds the unit."""
        return f"{self.unit}.{self.environment}.localhost"


class _Run:
    """One run: the schedule, and the tallies of this second and of all."""

    def __init__(self, target: LoadTarget, rps: float, duration_s: float | None) -> None:
        self._loop = asyncio.get_running_loop()
        self._next_request = request_maker(mix_for(target.unit), target.host, users=target.users)
        self._interval_s = 1.0 / rps
        self._due_in_all = None if duration_s is None else max(1, round(duration_s * rps))
        self._fired = 0
        self._began_at = self._loop.time()
        self._second = Tally()
        self._whole = Tally()
        self._timeout_s = target.timeout_s
        self._connections = Connections(
            target.address,
            target.port,
            target.connections,
            target.timeout_s,
            lambda: self._second,
        )

    @property
    def elapsed_s(self) -> float:
        return self._loop.time() - self._began_at

    async def fire_all(self, stop: asyncio.Event) -> None:
        """Fire each request when it is due, until all were or someone stops."""
        while not stop.is_set() and self._fired != self._due_in_all:
            self._fire_due()
            next_in_s = self._fired * self._interval_s - self.elapsed_s
            await asyncio.sleep(min(max(next_in_s, 0.0), _LONGEST_SLEEP_S))

    def _fire_due(self) -> None:
        due = int(self.elapsed_s / self._interval_s) + 1
        if self._due_in_all is not None:
            due = min(due, self._due_in_all)
        oldest = self._loop.time() - self._timeout_s
        for number in range(self._fired, due):
            due_at = self._began_at + number * self._interval_s
            self._second.due += 1
            if due_at < oldest:
                # After a freeze of ours: a burst of stale requests would be no load but an attack.
                self._second.failed("not sent: the generator was held up", self._timeout_s)
            else:
                self._connections.fire(Shot(self._next_request(), due_at))
        self._fired = max(self._fired, due)

    async def drain(self, stop: asyncio.Event) -> None:
        """Wait for replies under way, for the timeout or, once stopped, a moment."""
        until = self._loop.time() + (_STOP_GRACE_S if stop.is_set() else self._timeout_s)
        while self._connections.unfinished and self._loop.time() < until:
            if stop.is_set():
                until = min(until, self._loop.time() + _STOP_GRACE_S)
            await asyncio.sleep(0.01)

    async def report_each_second(self, on_report: Callable[[LoadReport], None]) -> None:
        number = 1
        while True:
            at = self._began_at + number * REPORT_EVERY_S
            await asyncio.sleep(max(0.0, at - self._loop.time()))
            on_report(self._close_second())
            number = int(self.elapsed_s / REPORT_EVERY_S) + 1

    def _close_second(self) -> LoadReport:
        closed, self._second = self._second, Tally(self.elapsed_s)
        self._whole.add(closed)
        return closed.report(self.elapsed_s)

    async def finish(self) -> LoadReport:
        await self._connections.close()
        self._whole.add(self._second)
        return self._whole.report(self.elapsed_s)


async def run_load(
    target: LoadTarget,
    rps: float,
    duration_s: float | None,
    on_report: Callable[[LoadReport], None],
    stop: asyncio.Event,
) -> LoadReport:
    """Send `rps` requests per second for `duration_s`, or until `stop` is set when that is None.

    Args:
        on_report: called each second with the report of that second.

    Returns:
        The report of the whole run.

    Raises:
        ValueError: rps is not above 0 and at most MAX_RPS, or the duration is not above 0.
    """
    if not 0 < rps <= MAX_RPS:
        raise ValueError(f"rps is {rps:g}; it must be above 0 and at most {MAX_RPS:g}")
    if duration_s is not None and not 0 < duration_s < float("inf"):
        raise ValueError(f"the duration is {duration_s:g} s; it must be above 0")
    run = _Run(target, rps, duration_s)
    reporter = asyncio.get_running_loop().create_task(run.report_each_second(on_report))
    try:
        await run.fire_all(stop)
        await run.drain(stop)
    finally:
        reporter.cancel()
        report = await run.finish()
    await asyncio.gather(reporter, return_exceptions=True)
    return report
