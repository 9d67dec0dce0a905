"""What clients saw: counts and latencies of generated traffic, in memory that does not grow."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass

NO_REVISION = "(none)"
_GROWTH = math.log(1.02)
_BUCKETS = 1000
_MICROSECOND = 1e-6


@dataclass(frozen=True)
class Latency:
    """Seconds from the moment a request was due until its reply was read, within 1 %.

    Up to a millisecond of it is our own timer's.
    """

    p50_s: float
    p90_s: float
    p95_s: float
    p99_s: float
    max_s: float


@dataclass(frozen=True)
class RevisionShare:
    """What one revision (response header `x-gaesup-revision`) answered."""

    answered: int
    server_errors: int
    latency: Latency


@dataclass(frozen=True)
class LoadReport:
    """An interval of a run: the last second while it runs, all of it at the end.

    `due` requests fell into the schedule, `sent` were written, `late` of them more than 10 ms
    after they were due. A request has either a status or an error. Latencies include requests
    that timed out, with the time they waited, so that a hang cannot look fast.
    """

    from_s: float
    to_s: float
    due: int
    sent: int
    late: int
    answered: int
    by_status: dict[int, int]
    errors: dict[str, int]
    latency: Latency | None
    by_revision: dict[str, RevisionShare]


class Histogram:
    """Latency counts in buckets that grow by 2 %: percentiles within 1 % in constant memory."""

    def __init__(self) -> None:
        self.counts = [0] * _BUCKETS
        self.total = 0
        self.max_s = 0.0

    def record(self, seconds: float) -> None:
        """Count one latency; below a microsecond counts as one."""
        bucket = int(math.log(max(seconds / _MICROSECOND, 1.0)) / _GROWTH)
        self.counts[min(bucket, _BUCKETS - 1)] += 1
        self.total += 1
        self.max_s = max(self.max_s, seconds)

    def add(self, other: Histogram) -> None:
        """Count all of another one's."""
        self.counts = [
            mine + theirs for mine, theirs in zip(self.counts, other.counts, strict=True)
        ]
        self.total += other.total
        self.max_s = max(self.max_s, other.max_s)

    def quantile(self, ratio: float) -> float:
        """The latency that `ratio` of all stayed within; 0 when nothing was counted."""
        rank = math.ceil(ratio * self.total)
        seen = 0
        for bucket, count in enumerate(self.counts):
            seen += count
            if count and seen >= rank:
                return min(math.exp((bucket + 0.5) * _GROWTH) * _MICROSECOND, self.max_s)
        return 0.0

    def summary(self) -> Latency | None:
        """The percentiles we show; None when nothing was counted."""
        if not self.total:
            return None
        return Latency(
            p50_s=self.quantile(0.50),
            p90_s=self.quantile(0.90),
            p95_s=self.quantile(0.95),
            p99_s=self.quantile(0.99),
            max_s=self.max_s,
        )


class _Revision:
    def __init__(self) -> None:
        self.histogram = Histogram()
        self.server_errors = 0


class Tally:
    """Collects an interval and gives its report."""

    def __init__(self, from_s: float = 0.0) -> None:
        self.from_s = from_s
        self.due = 0
        self.sent = 0
        self.late = 0
        self._statuses: Counter[int] = Counter()
        self._errors: Counter[str] = Counter()
        self._timeouts = Histogram()
        self._revisions: dict[str, _Revision] = {}

    def answered(self, status: int, revision: str, seconds: float) -> None:
        """Count one reply."""
        self._statuses[status] += 1
        seen = self._revisions.setdefault(revision or NO_REVISION, _Revision())
        seen.histogram.record(seconds)
        seen.server_errors += status >= 500

    def failed(self, kind: str, waited_s: float | None = None) -> None:
        """Count one request without a reply; `waited_s` when it gave up waiting."""
        self._errors[kind] += 1
        if waited_s is not None:
            self._timeouts.record(waited_s)

    def add(self, other: Tally) -> None:
        """Count all of another interval."""
        self.due += other.due
        self.sent += other.sent
        self.late += other.late
        self._statuses += other._statuses
        self._errors += other._errors
        self._timeouts.add(other._timeouts)
        for name, theirs in other._revisions.items():
            mine = self._revisions.setdefault(name, _Revision())
            mine.histogram.add(theirs.histogram)
            mine.server_errors += theirs.server_errors

    def report(self, to_s: float) -> LoadReport:
        """What was counted until now."""
        everything = Histogram()
        everything.add(self._timeouts)
        shares: dict[str, RevisionShare] = {}
        for name, seen in sorted(self._revisions.items()):
            everything.add(seen.histogram)
            latency = seen.histogram.summary()
            if latency is not None:
                count = seen.histogram.total
                shares[name] = RevisionShare(count, seen.server_errors, latency)
        return LoadReport(
            from_s=self.from_s,
            to_s=to_s,
            due=self.due,
            sent=self.sent,
            late=self.late,
            answered=self._statuses.total(),
            by_status=dict(sorted(self._statuses.items())),
            errors=dict(self._errors.most_common()),
            latency=everything.summary(),
            by_revision=shares,
        )
