"""What a person can do with time and shares: let a wait expire later, go back one step."""

from __future__ import annotations

from typing import Any

import pytest

from gaesup_tui.domain import commands as cmd
from gaesup_tui.domain.errors import Moved, Refused
from gaesup_tui.domain.observation import DeploymentSeen
from gaesup_tui.domain.preview import preview
from gaesup_tui.domain.rollout_rules import due
from gaesup_tui.domain.steps import Bake, Pause
from gaesup_tui.domain.verdict import Verdict
from gaesup_tui.domain.viewing import Sight, rollout_view
from gaesup_tui.domain.waiting import waiting

from .story import KEY, Story, kinds, revision

V41, V42 = revision("v41").id, revision("v42").id
GATE: dict[str, Any] = {"pause": {"expiry": "10m", "onExpiry": "abort"}}
STEPS: dict[str, Any] = {
    "canary": {"steps": [{"weight": 10}, GATE, {"weight": 50}, GATE], "bake": "10m"}
}


@pytest.fixture
def story() -> Story:
    """v42 at 10 %, waiting for a person for ten minutes at most."""
    told = Story()
    told.stable("v41")
    told.deploy("v42", **STEPS)
    told.settle()
    assert told.deployment.weights() == {V41: 90, V42: 10}
    return told


def test_an_extended_wait_expires_later_by_so_much_and_no_more(story: Story) -> None:
    story.ask(cmd.Extend(deployment=KEY, by_s=1800, why="lunch"))
    active = story.deployment.active
    assert active is not None
    assert due(story.deployment) == active.step_began + 2400
    why = waiting(story.deployment, story.seen(), None)
    assert why is not None
    assert (why.until, why.then) == (active.step_began + 2400, "aborts")
    story.later(2399)
    assert story.deployment.weights() == {V41: 90, V42: 10}
    story.later(2)
    assert story.deployment.weights() == {V41: 100}
    rollout = story.deployment.rollout
    assert rollout is not None
    assert rollout.cause is not None
    assert rollout.cause.reason == "nobody decided within 40m00"


def test_an_extension_adds_up_and_is_of_one_step_only(story: Story) -> None:
    story.ask(cmd.Extend(deployment=KEY, by_s=600))
    story.ask(cmd.Extend(deployment=KEY, by_s=600))
    story.later(1799)
    story.ask(cmd.Promote(deployment=KEY))
    story.settle()
    assert story.deployment.weights() == {V41: 50, V42: 50}
    story.later(601)
    assert story.deployment.weights() == {V41: 100}


@pytest.mark.parametrize("then", ["abort", "promote"])
def test_an_analysis_that_finds_nothing_can_be_given_longer(then: str) -> None:
    told = Story()
    told.stable("v41")
    analysis = {"analysis": {"duration": "1m", "expiry": "5m", "onExpiry": then}}
    told.deploy("v42", canary={"steps": [{"weight": 10}, analysis], "bake": "1m"})
    told.settle()
    told.verdict = Verdict(kind="CONTINUE", reason="too few requests")
    told.ask(cmd.Extend(deployment=KEY, by_s=300))
    told.later(599)
    assert told.deployment.weights() == {V41: 90, V42: 10}
    told.later(2)
    assert told.deployment.weights() == ({V41: 100} if then == "abort" else {V42: 100})


def test_what_does_not_expire_is_not_extended(story: Story) -> None:
    story.ask(cmd.Promote(deployment=KEY))
    story.settle()
    story.ask(cmd.Promote(deployment=KEY))
    story.settle()
    with pytest.raises(Refused, match="nothing expires at this step"):
        story.ask(cmd.Extend(deployment=KEY, by_s=60))
    story.ask(cmd.Abort(deployment=KEY))
    with pytest.raises(Refused, match="on the way back"):
        story.ask(cmd.Extend(deployment=KEY, by_s=60))


def test_the_preview_of_an_extension_says_what_happens_when(story: Story) -> None:
    shown = preview(story.world, "extend", KEY, Sight(), story.now + 60, by_s=1800)
    assert ("Expires", "aborts in 9m00 when nobody decides") in shown["lines"]
    assert ("Then", "in 39m00: 30m00 later") in shown["lines"]


