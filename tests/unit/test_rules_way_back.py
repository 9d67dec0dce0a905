"""The way back by hand and by itself: gradual, ignoring a check, verified, and told to a person."""

from __future__ import annotations

from typing import Any

import pytest

from gaesup_tui.domain import commands as cmd
from gaesup_tui.domain.checking import failed_check
from gaesup_tui.domain.drops import Compared
from gaesup_tui.domain.errors import Invalid, Refused
from gaesup_tui.domain.observation import DeploymentSeen, RevisionSeen
from gaesup_tui.domain.preview import preview
from gaesup_tui.domain.sentences import sentence
from gaesup_tui.domain.steps import Pause, SmokeTest
from gaesup_tui.domain.telemetry import Delta, Window
from gaesup_tui.domain.verdict import Verdict
from gaesup_tui.domain.verifying import decide_verification, to_verify
from gaesup_tui.domain.viewing import Sight, deployment_view, rollout_view
from gaesup_tui.domain.waiting import waiting

from .story import KEY, KIM, Story, kinds, revision

V41, V42 = revision("v41").id, revision("v42").id
GATE: dict[str, Any] = {"pause": None}
GATED: dict[str, Any] = {
    "canary": {"steps": [{"weight": 10}, {"pause": None}, {"weight": 60}, {"pause": None}]},
    "gradual_abort": 30,
}
BAD = Window(seconds=10, requests=400, errors=80, p50_s=0.01, p95_s=0.02)
GOOD = Window(seconds=10, requests=200, errors=0, p50_s=0.01, p95_s=0.02)


@pytest.fixture
def story() -> Story:
    """v42 has 60 % and waits for a person."""
    told = Story()
    told.stable("v41")
    told.deploy("v42", **GATED)
    told.settle()
    told.ask(cmd.Promote(deployment=KEY))
    told.settle()
    assert told.deployment.weights() == {V41: 40, V42: 60}
    return told


# Gradual ------------------------------------------------------------------------------------------


def test_a_gradual_abort_gives_the_traffic_back_share_by_share(story: Story) -> None:
    story.ask(cmd.Abort(deployment=KEY, gradual=True))
    story.settle()
    shares = [story.deployment.weights()[V42]]
    for _ in range(2):
        story.later(10)
        shares.append(story.deployment.weights()[V42])
    assert shares == [50, 25, 10]
    story.later(9)
    assert story.deployment.weights() == {V41: 90, V42: 10}
    story.later(1)
    assert story.deployment.weights() == {V41: 100}
    assert story.deployment.rollout is not None
    assert story.deployment.rollout.outcome == "aborted"


def test_a_gradual_abort_is_previewed_and_says_where_it_stands(story: Story) -> None:
    shown = preview(story.world, "abort_gradual", KEY, Sight(), story.now)
    assert ("Then", "50 %, 25 %, 10 %, then none: about 30 s") in shown["lines"]
    story.ask(cmd.Abort(deployment=KEY, gradual=True))
    story.settle()
    why = waiting(story.deployment, story.seen(), None)
    assert why is not None
    assert why.what == "going back gradually: 50 % still on v42"
    assert why.until == story.now + 10


def overtaken_by_abort(story: Story) -> None:
    story.ask(cmd.Abort(deployment=KEY))


def overtaken_by_stop(story: Story) -> None:
    story.ask(cmd.Stop(why="fire"))


def overtaken_by_a_guard(story: Story) -> None:
    story.windows = {10.0: BAD}
    story.look()


def overtaken_by_the_judge(story: Story) -> None:
    story.verdict = Verdict(kind="ABORT", reason="errors up")
    story.look()


@pytest.mark.parametrize(
    "overtake",
    [overtaken_by_abort, overtaken_by_stop, overtaken_by_a_guard, overtaken_by_the_judge],
)
def test_whatever_is_faster_overtakes_a_gradual_abort(story: Story, overtake: Any) -> None:
    story.ask(cmd.Abort(deployment=KEY, gradual=True))
    story.settle()
    assert story.deployment.weights() == {V41: 50, V42: 50}
    overtake(story)
    assert story.deployment.weights() == {V41: 100}, "at once"


