"""Windows over cumulative counters: rates, error ratios and percentiles that are true or absent."""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from gaesup_tui.domain.observation import Counters

KEEP_S = 300.0
MIN_SPACING_S = 0.5
"""Samples that come faster replace each other."""


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
            inside = (bounds_s[index] - low) * (rank - below) / count
            return min(bounds_s[index], low + inside)  # a rounding may not leave the bucket
        below += count
    return bounds_s[-1] if bounds_s else None


@dataclass(frozen=True, slots=True)
class Delta:
    """What counters gained over a time, before anything is made of it."""

    seconds: float
    requests: int
    errors: int
    bounds_s: tuple[float, ...]
    buckets: tuple[int, ...]
    conversions: int | None = None
    """None: nothing counts them, or did not all the time."""


def window_of(deltas: Sequence[Delta]) -> Window | None:
    """What several revisions did together; None when nothing is known of any."""
    if not deltas:
        return None
    widest = max(deltas, key=lambda delta: len(delta.buckets))
    counts = [0] * len(widest.buckets)
    for delta in deltas:
        if delta.bounds_s == widest.bounds_s:
            for index, count in enumerate(delta.buckets):
                counts[index] += count
    return Window(
        seconds=max(delta.seconds for delta in deltas),
        requests=sum(delta.requests for delta in deltas),
        errors=sum(delta.errors for delta in deltas),
        p50_s=quantile(widest.bounds_s, counts, 0.5),
        p95_s=quantile(widest.bounds_s, counts, 0.95),
    )


def _converted(counters: Counters) -> int | None:
    """Before its first request nothing converted, also where nobody had said yet what that is."""
    return counters.conversions if counters.requests else counters.conversions or 0


def _gained(before: int | None, after: int | None) -> int | None:
    return None if before is None or after is None else after - before


def _at(times: Sequence[float], counts: Sequence[int], at: float) -> float:
    """The count at a moment between the first and the last of ``times``."""
    after = bisect_left(times, at)
    if times[after] == at or after == 0:
        return counts[after]
    part = (at - times[after - 1]) / (times[after] - times[after - 1])
    return counts[after - 1] + part * (counts[after] - counts[after - 1])


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
        if len(samples) > 1 and at - samples[-2][0] < MIN_SPACING_S:
            samples.pop()  # cumulative: the newer one says all that the older one said
        samples.append((at, counters))
        while samples[0][0] < at - KEEP_S:
            samples.popleft()

    @property
    def last_at(self) -> float | None:
        return self._samples[-1][0] if self._samples else None

    def delta(self, now: float, seconds: float, since: float = 0.0) -> Delta | None:
        """What was gained in the last ``seconds``, but not before ``since``. None without samples
        inside that time: no data is not zero."""
        samples = self._samples
        start = max(now - seconds, since)
        if not samples or samples[-1][0] <= start:
            return None
        first = samples[0]
        if first[0] < start:  # else all there is: no need to look for where to begin
            for sample in reversed(samples):
                first = sample
                if sample[0] <= start:
                    break
        at, last = samples[-1]
        began, base = first
        before = base.buckets or (0,) * len(last.buckets)
        return Delta(
            seconds=at - began,
            requests=last.requests - base.requests,
            errors=last.errors - base.errors,
            bounds_s=last.bounds_s,
            buckets=tuple(b - a for a, b in zip(before, last.buckets, strict=False)),
            conversions=_gained(_converted(base), last.conversions),
        )

    def requests_between(self, start: float, end: float) -> float | None:
        """Requests from ``start`` to ``end``, by straight lines between samples. None when one of
        both is not between the first and the last sample."""
        samples = self._samples
        if not samples or start < samples[0][0] or end > samples[-1][0]:
            return None
        times = [at for at, _ in samples]
        counts = [counters.requests for _, counters in samples]
        return _at(times, counts, end) - _at(times, counts, start)

    @property
    def first_at(self) -> float | None:
        return self._samples[0][0] if self._samples else None

    def window(self, now: float, seconds: float, since: float = 0.0) -> Window | None:
        """``delta`` as rates, ratios and percentiles."""
        delta = self.delta(now, seconds, since)
        return None if delta is None else window_of((delta,))
