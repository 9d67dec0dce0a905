"""One point per second for sparklines: what was, or None where nothing is known."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

KEEP_POINTS = 120


@dataclass(frozen=True, slots=True)
class Point:
    """One second. A rate of 0 is known silence; None is not known."""

    rate: float | None
    """Requests per second."""
    error_ratio: float | None
    p50_s: float | None
    p95_s: float | None
    memory_bytes: int | None


class Points:
    """The last ``KEEP_POINTS`` seconds, oldest first."""

    __slots__ = ("_points", "last_second")

    def __init__(self) -> None:
        self.last_second = 0
        self._points: deque[Point | None] = deque(maxlen=KEEP_POINTS)

    def add(self, second: int, point: Point) -> None:
        """Takes the point of a second; seconds that were left out become gaps."""
        if second <= self.last_second:
            return
        if self._points:
            missed = second - self.last_second - 1
            self._points.extend([None] * min(missed, KEEP_POINTS))
        self._points.append(point)
        self.last_second = second

    def read(self, second: int) -> tuple[Point | None, ...]:
        """The points up to ``second``: what is missing at the end is a gap too. The second in
        hand is not missed yet, nor is the one before it."""
        missed = min(max(0, second - self.last_second - 2), KEEP_POINTS)
        return (*self._points, *(None,) * missed)[-KEEP_POINTS:]
