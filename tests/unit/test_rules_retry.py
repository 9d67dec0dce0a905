"""A rollout once more: with the replicas it was asked for, or those somebody scaled to since."""

from __future__ import annotations

from typing import Any

import pytest

from gaesup_tui.domain import commands as cmd
from gaesup_tui.domain.errors import Refused
from gaesup_tui.domain.preview import preview
from gaesup_tui.domain.rolling import rolling
from gaesup_tui.domain.rolling_spec import RollingSpec
from gaesup_tui.domain.rollout import Rollout
from gaesup_tui.domain.steps import Scale, SetTraffic
from gaesup_tui.domain.viewing import Sight

from .story import KEY, Story, revision


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


def test_waves_made_for_other_replicas_are_planned_anew(story: Story) -> None:
    aborted(story, "rolling", 4)
    story.ask(cmd.Scale(deployment=KEY, replicas=7))
    rollout = again(story)
    assert rollout.replicas == 7
    assert candidates(rollout)[-1] == 7
    assert rollout.plan == rolling(RollingSpec(), 7, (), 7)


def test_so_is_one_wave_that_was_made_for_a_smaller_base(story: Story) -> None:
    story.ask(cmd.Scale(deployment=KEY, replicas=1))
    spec = {"maxSurge": 2, "maxUnavailable": 0}
    story.deploy("v42", "rolling", replicas=3, rolling=spec)
    story.ask(cmd.Scale(deployment=KEY, replicas=3))
    story.ask(cmd.Abort(deployment=KEY))
    story.settle()
    rollout = again(story)
    assert rollout.plan == rolling(RollingSpec.model_validate(spec), 3, (), 3)
    story.settle()
    story.later(3600)
    assert story.deployment.stable == revision("v42")


@pytest.mark.parametrize("start", ["start", "failed"])
def test_one_that_was_scaled_on_its_way_is_planned_anew_as_a_whole(
    story: Story, start: Any
) -> None:
    story.deploy("v42", "rolling", 4)
    while not (story.deployment.active and story.deployment.active.weight_percent):
        story.look()
    story.ask(cmd.Scale(deployment=KEY, replicas=6))
    story.ask(cmd.Abort(deployment=KEY))
    story.settle()
    assert story.deployment.replicas == 6
    shown = preview(story.world, "retry", KEY, Sight(), story.now)
    lines = dict(shown["lines"])
    assert lines["Then"].startswith("v42 again from the start: candidate × 1, healthy")
    assert lines["Waves"] == "planned anew for 6 replicas: they were scaled since"
    assert "Or" not in lines
    story.ask(cmd.Retry(deployment=KEY, start=start))
    rollout = story.deployment.active
    assert rollout is not None
    assert rollout.plan == rolling(RollingSpec(), 6, (), 6)


def test_waves_of_an_old_journal_are_not_run_again_after_a_scale(story: Story) -> None:
    """It does not know what they were planned from."""
    aborted(story, "rolling", 4)
    failed = story.deployment.rollout
    assert failed is not None
    old = failed.model_copy(update={"spec": failed.spec.model_copy(update={"rolling": None})})
    story.world.deployments[KEY] = story.deployment.model_copy(update={"rollout": old})
    story.ask(cmd.Scale(deployment=KEY, replicas=7))
    with pytest.raises(Refused, match="its waves do not fit any more: deploy it again"):
        again(story)


def test_one_that_was_scaled_to_nothing_rolls_with_the_base_it_starts(story: Story) -> None:
    story.ask(cmd.Scale(deployment=KEY, replicas=0))
    story.deploy("v42", "rolling", 3)
    rollout = story.deployment.active
    assert rollout is not None
    assert rollout.base_replicas == 3
    assert candidates(rollout)[0] == 1, "the surge is counted beside the base"


def test_from_the_failed_step_no_wave_takes_replicas_that_still_have_traffic(story: Story) -> None:
    spec = {"maxSurge": 0, "maxUnavailable": "50%", "bake": 60}
    story.deploy("v42", "rolling", 3, rolling=spec)
    story.settle()
    story.ask(cmd.Abort(deployment=KEY))
    story.settle()
    story.ask(cmd.Retry(deployment=KEY, start="failed"))
    rollout = story.deployment.active
    assert rollout is not None
    gone = rollout.plan.index(Scale(side="base", replicas=0))
    assert any(isinstance(step, SetTraffic) for step in rollout.plan[:gone])


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
