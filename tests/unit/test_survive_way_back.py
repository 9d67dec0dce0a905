"""The way back when several things go wrong at once, in a whole engine under virtual time."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from gaesup_tui.domain import commands as cmd
from gaesup_tui.domain.errors import GaesupError, Moved, Refused
from tests.sim.fleet import Running

from .engine_rig import KEY, KIM, MARA, Rig


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path)


def side(rig: Rig, version: str) -> Running:
    found = rig.fleet.places[KEY].revisions
    return next(running for name, running in found.items() if name.startswith(f"{version}-"))


def outcome(rig: Rig) -> str | None:
    return rig.deployment.rollout.outcome if rig.deployment.rollout else None


async def half_way(rig: Rig) -> None:
    """v42 has 60 % and waits for a person."""
    await rig.deploy("v41", replicas=2)
    await rig.until(lambda: rig.deployment.stable)
    spec = {
        "canary": {"steps": [{"weight": 60}, {"pause": None}], "bake": "10s"},
        "autoAbort": False,
        "gradualAbort": 30,
        "guards": [{"metric": "errorRatio", "above": "5%"}],
    }
    await rig.deploy("v42", strategy="canary", spec=spec)
    await rig.until(lambda: rig.live == [40, 60])
    await rig.until(lambda: rig.deployment.active and rig.deployment.active.index == 3)


async def base_dies(rig: Rig) -> str:
    """No replica of v41 is ready any more, and the engine has seen it; the revision's id."""
    base = next(n for n in rig.fleet.places[KEY].revisions if n.startswith("v41-"))
    rig.fleet.unready.add(base)
    await asyncio.sleep(2)
    return base


@pytest.mark.parametrize("first", ["promote", "abort"])
def test_of_two_people_who_press_promote_and_abort_at_once_the_abort_wins(
    rig: Rig, first: str
) -> None:
    async def story(rig: Rig) -> None:
        await half_way(rig)
        seq = rig.deployment.seq
        promote = cmd.Promote(deployment=KEY, full=True, expect_seq=seq)
        pressed = [rig.engine.submit(promote, KIM)]
        pressed.insert(first == "promote", rig.engine.submit(cmd.Abort(deployment=KEY), MARA))
        answers = await asyncio.gather(*pressed, return_exceptions=True)
        await rig.until(lambda: outcome(rig) == "aborted")
        assert rig.live == [100]
        refused = [each for each in answers if isinstance(each, BaseException)]
        assert all(isinstance(each, Moved | Refused) for each in refused)
        assert all("mara" in str(each) for each in refused if isinstance(each, Moved))

    rig.run(story)


def test_a_gradual_abort_goes_on_where_it_stood_after_the_engine_was_killed(rig: Rig) -> None:
    async def story(rig: Rig) -> None:
        await half_way(rig)
        await rig.engine.submit(cmd.Abort(deployment=KEY, gradual=True), KIM)
        await rig.until(lambda: rig.live == [75, 25])
        await rig.restart(clean=False)
        await rig.until(lambda: rig.live == [90, 10], 12)
        await rig.restart(clean=False)
        await rig.engine.submit(cmd.Abort(deployment=KEY), MARA)
        await rig.until(lambda: rig.live == [100], 1)
        await rig.until(lambda: outcome(rig) == "aborted")

    rig.run(story)


def test_a_base_that_died_gets_no_traffic_from_a_guard_before_it_is_back(rig: Rig) -> None:
    async def story(rig: Rig) -> None:
        await half_way(rig)
        base = await base_dies(rig)
        side(rig, "v42").sick = True
        await rig.until(lambda: rig.deployment.active and rig.deployment.active.phase == "back")
        await asyncio.sleep(5)
        assert rig.live == [40, 60], "nobody would answer there"
        rig.fleet.unready.discard(base)
        await rig.until(lambda: rig.live == [100])
        await rig.until(lambda: outcome(rig) == "aborted")

    rig.run(story)


def test_an_abort_by_hand_goes_to_a_base_that_died_all_the_same(rig: Rig) -> None:
    async def story(rig: Rig) -> None:
        await half_way(rig)
        base = await base_dies(rig)
        await rig.engine.submit(cmd.Abort(deployment=KEY), KIM)
        await rig.until(lambda: rig.live == [100], 2)
        assert outcome(rig) is None, "it is not over before the base answers"
        rig.fleet.unready.discard(base)
        await rig.until(lambda: outcome(rig) == "aborted")

    rig.run(story)


def test_two_sick_revisions_are_told_as_that(rig: Rig) -> None:
    async def story(rig: Rig) -> None:
        await half_way(rig)
        side(rig, "v41").sick = side(rig, "v42").sick = True
        await rig.until(lambda: outcome(rig) == "aborted")
        await rig.until(lambda: rig.deployment.notice and rig.deployment.notice.sick, 15)
        assert rig.deployment.notice is not None
        assert "Both revisions are sick" in rig.deployment.notice.text
        assert rig.kinds().count("way_back_verified") == 1

    rig.run(story)


