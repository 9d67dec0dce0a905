"""Traffic beside a synchronous test: the load generator in a thread, and what it saw."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from gaesup_tui.cli.load_report import LoadReport
from gaesup_tui.cli.load_traffic import LoadTarget, run_load


class Traffic:
    """Requests that come whatever happens; ``end`` tells what became of them."""

    def __init__(self, port: int, unit: str, rps: float) -> None:
        self.seconds: list[LoadReport] = []
        self._target = LoadTarget(unit, "production", port)
        self._rps = rps
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._report: LoadReport | None = None
        self._news = threading.Condition()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        work = run_load(self._target, self._rps, None, self._second, self._stop)
        try:
            self._report = self._loop.run_until_complete(work)
        finally:
            self._loop.close()

    def _second(self, report: LoadReport) -> None:
        with self._news:
            self.seconds.append(report)
            self._news.notify_all()

    def next_second(self) -> LoadReport:
        """The first whole second that begins from now on."""
        with self._news:
            count = len(self.seconds) + 2
            assert self._news.wait_for(lambda: len(self.seconds) >= count, 10.0), "no traffic"
            return self.seconds[count - 1]

    def end(self) -> LoadReport:
        """Stops; the report of all of it."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join(15.0)
        assert self._report is not None, "the traffic broke"
        return self._report


@contextmanager
def flowing(port: int, unit: str = "cart", rps: float = 200.0) -> Iterator[Traffic]:
    """Traffic to a unit in production while the block runs."""
    traffic = Traffic(port, unit, rps)
    try:
        yield traffic
    finally:
        traffic.end()


def wrong(report: LoadReport) -> dict[str, int]:
    """What clients saw that no one should: replies of 500 and more, and requests without a
    reply."""
    failed = {str(status): n for status, n in report.by_status.items() if status >= 500}
    return failed | report.errors


def longest_ms(report: LoadReport) -> float:
    """The longest any request waited from when it was due; a silence is at most so long."""
    return report.latency.max_s * 1000 if report.latency else float("inf")
