"""Who has a deployment in hand: holds by hand, and locks by a person with a name."""

from __future__ import annotations

from typing import Any

import pytest

from gaesup_tui.domain import commands as cmd
from gaesup_tui.domain.allowed import why_not
from gaesup_tui.domain.claim_preview import claim_lines
from gaesup_tui.domain.errors import Invalid, Refused
from gaesup_tui.domain.preview import preview
from gaesup_tui.domain.rollout import Actor
from gaesup_tui.domain.sentences import sentence
from gaesup_tui.domain.verdict import Verdict
from gaesup_tui.domain.viewing import Sight, deployment_view
from gaesup_tui.domain.waiting import waiting

from .story import KEY, KIM, Story, kinds

MARA = Actor(name="mara", uid=1001)
TIMED: dict[str, Any] = {
    "canary": {"steps": [{"weight": 10}, {"pause": "30s"}, {"weight": 50}], "bake": "60s"}
}


@pytest.fixture
def story() -> Story:
    told = Story()
    told.stable("v41")
    return told


def weight(story: Story) -> int:
    assert story.deployment.active is not None
    return story.deployment.active.weight_percent


def waits_for(story: Story) -> str:
    told = waiting(story.deployment, story.seen(), story.world.stop_for(KEY))
    assert told is not None
    assert told.person
    return told.what


# Holds --------------------------------------------------------------------------------------


def test_a_held_unit_moves_only_where_a_person_lets_it(story: Story) -> None:
    story.deploy("v42", **TIMED)
    story.settle()
    story.ask(cmd.Hold(deployment=KEY, why="the database moves"))
    story.later(3600)
    assert weight(story) == 10
    assert waits_for(story) == "held by kim: waits for you"
    story.ask(cmd.Promote(deployment=KEY))
    story.settle()
    assert weight(story) == 50
    story.later(3600)
    assert weight(story) == 50, "nobody asked for 100 %"
    assert waits_for(story) == "held by kim, 100 % waits for you"
    story.ask(cmd.Promote(deployment=KEY))
    story.later(3600)
    assert story.deployment.active, "the bake of a held unit does not end by itself"
    story.ask(cmd.Promote(deployment=KEY))
    story.settle()
    assert story.deployment.stable
    assert story.deployment.stable.version == "v42"


def test_a_held_rolling_update_stands_before_each_share_and_no_deadline_ends_it(
    story: Story,
) -> None:
    story.ask(cmd.Hold(deployment=KEY, why="looking"))
    story.deploy("v42", "rolling", replicas=2)
    story.settle()
    story.later(7200)
    assert weight(story) == 0
    assert waits_for(story) == "held by kim, 50 % waits for you"
    events = story.ask(cmd.Promote(deployment=KEY))
    assert kinds(events) == ["rollout_resumed", "decision_made"]
    assert sentence(events[-1], story.deployment.rollout)[0] == "let it take 50 %"
    story.settle()
    story.later(7200)
    assert weight(story) == 50


def test_released_it_goes_on_by_itself(story: Story) -> None:
    story.ask(cmd.Hold(deployment=KEY, why="looking"))
    story.deploy("v42", "rolling")
    story.settle()
    refused = why_not(story.world, "resume", KEY, story.now)
    assert refused
    assert "release lets all go on" in refused
    story.ask(cmd.ReleaseHold(deployment=KEY, why="looked"))
    story.settle()
    story.later(3600)
    assert story.deployment.stable
    assert story.deployment.stable.version == "v42"


def test_a_hold_takes_back_an_earlier_full_promotion(story: Story) -> None:
    story.deploy("v42", **TIMED)
    story.settle()
    story.ask(cmd.Promote(deployment=KEY, full=True))
    story.ask(cmd.Hold(deployment=KEY, why="wait"))
    story.later(3600)
    assert weight(story) == 10


def test_what_leads_back_acts_on_a_held_unit(story: Story) -> None:
    story.deploy("v42", **TIMED)
    story.settle()
    story.ask(cmd.Hold(deployment=KEY, why="looking"))
    story.verdict = Verdict(kind="ABORT", reason="errors")
    assert "retreat_started" in kinds(story.settle())


def test_a_rollback_of_a_held_unit_goes_all_the_way(story: Story) -> None:
    story.stable("v42")
    story.ask(cmd.Hold(deployment=KEY, why="looking"))
    story.ask(cmd.Rollback(deployment=KEY))
    story.settle()
    story.later(60)
    assert story.deployment.stable
    assert story.deployment.stable.version == "v41"


