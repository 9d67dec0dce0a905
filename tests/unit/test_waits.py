"""What a wait says once time has passed, and how long it can still be made."""

from __future__ import annotations

from typing import Any

import pytest

from gaesup_tui.domain import commands as cmd
from gaesup_tui.domain import events as ev
from gaesup_tui.domain.attending import overtime
from gaesup_tui.domain.errors import Refused
from gaesup_tui.domain.preview import preview
from gaesup_tui.domain.rollout import ENGINE
from gaesup_tui.domain.sentences import event_view
from gaesup_tui.domain.verdict import Verdict
from gaesup_tui.domain.viewing import Sight, deployment_view
from gaesup_tui.domain.views import DeploymentView, WaitingView
from gaesup_tui.service.server.sights import mark

from .story import KEY, KIM, Story, revision

ANALYSIS: dict[str, Any] = {
    "canary": {"steps": [{"weight": 10}, {"analysis": {"duration": "30s", "expiry": "10m"}}]}
}


@pytest.fixture
def story() -> Story:
    told = Story()
    told.stable("v41")
    return told


def analysing(story: Story, **spec: Any) -> None:
    story.deploy("v42", **(spec or ANALYSIS))
    story.settle()
    story.verdict = Verdict(kind="CONTINUE", reason="not yet")
    story.look()


def view(story: Story, sight: Sight | None = None) -> DeploymentView:
    sight = sight or Sight(seen=story.seen())
    return deployment_view(story.world, story.deployment, sight, story.now)


def waits(story: Story) -> WaitingView:
    waiting = view(story)["waiting"]
    assert waiting
    return waiting


def test_an_analysis_that_lasted_long_enough_says_when_a_person_is_asked(story: Story) -> None:
    analysing(story)
    began = story.now
    assert (waits(story)["then"], waits(story)["until"]) == ("goes on when clear", began + 30)
    rollout = story.deployment.active
    assert rollout
    before = overtime(rollout, story.now)
    story.later(31)
    assert (waits(story)["then"], waits(story)["until"]) == ("asks you if not clear", began + 600)
    assert overtime(rollout, story.now) != before  # or nobody would be shown it


SHARES: dict[str, Any] = {
    "canary": {"steps": [{"weight": 10}, {"pause": "30s"}, {"weight": 50}, {"pause": "30s"}]},
    "autoAbort": False,
}


def test_no_share_grows_by_itself_under_an_abort_that_is_left_to_a_person(story: Story) -> None:
    analysing(story, **SHARES)
    story.verdict = Verdict(kind="ABORT", reason="errors 6 % against 0.4 %")
    story.later(600)
    assert story.deployment.active
    assert story.deployment.active.weight_percent == 10
    waiting = waits(story)
    assert waiting["person"]
    assert waiting["what"] == "judge: ABORT, waits for you"
    story.ask(cmd.Promote(deployment=KEY))
    story.later(600)
    assert story.deployment.active
    assert story.deployment.active.weight_percent == 50  # one share, and no other
    story.ask(cmd.Promote(deployment=KEY))
    story.settle()
    assert story.deployment.active.weight_percent == 100


def test_an_ignored_abort_holds_nothing_back(story: Story) -> None:
    analysing(story, **SHARES)
    story.verdict = Verdict(kind="ABORT", reason="errors 6 % against 0.4 %")
    story.look()
    story.ask(cmd.Ignore(deployment=KEY, check="judge", why="known: the old one logs them too"))
    story.later(31)
    assert story.deployment.active
    assert story.deployment.active.weight_percent == 50


def test_a_backend_that_is_silent_stays_the_reason_when_the_time_is_over(story: Story) -> None:
    analysing(story)
    story.later(700)
    waiting = view(story, Sight(seen_at=story.now - 40))["waiting"]
    assert waiting
    assert waiting["what"] == "the local backend does not answer"
    assert waiting["since"] == story.now - 40
    rollout = view(story, Sight(seen_at=story.now - 40))["rollout"]
    assert rollout
    assert rollout["way_back"] == "v41; how warm it is cannot be seen now"  # and not: 0 of 2


def test_the_verdict_is_told_anew_while_nothing_is_seen() -> None:
    late = Verdict(kind="NO EVIDENCE", reason="nothing seen of either side for 30 s", code="late")
    before = Verdict(kind="CONTINUE", reason="a record is 5 s late")
    assert mark(None, late, None, 0.0) != mark(None, before, None, 0.0)


