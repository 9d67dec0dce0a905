"""What was seen before a wish changed tells nothing about it, even when it happens to agree."""

from __future__ import annotations

import asyncio
from pathlib import Path

from gaesup_tui.domain import commands as cmd
from gaesup_tui.domain.deployment import Deployment
from gaesup_tui.domain.rollout_rules import Look, decide_look
from gaesup_tui.domain.steps import Bake, Scale

from .engine_rig import KIM, Rig
from .story import KEY, Story, kinds, revision


def kinds_after(state: Deployment, look: Look, now: float) -> list[str]:
    return [event.kind for event in decide_look(state, look, now)]


def test_a_base_that_was_ready_before_it_was_taken_away_is_not_ready_again() -> None:
    story = Story()
    story.stable("v41")
    story.deploy("v42", "blueGreen", 2, blueGreen={"steps": [100], "bake": 5})
    story.settle()
    assert isinstance(story.deployment.active and story.deployment.active.step, Bake)
    before, seen_at = story.seen(), story.now
    story.now += 6
    story.look()
    assert story.deployment.active is not None
    assert story.deployment.active.step == Scale(side="base", replicas=0)
    story.now += 1
    story.ask(cmd.Abort(deployment=KEY))
    # The last look is from before the base went, and shows it whole.
    assert before.revisions[revision("v41").id].ready == 2
    assert kinds_after(story.deployment, Look(before, at=seen_at), story.now) == []
    assert story.deployment.weights() == {revision("v42").id: 100}
    assert kinds_after(story.deployment, Look(before, at=story.now), story.now) == [
        "step_completed"
    ]


def test_a_share_seen_before_the_way_back_began_does_not_end_it() -> None:
    story = Story()
    story.stable("v41")
    story.deploy("v42", "canary", 2, canary={"steps": [{"weight": 10}, {"pause": {}}], "bake": 0})
    while story.deployment.weights() == {revision("v41").id: 100}:
        before, seen_at = story.seen(), story.now
        story.look()
    story.now += 1
    events = story.ask(cmd.Abort(deployment=KEY))
    assert kinds(events) == ["retreat_started"]
    assert kinds_after(story.deployment, Look(before, at=seen_at), story.now) == []


def test_replicas_stay_while_a_call_for_traffic_is_on_its_way(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        await rig.waiting_canary()
        rig.backend.hanging.add("traffic")
        await rig.engine.submit(cmd.Abort(deployment=KEY), KIM)
        # The route shows all on v41, but the call may still be on its way to make it another.
        rig.fleet.places[KEY].weights = {rig.revision("v41").id: 100}
        await asyncio.sleep(20)
        assert "ensure v42 0" not in rig.backend.calls
        rig.backend.hanging.clear()
        await rig.until(lambda: rig.deployment.active is None)
        assert rig.backend.calls.index("ensure v42 0") > rig.backend.calls.index("traffic [100]")

    Rig(tmp_path).run(story)


def test_the_base_stays_while_what_has_the_traffic_lost_its_replicas(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        await rig.deploy("v41", replicas=2)
        await rig.until(lambda: rig.deployment.stable)
        switch = {"blueGreen": {"steps": [100], "bake": 5}}
        await rig.deploy("v42", strategy="blueGreen", spec=switch)
        await rig.until(lambda: rig.deployment.weights() == {rig.revision("v42").id: 100})
        rig.fleet.unready.add(rig.revision("v42").id)
        await asyncio.sleep(20)
        assert "ensure v41 0" not in rig.backend.calls
        rig.fleet.unready.clear()
        await rig.until(lambda: rig.deployment.active is None)
        assert "ensure v41 0" in rig.backend.calls

    Rig(tmp_path).run(story)
