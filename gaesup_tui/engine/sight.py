"""What is seen of one backend: its last observation and the series of its revisions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from gaesup_tui.domain.checking import windows_of_checks
from gaesup_tui.domain.deployment import Deployment
from gaesup_tui.domain.drops import Compared, share_since
from gaesup_tui.domain.guards import comparisons_needed, totals_needed, windows_needed
from gaesup_tui.domain.look import Look, SmokeResult
from gaesup_tui.domain.observation import Counters, DeploymentSeen, Observation, RevisionSeen
from gaesup_tui.domain.rollout import Rollout
from gaesup_tui.domain.telemetry import KEEP_S, Series, Window, window_of
from gaesup_tui.domain.verdict import Verdict
from gaesup_tui.domain.verifying import VERIFY_S, to_verify
from gaesup_tui.engine.arrival import Arrival
from gaesup_tui.engine.points import Point, Points

STALE_S = 3.0
"""After this long without a new observation nothing is decided from the last one."""
LATELY_S = 60.0
"""The end of a bake that is kept with a known good release."""
_NOTHING = DeploymentSeen()
_Key = tuple[str, str]


class Sight:
    """Everything seen of one backend."""

    def __init__(self) -> None:
        self._arrival = Arrival()
        self._series: dict[_Key, Series] = {}
        self._points: dict[_Key, Points] = {}
        self._served_in: dict[_Key, str] = {}
        """The boot of the backend in which a revision was ready first."""
        self.observation: Observation | None = None
        self.received_at = 0.0
        self.placed_at = 0.0
        """When the last observation was made, in the engine's time."""
        self.error: str | None = None
        """Why nothing is seen, from its last failure."""

    def take(self, observation: Observation, now: float) -> bool:
        """Takes an observation in; False when it was a repeat or came too late."""
        at = self._arrival.place(observation, now)
        if at is None:
            return False
        self.observation, self.received_at, self.error = observation, now, None
        self.placed_at = at
        for key, seen in observation.deployments.items():
            for revision, there in seen.revisions.items():
                series = self._series.setdefault((key, revision), Series())
                if self._has_served((key, revision), observation.boot, there):
                    series.add(at, observation.boot, there.counters)
        self._sample(observation, at)
        self._forget(observation, now)
        return True

    def _has_served(self, key: _Key, boot: str, there: RevisionSeen) -> bool:
        """Whether it was ready once since the backend began. A backend that starts anew refuses
        requests until its replicas are up: that is not an error of the revision they were for."""
        if there.ready:
            self._served_in[key] = boot
        return self._served_in.get(key) == boot

    def age(self, now: float) -> float | None:
        """Seconds since something new was seen; None when nothing ever was."""
        return now - self.received_at if self.observation else None

    def seen(self, key: str) -> DeploymentSeen | None:
        """The deployment as last seen, empty when the backend does not know it; None when nothing
        was seen yet."""
        if self.observation is None:
            return None
        return self.observation.deployments.get(key, _NOTHING)

    @property
    def boot(self) -> str:
        """The backend's present life; its counters begin with it."""
        return self.observation.boot if self.observation else ""

    def counters(self, key: str, revision: str) -> Counters | None:
        """The totals of a revision as last seen; None when it is not there, or was not ready once
        in the backend's present life."""
        there = seen.revision(revision) if (seen := self.seen(key)) else None
        if there is None or self._served_in.get((key, revision)) != self.boot:
            return None
        return there.counters

    def window(
        self, key: str, revision: str, now: float, seconds: float, since: float = 0.0
    ) -> Window | None:
        """Traffic over the last ``seconds``, none from before ``since``; None: not known."""
        series = self._series.get((key, revision))
        return series.window(now, seconds, since) if series else None

    def total(self, key: str, now: float, seconds: float) -> Window | None:
        """What all revisions of a deployment together did."""
        seen = self.seen(key)
        series = (
            self._series.get((key, revision)) for revision in (seen.revisions if seen else ())
        )
        return window_of([d for each in series if each and (d := each.delta(now, seconds))])

    def points(self, key: str, revision: str, now: float) -> tuple[Point | None, ...]:
        """One point a second, oldest first; None is a gap."""
        points = self._points.get((key, revision))
        return points.read(int(now)) if points else ()

    def look(
        self, state: Deployment, now: float, verdict: Verdict | None, smoke: SmokeResult | None
    ) -> Look | None:
        """What to decide from; None without an active rollout or without a fresh observation."""
        rollout, seen, age = state.active, self.seen(state.key), self.age(now)
        if rollout is None or seen is None or age is None or age > STALE_S:
            return None
        if rollout.phase == "back":
            return Look(seen, {}, verdict, smoke, at=self.placed_at)  # no guard holds up a way back
        candidate = rollout.candidate.id
        windows = {
            seconds: self.window(state.key, candidate, now, seconds, since=rollout.at)
            for seconds in windows_needed(rollout)
        }
        compared = {
            seconds: self._compare(state.key, rollout, seen, now, seconds)
            for seconds in comparisons_needed(rollout) | windows_of_checks(rollout)
        }
        at_end = rollout.phase == "forward" and rollout.index == len(rollout.plan) - 1
        since = share_since(rollout) if at_end and rollout.weight_percent == 100 else None
        lately = self.window(state.key, candidate, now, LATELY_S, since) if since else None
        return Look(
            *(seen, windows, verdict, smoke, self.boot),
            compared=compared,
            lately=lately,
            at=self.placed_at,
        )

    def verifying(self, state: Deployment, now: float) -> Look | None:
        """What to see of the base after a way back; None when there is nothing to verify, or
        nothing fresh is seen."""
        rollout, seen, age = to_verify(state, now), self.seen(state.key), self.age(now)
        if rollout is None or rollout.base is None or rollout.finished_at is None:
            return None
        if seen is None or age is None or age > STALE_S or now - rollout.finished_at < VERIFY_S:
            return None
        base = self.window(state.key, rollout.base.id, now, VERIFY_S, rollout.finished_at)
        return Look(seen, lately=base)

    def _compare(
        self, key: str, rollout: Rollout, seen: DeploymentSeen, now: float, seconds: float
    ) -> Compared:
        """Both sides, and the whole deployment against its past. ``base_before`` is for the
        caller to remember."""
        began = share_since(rollout)
        ours = self._series.get((key, rollout.candidate.id))
        theirs = self._series.get((key, rollout.base.id)) if rollout.base else None
        lasted = totals_needed(rollout).get(seconds)
        every = [each for r in seen.revisions if (each := self._series.get((key, r)))]
        return Compared(
            candidate=ours.delta(now, seconds, began) if ours and began is not None else None,
            base=theirs.delta(now, seconds, began) if theirs and began is not None else None,
            total=None if lasted is None else _together(every, now - seconds, now),
            past=() if lasted is None else _past(every, now - lasted, seconds),
            base_before=theirs.delta(now, KEEP_S) if theirs else None,
        )

    def _sample(self, observation: Observation, at: float) -> None:
        second = int(at)
        for key, seen in observation.deployments.items():
            whole = self._points.setdefault((key, ""), Points())
            if second <= whole.last_second:
                continue
            point: Point | None = None
            for revision, there in seen.revisions.items():
                points = self._points.setdefault((key, revision), Points())
                point = self._point(key, (revision,), (there,), at)
                points.add(second, point)
            if point is None or len(seen.revisions) > 1:
                point = self._point(key, seen.revisions, seen.revisions.values(), at)
            whole.add(second, point)

    def _point(
        self, key: str, revisions: Iterable[str], there: Iterable[RevisionSeen], at: float
    ) -> Point:
        series = (self._series[key, revision] for revision in revisions)
        window = window_of([delta for each in series if (delta := each.delta(at, 1.0))])
        known = [r.memory_bytes for each in there for r in each.replicas]
        memory = [count for count in known if count is not None]
        return Point(
            rate=window.rate if window else None,
            error_ratio=window.error_ratio if window else None,
            p50_s=window.p50_s if window else None,
            p95_s=window.p95_s if window else None,
            memory_bytes=sum(memory) if memory else None,
        )

    def _forget(self, observation: Observation, now: float) -> None:
        """Series and points of what went away, once nobody can want their past any more."""
        if (
            len(self._points)
            < 2 * sum(len(d.revisions) + 1 for d in observation.deployments.values()) + 64
        ):
            return
        old = [key for key, points in self._points.items() if points.last_second < now - 600]
        for key in old:
            del self._points[key]
            self._series.pop(key, None)
            self._served_in.pop(key, None)


def _together(every: Iterable[Series], start: float, end: float) -> float | None:
    """Requests of all revisions in a time; None when it is not covered. One that began later or
    ended earlier counts with what it did."""
    known = [
        (first, last, each)
        for each in every
        if (first := each.first_at) is not None and (last := each.last_at) is not None
    ]
    if not known or min(first for first, _, _ in known) > start:
        return None
    newest = max(last for _, last, _ in known)
    gained = (
        each.requests_between(max(start, first), min(end, last))
        for first, last, each in known
        if first < end and last > start
    )
    # What is not seen yet is not a drop: the time that is covered stands for the whole.
    covered = min(end, newest) - start
    if covered < 0.5 * (end - start):
        return None
    return sum(each or 0.0 for each in gained) * (end - start) / covered


def _past(every: Sequence[Series], until: float, seconds: float) -> list[float]:
    """Requests in each window of that length, the newest first; one more lies between them and
    ``until``."""
    found: list[float] = []
    for number in range(1, int(KEEP_S / seconds) if seconds > 0 else 0):
        end = until - number * seconds
        count = _together(every, end - seconds, end)
        if count is None:
            break
        found.append(count)
    return found
