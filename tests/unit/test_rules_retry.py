"""A rollout once more: with the replicas it was asked for, or those somebody scaled to since."""

from __future__ import annotations

import pytest

from gaesup_tui.domain import commands as cmd
from gaesup_tui.domain.errors import Refused
from gaesup_tui.domain.preview import preview
from gaesup_tui.domain.rollout import Rollout
from gaesup_tui.domain.steps import Scale, SetTraffic
from gaesup_tui.domain.viewing import Sight

from .story import KEY, Story


@pytest.fixture
def story() -> Story:
    told = Story()
    told.stable("v41")
    return told


def aborted(story: Story, strategy: str, replicas: int) -> None:
    story.deploy("v42", strategy, replicas)
    story.ask(cmd.Abort(deployment=KEY))
    story.settle()


def again(story: Story) -> Rollout:
    story.ask(cmd.Retry(deployment=KEY))
    assert story.deployment.active is not None
    return story.deployment.active


def candidates(rollout: Rollout) -> list[int]:
    return [s.replicas for s in rollout.plan if isinstance(s, Scale) and s.side == "candidate"]


@pytest.mark.parametrize("strategy", ["canary", "rolling", "blueGreen"])
def test_it_ends_with_the_replicas_that_were_asked_for(story: Story, strategy: str) -> None:
    aborted(story, strategy, 4)
    assert story.deployment.replicas == 2
    assert max(candidates(again(story))) == 4
    story.ask(cmd.Promote(deployment=KEY, full=True))
    story.later(3600)
    assert story.deployment.replicas == 4


@pytest.mark.parametrize("strategy", ["canary", "blueGreen"])
def test_what_was_scaled_since_counts_more(story: Story, strategy: str) -> None:
    aborted(story, strategy, 4)
    story.ask(cmd.Scale(deployment=KEY, replicas=7))
    rollout = again(story)
    assert (rollout.replicas, candidates(rollout)) == (7, [7])


def test_waves_made_for_other_replicas_are_not_run_again(story: Story) -> None:
    aborted(story, "rolling", 4)
    story.ask(cmd.Scale(deployment=KEY, replicas=7))
    with pytest.raises(Refused, match="its waves do not fit any more: deploy it again"):
        again(story)


def test_nor_one_wave_that_was_made_for_a_smaller_base(story: Story) -> None:
    story.ask(cmd.Scale(deployment=KEY, replicas=1))
    story.deploy("v42", "rolling", replicas=3, rolling={"maxSurge": 2, "maxUnavailable": 0})
    story.ask(cmd.Scale(deployment=KEY, replicas=3))
    story.ask(cmd.Abort(deployment=KEY))
    story.settle()
    with pytest.raises(Refused, match="its waves do not fit any more: deploy it again"):
        story.ask(cmd.Retry(deployment=KEY))


def test_one_that_was_scaled_to_nothing_rolls_with_the_base_it_starts(story: Story) -> None:
    story.ask(cmd.Scale(deployment=KEY, replicas=0))
    story.deploy("v42", "rolling", 3)
    rollout = story.deployment.active
    assert rollout is not None
    assert rollout.base_replicas == 3
    assert candidates(rollout)[0] == 1, "the surge is counted beside the base"


def test_from_the_failed_step_no_wave_takes_replicas_that_still_have_traffic(story: Story) -> None:
    rolling = {"maxSurge": 0, "maxUnavailable": "50%", "bake": 60}
    story.deploy("v42", "rolling", 3, rolling=rolling)
    story.settle()
    story.ask(cmd.Abort(deployment=KEY))
    story.settle()
    story.ask(cmd.Retry(deployment=KEY, start="failed"))
    rollout = story.deployment.active
    assert rollout is not None
    gone = rollout.plan.index(Scale(side="base", replicas=0))
    assert any(isinstance(step, SetTraffic) for step in rollout.plan[:gone])


def test_what_comes_in_waves_is_not_scaled_before_it_is_there(story: Story) -> None:
    story.deploy("v42", "rolling", 4)
    with pytest.raises(Refused, match="v42 comes in waves made for 4 replicas: scale once"):
        story.ask(cmd.Scale(deployment=KEY, replicas=7))
    story.settle()
    story.later(3600)
    story.ask(cmd.Scale(deployment=KEY, replicas=7))
    assert story.deployment.replicas == 7


def test_what_is_scaled_on_its_way_back_comes_to_rest_with_as_many(story: Story) -> None:
    story.deploy("v42", "canary", 2, canary={"steps": [{"weight": 10}, {"pause": {}}], "bake": 0})
    story.settle()
    story.ask(cmd.Abort(deployment=KEY))
    story.ask(cmd.Scale(deployment=KEY, replicas=3))
    active = story.deployment.active
    assert active is not None
    bases = [s.replicas for s in active.plan if isinstance(s, Scale) and s.side == "base"]
    assert bases == [3]
    story.settle()
    assert story.deployment.active is None
    assert story.deployment.replicas == 3


def test_the_question_says_from_which_step_it_begins_and_how_else() -> None:
    story = Story()
    story.stable("v41")
    steps = [{"weight": 10}, {"pause": None}, {"weight": 50}, {"pause": None}]
    story.deploy("v42", canary={"steps": steps})
    story.settle()
    story.ask(cmd.Abort(deployment=KEY, why="too soon"))
    story.settle()

    def lines(action: str) -> dict[str, str]:
        return dict(preview(story.world, action, KEY, Sight(), story.now)["lines"])

    assert lines("retry")["Then"].startswith("v42 again from the start: candidate × 2, healthy")
    assert lines("retry")["Or"] == "from wait for you, where it ended: retry --from failed"
    assert lines("retry_failed")["Then"].startswith("v42 again from wait for you: ")
    assert lines("retry_failed")["Or"] == "from the start: retry"
    assert lines("retry_failed")["Failed by"] == "too soon"
