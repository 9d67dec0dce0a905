"""The record of one judgement as lines of JSON: its settings and history, then every tick.

All that a replay needs. A line that cannot be read is a tick that is not known; a record whose
first line cannot be read is none.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, NamedTuple

from gaesup_tui.domain.judging import Arm, Judgement, Start, State, Tick, begin, step
from gaesup_tui.domain.judging.saving import load_arm, load_start

FORMAT = 1


class Totals(NamedTuple):
    """What both arms counted at one moment, in one life of the backend."""

    boot: str
    canary: Arm | None
    baseline: Arm | None
    """None: not seen, or not ready once in this life."""

    @property
    def whole(self) -> bool:
        """Whether both arms were counted."""
        return self.canary is not None and self.baseline is not None


class Entry(NamedTuple):
    """One tick, when it ended (Unix seconds), and the totals it ended at: an engine that was away
    for a while goes on from there."""

    tick: Tick
    at: float
    totals: Totals | None


class Record(NamedTuple):
    """A judgement so far."""

    rollout: str
    base: str
    candidate: str
    """Versions."""
    began_at: float
    start: Start
    history: tuple[Arm, ...]
    entries: tuple[Entry, ...] = ()


def head_line(record: Record) -> str:
    """The first line, without the ticks."""
    head = {"format": FORMAT, **record._asdict()}
    del head["entries"]
    return _json(head)


def entry_line(entry: Entry) -> str:
    """One tick."""
    return _json([entry.tick, round(entry.at, 3), entry.totals])


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), allow_nan=False)


def read_record(lines: Iterable[str]) -> Record:
    """The record in these lines.

    Raises:
        ValueError: the first line is none of a record, or of another version.
    """
    rest = iter(lines)
    record = _head(next(rest, ""))
    entries: list[Entry] = []
    for line in rest:
        entry = _entry(line)
        if entry is not None:
            entries.append(entry)
    return record._replace(entries=tuple(entries))


def _head(line: str) -> Record:
    try:
        head = json.loads(line)
        if head["format"] != FORMAT:
            raise ValueError(f"it has format {head['format']!r}, this version reads {FORMAT}")
        return Record(
            rollout=str(head["rollout"]),
            base=str(head["base"]),
            candidate=str(head["candidate"]),
            began_at=float(head["began_at"]),
            start=load_start(head["start"]),
            history=tuple(arm for saved in head["history"] if (arm := load_arm(saved))),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"the record of the judge cannot be read: {error}") from None


def _entry(line: str) -> Entry | None:
    try:
        (number, end_s, weight, canary, baseline, *gap), at, totals = json.loads(line)
        tick = Tick(number, end_s, weight, load_arm(canary), load_arm(baseline), *gap)
        if totals is not None:
            boot, one, other = totals
            totals = Totals(boot, load_arm(one), load_arm(other))
    except (TypeError, ValueError):
        return None
    return Entry(tick, at, totals)


def replay(record: Record, start: Start) -> tuple[State, list[Judgement]]:
    """What the judge says with other settings, tick by tick.

    Raises:
        ValueError: the settings cannot be.
    """
    state, said = begin(start, record.history), []
    for entry in record.entries:
        state, judgement = step(state, entry.tick)
        said.append(judgement)
    return state, said
