"""The whole route is kept as wished: what somebody changed beside the weights comes back too."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from gaesup_tui.domain import commands as cmd
from gaesup_tui.domain.route import NO_RULES

from .engine_rig import KEY, KIM, Rig

STEERED = {"canary": {"steps": [{"match": [{"header": "x-beta", "equals": "1"}]}, {"pause": {}}]}}


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path)


async def beta(rig: Rig) -> None:
    """v41 serves; v42 gets testers and waits for a person."""
    await rig.deploy("v41", replicas=2)
    await rig.until(lambda: rig.deployment.stable)
    await rig.deploy("v42", strategy="canary", spec=STEERED)
    await rig.until(lambda: rig.deployment.active and rig.deployment.active.index == 3)


def test_rules_that_somebody_took_away_are_asked_for_again(rig: Rig) -> None:
    async def story(rig: Rig) -> None:
        await beta(rig)
        place = rig.fleet.places[KEY]
        wished = place.rules
        assert wished.steers
        place.rules = NO_RULES
        await rig.until(lambda: place.rules == wished)

    rig.run(story)


def test_a_route_that_is_as_wished_is_left_alone(rig: Rig) -> None:
    async def story(rig: Rig) -> None:
        await beta(rig)
        await asyncio.sleep(3)
        calls = len(rig.backend.calls)
        await asyncio.sleep(30)
        assert len(rig.backend.calls) == calls

    rig.run(story)


def test_an_abort_takes_testers_back_before_the_candidate_goes(rig: Rig) -> None:
    async def story(rig: Rig) -> None:
        await beta(rig)
        place = rig.fleet.places[KEY]
        steered_without_replicas = []

        def look() -> None:
            there = place.revisions.get(place.rules.target)
            steered_without_replicas.append(place.rules.steers and there is None)

        rig.backend.failing.add("traffic")
        await rig.engine.submit(cmd.Abort(deployment=KEY), KIM)
        for _ in range(40):
            await asyncio.sleep(0.1)
            look()
        rig.backend.failing.clear()
        await rig.until(lambda: rig.deployment.active is None)
        look()
        assert not any(steered_without_replicas)
        assert place.rules == NO_RULES

    rig.run(story)
