"""Counters of the node and their Prometheus text.

Counters only grow while the node lives, also when a revision is removed and comes back. They
are touched once per request, so they are plain lists and nothing else.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable
from typing import Any, Final

CLASSES: Final = ("2xx", "3xx", "4xx", "5xx")
BUCKETS_S: Final = (
    0.00025, 0.0005, 0.00075, 0.001, 0.0015, *(float(f"{0.002 * 1.2**i:.5g}") for i in range(48)),
)  # fmt: skip
"""2 ms to 10.5 s in steps of a fifth: two latencies that differ by a tenth fill them differently.
The finer ones below are for units that answer within a millisecond."""


class Mirrored:
    """Copies of other revisions' requests; no user saw a reply.

    Attributes:
        requests: counts of 2xx, 3xx, 4xx, 5xx.
        dropped: copies that were not made because too many were waiting.
    """

    __slots__ = ("dropped", "requests")

    def __init__(self) -> None:
        self.requests = [0, 0, 0, 0]
        self.dropped = 0

    def count(self, status: int) -> None:
        """One reply."""
        self.requests[_class_of(status)] += 1

    def as_state(self) -> dict[str, Any]:
        """The JSON of the node's observation."""
        return {
            "requests": dict(zip(CLASSES, self.requests, strict=True)),
            "dropped": self.dropped,
        }


def _class_of(status: int) -> int:
    index = status // 100 - 2
    return index if 0 <= index < 4 else 3


class RevisionMetrics:
    """What users saw of one revision.

    Attributes:
        requests: counts of 2xx, 3xx, 4xx, 5xx.
        bucket_counts: successful replies (below 500) per bucket of `BUCKETS_S`, and a last one for
            what is slower. A failure that comes fast is no fast service, a deadline no slow one.
        conversions: successful replies to the unit's conversion; None: nothing said what that is.
        duration_sum_s: seconds from the request's last byte in to the reply handed to the socket,
            of the same replies.
    """

    __slots__ = (
        "bucket_counts",
        "conversions",
        "duration_sum_s",
        "inflight",
        "mirrored",
        "requests",
        "traps",
    )

    def __init__(self) -> None:
        self.requests = [0, 0, 0, 0]
        self.bucket_counts = [0] * (len(BUCKETS_S) + 1)
        self.duration_sum_s = 0.0
        self.conversions: int | None = None
        self.mirrored = Mirrored()
        self.inflight = 0
        self.traps: Counter[str] = Counter()

    def count(self, status: int, duration_s: float) -> None:
        """One reply."""
        index = status // 100 - 2
        self.requests[index if 0 <= index < 4 else 3] += 1
        if status < 500:
            self.bucket_counts[bisect_left(BUCKETS_S, duration_s)] += 1
            self.duration_sum_s += duration_s

    def as_state(self) -> dict[str, Any]:
        """The JSON of the node's observation."""
        return {
            "requests": dict(zip(CLASSES, self.requests, strict=True)),
            "traps": dict(self.traps),
            "duration_buckets": {"le": list(BUCKETS_S), "counts": list(self.bucket_counts)},
            "duration_sum_s": round(self.duration_sum_s, 6),
            "inflight": self.inflight,
            "conversions": self.conversions,
            "mirrored": self.mirrored.as_state(),
        }


def escape_label(value: str) -> str:
    """A label value as the text format wants it."""
    return value.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')


def _labels(**labels: str) -> str:
    return ",".join(f'{name}="{escape_label(value)}"' for name, value in labels.items())


class PrometheusText:
    """Collects samples by family, so that each family is written once and whole."""

    def __init__(self) -> None:
        self._families: dict[str, tuple[str, str, list[str]]] = {}

    def family(self, name: str, kind: str, about: str) -> None:
        """Declare a metric."""
        self._families.setdefault(name, (kind, about, []))

    def sample(self, family: str, value: float, suffix: str = "", **labels: str) -> None:
        """Add one value; `suffix` is for ``_bucket``, ``_sum`` and ``_count``."""
        self._families[family][2].append(f"{family}{suffix}{{{_labels(**labels)}}} {value:g}")

    def text(self) -> str:
        """Everything in exposition format 0.0.4."""
        lines: list[str] = []
        for name, (kind, about, samples) in self._families.items():
            lines += [f"# HELP {name} {about}", f"# TYPE {name} {kind}", *samples]
        return "\n".join(lines) + "\n"