def test_a_wait_that_then_asks_a_person_can_be_extended_also_when_it_is_over(story: Story) -> None:
    analysing(story)
    story.later(700)
    assert waits(story)["what"] == "no clear verdict within 10m00: waits for you"
    shown = preview(story.world, "extend", KEY, Sight(), story.now, by_s=300.0)
    assert ("Expires", "its time was over 1m40 ago: it waits for you") in shown["lines"]
    story.ask(cmd.Extend(deployment=KEY, by_s=300.0))
    assert (waits(story)["then"], waits(story)["until"]) == (
        "asks you if not clear",
        story.now + 300,
    )


def test_a_plain_check_is_waited_for_by_its_name_and_not_by_the_judge(story: Story) -> None:
    steps = [
        *({"deploy": None}, {"ready": None}, {"weight": 10}, {"check": "errorRate <= 1% over 10s"}),
        *({"weight": 100}, {"bake": "1m"}, {"retire": None}),
    ]
    story.ask(
        cmd.Deploy.model_validate(
            {
                "deployment": KEY,
                "revision": revision("v42"),
                "strategy": "careful",
                "replicas": 2,
                "steps": steps,
            }
        )
    )
    story.settle()
    story.verdict = Verdict(kind="NO EVIDENCE", reason="no requests")
    story.look()
    assert waits(story)["what"] == "checks errorRate <= 1% over 10s"
    story.later(1900)
    assert waits(story)["what"] == (
        "checks errorRate <= 1% over 10s: not enough seen within 30m00, waits for you"
    )


def test_what_cannot_be_extended_can_be_paused(story: Story) -> None:
    story.deploy("v42", canary={"steps": [{"weight": 10}, {"pause": "30s"}]})
    story.settle()
    with pytest.raises(Refused, match="nothing expires at this step: pause holds it"):
        story.ask(cmd.Extend(deployment=KEY, by_s=300.0))


def test_a_dialog_has_both_sides_in_one_order(story: Story) -> None:
    steps = [{"weight": 60}, {"pause": None}, {"weight": 80}, {"pause": None}]
    story.deploy("v42", canary={"steps": steps})
    story.settle()
    sight = Sight(seen=story.seen(), seen_at=story.now)
    lines = dict(preview(story.world, "promote", KEY, sight, story.now)["lines"])
    assert lines["Now"].startswith("v41 40 %   v42 60 %")
    assert lines["Then"].startswith("v41 20 %   v42 80 %")


def test_history_says_why_a_rollout_began_and_that_one_goes_back_gradually(story: Story) -> None:
    analysing(story, canary={"steps": [{"weight": 60}, {"analysis": "10m"}]})
    rollout = story.deployment.rollout
    assert rollout
    asked = rollout.model_copy(update={"why": "the new prices"})
    created = ev.RolloutCreated(deployment=KEY, backend="local", rollout=asked)
    assert event_view(ev.Recorded(seq=1, at=0.0, by=KIM, event=created), None)["why"] == (
        "the new prices"
    )
    (back,) = story.ask(cmd.Abort(deployment=KEY, gradual=True))
    said = event_view(ev.Recorded(seq=2, at=0.0, by=ENGINE, event=back), rollout)["text"]
    assert said == "back to v41 gradually: asked for by kim"


def test_a_first_revision_that_failed_says_what_to_do() -> None:
    story = Story()
    story.deploy("v41")
    story.ask(cmd.Abort(deployment=KEY))
    story.settle()
    assert view(story)["status_text"] == (
        "nothing serves: deploy one that is well, the first revision failed"
    )


def test_a_gate_that_somebody_passed_is_done_and_says_who(story: Story) -> None:
    steps = [{"weight": 10}, {"pause": None}, {"weight": 50}, {"pause": "30s"}]
    story.deploy("v42", canary={"steps": steps})
    story.settle()
    for _ in range(2):  # the gate, then the timed wait
        story.ask(cmd.Promote(deployment=KEY))
        story.settle()
    rollout = view(story)["rollout"]
    assert rollout
    passed = [(step["state"], step["note"]) for step in rollout["steps"] if step["note"]]
    assert passed[-2:] == [("done", "kim promoted it"), ("skipped", "kim promoted it")]
