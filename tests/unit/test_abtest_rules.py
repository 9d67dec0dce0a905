"""What an A/B test does to a rollout: the answer is journaled, and then what it asks for."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from gaesup_tui.domain import commands as cmd
from gaesup_tui.domain import events as ev
from gaesup_tui.domain.allowed import why_not
from gaesup_tui.domain.errors import Invalid
from gaesup_tui.domain.judged import start_of
from gaesup_tui.domain.preview import preview
from gaesup_tui.domain.route import Key
from gaesup_tui.domain.routing import rules_of
from gaesup_tui.domain.strategy_spec import StrategySpec
from gaesup_tui.domain.telemetry import Window
from gaesup_tui.domain.verdict import Verdict
from gaesup_tui.domain.viewing import Sight, rollout_view
from gaesup_tui.domain.waiting import Waiting, waiting
from gaesup_tui.domain.world import World

from .abtest_rig import ABStory
from .story import KEY, Story, kinds

HOUR = 3600.0
ALIKE = (20_000, 600), (20_000, 605)
BETTER = (20_000, 600), (20_000, 900)
WORSE = (20_000, 600), (20_000, 400)
SAME = (400_000, 40_000), (400_000, 40_010)


def answers(events: list[ev.Event]) -> list[str]:
    return [event.answer.kind for event in events if isinstance(event, ev.ABAnswered)]


def waits(story: ABStory) -> Waiting:
    found = waiting(story.deployment, story.seen(), None)
    assert found is not None
    return found


def test_both_arms_get_their_share_at_once_and_are_measured() -> None:
    story = ABStory(share=30)
    assert story.rollout.weight_percent == 30
    assert story.rollout.step is not None
    assert story.rollout.step.title() == "compare conversion"
    assert waits(story).what == "compares conversion of both sides' users"
    assert waits(story).then == "asks you"


def test_a_better_candidate_waits_for_a_person_unless_the_config_says_promote() -> None:
    story = ABStory()
    story.later(2 * HOUR)
    assert answers(story.come(*BETTER)) == ["better"]
    assert waits(story).person
    assert waits(story).what == "A/B better, +1.50 points: waits for you"
    assert story.rollout.weight_percent == 50

    story = ABStory(on_better="promote")
    story.later(2 * HOUR)
    story.come(*BETTER)
    assert story.rollout.weight_percent == 100
    assert "better" in story.rollout.records[-2].note


def test_the_sentence_says_both_conversions_the_difference_and_its_interval() -> None:
    story = ABStory()
    story.later(2 * HOUR)
    story.come(*BETTER)
    assert story.rollout.answer is not None
    assert story.rollout.answer.reason == (
        "v42 converts 4.50 %, v41 3.00 %: +1.50 points (+0.91 to +2.09, +50 %), better"
    )


def test_a_worse_candidate_goes_back_without_holding_the_units_automation() -> None:
    story = ABStory()
    story.later(2 * HOUR)
    events = story.come(*WORSE)
    assert answers(events) == ["worse"]
    assert "retreat_started" in kinds(events)
    assert story.rollout.outcome == "aborted"
    assert story.rollout.cause is not None
    assert story.rollout.cause.kind == "answer"
    assert story.rollout.cause.reason.startswith("A/B test: v42 converts 2.00 %, v41 3.00 %")
    assert story.deployment.hold is None


@pytest.mark.parametrize(("then", "weight"), [("hold", 50), ("promote", 100), ("abort", 0)])
def test_no_difference_that_matters_does_what_the_config_says(then: str, weight: int) -> None:
    story = ABStory(on_no_difference=then)
    story.later(2 * HOUR)
    assert answers(story.come(*SAME)) == ["no difference"]
    assert story.rollout.weight_percent == weight


def test_without_an_answer_it_is_undecided_at_its_end_and_may_still_be_answered() -> None:
    story = ABStory(max_run=4 * HOUR)
    story.later(2 * HOUR)
    assert answers(story.come(*ALIKE)) == ["measuring"]
    assert answers(story.later(2 * HOUR)) == ["undecided"]
    assert waits(story).what == "A/B undecided, +0.03 points: waits for you"
    assert answers(story.come(*BETTER)) == ["better"]


def test_undecided_goes_back_when_asked_to_even_if_nothing_is_seen() -> None:
    story = ABStory(max_run=4 * HOUR, on_undecided="abort")
    story.later(2 * HOUR)
    story.come(*ALIKE)
    story.later(2 * HOUR)
    assert story.rollout.outcome == "aborted"
    assert story.rollout.cause is not None
    assert "not decided within 4h00" in story.rollout.cause.reason


def test_a_person_may_extend_it() -> None:
    story = ABStory(max_run=4 * HOUR, on_undecided="abort")
    story.later(2 * HOUR)
    story.come(*ALIKE)
    story.ask(cmd.Extend(deployment=KEY, by_s=HOUR))
    story.later(2.5 * HOUR)
    assert story.rollout.active
    story.later(HOUR)
    assert story.rollout.outcome == "aborted"


def test_nothing_is_answered_before_its_time_and_its_users() -> None:
    story = ABStory(min_run=HOUR, min_users=1000)
    story.later(60.0)
    assert answers(story.come(*BETTER)) == ["measuring"]
    story = ABStory(min_run=60.0, min_users=30_000)
    story.later(HOUR)
    assert answers(story.come(*BETTER)) == ["measuring"]
    assert story.rollout.answer is not None
    assert "20,000 of 30,000 users of each arm" in story.rollout.answer.reason


def test_a_broken_split_is_said_at_once_and_names_no_winner() -> None:
    story = ABStory(on_better="promote")
    story.later(10.0)
    assert answers(story.come((5000, 150), (6000, 300))) == ["broken split"]
    assert waits(story).person
    story.later(2 * HOUR)
    assert answers(story.come((20_000, 600), (24_000, 1500))) == []
    assert story.rollout.weight_percent == 50
    assert story.rollout.answer is not None
    assert "split broken: v42 has 54.5 % of 11,000 users" in story.rollout.answer.reason


def test_a_winner_whose_split_breaks_afterwards_is_one_no_more() -> None:
    story = ABStory()
    story.later(2 * HOUR)
    story.come(*BETTER)
    assert answers(story.come((20_500, 620), (25_000, 1200))) == ["broken split"]


def test_an_answer_stays_what_later_users_would_not_say_again() -> None:
    story = ABStory()
    story.later(2 * HOUR)
    story.come(*BETTER)
    assert answers(story.come((20_100, 700), (20_100, 901))) == []
    assert story.rollout.answer is not None
    assert story.rollout.answer.candidate_users == 20_000


def test_a_node_that_restarts_loses_its_users_and_no_one_is_counted_twice() -> None:
    story = ABStory()
    story.later(2 * HOUR)
    story.come(*ALIKE)
    story.boot = "two"
    story.now += 60.0
    assert answers(story.come((10, 1), (12, 0))) == ["measuring"]
    answer = story.rollout.answer
    assert answer is not None
    assert (answer.base_users, answer.candidate_users, answer.lost_users) == (10, 12, 40_000)
    assert answer.counted_from == story.now
    assert "counted anew: at least 40,000 users were lost" in answer.reason


def test_users_that_count_no_more_since_they_saw_both_arms_are_no_restart() -> None:
    story = ABStory()
    story.later(2 * HOUR)
    story.come(*ALIKE)
    story.come((19_000, 570), (20_000, 605))
    view = rollout_view(story.rollout, Sight(seen=story.seen(), seen_at=story.now), {})["ab"]
    assert view is not None
    assert view["lost_users"] == 0


def test_an_answer_outlives_the_node_that_counted_it() -> None:
    story = ABStory()
    story.later(2 * HOUR)
    story.come(*BETTER)
    story.boot = "two"
    assert answers(story.come((0, 0), (0, 0))) == []
    assert story.rollout.answer is not None
    assert story.rollout.answer.kind == "better"


def test_progress_is_journaled_with_every_doubling_and_not_with_every_user() -> None:
    story = ABStory()
    story.later(60.0)
    found = []
    for users in range(0, 16_000, 10):
        found += answers(story.come((users, users // 50), (users, users // 50)))
    assert 5 <= len(found) <= 8


def test_where_nobody_counts_users_it_says_so_and_waits_for_a_person() -> None:
    story = ABStory()
    story.users = None
    assert answers(story.settle()) == ["no data"]
    assert waits(story).person
    assert "nobody counts its users" in waits(story).what


def test_where_nobody_counts_users_it_is_undecided_at_its_end() -> None:
    story = ABStory(max_run=4 * HOUR)
    story.users = None
    story.settle()
    assert answers(story.later(5 * HOUR)) == ["undecided"]


def test_a_held_unit_is_not_promoted_by_its_answer() -> None:
    story = ABStory(on_better="promote")
    story.record([ev.HoldSet(deployment=KEY, why="looking")], story.rollout.by)
    story.later(2 * HOUR)
    story.come(*BETTER)
    assert story.rollout.weight_percent == 50


def test_a_paused_test_tells_its_answer_and_acts_on_it_when_resumed() -> None:
    story = ABStory()
    story.later(2 * HOUR)
    story.ask(cmd.Pause(deployment=KEY))
    assert answers(story.come(*WORSE)) == ["worse"]
    assert story.rollout.phase == "forward"
    story.ask(cmd.Resume(deployment=KEY))
    story.settle()
    assert story.rollout.outcome == "aborted"


def test_a_pause_past_its_end_promotes_on_no_answer_the_resumed_test_takes_back() -> None:
    story = ABStory(max_run=4 * HOUR, on_undecided="promote")
    story.later(2 * HOUR)
    story.come(*ALIKE)
    story.ask(cmd.Pause(deployment=KEY))
    assert answers(story.later(2 * HOUR)) == ["undecided"]
    story.ask(cmd.Resume(deployment=KEY))
    assert answers(story.settle()) == ["measuring"]
    assert story.rollout.weight_percent == 50
    story.later(2 * HOUR)
    assert story.rollout.weight_percent == 100


def test_guards_go_on_watching() -> None:
    story = ABStory()
    story.windows = {10.0: Window(10.0, 500, 400, 0.01, 0.02)}
    story.settle()
    assert story.rollout.cause is not None
    assert story.rollout.cause.kind == "guard"


def test_the_judge_goes_on_watching() -> None:
    story = ABStory()
    story.later(2 * HOUR)
    story.verdict = Verdict(kind="ABORT", reason="errors +2 points")
    story.come(*BETTER)
    assert story.rollout.cause is not None
    assert story.rollout.cause.kind == "verdict"


def test_a_person_ends_it_and_is_told_before_what_the_test_says() -> None:
    story = ABStory()
    story.later(2 * HOUR)
    story.come(*ALIKE)
    assert why_not(story.world, "promote", KEY, story.now) is None
    lines = dict(preview(story.world, "promote", KEY, Sight(seen=story.seen()), story.now)["lines"])
    assert lines["A/B"].startswith("measuring: v42 converts 3.02 %")
    story.ask(cmd.Promote(deployment=KEY))
    story.settle()
    assert story.rollout.weight_percent == 100


def test_its_view_says_what_follows_and_when() -> None:
    story = ABStory(min_users=30_000)
    story.later(HOUR / 2)
    story.come(*ALIKE)
    view = rollout_view(story.rollout, Sight(seen=story.seen(), seen_at=story.now), {})["ab"]
    assert view is not None
    assert view["candidate"] == {
        "version": "v42",
        "users": 20_000,
        "converted": 605,
        "ratio": 605 / 20_000,
        "share": 0.5,
        "share_seen": 0.5,
    }
    assert view["earliest"] == pytest.approx(story.now + HOUR / 2)
    assert view["latest"] == pytest.approx(story.now + 7 * 24 * HOUR - HOUR / 2)
    assert view["follows"]["worse"] == "abort"
    assert view["next"] is None


def test_a_journal_is_replayed_to_the_same_answer() -> None:
    story = ABStory()
    story.later(2 * HOUR)
    story.come(*BETTER)
    again = World.restore(story.world.snapshot())
    assert again.deployments[KEY].rollout == story.rollout


def test_users_of_before_the_split_are_counted_by_another_name() -> None:
    """A backend counts users anew with each new salt: the test's begins with its share."""
    story = ABStory()
    before = story.rollout.model_copy(update={"weight_percent": 0})
    back = before.model_copy(update={"phase": "back"})
    salts = [rules_of(each).salt for each in (before, story.rollout, back)]
    assert salts[0] != salts[1]
    assert salts[1] == salts[2]
    assert rules_of(story.rollout).sticky == Key("cookie", "gsu-user")


def test_users_are_told_apart_by_the_key_the_config_names() -> None:
    story = ABStory(key={"header": "X-User"})
    assert rules_of(story.rollout).sticky == Key("header", "x-user")


def test_a_unit_without_a_conversion_has_nothing_to_compare() -> None:
    story = Story()
    story.stable("v41")
    with pytest.raises(Invalid, match="cart says none"):
        story.deploy("v42", "abTest")


def test_a_first_deployment_has_nobody_to_be_compared_with() -> None:
    story = Story()
    story.deploy("v41", "abTest")
    story.settle()
    assert story.deployment.stable is not None


def test_the_judge_leaves_conversion_to_the_test() -> None:
    metrics = start_of(ABStory().rollout.spec, ()).metrics
    assert not metrics.conversion.enabled
    assert metrics.errors.enabled


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"minRun": "2h", "maxRun": "1h"}, "maxRun"),
        ({"share": 100}, "99"),
        ({"minEffect": 0}, "greater than 0"),
    ],
)
def test_settings_that_cannot_be_are_refused(wrong: dict[str, object], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        StrategySpec.model_validate({"abTest": wrong})
