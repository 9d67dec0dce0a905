"""What the judge knows of the base's past, and what of it survives the engine."""

from __future__ import annotations

from pathlib import Path

import pytest

from gaesup_tui.domain.judged_record import read_record
from gaesup_tui.domain.judging import Arm
from gaesup_tui.domain.observation import Counters
from gaesup_tui.engine.habits import KEPT_TICKS, SAVED_TICKS, Habits
from gaesup_tui.engine.pasts import OLDEST_S, Past, Pasts

from .bench_rig import Rig

KEY = "cart@production"
BOUNDS_S = (0.01, 0.1, 1.0)


def seen(tick: int) -> Counters:
    """Totals after so many ticks of 50 requests, one of them failed, five converted."""
    return Counters(
        ok=49 * tick,
        errors=tick,
        bounds_s=BOUNDS_S,
        buckets=(40 * tick, 9 * tick, 0, 0),
        conversions=5 * tick,
    )


def live(habits: Habits, first: int, last: int, revision: str = "v41") -> None:
    for tick in range(first, last + 1):
        habits.take(KEY, revision, 5.0 * tick, "boot", seen(tick))


def past_of(root: Path, now: float, revision: str = "v41") -> tuple[Arm, ...]:
    return Habits(5.0, Pasts(root)).of(KEY, revision, BOUNDS_S, now)


def test_an_engine_that_starts_again_knows_the_past_of_the_base(tmp_path: Path) -> None:
    rig = Rig(tmp_path / "judged")
    rig.run(600)
    rig.bench.close()
    rig.live()
    rig.run(20)
    rig.canary_at(25)
    rig.run(12)
    record = read_record(rig.recorded())
    assert len(record.history) == pytest.approx(123, abs=2)
    assert sum(arm.requests for arm in record.history) == pytest.approx(61_500, rel=0.02)


def test_each_tick_comes_back_as_it_was_and_no_more_than_half_an_hour(tmp_path: Path) -> None:
    first = Habits(5.0, Pasts(tmp_path))
    live(first, 1, KEPT_TICKS + 100)
    first.close()
    arms = past_of(tmp_path, 5.0 * KEPT_TICKS)
    assert arms == (Arm(50, 1, (40, 9, 0, 0), 5),) * KEPT_TICKS


def test_a_life_cut_short_loses_minutes_and_not_the_half_hour(tmp_path: Path) -> None:
    pasts = Pasts(tmp_path)
    live(Habits(5.0, pasts), 1, KEPT_TICKS)
    pasts.close()  # the thread has written what it was given; nobody closed the habits
    assert KEPT_TICKS - SAVED_TICKS <= len(past_of(tmp_path, 5.0 * KEPT_TICKS)) <= KEPT_TICKS


def test_the_time_in_which_no_engine_looked_is_no_tick(tmp_path: Path) -> None:
    first = Habits(5.0, Pasts(tmp_path))
    live(first, 1, 40)
    first.close()
    second = Habits(5.0, Pasts(tmp_path))
    live(second, 100, 110)
    arms = second.of(KEY, "v41", BOUNDS_S, 550.0)
    assert len(arms) == 39 + 10
    assert {arm.requests for arm in arms} == {50}


@pytest.mark.parametrize("harm", ["cut", "flipped", "empty", "not ours", "from another version"])
def test_a_damaged_past_is_no_past_and_stops_nothing(tmp_path: Path, harm: str) -> None:
    first = Habits(5.0, Pasts(tmp_path))
    live(first, 1, 60)
    first.close()
    (path,) = tmp_path.glob("*.past")
    whole = path.read_bytes()
    path.write_bytes(
        {
            "cut": whole[:-7],
            "flipped": whole[:-20] + bytes(b ^ 1 for b in whole[-20:]),
            "empty": b"",
            "not ours": b"\x00\xff{}\n\n",
            "from another version": whole.replace(b'"format":1', b'"format":9'),
        }[harm]
    )
    assert past_of(tmp_path, 300.0) == ()
    second = Habits(5.0, Pasts(tmp_path))
    live(second, 60, 120)
    second.close()
    assert len(past_of(tmp_path, 600.0)) == 60


def test_another_revision_or_the_day_before_yesterday_is_another_past(tmp_path: Path) -> None:
    first = Habits(5.0, Pasts(tmp_path))
    live(first, 1, 60)
    first.close()
    assert past_of(tmp_path, 300.0, "v42") == ()
    assert past_of(tmp_path, 301.0 + OLDEST_S) == ()
    assert len(past_of(tmp_path, -100.0)) == 59  # the clock was set back


def test_a_disk_that_cannot_be_written_costs_the_past_and_nothing_else(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    habits = Habits(5.0, Pasts(blocked / "habits"))
    live(habits, 1, 200)
    assert len(habits.of(KEY, "v41", BOUNDS_S, 1000.0)) == 199
    habits.close()


def test_pasts_are_private(tmp_path: Path) -> None:
    pasts = Pasts(tmp_path / "habits")
    pasts.save("cart@a/b", Past("v41", BOUNDS_S, 1.0, ()))
    pasts.close()
    (path,) = (tmp_path / "habits").iterdir()
    assert path.stat().st_mode & 0o777 == 0o600
    assert pasts.load("cart@a/b", 1.0) == Past("v41", BOUNDS_S, 1.0, ())
