"""A rolling update that is scaled on its way: the new number is taken over, no limit is broken."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gaesup_tui.domain import amounts
from gaesup_tui.domain import commands as cmd
from gaesup_tui.domain import events as ev
from gaesup_tui.domain.errors import Refused
from gaesup_tui.domain.observation import DeploymentSeen, ReplicaSeen, RevisionSeen
from gaesup_tui.domain.pacing import is_paced, paced
from gaesup_tui.domain.preview import preview
from gaesup_tui.domain.rolling import limits
from gaesup_tui.domain.rollout import Rollout
from gaesup_tui.domain.rollout_rules import Look, decide_look
from gaesup_tui.domain.steps import AwaitReady, Check, Scale, SmokeTest
from gaesup_tui.domain.strategy_spec import StrategySpec
from gaesup_tui.domain.viewing import Sight
from gaesup_tui.domain.world import World

from .story import KEY, KIM, Story, revision

V41, V42 = revision("v41").id, revision("v42").id


def moving(replicas: int = 4, **rolling: Any) -> Story:
    told = Story()
    told.deploy("v41", "rolling", replicas)
    told.settle()
    told.deploy("v42", "rolling", None, rolling=rolling)
    return told


def rollout_of(told: Story) -> Rollout:
    rollout = told.deployment.active
    assert rollout is not None
    return rollout


def counts(told: Story) -> tuple[int, int]:
    """Replicas wished of the candidate and of the base."""
    wishes = told.deployment.replica_wishes()
    return wishes[V42][1], wishes[V41][1]


def titles(told: Story) -> list[str]:
    rollout = rollout_of(told)
    return [step.title() for step in rollout.plan[rollout.index :]]


def at_share(told: Story, weight: int) -> None:
    while rollout_of(told).weight_percent != weight:
        assert told.look()


def scale(told: Story, replicas: int) -> None:
    told.ask(cmd.Scale(deployment=KEY, replicas=replicas))


def ends_with(told: Story, replicas: int) -> None:
    told.settle()
    told.later(3600)
    state = told.deployment
    assert state.stable == revision("v42")
    assert state.replicas == replicas
    assert state.replica_wishes() == {V42: (revision("v42"), replicas)}


def test_more_are_there_at_once_and_enough_of_them_are_proven() -> None:
    told = moving(4)
    at_share(told, 33)
    assert counts(told) == (1, 4)
    told.look()
    assert counts(told) == (1, 2)
    scale(told, 8)
    # 7 of 8 have to be ready, also if none of the candidate's new ones comes.
    assert counts(told) == (2, 6)
    ends_with(told, 8)


def test_what_serves_in_both_grows_in_both() -> None:
    told = moving(8, maxSurge=2, maxUnavailable="50%", bake="60s")
    at_share(told, 50)
    while counts(told) != (8, 2):
        told.look()
    scale(told, 16)
    # Two of the candidate are known to be ready: with the base they make the 8 that have to be.
    assert counts(told) == (10, 6)
    ends_with(told, 16)


def test_fewer_go_in_the_parts_in_which_both_serve() -> None:
    told = moving(8, maxUnavailable=0)
    at_share(told, 25)
    assert counts(told) == (2, 7)
    scale(told, 4)
    assert counts(told) == (2, 3)
    ends_with(told, 4)


def at_every_step() -> Iterator[tuple[int, Story]]:
    """The same rolling update, each time looked at once more, until it is over."""
    for steps in range(40):
        told = moving(4, minReady="10s", bake="10s")
        for _ in range(steps):
            if not told.look():
                told.now += 5
        if told.deployment.active is None:
            return
        yield steps, told


@pytest.mark.parametrize("replicas", [1, 2, 3, 5, 9])
def test_it_works_at_every_step(replicas: int) -> None:
    for _, told in at_every_step():
        scale(told, replicas)
        for _ in range(20):
            told.later(11)
        ends_with(told, replicas)


@pytest.mark.parametrize("replicas", [1, 3, 9])
def test_the_way_back_from_every_step_leads_to_the_new_number(replicas: int) -> None:
    for steps, told in at_every_step():
        scale(told, replicas)
        for _ in range(steps % 3):
            told.look()
        if told.deployment.active is None:
            break
        told.ask(cmd.Abort(deployment=KEY))
        told.settle()
        assert told.deployment.weights() == {V41: 100}
        assert told.deployment.replicas == replicas
        assert told.deployment.replica_wishes()[V41][1] == replicas


def test_while_it_is_paused_more_come_all_the_same() -> None:
    told = moving(4)
    at_share(told, 33)
    told.ask(cmd.Pause(deployment=KEY))
    scale(told, 8)
    assert sum(counts(told)) >= 8
    assert told.settle() == []
    told.ask(cmd.Resume(deployment=KEY))
    ends_with(told, 8)


def test_the_smoke_tests_that_passed_are_not_asked_for_again() -> None:
    told = Story()
    told.deploy("v41", "rolling", 4)
    told.settle()
    told.ask(
        cmd.Deploy(
            deployment=KEY,
            revision=revision("v42"),
            strategy="rolling",
            checks=(Check(path="/"),),
            spec=StrategySpec(),
        )
    )
    scale(told, 5)
    assert any(isinstance(step, SmokeTest) for step in rollout_of(told).plan)
    at_share(told, 25)
    scale(told, 6)
    rollout = rollout_of(told)
    assert not any(isinstance(step, SmokeTest) for step in rollout.plan[rollout.index :])
    ends_with(told, 6)


def test_what_bakes_takes_over_the_number_and_goes_on_baking() -> None:
    told = moving(4, bake="60s")
    at_share(told, 100)
    told.settle()
    told.later(50)
    scale(told, 6)
    assert counts(told) == (6, 1)
    assert titles(told) == ["bake 1m00", "base × 0"]
    told.later(11)
    assert told.deployment.active is None
    assert told.deployment.replicas == 6


def test_without_a_surge_the_whole_base_can_be_gone() -> None:
    told = moving(1, maxSurge=0)
    told.look()
    assert counts(told) == (0, 0) or counts(told) == (1, 0)
    scale(told, 3)
    assert counts(told)[1] >= 2, "what has the traffic comes back"
    ends_with(told, 3)


def test_a_replay_of_what_was_scaled_is_the_same_world() -> None:
    told = moving(4)
    at_share(told, 33)
    scale(told, 8)
    told.settle()
    body = told.world.snapshot().model_dump_json()
    again = World.restore(type(told.world.snapshot()).model_validate_json(body))
    assert again.deployments == told.world.deployments


def test_an_event_of_before_is_taken_as_it_was() -> None:
    told = moving(4)
    plan = rollout_of(told).plan
    told.record([ev.DeploymentScaled(deployment=KEY, replicas=6)], KIM)
    assert rollout_of(told).plan == plan


def test_the_question_says_how_many_of_each_there_will_be() -> None:
    told = moving(4)
    at_share(told, 33)
    told.look()
    shown = preview(told.world, "scale", KEY, Sight(), told.now, replicas=8)
    lines = dict(shown["lines"])
    assert lines["Then"] == "v41 6, v42 2 at once"
    assert lines["Waves"].endswith("to 8 of v42")
    assert lines["Has"].startswith("v41 2, v42 1 of 4")
    assert lines["Limits"] == "at least 7 ready, at most 9 there"
    open_question = preview(told.world, "scale", KEY, Sight(), told.now)["lines"]
    assert dict(open_question)["Then"] == "as many as you say, and waves planned for them"


def test_parts_of_another_strategy_are_not_scaled_and_say_so() -> None:
    told = Story()
    told.stable("v41")
    told.deploy("v42", "canary", 4, canary={"steps": [{"replicas": 1}, {"weight": 10}]})
    with pytest.raises(Refused, match="v42 comes in parts that its steps made for 4 replicas"):
        scale(told, 7)


anything = st.one_of(st.integers(0, 6), st.integers(0, 100).map(lambda n: f"{n}%"))


class Lagging:
    """A backend whose calls take a while, each side's on its own, and whose replicas are slow."""

    def __init__(self, told: Story, base: int, random: Random) -> None:
        self.told, self.random = told, random
        self.there = {V41: base, V42: 0}
        self.ready = {V41: base, V42: 0}
        self.weights = told.deployment.weights()
        self.asked: dict[str, list[int]] = {}

    def seen(self) -> DeploymentSeen:
        revisions = {}
        for name, count in self.there.items():
            replicas = tuple(
                ReplicaSeen(f"{name}{n}", "ready" if n < self.ready[name] else "starting", 0.0)
                for n in range(count)
            )
            revisions[name] = RevisionSeen(wanted=count, replicas=replicas)
        return DeploymentSeen(dict(self.weights), revisions)

    def turn(self) -> None:
        """One thing happens: a call lands, a replica gets ready, the route follows, a look."""
        state = self.told.deployment
        rollout = state.active
        assert rollout is not None
        match self.random.randrange(4):
            case 0:
                wishes = {name: count for name, (_, count) in state.replica_wishes().items()}
                if is_paced(rollout):
                    wishes = paced(rollout, self.seen(), {})
                name = self.random.choice(list(wishes))
                self._bring(rollout, name, wishes[name])
            case 1:
                name = self.random.choice([V41, V42])
                self.ready[name] = min(self.there[name], self.ready[name] + 1)
            case 2:
                self.weights = state.weights()
            case 3:
                look = Look(seen=self.seen())
                self.told.now += 0.1
                self.told.record(decide_look(state, look, self.told.now), KIM)

    def _bring(self, rollout: Rollout, name: str, count: int) -> None:
        before, ready = sum(self.there.values()), sum(self.ready.values())
        self.there[name] = count
        self.ready[name] = min(self.ready[name], count)
        assert rollout.spec.rolling is not None
        surge, fewer = limits(rollout.spec.rolling, rollout.replicas)
        if sum(self.there.values()) > before:
            assert sum(self.there.values()) <= rollout.replicas + surge
        if sum(self.ready.values()) < ready:
            least = max(rollout.replicas - fewer, 1 if surge else 0)
            assert sum(self.ready.values()) >= least


