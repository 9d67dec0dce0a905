"""Windows over cumulative counters: rates, error ratios and percentiles that are true or absent."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from gaesup_tui.domain.observation import Counters

KEEP_S = 300.0


@dataclass(frozen=True, slots=True)
class Window:
    """What happened to one revision in the last seconds."""

    seconds: float
    """Time really covered; shorter than asked for when the series is young."""
    requests: int
    errors: int
    p50_s: float | None
    p95_s: float | None

    @property
    def rate(self) -> float | None:
        """Requests per second; None when no time is covered."""
        return self.requests / self.seconds if self.seconds > 0 else None

    @property
    def error_ratio(self) -> float | None:
        """Errors per request; None without a request."""
        return self.errors / self.requests if self.requests else None


def quantile(bounds_s: tuple[float, ...], counts: list[int], share: float) -> float | None:
    """The quantile of a bucketed distribution, linear inside its bucket (as PromQL's
    ``histogram_quantile``). In the open last bucket: that bucket's lower bound. None if empty.
    """
    total = sum(counts)
    if not total:
        return None
    rank = share * total
    below = 0
    for index, count in enumerate(counts):
        if count and below + count >= rank:
            if index >= len(bounds_s):
                return bounds_s[-1] if bounds_s else None
            low = bounds_s[index - 1] if index else 0.0
            return low + (bounds_s[index] - low) * (rank - below) / count
        below += count
    return bounds_s[-1] if bounds_s else None


class Series:
    """The recent cumulative samples of one revision, oldest first."""

    __slots__ = ("_boot", "_samples")

    def __init__(self) -> None:
        self._boot = ""
        self._samples: deque[tuple[float, Counters]] = deque()

    def add(self, at: float, boot: str, counters: Counters) -> None:
        """Takes a sample. A new ``boot`` or a counter that fell begins the series anew; a sample
        that is not newer than the last is a repeat and is left out."""
        samples = self._samples
        if boot != self._boot or (samples and counters.requests < samples[-1][1].requests):
            samples.clear()
            self._boot = boot
        if samples and at <= samples[-1][0]:
            return
        samples.append((at, counters))
        while samples[0][0] < at - KEEP_S:
            samples.popleft()

    @property
    def last_at(self) -> float | None:
        return self._samples[-1][0] if self._samples else None

    def window(self, now: float, seconds: float, since: float = 0.0) -> Window | None:
        """What happened in the last ``seconds``, but not before ``since``. None without samples
        inside that time: no data is not zero."""
        samples = self._samples
        start = max(now - seconds, since)
        if not samples or samples[-1][0] <= start:
            return None
        first = samples[0]
        for sample in reversed(samples):
            first = sample
            if sample[0] <= start:
                break
        at, last = samples[-1]
        began, base = first
        if not base.buckets:
            base = Counters(
                base.ok, base.errors, base.client_errors, last.bounds_s, (0,) * len(last.buckets)
            )
        counts = [b - a for a, b in zip(base.buckets, last.buckets, strict=False)]
        return Window(
            seconds=at - began,
            requests=last.requests - base.requests,
            errors=last.errors - base.errors,
            p50_s=quantile(last.bounds_s, counts, 0.5),
            p95_s=quantile(last.bounds_s, counts, 0.95),
        )
