"""Freeze windows that passed while no engine ran put timers off as if it had seen them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from gaesup_tui.domain import commands as cmd
from gaesup_tui.domain.freezing import decide_windows
from gaesup_tui.domain.policy import Policy
from gaesup_tui.domain.rollout import ENGINE
from gaesup_tui.domain.windows import FreezeWindow

from .engine_rig import KIM, Rig
from .story import Story

NOON = datetime(2026, 11, 19, 12, tzinfo=UTC)
WEEKEND = FreezeWindow(name="weekend", begins="Fri 16:00", ends="Mon 08:00")
spans = st.lists(st.tuples(st.integers(1, 40), st.integers(1, 20)), min_size=1, max_size=4)


def once(number: int, begins: datetime, minutes: int) -> FreezeWindow:
    stamps = [f"{at:%Y-%m-%dT%H:%M}" for at in (begins, begins + timedelta(minutes=minutes))]
    return FreezeWindow(name=f"w{number}", begins=stamps[0], ends=stamps[1])


def waiting_story(windows: Iterable[FreezeWindow]) -> Story:
    """A canary waits for a person, and the windows are known."""
    told = Story()
    told.now = NOON.timestamp() - 3600.0
    told.stable("v41")
    told.now = NOON.timestamp()
    steps = [{"weight": 10}, {"pause": {"expiry": "30m"}}]
    told.deploy("v42", canary={"steps": steps})
    told.settle()
    policy = Policy(environment="production", windows=tuple(windows))
    told.ask(cmd.TakePolicies(policies=(policy,)))
    return told


def put_off_by(told: Story, moments: Iterable[float]) -> float:
    """By how many seconds its timers are put off by an engine that looks at these moments."""
    assert told.deployment.active
    began = told.deployment.active.step_began
    for told.now in moments:
        told.record(decide_windows(told.world, told.now), ENGINE)
    assert told.deployment.active
    return told.deployment.active.step_began - began


@settings(deadline=None, max_examples=60)
@given(spans, st.integers(1, 70))
def test_who_was_away_for_all_of_them_counts_as_who_saw_them(
    said: list[tuple[int, int]], until: int
) -> None:
    windows = [
        once(number, NOON + timedelta(minutes=begins), minutes)
        for number, (begins, minutes) in enumerate(said)
    ]
    start = NOON.timestamp()
    saw = put_off_by(waiting_story(windows), [start + 60.0 * n for n in range(1, until + 1)])
    away = put_off_by(waiting_story(windows), [start + 60.0 * until])
    assert away == saw
    over = [(b, b + m) for b, m in said if b + m <= until]
    frozen = {minute for begins, ends in over for minute in range(begins, ends)}
    open_now = {m for b, length in said if b <= until < b + length for m in range(b, until)}
    assert away == 60.0 * len(frozen - open_now)


def test_weekends_of_a_month_are_each_counted_once() -> None:
    told = waiting_story([WEEKEND])
    month = NOON + timedelta(weeks=4)
    assert put_off_by(told, [month.timestamp()]) == 4 * 64 * 3600.0
    assert not told.world.calendar.open


def test_one_that_is_open_again_a_week_later_is_another_one() -> None:
    told = waiting_story([WEEKEND])
    saturdays = [(NOON + timedelta(days=2 + 7 * n)).timestamp() for n in (0, 1)]
    assert put_off_by(told, saturdays) == 64 * 3600.0
    [open_now] = told.world.calendar.open
    assert open_now.since == datetime(2026, 11, 27, 16, tzinfo=UTC).timestamp()


def test_a_gate_does_not_expire_by_a_window_the_engine_slept_through(tmp_path: Path) -> None:
    async def check(rig: Rig) -> None:
        await rig.deploy("v41", replicas=2)
        await rig.until(lambda: rig.deployment.stable)
        gate = {"weight": 10}, {"pause": {"expiry": "10m"}}
        await rig.deploy("v42", strategy="canary", spec={"canary": {"steps": gate}})
        await rig.until(lambda: rig.deployment.active and rig.deployment.active.index == 3)
        began = rig.now
        begins, ends = (datetime.fromtimestamp(int(began) + s, UTC) for s in (100, 700))
        stamps = [each.isoformat()[:19] for each in (begins, ends)]
        window = FreezeWindow(name="audit", begins=stamps[0], ends=stamps[1])
        await rig.engine.submit(cmd.AddWindow(window=window, why="audit"), KIM)
        await rig.restart(clean=False, ahead_s=800.0)
        started = rig.kinds().index("window_began")
        assert rig.kinds()[started:] == ["window_began", "window_ended", "engine_started"]
        assert not rig.engine.world.calendar.added, "it was for once"
        await rig.until(lambda: rig.now > began + 390.0, 400.0)
        assert rig.deployment.active
        assert rig.deployment.active.phase == "forward", "ten minutes of its own are not over"
        await rig.until(lambda: "retreat_started" in rig.kinds(), 20.0)
        await rig.restart(clean=False, ahead_s=800.0)
        assert rig.kinds().count("window_ended") == 1

    Rig(tmp_path).run(check)