@settings(max_examples=150, deadline=None)
@given(
    surge=anything,
    gone=anything,
    first=st.integers(1, 12),
    scales=st.lists(st.tuples(st.integers(0, 60), st.integers(1, 12)), max_size=5),
    seed=st.integers(0, 1 << 30),
)
def test_no_limit_is_broken_whenever_it_is_scaled(
    surge: int | str, gone: int | str, first: int, scales: list[tuple[int, int]], seed: int
) -> None:
    if amounts.is_none(surge) and amounts.is_none(gone):
        surge = 1
    rolling = {"maxSurge": surge, "maxUnavailable": gone, "progressDeadline": "9h", "bake": 0}
    told = moving(first, **rolling)
    world = Lagging(told, first, Random(seed))
    wanted = first
    for wait, replicas in scales:
        for _ in range(wait):
            if told.deployment.active is None:
                break
            world.turn()
        if told.deployment.active is None:
            break
        scale(told, replicas)
        wanted = replicas
        rest = rollout_of(told).plan[rollout_of(told).index :]
        assert rest[-1] == Scale(side="base", replicas=0)
        wishes, weights = told.deployment.replica_wishes(), told.deployment.weights()
        assert surge == 0 or amounts.is_none(surge) or all(wishes[name][1] for name in weights)
    for _ in range(6000):
        if told.deployment.active is None:
            break
        world.turn()
    assert told.deployment.active is None, f"it never comes to rest: {rollout_of(told)}"
    assert told.deployment.replicas == wanted
    assert told.deployment.stable == revision("v42")


def test_the_plan_that_is_left_names_what_is_waited_for() -> None:
    told = moving(4)
    at_share(told, 33)
    told.look()
    scale(told, 6)
    rollout = rollout_of(told)
    assert len(rollout.records) == rollout.index
    assert rollout.spec.plan == rollout.plan
    assert any(isinstance(step, AwaitReady) for step in rollout.plan[rollout.index :])
