"""A fresh copy of the base: started with the candidate, given its share, compared with it, gone
after it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gaesup_tui.domain import commands as cmd
from gaesup_tui.domain.errors import Invalid
from gaesup_tui.domain.fresh import compared_with, copy_of_base
from gaesup_tui.domain.observation import RevisionSeen
from gaesup_tui.domain.revision import Revision
from gaesup_tui.domain.steps import AwaitReady
from gaesup_tui.domain.viewing import Sight, deployment_view
from gaesup_tui.domain.waiting import waiting
from gaesup_tui.engine.keeper import known_revisions

from .bench_rig import Rig
from .judging_rig import Service
from .story import KEY, Story, revision

OLD, NEW = revision("v41").id, revision("v42").id
CANARY = {
    "steps": [{"weight": 10}, {"pause": None}, {"weight": 60}, {"pause": None}],
    "fresh_baseline": True,
    "bake": 60,
}


def canary(replicas: int = 3) -> tuple[Story, Revision]:
    """At 10 %, with what is its copy."""
    story = Story()
    story.stable("v41")
    story.deploy("v42", replicas=replicas, canary=CANARY)
    story.settle()
    assert story.deployment.active is not None
    copy = copy_of_base(story.deployment.active)
    assert copy is not None
    return story, copy


def promote(story: Story) -> None:
    story.ask(cmd.Promote(deployment=KEY))
    story.settle()


def wished(story: Story) -> dict[str, int]:
    return {name: count for name, (_, count) in story.deployment.replica_wishes().items()}


def test_the_copy_has_the_candidates_replicas_and_share_while_it_goes_forward() -> None:
    story, copy = canary()
    assert (copy.version, copy.sha256) == ("v41", revision("v41").sha256)
    assert story.deployment.weights() == {NEW: 10, OLD: 80, copy.id: 10}
    assert wished(story) == {NEW: 3, OLD: 2, copy.id: 3}
    promote(story)
    assert story.deployment.weights() == {NEW: 60, copy.id: 40}
    promote(story)
    assert story.deployment.weights() == {NEW: 100}
    assert wished(story) == {
        NEW: 3,
        OLD: 2,
        copy.id: 3,
    }
    story.later(60)
    assert story.deployment.active is None
    assert wished(story) == {NEW: 3}
    assert copy.id in known_revisions(story.deployment)  # so it is taken away as one of ours


def test_nothing_is_shared_out_before_the_copy_is_ready() -> None:
    story = Story()
    story.stable("v41")
    story.deploy("v42", replicas=3, canary=CANARY)
    rollout = story.deployment.active
    assert rollout is not None
    copy = copy_of_base(rollout)
    assert copy is not None
    story.spoil[copy.id] = RevisionSeen(wanted=3)
    story.settle()
    state = story.deployment
    assert state.active is not None
    assert isinstance(state.active.step, AwaitReady)
    why = waiting(state, story.seen(), None)
    assert why is not None
    assert why.what == "3 of 3 replicas of the fresh baseline not ready"
    story.later(60)
    assert story.deployment.active is None
    assert story.deployment.rollout is not None
    assert story.deployment.rollout.outcome == "aborted"


def test_on_the_way_back_traffic_goes_to_the_base_first_and_then_the_copy_away() -> None:
    story, copy = canary()
    live = story.seen()
    story.ask(cmd.Abort(deployment=KEY, why="no"))
    assert story.deployment.weights() == {OLD: 100}
    assert wished(story)[copy.id] == 0
    while story.look(live):
        pass
    assert story.deployment.active is not None
    assert story.deployment.active.index == 0  # the route still shows what was
    story.settle()
    assert wished(story) == {OLD: 2}


def test_its_share_is_no_change_behind_our_back() -> None:
    story, copy = canary()
    story.look(replace(story.seen(), weights={NEW: 10, OLD: 80, copy.id: 10}))
    assert story.deployment.active is not None
    assert story.deployment.active.paused is None


def test_people_see_which_one_it_is() -> None:
    story, copy = canary()
    view = deployment_view(story.world, story.deployment, Sight(seen=story.seen()), story.now)
    assert {each["id"]: each["role"] for each in view["revisions"]} == {
        OLD: "base",
        NEW: "candidate",
        copy.id: "fresh copy",
    }


def test_the_judge_compares_with_the_copy_and_not_with_what_ran_for_long(tmp_path: Path) -> None:
    worn, good, bad = (Service(errors=share, conversions=None) for share in (0.06, 0.002, 0.05))
    kinds = {}
    for fresh in (False, True):
        rig = Rig(tmp_path / str(fresh), canary=bad, base=worn)
        rig.copy = good
        rig.run(300)
        rig.canary_at(10, fresh_baseline=fresh)
        against = compared_with(rig.rollout)
        assert against is not None
        assert ("+copy-" in against.id) is fresh
        rig.run(300, rps=200)
        verdict = rig.verdict()
        assert verdict is not None
        kinds[fresh] = verdict.kind
    assert kinds[True] == "ABORT"
    assert kinds[False] != "ABORT"


OWN: list[dict[str, Any]] = [
    {"freshBaseline": None},
    {"deploy": 2},
    {"ready": None},
    {"weight": 20},
    {"approve": None},
    {"replicas": "all"},
    {"weight": 100},
    {"bake": "60s"},
    {"retire": None},
]


def own(story: Story, steps: list[dict[str, Any]]) -> None:
    command = {
        "deployment": KEY,
        "revision": revision("v42"),
        "strategy": "careful",
        "steps": steps,
        "replicas": 4,
    }
    story.ask(cmd.Deploy.model_validate(command))
    story.settle()


def test_a_list_of_ones_own_compares_with_a_copy_that_grows_with_the_candidate() -> None:
    story = Story()
    story.stable("v41")
    own(story, OWN)
    assert story.deployment.active is not None
    copy = copy_of_base(story.deployment.active)
    assert copy is not None
    assert compared_with(story.deployment.active) == copy
    assert story.deployment.weights() == {NEW: 20, OLD: 60, copy.id: 20}
    assert wished(story) == {NEW: 2, OLD: 2, copy.id: 2}
    promote(story)
    assert story.deployment.weights() == {NEW: 100}
    assert wished(story) == {NEW: 4, OLD: 2, copy.id: 4}
    story.later(60)
    assert story.deployment.active is None
    assert wished(story) == {NEW: 4}


def test_a_list_that_does_not_say_so_has_none() -> None:
    story = Story()
    story.stable("v41")
    own(story, OWN[1:])
    assert story.deployment.active is not None
    assert copy_of_base(story.deployment.active) is None


@pytest.mark.parametrize(
    ("steps", "message", "hint"),
    [
        ([*OWN[1:2], OWN[0], *OWN[2:]], "step 2 is freshBaseline, but the new", "before `deploy:`"),
        ([OWN[0], *OWN], "step 2 asks for a fresh copy once more", "take one of them out"),
        ([*OWN[:4], {"base": 1}, *OWN[4:]], "step 5 is base, but a fresh copy", "take out"),
        ([*OWN[:4], {"compare": None}, *OWN[4:]], "step 5 is compare, but a fresh", "take out"),
    ],
)
def test_a_copy_that_cannot_be_is_told_before_anything_runs(
    steps: list[dict[str, Any]], message: str, hint: str
) -> None:
    story = Story()
    story.stable("v41")
    with pytest.raises(Invalid) as told:
        own(story, steps)
    assert message in told.value.message
    assert hint in told.value.hint