def test_a_held_automation_does_not_hold_up_a_gradual_abort(story: Story) -> None:
    story.ask(cmd.Abort(deployment=KEY, gradual=True))
    story.settle()
    story.ask(cmd.Stop(mode="freeze"))
    for _ in range(3):
        story.later(10)
    assert story.deployment.weights() == {V41: 100}


def test_an_abort_at_once_is_not_slowed_down_by_a_gradual_one(story: Story) -> None:
    story.ask(cmd.Abort(deployment=KEY))
    with pytest.raises(Refused, match="on the way back already"):
        story.ask(cmd.Abort(deployment=KEY, gradual=True))


def test_a_small_share_is_not_worth_going_slowly() -> None:
    told = Story()
    told.stable("v41")
    told.deploy("v42", **GATED)
    told.settle()
    with pytest.raises(Refused, match="10 % is little enough"):
        told.ask(cmd.Abort(deployment=KEY, gradual=True))


def test_a_base_that_was_taken_away_is_whole_before_it_gets_a_share() -> None:
    told = Story()
    told.stable("v41")
    told.deploy("v42", "rolling", rolling={"bake": 600})
    while told.deployment.active and told.deployment.active.base_replicas:
        told.now += 601
        told.look()
    assert told.deployment.active, "the base goes, and is not gone yet"
    told.ask(cmd.Abort(deployment=KEY, gradual=True))
    cold = DeploymentSeen(weights={V42: 100}, revisions={V42: told.seen().revisions[V42]})
    told.look(cold)
    assert told.deployment.weights() == {V42: 100}
    told.ask(cmd.Abort(deployment=KEY))
    assert told.deployment.weights() == {V42: 100}, "nor at once: nothing would answer"
    told.settle()
    assert told.deployment.weights() == {V41: 100}


# Ignoring a check ---------------------------------------------------------------------------------


def with_smoke(story: Story) -> None:
    command = cmd.Deploy.model_validate(
        {
            "deployment": KEY,
            "revision": revision("v42"),
            "strategy": "canary",
            "checks": [{"path": "/health"}],
            "spec": GATED,
        }
    )
    story.ask(command)


@pytest.fixture
def failed() -> Story:
    """v42 failed its smoke test and is gone."""
    told = Story()
    told.stable("v41")
    told.smoke_passes = False
    with_smoke(told)
    told.settle()
    assert told.deployment.rollout is not None
    assert told.deployment.rollout.outcome == "aborted"
    return told


def test_a_smoke_test_that_failed_is_ignored_once_and_the_rollout_goes_on(failed: Story) -> None:
    events = failed.ask(cmd.Ignore(deployment=KEY, why="known flake"))
    assert kinds(events) == ["rollout_created"]
    failed.ask(cmd.ReleaseHold(deployment=KEY, why="looked"))
    failed.settle()
    assert failed.deployment.weights() == {V41: 90, V42: 10}
    rollout = failed.deployment.active
    assert rollout is not None
    notes = [step["note"] for step in rollout_view(rollout, Sight(), {})["steps"]]
    assert "smoke ignored by kim: known flake" in notes


def test_the_next_rollout_is_tested_again(failed: Story) -> None:
    failed.ask(cmd.Ignore(deployment=KEY, why="known flake"))
    failed.settle()
    failed.ask(cmd.Abort(deployment=KEY))
    failed.settle()
    with_smoke(failed)
    failed.settle()
    assert failed.deployment.weights() == {V41: 100}


def test_a_smoke_test_without_an_answer_can_be_passed() -> None:
    told = Story()
    told.stable("v41")
    with_smoke(told)
    while not isinstance(told.deployment.active and told.deployment.active.step, SmokeTest):
        told.look()
    events = told.ask(cmd.Ignore(deployment=KEY, why="the probe cannot reach it"))
    assert kinds(events) == ["check_ignored"]
    told.smoke_passes = False
    told.look()
    assert not isinstance(told.deployment.active and told.deployment.active.step, SmokeTest)


def test_ignoring_needs_a_reason(failed: Story) -> None:
    with pytest.raises(Invalid, match="needs a reason"):
        failed.ask(cmd.Ignore(deployment=KEY, why=" "))


