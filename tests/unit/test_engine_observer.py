"""What is seen, how old it is, and where nothing is known."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from gaesup_tui.domain import commands as cmd
from gaesup_tui.domain.observation import Observation
from gaesup_tui.engine.arrival import Arrival
from gaesup_tui.engine.points import KEEP_POINTS, Point, Points

from .engine_rig import KEY, KIM, Rig

POINT = Point(1.0, 0.0, 0.01, 0.02, None)


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path)


def seen_at(at: float, boot: str = "a") -> Observation:
    return Observation(at=at, boot=boot, deployments={})


def test_repeats_and_latecomers_are_left_out() -> None:
    arrival = Arrival()
    assert arrival.place(seen_at(10), 100) == 100
    assert arrival.place(seen_at(10), 101) is None
    assert arrival.place(seen_at(9), 102) is None
    assert arrival.place(seen_at(13), 103) == 103


def test_a_slow_delivery_does_not_make_an_observation_younger() -> None:
    arrival = Arrival()
    arrival.place(seen_at(10), 100)
    assert arrival.place(seen_at(11), 105) == pytest.approx(101, abs=0.01)


def test_two_clocks_that_drift_apart_do_not_make_everything_look_old() -> None:
    arrival = Arrival()
    for second in range(100_000):
        now = 100 + second * 1.0005
        placed = arrival.place(seen_at(10.0 + second), now)
        assert placed is not None
        assert now - placed < 0.01


def test_a_backend_whose_clock_was_set_back_is_heard_again() -> None:
    arrival = Arrival()
    arrival.place(seen_at(1000), 100)
    placed = [arrival.place(seen_at(10.0 + n), 101.0 + n) for n in range(5)]
    assert placed[:2] == [None, None]
    assert placed[2:] == [103, 104, 105]


def test_a_new_boot_counts_at_once() -> None:
    arrival = Arrival()
    arrival.place(seen_at(1000), 100)
    assert arrival.place(seen_at(5, "b"), 101) == 101


def test_seconds_without_an_observation_are_gaps_not_zeros() -> None:
    points = Points()
    points.add(100, POINT)
    points.add(103, POINT)
    assert points.read(103) == (POINT, None, None, POINT)
    assert points.read(104) == points.read(103)
    assert points.read(107) == (POINT, None, None, POINT, None, None)
    assert len(points.read(10**9)) == KEEP_POINTS


def test_points_tell_the_rate_of_each_revision_and_of_both(rig: Rig) -> None:
    async def story(rig: Rig) -> None:
        await rig.waiting_canary()
        await asyncio.sleep(10)
        whole = rig.engine.observer.points(rig.deployment)[-1]
        assert rig.deployment.active is not None
        candidate = rig.deployment.active.candidate.id
        part = rig.engine.observer.points(rig.deployment, candidate)[-1]
        assert whole is not None
        assert part is not None
        assert whole.rate == pytest.approx(400, rel=0.05)
        assert part.rate == pytest.approx(40, rel=0.15)

    rig.run(story)


def test_the_judge_compares_since_the_present_share_took_effect(rig: Rig) -> None:
    async def story(rig: Rig) -> None:
        await rig.waiting_canary()
        active = rig.deployment.active
        assert active is not None
        began = active.records[2].ended
        await asyncio.sleep(20)
        look = rig.engine.look(KEY)
        assert look is not None
        assert look.verdict is not None
        errors = look.verdict.findings[0]
        assert errors.candidate_requests == pytest.approx(40 * (rig.now - began), rel=0.1)

    rig.run(story)


def test_nothing_is_decided_from_what_is_old(rig: Rig) -> None:
    async def story(rig: Rig) -> None:
        await rig.waiting_canary()
        rig.backend.blind = True
        await asyncio.sleep(4)
        assert rig.engine.observer.stale("local")
        assert rig.engine.look(KEY) is None
        waiting = rig.engine.waiting(KEY)
        assert waiting is not None
        assert waiting.what == "waits for you"
        await rig.engine.submit(cmd.Promote(deployment=KEY, full=True), KIM)
        await asyncio.sleep(10)
        assert rig.live == [90, 10]
        waiting = rig.engine.waiting(KEY)
        assert waiting is not None
        assert waiting.what == "the local backend does not answer"
        rig.backend.blind = False
        await rig.until(lambda: rig.deployment.active is None)
        assert not rig.engine.observer.stale("local")

    rig.run(story)