def test_a_hold_and_a_lock_need_a_reason(story: Story) -> None:
    for command in (cmd.Hold(deployment=KEY, why=" "), cmd.Lock(deployment=KEY)):
        with pytest.raises(Invalid, match="needs a reason"):
            story.ask(command)
    assert story.deployment.hold is None


# Locks --------------------------------------------------------------------------------------


def test_only_the_holder_of_a_lock_moves_it_forward(story: Story) -> None:
    story.deploy("v42", canary={"steps": [{"weight": 10}, {"pause": None}], "bake": 0})
    story.settle()
    story.ask(cmd.Lock(deployment=KEY, why="I watch this one", for_s=7200))
    story.later(60)
    with pytest.raises(Refused) as refused:
        story.ask(cmd.Promote(deployment=KEY), MARA)
    assert "locked by kim since 1m00, for 1h59 more: I watch this one" in str(refused.value)
    with pytest.raises(Refused, match="locked by kim"):
        preview(story.world, "promote", KEY, Sight(), story.now, by=MARA)
    assert preview(story.world, "promote", KEY, Sight(), story.now, by=KIM)
    story.ask(cmd.Promote(deployment=KEY))
    story.settle()
    assert story.deployment.stable
    assert story.deployment.stable.version == "v42"


@pytest.mark.parametrize("action", ["deploy", "promote", "promote_full", "retry", "unhold"])
def test_a_lock_says_no_to_what_leads_forward(story: Story, action: str) -> None:
    story.deploy("v42", **TIMED)
    story.settle()
    if action in ("deploy", "retry"):
        story.ask(cmd.Abort(deployment=KEY))
        story.settle()
    if action == "unhold":
        story.ask(cmd.Hold(deployment=KEY, why="looking"))
    assert why_not(story.world, action, KEY, story.now, MARA) is None
    story.ask(cmd.Lock(deployment=KEY, why="mine"))
    told = why_not(story.world, action, KEY, story.now, MARA)
    assert told
    assert told.startswith("locked by kim since 0.0 s: mine")
    assert why_not(story.world, action, KEY, story.now, KIM) is None


@pytest.mark.parametrize(
    "command", [cmd.Abort(deployment=KEY), cmd.Rollback(deployment=KEY), cmd.Stop(scope=KEY)]
)
def test_a_lock_is_never_in_the_way_to_safety(story: Story, command: cmd.Command) -> None:
    story.deploy("v42", **TIMED)
    story.settle()
    story.ask(cmd.Lock(deployment=KEY, why="mine"))
    assert "retreat_started" in kinds(story.ask(command, MARA))


def test_a_lock_runs_out(story: Story) -> None:
    story.ask(cmd.Lock(deployment=KEY, why="short", for_s=60))
    story.now += 59
    assert why_not(story.world, "deploy", KEY, story.now, MARA)
    story.now += 1
    assert why_not(story.world, "deploy", KEY, story.now, MARA) is None
    assert deployment_view(story.world, story.deployment, Sight(), story.now)["lock"] is None
    story.ask(cmd.Lock(deployment=KEY, why="my turn"), MARA)


def test_others_break_a_lock_with_a_reason(story: Story) -> None:
    story.ask(cmd.Lock(deployment=KEY, why="mine"))
    assert preview(story.world, "unlock", KEY, Sight(), story.now, by=MARA)["needs_reason"]
    assert not preview(story.world, "unlock", KEY, Sight(), story.now, by=KIM)["needs_reason"]
    with pytest.raises(Invalid, match="breaking the lock of kim needs a reason"):
        story.ask(cmd.Unlock(deployment=KEY), MARA)
    (event,) = story.ask(cmd.Unlock(deployment=KEY, why="kim went home"), MARA)
    assert sentence(event, None)[0] == "lock of kim broken"
    assert story.deployment.lock is None


def test_the_same_name_under_another_uid_is_another_person(story: Story) -> None:
    story.ask(cmd.Lock(deployment=KEY, why="mine"))
    assert why_not(story.world, "deploy", KEY, story.now, Actor(name="kim", uid=1001))
    assert why_not(story.world, "deploy", KEY, story.now, Actor(name="k", uid=1000)) is None


def test_previews_say_what_others_may_still_do(story: Story) -> None:
    for action in ("hold", "lock"):
        lines = claim_lines(story.deployment, action, 3600, KIM, story.now)
        assert "abort" in str(lines)
        assert preview(story.world, action, KEY, Sight(), story.now, by=KIM)["needs_reason"]
