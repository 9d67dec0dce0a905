"""What the console knows: a copy of the engine's state, kept current by its stream.

The link writes, the screens read. Between two ticks of the screen any number of changes may come;
only the last of each deployment counts. ``take`` says what differs since the last tick.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gaesup_tui.domain.views import (
        Changes,
        DeploymentView,
        EngineView,
        EventView,
        Numbers,
        Overview,
        Telemetry,
    )

MAX_EVENTS = 2000
SPARK_BARS = 24
SPARK_BAR_S = 5
"""One bar per five seconds: a chart that moves each second is a line repainted each second."""
_NOTHING: Numbers = {"rps": None, "error_ratio": None, "p50_s": None, "p95_s": None}


class _Spark:
    """Requests per second as bars, each the mean of the samples of its five seconds."""

    def __init__(self) -> None:
        self.bars: deque[float | None] = deque(maxlen=SPARK_BARS)
        self._slot = 0
        self._samples: list[float] = []

    def add(self, at: float, value: float | None) -> None:
        slot = int(at // SPARK_BAR_S)
        if slot != self._slot:
            if self._slot:
                samples = self._samples
                self.bars.append(sum(samples) / len(samples) if samples else None)
                missed = min(slot - self._slot - 1, SPARK_BARS)
                self.bars.extend([None] * missed)
            self._slot, self._samples = slot, []
        if value is not None:
            self._samples.append(value)


@dataclass(frozen=True, slots=True)
class Diff:
    """What changed since the last tick."""

    deployments: frozenset[str] = frozenset()
    """Keys of deployments that changed, came or went."""
    engine: bool = False
    events: bool = False
    numbers: bool = False
    clock: bool = False
    """A second went by: ages may read differently."""

    @property
    def anything(self) -> bool:
        return bool(self.deployments or self.engine or self.events or self.numbers or self.clock)


EVERYTHING = Diff(frozenset(), engine=True, events=True, numbers=True, clock=True)


class Replica:
    """Deployments, engine, recent events and the latest numbers."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self.deployments: dict[str, DeploymentView] = {}
        self.engine: EngineView | None = None
        self.events: deque[EventView] = deque(maxlen=MAX_EVENTS)
        """Oldest first."""
        self.seq = -1
        """Of the last journal event seen; -1 before the first snapshot."""
        self.heard_at: float | None = None
        """When anything last came from the engine, by our clock."""
        self._clock = clock
        self._skew_s = 0.0
        self._rows: dict[str, list[float | None]] = {}
        self._by_revision: dict[str, dict[str, list[float | None]]] = {}
        self._sparks: dict[str, _Spark] = {}
        self._changed: set[str] = set()
        self._engine_changed = False
        self._events_changed = False
        self._numbers_changed = False
        self._second = 0

    # The clock ------------------------------------------------------------------------------

    def now(self) -> float:
        """The engine's time: all times in views are by its clock, which may not be ours."""
        return self._clock() + self._skew_s

    def age_s(self) -> float | None:
        """Seconds since the engine was last heard; None: never."""
        return None if self.heard_at is None else max(0.0, self._clock() - self.heard_at)

    # What the link writes -------------------------------------------------------------------

    def hear(self, at: float | None = None) -> None:
        """The engine said something; ``at`` is its clock if it said the time."""
        self.heard_at = self._clock()
        if at is not None:
            skew = at - self.heard_at
            # What is within the way of a message is not a difference of clocks.
            self._skew_s = skew if abs(skew) > 2.0 else 0.0

    def load(self, overview: Overview) -> None:
        """Start anew from a snapshot."""
        self._changed |= self.deployments.keys()
        self.deployments = {view["key"]: view for view in overview["deployments"]}
        self._changed |= self.deployments.keys()
        self.engine = overview["engine"]
        self._engine_changed = True
        known = {event["seq"] for event in self.events}
        fresh = [event for event in overview["recent"] if event["seq"] not in known]
        merged = sorted([*self.events, *fresh], key=lambda event: event["seq"])
        self.events = deque(merged, maxlen=MAX_EVENTS)
        self._events_changed = True
        self.seq = overview["seq"]
        self.hear(overview["engine"]["at"])

    def forget(self) -> None:
        """Another engine answers under the same name: what was known is not its state."""
        self.events.clear()
        self._rows.clear()
        self._by_revision.clear()
        self._sparks.clear()
        self.seq = -1

    def change(self, changes: Changes) -> None:
        """Newer views of some deployments."""
        for view in changes["deployments"]:
            self.deployments[view["key"]] = view
            self._changed.add(view["key"])
        for key in changes["gone"]:
            self.deployments.pop(key, None)
            self._rows.pop(key, None)
            self._sparks.pop(key, None)
            self._changed.add(key)
        if changes["engine"] is not None:
            self.engine = changes["engine"]
            self._engine_changed = True
        self.hear(changes["engine"]["at"] if changes["engine"] else None)

    def journal(self, event: EventView) -> None:
        """One more event; a repeat is ignored."""
        if event["seq"] <= self.seq:
            return
        self.events.append(event)
        self.seq = event["seq"]
        self._events_changed = True
        self.hear()

    def measure(self, telemetry: Telemetry) -> None:
        """The numbers of this second."""
        self._rows = telemetry["rows"]
        self._by_revision = telemetry["revisions"]
        for key, row in telemetry["rows"].items():
            spark = self._sparks.get(key)
            if spark is None:
                spark = self._sparks[key] = _Spark()
            spark.add(telemetry["at"], row[0])
        self._numbers_changed = True
        self.hear(telemetry["at"])

    def backfill(self, key: str, at: float, step_s: float, rps: list[float | None]) -> None:
        """Samples from before anybody looked, oldest first, the last of them at ``at``; what was
        measured since stays."""
        live = self._sparks.get(key)
        spark = _Spark()
        for number, value in enumerate(rps):
            spark.add(at - step_s * (len(rps) - 1 - number), value)
        if live is not None and live.bars:
            # Both end at about the same moment: the live bars are the newer ones.
            older = list(spark.bars)[: -len(live.bars)]
            live.bars.extendleft(reversed(older[-(SPARK_BARS - len(live.bars)) :]))
        else:
            self._sparks[key] = spark
        self._numbers_changed = True

    def set_frozen(self, reason: str | None) -> None:
        """What a beat says of the journal."""
        if self.engine is not None and self.engine["frozen"] != reason:
            self.engine = {**self.engine, "frozen": reason}
            self._engine_changed = True

    # What the screens read ------------------------------------------------------------------

    def numbers(self, key: str) -> Numbers:
        """Traffic of a deployment over the last seconds."""
        row = self._rows.get(key)
        if row is not None:
            return {"rps": row[0], "error_ratio": row[1], "p50_s": row[2], "p95_s": row[3]}
        view = self.deployments.get(key)
        return view["numbers"] if view else _NOTHING

    def revision_numbers(self, key: str, revision: str) -> Numbers:
        """Traffic of one revision of a deployment."""
        row = self._by_revision.get(key, {}).get(revision)
        if row is not None:
            return {"rps": row[0], "error_ratio": row[1], "p50_s": row[2], "p95_s": row[3]}
        view = self.deployments.get(key)
        if view is None:
            return _NOTHING
        if key not in self._rows:  # nothing was measured since the view came
            return view["by_revision"].get(revision, _NOTHING)
        # Revisions are measured apart only while something moves; else one serves all there is.
        serving = [r["id"] for r in view["revisions"] if r["weight_seen"]]
        return self.numbers(key) if serving == [revision] else _NOTHING

    def ready(self, key: str) -> int | None:
        """Replicas ready, from the newest of view and telemetry."""
        row = self._rows.get(key)
        if row is not None and len(row) > 4 and row[4] is not None:
            return int(row[4])
        view = self.deployments.get(key)
        return view["ready"] if view else None

    def spark(self, key: str) -> list[float | None]:
        """Requests per second as bars of five seconds each, oldest first."""
        spark = self._sparks.get(key)
        return list(spark.bars) if spark else []

    def measured(self) -> frozenset[str]:
        """Keys of the deployments the last telemetry has numbers of."""
        return frozenset(self._rows)

    def take(self) -> Diff:
        """What changed since this was last asked."""
        second = int(self._clock())
        diff = Diff(
            frozenset(self._changed),
            self._engine_changed,
            self._events_changed,
            self._numbers_changed,
            second != self._second,
        )
        self._second = second
        self._changed = set()
        self._engine_changed = self._events_changed = self._numbers_changed = False
        return diff
