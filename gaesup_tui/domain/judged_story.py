"""How a judgement went: each metric's band and both keys over time, and every turn of the verdict.

Told from its record, tick by tick, and told on when more ticks come. However long it lasts, at most
``MOST_POINTS`` points are kept, evenly apart: when there are too many, every second goes.
"""

from __future__ import annotations

from collections.abc import Iterable

from gaesup_tui.domain.judged import verdict_of
from gaesup_tui.domain.judged_record import Entry, Record
from gaesup_tui.domain.judging import State, begin, step
from gaesup_tui.domain.judging.flips import flips
from gaesup_tui.domain.verdict import Finding, Verdict
from gaesup_tui.domain.verdict_views import (
    BandView,
    FindingView,
    PointView,
    TurnView,
    VerdictHistory,
)

MOST_POINTS = 120
FIRST_TURNS, LAST_TURNS = 10, 40
"""Turns that are kept: how it began and how it went lately."""
_CLIP = 9.0
"""No picture shows more tolerances than this."""


class Story:
    """``tell`` takes the ticks that are new; ``view`` is what people are shown."""

    def __init__(self, record: Record) -> None:
        self._record = record._replace(entries=())
        self._state: State = begin(record.start, record.history)
        self._ticks = 0
        self._every = 1
        self._points: list[PointView] = []
        self._turns: list[TurnView] = []
        self._left_out = 0
        self._told = ("", "")
        """Kind and cause that were last told as a turn."""

    def tell(self, entries: Iterable[Entry]) -> None:
        """Goes through the ticks after those that were told, in their order."""
        for entry in entries:
            self._state, judgement = step(self._state, entry.tick)
            self._ticks += 1
            turned = (judgement.kind, judgement.cause) != self._told
            if turned or self._ticks % self._every == 0:
                verdict = verdict_of(self._state)
                at, end_s = entry.at, entry.tick.end_s
                if self._ticks % self._every == 0:
                    self._keep(_point(verdict, at, end_s))
                if turned:
                    self._told = judgement.kind, judgement.cause
                    self._turn(_turn(verdict, at, end_s))

    def view(self) -> VerdictHistory:
        """The story so far, and what would flip its last verdict."""
        record, state = self._record, self._state
        last = verdict_of(state)
        return VerdictHistory(
            rollout=record.rollout,
            base=record.base,
            candidate=record.candidate,
            kind=last.kind,
            reason=last.reason,
            began_at=record.began_at,
            tick_s=record.start.tick_s,
            ticks=self._ticks,
            past_s=len(record.history) * record.start.tick_s,
            points=self._points,
            turns=self._turns,
            left_out=self._left_out,
            flips=list(flips(state)) if self._ticks else [],
        )

    @property
    def ticks(self) -> int:
        """How many were told."""
        return self._ticks

    def _keep(self, point: PointView) -> None:
        self._points.append(point)
        if len(self._points) > MOST_POINTS:
            # The later of each two: the newest stays, and the gaps stay even.
            self._points = self._points[1::2]
            self._every *= 2

    def _turn(self, turn: TurnView) -> None:
        self._turns.append(turn)
        if len(self._turns) > FIRST_TURNS + LAST_TURNS:
            del self._turns[FIRST_TURNS]
            self._left_out += 1


def story_of(record: Record) -> VerdictHistory:
    """The whole of a record."""
    story = Story(record)
    story.tell(record.entries)
    return story.view()


def _point(verdict: Verdict, at: float, end_s: float) -> PointView:
    bands: dict[str, BandView] = {}
    for finding in verdict.findings:
        if band := _band(finding):
            bands[finding.metric] = band
    return PointView(
        at=at,
        end_s=end_s,
        kind=verdict.kind,
        toward_abort=round(verdict.toward_abort or 0.0, 3),
        toward_promote=round(verdict.toward_promote or 0.0, 3),
        bands=bands,
    )


def _band(finding: Finding) -> BandView | None:
    """In tolerances: 1 is the limit of every metric, so that one scale does for all."""
    if finding.state == "no data" or finding.difference is None:
        return None
    low = finding.difference if finding.low is None else finding.low
    high = finding.difference if finding.high is None else finding.high
    each = (low, finding.difference, high)
    a, b, c = (round(min(max(x / finding.tolerance, -_CLIP), _CLIP), 2) for x in each)
    return [a, b, c]


def _turn(verdict: Verdict, at: float, end_s: float) -> TurnView:
    findings: list[FindingView] = [_view(finding) for finding in verdict.findings]
    return TurnView(
        at=at,
        end_s=end_s,
        kind=verdict.kind,
        code=verdict.code,
        reason=verdict.reason,
        findings=findings,
    )


def _view(finding: Finding) -> FindingView:
    return FindingView(
        metric=finding.metric,
        base=finding.base,
        candidate=finding.candidate,
        difference=finding.difference,
        low=finding.low,
        high=finding.high,
        tolerance=finding.tolerance,
        base_requests=finding.base_requests,
        candidate_requests=finding.candidate_requests,
        state=finding.state,
    )
