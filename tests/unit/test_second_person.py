"""Where two persons have to agree: nothing goes forward on one word, and back needs none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gaesup_tui.domain import commands as cmd
from gaesup_tui.domain.allowed import why_not
from gaesup_tui.domain.errors import GaesupError, Moved, Refused
from gaesup_tui.domain.policy import Policy
from gaesup_tui.domain.preview import preview
from gaesup_tui.domain.rollout import ENGINE, Actor
from gaesup_tui.domain.sentences import sentence
from gaesup_tui.domain.viewing import Sight
from gaesup_tui.domain.waiting import waiting

from .engine_rig import GATED, Rig
from .engine_rig import KEY as RIG_KEY
from .engine_rig import MARA as RIG_MARA
from .story import KEY, KIM, Story, kinds

MARA = Actor(name="mara", uid=1001)
TWO = Policy(environment="production", two_persons=True, source="/shop/gaesup.yaml")
TWICE: dict[str, Any] = {
    "canary": {
        "steps": [{"weight": 10}, {"pause": None}, {"weight": 50}, {"pause": None}],
        "bake": 0,
    }
}


@pytest.fixture
def story() -> Story:
    """v41 serves; v42 was asked for by kim, and waits for somebody else."""
    told = Story()
    told.stable("v41")
    told.ask(cmd.TakePolicies(policies=(TWO,)))
    told.deploy("v42", **TWICE)
    told.settle()
    return told


def weight(story: Story) -> int:
    assert story.deployment.active is not None
    return story.deployment.active.weight_percent


def waits(story: Story) -> str:
    told = waiting(story.deployment, story.seen(), None)
    assert told is not None
    assert told.person
    return told.what


def test_nothing_begins_before_somebody_else_lets_it(story: Story) -> None:
    rollout = story.deployment.active
    assert rollout
    assert rollout.candidate_replicas == 0
    assert waits(story) == "asked for by kim: waits for a second person"
    with pytest.raises(Refused, match="you asked for it: another one has to promote it"):
        story.ask(cmd.Promote(deployment=KEY))
    with pytest.raises(Refused, match="another one"):
        preview(story.world, "promote", KEY, Sight(), story.now, by=KIM)
    lines = preview(story.world, "promote", KEY, Sight(), story.now, by=MARA)["lines"]
    assert ("Two", "2 of 2, with kim") in lines
    events = story.ask(cmd.Promote(deployment=KEY), MARA)
    assert sentence(events[0], None)[0] == "promoted one step, with kim"
    story.settle()
    assert weight(story) == 10


def test_nobody_comes_and_it_is_given_up(story: Story) -> None:
    assert "retreat_started" in kinds(story.later(1800))


def at_gate(story: Story) -> None:
    story.ask(cmd.Promote(deployment=KEY), MARA)
    story.settle()


def test_the_first_word_moves_nothing_and_the_second_does(story: Story) -> None:
    at_gate(story)
    (event,) = story.ask(cmd.Promote(deployment=KEY))
    assert sentence(event, None)[0] == "approved, 1 of 2: waits for a second person"
    story.settle()
    assert weight(story) == 10
    assert waits(story) == "approved by kim, 1 of 2: waits for a second person"
    with pytest.raises(Refused, match="you agreed already"):
        story.ask(cmd.Promote(deployment=KEY))
    assert why_not(story.world, "promote", KEY, story.now, MARA) is None
    story.ask(cmd.Promote(deployment=KEY), MARA)
    story.settle()
    assert weight(story) == 50


def test_a_word_does_not_hold_for_the_next_step(story: Story) -> None:
    at_gate(story)
    story.ask(cmd.Promote(deployment=KEY))
    story.ask(cmd.Promote(deployment=KEY), MARA)
    story.settle()
    assert story.deployment.active
    assert story.deployment.active.approvals == ()
    assert kinds(story.ask(cmd.Promote(deployment=KEY), MARA)) == ["approval_given"]
    story.settle()
    assert weight(story) == 50


def test_a_stale_word_is_refused(story: Story) -> None:
    at_gate(story)
    seen = story.deployment.seq
    story.ask(cmd.Promote(deployment=KEY))
    with pytest.raises(Moved):
        story.ask(cmd.Promote(deployment=KEY, expect_seq=seen), MARA)
    assert weight(story) == 10


def test_one_step_is_not_all_of_it(story: Story) -> None:
    at_gate(story)
    story.ask(cmd.Promote(deployment=KEY))
    assert kinds(story.ask(cmd.Promote(deployment=KEY, full=True), MARA)) == ["approval_given"]
    story.settle()
    assert weight(story) == 10
    story.ask(cmd.Promote(deployment=KEY, full=True))
    story.settle()
    assert story.deployment.active is None


def test_whoever_agreed_to_all_of_it_agreed_to_a_step(story: Story) -> None:
    at_gate(story)
    story.ask(cmd.Promote(deployment=KEY, full=True))
    story.ask(cmd.Promote(deployment=KEY), MARA)
    story.settle()
    assert weight(story) == 50


@pytest.mark.parametrize("command", [cmd.Abort(deployment=KEY), cmd.Rollback(deployment=KEY)])
def test_the_way_back_needs_one_word(story: Story, command: cmd.Command) -> None:
    at_gate(story)
    story.ask(command)
    story.settle()
    assert story.deployment.weights() == {story.deployment.stable.id: 100}  # type: ignore[union-attr]


def test_a_rollback_at_rest_needs_one_word(story: Story) -> None:
    at_gate(story)
    story.ask(cmd.Promote(deployment=KEY, full=True))
    story.ask(cmd.Promote(deployment=KEY, full=True), MARA)
    story.settle()
    story.ask(cmd.Rollback(deployment=KEY))
    story.settle()
    story.later(60)
    assert story.deployment.stable
    assert story.deployment.stable.version == "v41"


def test_a_retry_waits_for_a_second_person_too_and_only_once(story: Story) -> None:
    story.ask(cmd.Abort(deployment=KEY))
    story.settle()
    for start in ("start", "failed"):
        story.ask(cmd.Retry.model_validate({"deployment": KEY, "start": start}))
        assert story.deployment.active
        titles = [step.title() for step in story.deployment.active.plan]
        assert titles.count("second person") == 1
        assert waits(story).startswith("asked for by kim")
        story.ask(cmd.Abort(deployment=KEY))
        story.settle()


words = st.lists(
    st.tuples(st.sampled_from([KIM, MARA]), st.booleans(), st.sampled_from([0.0, 60.0])),
    max_size=12,
)


@given(words)
def test_no_order_of_words_lets_one_person_move_it(said: list[tuple[Actor, bool, float]]) -> None:
    told = Story()
    told.stable("v41")
    told.ask(cmd.TakePolicies(policies=(TWO,)))
    told.deploy("v42", **TWICE)
    told.settle()
    agreed: dict[int, set[str]] = {0: {"kim"}}
    for by, full, later in said:
        rollout = told.deployment.active
        if rollout is None or rollout.phase != "forward":
            return
        index = rollout.index
        try:
            events = told.ask(cmd.Promote(deployment=KEY, full=full), by)
        except GaesupError:
            events = []
        if events:
            agreed.setdefault(index, set()).add(by.name)
        if any(event.kind == "decision_made" for event in events):
            assert len(agreed[index]) == 2, "one person moved it"
        told.later(later)


def test_two_actors_at_a_running_engine(tmp_path: Path) -> None:
    async def check(rig: Rig) -> None:
        await rig.deploy("v41", replicas=2)
        await rig.until(lambda: rig.deployment.stable)
        await rig.engine.submit(cmd.TakePolicies(policies=(TWO,)), RIG_MARA)
        await rig.deploy("v42", strategy="canary", spec=GATED)
        await rig.restart(clean=False)
        with pytest.raises(Refused, match="another one has to promote it"):
            await rig.engine.submit(cmd.Promote(deployment=RIG_KEY), KIM)
        await rig.engine.submit(cmd.Promote(deployment=RIG_KEY), RIG_MARA)
        await rig.until(lambda: rig.live == [90, 10])
        assert ENGINE.name not in {e.by.name for e in rig.disk.events if "approv" in e.event.kind}

    Rig(tmp_path).run(check)


@pytest.mark.parametrize("strategy", ["canary", "rolling"])
def test_what_was_scaled_while_it_waits_brings_as_many_once_it_begins(strategy: str) -> None:
    told = Story()
    told.ask(cmd.TakePolicies(policies=(TWO,)))
    told.deploy("v41", replicas=1)
    told.ask(cmd.Promote(deployment=KEY), MARA)
    told.settle()
    told.deploy("v42", strategy, replicas=1, rolling={"bake": 0}, **TWICE)
    told.ask(cmd.Scale(deployment=KEY, replicas=3))
    told.ask(cmd.Promote(deployment=KEY, full=True), MARA)
    told.settle()
    told.later(3600)
    assert told.deployment.active is None
    assert told.deployment.stable
    assert told.deployment.stable.version == "v42"
    assert [n for _, n in told.deployment.replica_wishes().values()] == [3]
