"""Corners of the rules that the simulation or a second look found."""

from __future__ import annotations

from typing import Any

import pytest

from gaesup_tui.domain import commands as cmd
from gaesup_tui.domain.errors import Refused
from gaesup_tui.domain.observation import DeploymentSeen
from gaesup_tui.domain.rollout_rules import due
from gaesup_tui.domain.waiting import waiting

from .story import KEY, Story, kinds, revision

V41, V42 = revision("v41").id, revision("v42").id
GATED: dict[str, Any] = {"canary": {"steps": [{"weight": 10}, {"pause": None}], "bake": 0}}


@pytest.fixture
def canary() -> Story:
    """v41 serves; v42 has 10 % and waits for a person, who has half an hour."""
    story = Story()
    story.stable("v41")
    story.deploy("v42", **GATED)
    story.settle()
    return story


def test_a_pause_does_not_eat_the_time_a_person_has(canary: Story) -> None:
    canary.later(60)
    canary.ask(cmd.Pause(deployment=KEY, why="lunch"))
    canary.later(3600)
    canary.ask(cmd.Resume(deployment=KEY))
    assert canary.later(1) == []
    assert due(canary.deployment) == canary.now - 61 + 1800
    assert kinds(canary.later(1800)[:1]) == ["retreat_started"]


def test_a_freeze_does_not_either(canary: Story) -> None:
    canary.ask(cmd.Stop(mode="freeze", why="network"))
    canary.later(7200)
    canary.ask(cmd.Release(why="over"))
    assert canary.later(1) == []
    assert kinds(canary.later(1800)[:1]) == ["retreat_started"]


def test_a_pause_within_a_freeze_is_counted_once(canary: Story) -> None:
    canary.ask(cmd.Stop(mode="freeze", why="network"))
    canary.ask(cmd.Pause(deployment=KEY))
    canary.later(600)
    canary.ask(cmd.Release(why="over"))
    canary.later(600)
    canary.ask(cmd.Resume(deployment=KEY))
    assert due(canary.deployment) == canary.now + 1800


def at_the_last_step() -> Story:
    """v42 has everything, and v41 has just been taken away: not yet seen to be gone."""
    story = Story()
    story.stable("v41")
    story.deploy("v42", canary={"steps": [], "bake": 0})
    while story.deployment.replica_wishes()[V41][1]:
        seen = story.seen()
        story.look(seen)
        if story.deployment.weights() == {V42: 100}:
            story.look(DeploymentSeen({V42: 100}, seen.revisions))
    assert story.deployment.active is not None
    return story


def test_traffic_goes_back_to_a_base_that_is_gone_only_when_it_is_there_again() -> None:
    story = at_the_last_step()
    story.ask(cmd.Abort(deployment=KEY))
    assert story.deployment.replica_wishes()[V41][1] == 2
    assert story.deployment.weights() == {V42: 100}
    gone = DeploymentSeen({V42: 100}, {})
    told = waiting(story.deployment, gone, None)
    assert told is not None
    assert told.what.startswith("bringing the base back first")
    story.settle()
    assert story.deployment.weights() == {V41: 100}
    assert story.deployment.rollout is not None
    assert story.deployment.rollout.outcome == "aborted"


def test_scaled_to_nothing_it_wishes_no_traffic_and_a_moving_one_is_not_scaled_so(
    canary: Story,
) -> None:
    with pytest.raises(Refused, match="a rollout is moving"):
        canary.ask(cmd.Scale(deployment=KEY, replicas=0))
    canary.ask(cmd.Abort(deployment=KEY))
    canary.settle()
    canary.ask(cmd.Scale(deployment=KEY, replicas=0))
    assert canary.deployment.weights() == {}
    canary.ask(cmd.Scale(deployment=KEY, replicas=1))
    assert canary.deployment.weights() == {V41: 100}


def test_a_rollback_under_a_stop_is_a_way_to_safety_but_under_a_freeze_it_waits() -> None:
    story = Story()
    story.stable("v41")
    story.stable("v42")
    story.ask(cmd.Stop(mode="freeze", why="network"))
    with pytest.raises(Refused, match="frozen by kim"):
        story.ask(cmd.Rollback(deployment=KEY))
    story.ask(cmd.Stop(mode="stop", why="worse"))
    story.ask(cmd.Rollback(deployment=KEY))
    story.settle()
    assert story.deployment.weights() == {V41: 100}
