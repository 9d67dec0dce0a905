"""The emergency stop at bad moments: pressed twice, while the engine begins anew, and on a backend
that hangs or is slow."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from gaesup_tui.domain import commands as cmd

from .engine_rig import KIM, Rig


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path)


def test_pressed_twice_it_leads_back_once_and_says_so_twice(rig: Rig) -> None:
    async def story(rig: Rig) -> None:
        await rig.waiting_canary()
        stops = [rig.engine.submit(cmd.Stop(why="fire"), KIM) for _ in range(2)]
        first, second = await asyncio.gather(*stops)
        assert first.durable
        assert second.durable
        assert rig.kinds().count("retreat_started") == 1
        await rig.until(lambda: rig.live == [100] and rig.deployment.active is None)
        await rig.engine.submit(cmd.Release(why="over"), KIM)
        assert rig.engine.world.stops == ()

    rig.run(story)


def test_pressed_before_a_new_life_has_seen_anything_it_acts(rig: Rig) -> None:
    async def story(rig: Rig) -> None:
        await rig.waiting_canary()
        rig.backend.blind = True
        await rig.restart(clean=False)
        await rig.engine.submit(cmd.Stop(why="fire"), KIM)
        await rig.until(lambda: rig.live == [100], within_s=1.0)
        rig.backend.blind = False
        await rig.until(lambda: rig.deployment.active is None)

    rig.run(story)


def test_pressed_just_before_the_engine_dies_it_is_taken_up_by_the_next_life(rig: Rig) -> None:
    async def story(rig: Rig) -> None:
        await rig.waiting_canary()
        rig.backend.hanging.add("traffic")
        await rig.engine.submit(cmd.Stop(why="fire"), KIM)
        await rig.restart(clean=False)
        assert rig.live == [90, 10]
        rig.backend.hanging.clear()
        await rig.until(lambda: rig.live == [100], within_s=15.0)
        assert [stop.why for stop in rig.engine.world.stops] == ["fire"]

    rig.run(story)


def test_on_a_backend_that_hangs_it_is_asked_again_until_it_answers(rig: Rig) -> None:
    async def story(rig: Rig) -> None:
        await rig.waiting_canary()
        rig.backend.hanging |= {"traffic", "ensure"}
        before = len(rig.backend.calls)
        await rig.engine.submit(cmd.Stop(why="fire"), KIM)
        await asyncio.sleep(0.1)
        assert rig.backend.calls[before:] == ["traffic [100]"], "issued at once"
        await asyncio.sleep(60)
        assert rig.backend.calls[before:].count("traffic [100]") > 2
        assert rig.deployment.active is not None, "it does not claim what it has not seen"
        rig.backend.hanging.clear()
        await rig.until(lambda: rig.live == [100] and rig.deployment.active is None, 60.0)

    rig.run(story)


def test_a_backend_that_takes_longer_than_a_call_may_is_given_longer_the_next_time(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(rig: Rig) -> None:
        await rig.waiting_canary()
        set_traffic = rig.backend.set_traffic

        async def slowly(*asked: object) -> None:
            await asyncio.sleep(5)
            await set_traffic(*asked)  # type: ignore[arg-type]

        monkeypatch.setattr(rig.backend, "set_traffic", slowly)
        await rig.engine.submit(cmd.Stop(why="fire"), KIM)
        await rig.until(lambda: rig.live == [100], within_s=9.0)
        await rig.until(lambda: rig.deployment.active is None, within_s=30.0)

    rig.run(story)