def test_a_guard_is_ignored_at_this_step_and_acts_again_at_the_next(story: Story) -> None:
    with pytest.raises(Refused, match="no check stands in the way"):
        story.ask(cmd.Ignore(deployment=KEY, why="known"))
    with pytest.raises(Invalid, match="no check 'wrong'"):
        story.ask(cmd.Ignore(deployment=KEY, check="wrong", why="known"))
    event = story.ask(cmd.Ignore(deployment=KEY, check="errorRatio", why="known"))[0]
    assert sentence(event, story.deployment.rollout)[0] == "errorRatio ignored at this step"
    story.windows = {10.0: BAD}
    story.settle()
    assert story.deployment.weights() == {V41: 40, V42: 60}
    story.ask(cmd.Promote(deployment=KEY))
    story.settle()
    assert story.deployment.weights() == {V41: 100}


def test_the_judge_is_ignored_at_this_step_only(story: Story) -> None:
    story.ask(cmd.Ignore(deployment=KEY, check="judge", why="a campaign began"))
    story.verdict = Verdict(kind="ABORT", reason="errors up")
    story.settle()
    assert story.deployment.weights() == {V41: 40, V42: 60}
    story.ask(cmd.Promote(deployment=KEY))
    story.settle()
    assert story.deployment.weights() == {V41: 100}


def test_nothing_is_ignored_on_the_way_back_or_under_a_stop(story: Story) -> None:
    story.ask(cmd.Abort(deployment=KEY))
    with pytest.raises(Refused, match="on the way back"):
        story.ask(cmd.Ignore(deployment=KEY, why="known"))
    story.ask(cmd.Stop())
    with pytest.raises(Refused, match="release it first"):
        story.ask(cmd.Ignore(deployment=KEY, why="known"))


# The guard's time ---------------------------------------------------------------------------------


def test_the_guard_that_is_about_to_act_is_the_one_that_is_meant(story: Story) -> None:
    sight = Sight(brewing=[("p95", "v42 p95 2.00s > 1.00s: aborts when it holds for 30 s")])
    shown = preview(story.world, "ignore", KEY, sight, story.now)
    assert shown["check"] == "p95"
    assert shown["needs_reason"]


# Verification and notice --------------------------------------------------------------------------


def rolled_back_by_itself(story: Story) -> None:
    story.windows = {10.0: BAD}
    story.settle()
    assert story.deployment.weights() == {V41: 100}


def verify(story: Story, window: Window | None, seen: DeploymentSeen | None = None) -> str:
    events = decide_verification(story.deployment, seen or story.seen(), window, story.now)
    story.record(events, KIM)
    return sentence(events[0], None)[0] if events else ""


def test_after_a_way_back_the_base_is_looked_at_and_that_is_said(story: Story) -> None:
    rolled_back_by_itself(story)
    assert verify(story, GOOD) == "", "not before it served for a while"
    story.now += 10
    said = verify(story, GOOD)
    assert said == "verified: v41 2 of 2 ready, 0.0 % errors of 200 requests over 10 s"
    assert to_verify(story.deployment, story.now) is None, "once"


def test_without_requests_no_ratio_is_made_up(story: Story) -> None:
    rolled_back_by_itself(story)
    story.now += 10
    assert verify(story, None).endswith("no request in 10 s to measure")


@pytest.mark.parametrize("how", ["errors", "not ready"])
def test_two_sick_revisions_are_told_to_a_person(story: Story, how: str) -> None:
    rolled_back_by_itself(story)
    story.now += 10
    down = DeploymentSeen({V41: 100}, {V41: RevisionSeen(wanted=2)})
    said = verify(story, BAD) if how == "errors" else verify(story, GOOD, down)
    assert said.startswith("still failing after the way back: v41")
    assert "Both revisions are sick" in said
    view = deployment_view(story.world, story.deployment, Sight(), story.now)
    assert view["notice"] is not None
    assert view["notice"]["sick"]


def test_a_way_back_that_nobody_could_look_at_in_time_is_not_judged_later(story: Story) -> None:
    rolled_back_by_itself(story)
    story.now += 600
    assert verify(story, GOOD) == ""