def test_one_step_back_is_the_share_before_and_waits_for_a_person(story: Story) -> None:
    story.ask(cmd.Promote(deployment=KEY))
    story.settle()
    assert story.deployment.weights() == {V41: 50, V42: 50}
    shown = preview(story.world, "step_back", KEY, Sight(), story.now)
    assert shown["lines"][1][1].startswith("v41 90 %   v42 10 %")
    story.ask(cmd.StepBack(deployment=KEY, why="p95 looks odd", expect_seq=shown["expect_seq"]))
    assert story.deployment.weights() == {V41: 90, V42: 10}
    story.later(3600)
    assert story.deployment.weights() == {V41: 90, V42: 10}
    why = waiting(story.deployment, story.seen(), None)
    assert why is not None
    assert why.what == "paused by kim: stepped back to 10 %: p95 looks odd"
    assert why.person


def test_after_a_step_back_the_same_gates_come_again(story: Story) -> None:
    story.ask(cmd.Promote(deployment=KEY))
    story.settle()
    story.ask(cmd.StepBack(deployment=KEY))
    story.settle()
    story.ask(cmd.Resume(deployment=KEY))
    story.settle()
    active = story.deployment.active
    assert active is not None
    assert isinstance(active.step, Pause)
    assert story.deployment.weights() == {V41: 90, V42: 10}
    story.ask(cmd.Promote(deployment=KEY))
    story.settle()
    assert story.deployment.weights() == {V41: 50, V42: 50}
    view = rollout_view(story.deployment.active or active, Sight(), {})
    assert [step["title"] for step in view["steps"]] == [s.title() for s in active.spec.plan]


def test_a_promotion_may_follow_a_step_back_at_once(story: Story) -> None:
    story.ask(cmd.Promote(deployment=KEY))
    story.settle()
    story.ask(cmd.StepBack(deployment=KEY))
    story.ask(cmd.Promote(deployment=KEY))
    story.settle()
    assert story.deployment.weights() == {V41: 50, V42: 50}


def test_from_the_bake_it_is_back_to_a_share_and_not_promoted_fully_any_more(story: Story) -> None:
    story.ask(cmd.Promote(deployment=KEY, full=True))
    story.settle()
    assert isinstance(story.deployment.active and story.deployment.active.step, Bake)
    story.ask(cmd.StepBack(deployment=KEY))
    story.ask(cmd.Resume(deployment=KEY))
    story.settle()
    assert story.deployment.weights() == {V41: 50, V42: 50}


def test_guards_watch_on_after_a_step_back(story: Story) -> None:
    story.ask(cmd.Promote(deployment=KEY))
    story.settle()
    story.ask(cmd.StepBack(deployment=KEY))
    story.see_not_ready("v42", health_failures=5)
    story.settle()
    assert story.deployment.weights() == {V41: 100}


def test_there_is_no_step_back_before_the_first_share_or_on_an_old_screen(story: Story) -> None:
    with pytest.raises(Refused, match="no smaller share before this one: abort returns all"):
        story.ask(cmd.StepBack(deployment=KEY))
    old = story.deployment.seq
    story.ask(cmd.Promote(deployment=KEY))
    story.settle()
    with pytest.raises(Moved):
        story.ask(cmd.StepBack(deployment=KEY, expect_seq=old))


def test_there_is_no_step_back_to_replicas_that_are_gone() -> None:
    told = Story()
    told.stable("v41")
    told.ask(cmd.Scale(deployment=KEY, replicas=4))
    told.deploy("v42", "rolling", None, rolling={"minReady": "60s", "bake": "10m"})
    told.settle()
    told.later(61)
    told.later(61)
    assert len(told.deployment.weights()) == 2
    with pytest.raises(Refused, match="replicas changed since the share before"):
        told.ask(cmd.StepBack(deployment=KEY))


def test_a_stop_beats_a_step_back(story: Story) -> None:
    story.ask(cmd.Promote(deployment=KEY))
    story.settle()
    happened = story.ask(cmd.Stop(why="fire"))
    assert "retreat_started" in kinds(happened)
    with pytest.raises(Refused):
        story.ask(cmd.StepBack(deployment=KEY))
    assert story.look(DeploymentSeen()) == []


def test_a_share_that_the_next_one_follows_at_once_is_no_step_to_go_back_to() -> None:
    told = Story()
    told.stable("v41")
    steps = [{"weight": 10}, GATE, {"weight": 30}, {"weight": 50}, GATE]
    told.deploy("v42", canary={"steps": steps, "bake": 0})
    told.settle()
    told.ask(cmd.Promote(deployment=KEY))
    told.settle()
    assert told.deployment.weights() == {V41: 50, V42: 50}
    told.ask(cmd.StepBack(deployment=KEY))
    assert told.deployment.weights() == {V41: 90, V42: 10}