def test_a_way_back_is_verified_once_also_when_the_engine_was_killed_meanwhile(rig: Rig) -> None:
    async def story(rig: Rig) -> None:
        await half_way(rig)
        await rig.engine.submit(cmd.Abort(deployment=KEY), KIM)
        await rig.until(lambda: outcome(rig) == "aborted")
        await rig.restart(clean=False)
        await rig.until(lambda: "way_back_verified" in rig.kinds(), 20)
        await rig.restart()
        await asyncio.sleep(30)
        assert rig.kinds().count("way_back_verified") == 1

    rig.run(story)


def test_an_abort_during_a_rollback_returns_to_what_it_left(rig: Rig) -> None:
    async def story(rig: Rig) -> None:
        await half_way(rig)
        await rig.engine.submit(cmd.Promote(deployment=KEY), KIM)
        await rig.until(lambda: rig.deployment.stable and rig.deployment.stable.version == "v42")
        await rig.engine.submit(cmd.Rollback(deployment=KEY), KIM)
        await rig.until(lambda: rig.deployment.active and rig.deployment.active.index > 1)
        await rig.engine.submit(cmd.Abort(deployment=KEY), MARA)
        await rig.until(lambda: outcome(rig) == "aborted")
        assert rig.deployment.stable is not None
        assert rig.deployment.stable.version == "v42"
        with pytest.raises(GaesupError, match="no rollout is moving"):
            await rig.engine.submit(cmd.Abort(deployment=KEY), KIM)

    rig.run(story)


def test_a_clock_set_back_makes_a_guard_later_and_never_sooner(rig: Rig) -> None:
    async def story(rig: Rig) -> None:
        await rig.deploy("v41", replicas=2)
        await rig.until(lambda: rig.deployment.stable)
        lasting = {"metric": "errorRatio", "above": "5%", "window": "2s", "for": "6s"}
        spec = {"canary": {"steps": [{"weight": 50}, {"pause": None}]}, "guards": [lasting]}
        await rig.deploy("v42", strategy="canary", spec={**spec, "autoAbort": False})
        await rig.until(lambda: rig.live == [50, 50])
        side(rig, "v42").sick = True
        await asyncio.sleep(5)
        await rig.restart(clean=False, ahead_s=-3600)
        began = rig.now
        await rig.until(lambda: outcome(rig) == "aborted")
        assert rig.now - began >= 6

    rig.run(story)


@pytest.mark.parametrize("lasts_s", [0, 2, 20])
def test_traffic_that_leaves_the_deployment_after_a_release_takes_it_back(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, lasts_s: int
) -> None:
    async def story(rig: Rig) -> None:
        await rig.deploy("v41", replicas=2)
        await rig.until(lambda: rig.deployment.stable)
        lasting = f"{lasts_s}s"
        drop = {"metric": "trafficDrop", "above": "50%", "window": "5s", "for": lasting}
        spec = {"canary": {"steps": [{"weight": 50}], "bake": "10m"}, "guards": [drop]}
        await rig.deploy("v42", strategy="canary", spec={**spec, "autoAbort": False})
        await rig.until(lambda: rig.live == [100])
        await asyncio.sleep(60)
        assert rig.deployment.active, "steady traffic is no drop, and a switch is none either"
        monkeypatch.setattr("tests.sim.fleet.RATE", 280.0)
        await asyncio.sleep(30)
        assert rig.deployment.active, "nor is a third of it"
        monkeypatch.setattr("tests.sim.fleet.RATE", 40.0)
        began = rig.now
        await rig.until(lambda: outcome(rig) == "aborted")
        assert lasts_s <= rig.now - began < lasts_s + 8
        rollout = rig.deployment.rollout
        assert rollout is not None
        assert rollout.cause is not None
        assert "v42 left the deployment with" in rollout.cause.reason
        assert rollout.cause.check == "trafficDrop"

    rig.run(story)


def test_a_backend_that_began_anew_is_no_drop_of_traffic(rig: Rig) -> None:
    async def story(rig: Rig) -> None:
        await rig.deploy("v41", replicas=2)
        await rig.until(lambda: rig.deployment.stable)
        drop = {"metric": "trafficDrop", "above": "20%", "window": "5s"}
        spec = {"canary": {"steps": [{"weight": 50}], "bake": "10m"}, "guards": [drop]}
        await rig.deploy("v42", strategy="canary", spec={**spec, "autoAbort": False})
        await rig.until(lambda: rig.live == [100])
        await asyncio.sleep(40)
        rig.fleet.restart()
        await asyncio.sleep(40)
        assert rig.deployment.active

    rig.run(story)