def test_an_automatic_rollback_is_shown_until_somebody_has_seen_it(story: Story) -> None:
    rolled_back_by_itself(story)
    notice = story.deployment.notice
    assert notice is not None
    assert notice.text == (
        "v42 rolled back by itself, back to v41: v42 errors 20.0 % > 5.0 % over 10 s"
    )
    story.windows = {}
    story.ask(cmd.ReleaseHold(deployment=KEY, why="fixed"))
    story.deploy("v43", **GATED)
    story.settle()
    assert story.deployment.notice is not None, "a new rollout is no answer"
    story.ask(cmd.Ack(deployment=KEY, why="ticket 7"))
    assert story.deployment.notice is None
    with pytest.raises(Refused, match="nobody has seen"):
        story.ask(cmd.Ack(deployment=KEY))


def another_taken_back_by_a_person(story: Story) -> None:
    story.windows = {}
    story.ask(cmd.ReleaseHold(deployment=KEY, why="fixed"))
    story.later(5)
    story.deploy("v43", **GATED)
    story.settle()
    story.ask(cmd.Abort(deployment=KEY))
    story.settle()
    story.now += 10


def test_what_is_seen_after_a_later_way_back_does_not_belong_to_an_earlier_notice(
    story: Story,
) -> None:
    rolled_back_by_itself(story)
    before = story.deployment.notice
    another_taken_back_by_a_person(story)
    assert verify(story, GOOD).startswith("verified")
    assert story.deployment.notice == before


def test_a_later_way_back_that_is_sick_is_told_beside_an_earlier_notice(story: Story) -> None:
    rolled_back_by_itself(story)
    another_taken_back_by_a_person(story)
    assert verify(story, BAD).startswith("still failing")
    notice = story.deployment.notice
    assert notice is not None
    assert notice.sick
    earlier, _, later = notice.text.partition("; ")
    assert earlier.startswith("v42 rolled back by itself")
    assert later.startswith("v43 was taken back; still failing after the way back")


def test_what_a_person_took_back_needs_no_notice(story: Story) -> None:
    story.ask(cmd.Abort(deployment=KEY))
    story.settle()
    assert story.deployment.notice is None


def test_a_gradual_way_back_replays_step_by_step(story: Story) -> None:
    story.ask(cmd.Abort(deployment=KEY, gradual=True))
    story.settle()
    active = story.deployment.active
    assert active is not None
    assert isinstance(active.step, Pause)
    titles = [step["title"] for step in rollout_view(active, Sight(), {})["steps"]]
    assert [title for title in titles if title.startswith("↩")][:3] == [
        "↩ 50 %",
        "↩ stabilise 10 s",
        "↩ 25 %",
    ]


def test_an_analysis_that_finds_nothing_is_passed_and_a_pause_holds_that_up() -> None:
    told = Story()
    told.stable("v41")
    analysis = {"analysis": {"duration": "1m", "expiry": "1h"}}
    told.deploy("v42", canary={"steps": [{"weight": 10}, analysis, {"weight": 50}, GATE]})
    told.settle()
    told.ask(cmd.Pause(deployment=KEY))
    told.ask(cmd.Ignore(deployment=KEY, why="nobody is there at night"))
    told.settle()
    assert told.deployment.weights() == {V41: 90, V42: 10}
    told.ask(cmd.Resume(deployment=KEY))
    told.settle()
    assert told.deployment.weights() == {V41: 50, V42: 50}


def test_a_check_in_the_background_is_ignored_by_how_it_is_written() -> None:
    told = Story()
    told.stable("v41")
    told.deploy("v42", canary={"steps": [{"weight": 10}, GATE]}, checks=["errorRate <= 1%"])
    told.settle()
    told.ask(cmd.Ignore(deployment=KEY, check="errorRate <= 1%", why="known"))
    rollout = told.deployment.active
    assert rollout is not None
    ours = Delta(60.0, 1000, 100, (), ())
    compared = {60.0: Compared(ours, ours)}
    assert failed_check(rollout, told.seen(), compared, told.now) is None
    unheard = rollout.model_copy(update={"ignored": ()})
    cause = failed_check(unheard, told.seen(), compared, told.now)
    assert cause is not None
    assert cause.check == "errorRate <= 1%"
