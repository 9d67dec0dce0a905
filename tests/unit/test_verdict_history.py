"""How a verdict came about: kept small however long it lasts, and the same live and read again."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import pytest

from gaesup_tui.domain.judged_record import Entry, Record, read_record
from gaesup_tui.domain.judged_story import MOST_POINTS, Story, story_of
from gaesup_tui.domain.judging import Tick
from gaesup_widgets.band_history import band_rows
from gaesup_widgets.symbols import ASCII
from tests.console_driver import console_on

from .bench_rig import BAD, Rig
from .judging_rig import START, Service, Traffic

HISTORY = tuple(Traffic(per_tick=400).history())


def recorded(ticks: list[Tick]) -> Record:
    entries = tuple(Entry(tick, 1000.0 + tick.end_s, None) for tick in ticks)
    return Record("cart@production#1", "v41", "v42", 1000.0, START, HISTORY, entries)


def test_an_abort_is_told_with_the_figures_of_that_moment() -> None:
    bad = Traffic(Service(errors=0.04), per_tick=400, bad_from=24)
    story = story_of(recorded(bad.ticks(60)))
    assert [turn["kind"] for turn in story["turns"]][-1] == "ABORT"
    last = story["turns"][-1]
    errors = last["findings"][0]
    assert last["code"] == "harm"
    assert last["at"] == 1000.0 + last["end_s"]
    assert errors["state"] == "harm"
    assert 100 < errors["candidate_requests"] < 60 * 100
    assert errors["low"] is not None
    assert errors["low"] <= (errors["difference"] or 0.0)
    assert story["points"][-1]["toward_abort"] == 1.0
    assert story["points"][-1]["bands"]["errors"][1] > 1.0
    assert story["flips"] == []


def test_the_band_narrows_and_promote_comes_nearer() -> None:
    story = story_of(recorded(Traffic(per_tick=1000, weight=0.5).ticks(100)))
    early, late = story["points"][4]["bands"]["p95"], story["points"][-1]["bands"]["p95"]
    assert late[2] - late[0] < early[2] - early[0]
    assert story["points"][-1]["toward_promote"] > story["points"][4]["toward_promote"]
    assert story["turns"][-1]["kind"] == "PROMOTE"


def test_however_long_it_lasts_the_points_are_few_and_evenly_apart() -> None:
    story = story_of(recorded(Traffic(per_tick=40).ticks(700)))
    ends = [point["end_s"] for point in story["points"]]
    assert MOST_POINTS / 2 <= len(ends) <= MOST_POINTS
    assert len({round(b - a, 3) for a, b in pairwise(ends)}) == 1
    assert len(json.dumps(story)) < 60_000


def test_told_in_parts_it_is_the_same_story() -> None:
    record = recorded(Traffic(per_tick=100).ticks(150))
    parts = Story(record)
    for first in range(0, 150, 7):
        parts.tell(record.entries[first : first + 7])
    assert parts.view() == story_of(record)


def test_what_was_recorded_tells_the_same_as_what_was_lived(tmp_path: Path) -> None:
    rig = Rig(tmp_path / "judged", BAD)
    rig.run(300)
    rig.canary_at(25)
    rig.run(60)
    live = rig.verdict()
    assert live is not None
    last = story_of(read_record(rig.recorded()))["turns"][-1]
    assert (last["kind"], last["reason"]) == (live.kind, live.reason)


@pytest.mark.parametrize(
    ("bands", "rows"),
    [
        ([(-0.5, 0.2, 0.8)], ["   ", "  o", "  |"]),
        ([(0.2, 0.5, 3.0), None], [" | ", " o:", "   "]),
        ([(1.1, 1.5, 1.9)], ["  o", "   ", "   "]),
        ([], ["   ", "   ", "   "]),
    ],
)
def test_the_three_storeys_of_a_band(
    bands: list[tuple[float, ...] | None], rows: list[str]
) -> None:
    drawn = band_rows(bands, 3, symbols=ASCII)
    gap = ASCII.gap
    assert drawn == [
        row.replace("o", ASCII.band_point).replace("|", ASCII.band_limit).replace(":", gap)
        for row in rows
    ]


def test_more_points_than_cells_lose_no_excursion() -> None:
    calm = [(0.1, 0.2, 0.3)] * 100
    rows = band_rows([*calm[:50], (0.1, 0.2, 1.8), *calm], 20, symbols=ASCII)
    assert ASCII.band_limit in rows[0]
    assert all(len(row) == 20 for row in rows)


async def test_v_shows_how_the_verdict_came_about() -> None:
    async with console_on() as console:
        await console.expects("cart@production")
        await console.press("v")
        await console.expects("to abort", "to promote", "errors", "over", "within", "better")
        await console.expects("When the verdict turned", "NO EVIDENCE", "26 more errors than usual")
        await console.press("q")
        await console.expects("Needs you")