_FAMILIES: Final = (
    ("gaesup_requests_total", "counter", "Replies by revision and status class."),
    ("gaesup_request_duration_seconds", "histogram", "Time to the successful reply, by revision."),
    ("gaesup_inflight_requests", "gauge", "Requests being answered, by revision."),
    ("gaesup_conversions_total", "counter", "Successful replies to the unit's conversion."),
    ("gaesup_users", "gauge", "Different users by their key, since the rollout began."),
    ("gaesup_converted_users", "gauge", "Of those, users with a conversion."),
    ("gaesup_mirrored_requests_total", "counter", "Replies to copies, which no user saw."),
    ("gaesup_mirror_dropped_total", "counter", "Copies not made: too many were waiting."),
    ("gaesup_traps_total", "counter", "Calls into units that ended in a trap, by code."),
    ("gaesup_replica_ready", "gauge", "1 when the replica takes traffic."),
    ("gaesup_replica_restarts_total", "counter", "Starts after the first one."),
    ("gaesup_replica_memory_bytes", "gauge", "Linear memory of the unit."),
    ("gaesup_replica_cpu_seconds_total", "counter", "CPU time of the process now running."),
    ("gaesup_replica_requests_total", "counter", "Requests sent to the replica."),
    ("gaesup_replica_health_failures", "gauge", "Failed health polls in a row."),
    ("gaesup_traffic_weight_percent", "gauge", "Share of traffic in the routing table."),
)


_BUSINESS: Final = (
    ("gaesup_conversions_total", "conversions"),
    ("gaesup_users", "users"),
    ("gaesup_converted_users", "converted_users"),
)


def prometheus(deployments: Iterable[tuple[str, dict[str, Any]]]) -> str:
    """Prometheus text from the deployments of an observation."""
    text = PrometheusText()
    for family in _FAMILIES:
        text.family(*family)
    for deployment, state in deployments:
        for revision, weight in state["weights"].items():
            text.sample(
                "gaesup_traffic_weight_percent", weight, deployment=deployment, revision=revision
            )
        for revision, facts in state["revisions"].items():
            _revision(text, facts, {"deployment": deployment, "revision": revision})
    return text.text()


def _revision(text: PrometheusText, facts: dict[str, Any], labels: dict[str, str]) -> None:
    for status_class, count in facts["requests"].items():
        text.sample("gaesup_requests_total", count, **labels, **{"class": status_class})
    total = 0
    edges = [f"{edge:g}" for edge in BUCKETS_S] + ["+Inf"]
    for edge, count in zip(edges, facts["duration_buckets"]["counts"], strict=True):
        total += count
        text.sample("gaesup_request_duration_seconds", total, "_bucket", **labels, le=edge)
    text.sample("gaesup_request_duration_seconds", facts["duration_sum_s"], "_sum", **labels)
    text.sample("gaesup_request_duration_seconds", total, "_count", **labels)
    text.sample("gaesup_inflight_requests", facts["inflight"], **labels)
    mirrored = facts["mirrored"]
    if mirrored["dropped"] or any(mirrored["requests"].values()):
        for status_class, count in mirrored["requests"].items():
            each = {**labels, "class": status_class}
            text.sample("gaesup_mirrored_requests_total", count, **each)
        text.sample("gaesup_mirror_dropped_total", mirrored["dropped"], **labels)
    for family, name in _BUSINESS:
        if facts[name] is not None:
            text.sample(family, facts[name], **labels)
    for code, count in facts["traps"].items():
        text.sample("gaesup_traps_total", count, **labels, code=code)
    for replica in facts["replicas"]:
        _replica(text, replica, {**labels, "replica": replica["id"]})


def _replica(text: PrometheusText, replica: dict[str, Any], labels: dict[str, str]) -> None:
    text.sample("gaesup_replica_ready", replica["state"] == "ready", **labels)
    text.sample("gaesup_replica_restarts_total", replica["restarts"], **labels)
    text.sample("gaesup_replica_memory_bytes", replica["memory_bytes"], **labels)
    text.sample("gaesup_replica_cpu_seconds_total", replica["cpu_s"], **labels)
    text.sample("gaesup_replica_requests_total", replica["requests"], **labels)
    text.sample("gaesup_replica_health_failures", replica["consecutive_health_failures"], **labels)
