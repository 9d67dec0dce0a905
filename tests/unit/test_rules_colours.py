"""Blue and green by name, and how long a rollback is watched."""

from __future__ import annotations

from typing import Any

import pytest

from gaesup_tui.domain import commands as cmd
from gaesup_tui.domain.deployment import Deployment
from gaesup_tui.domain.steps import Bake
from gaesup_tui.domain.viewing import Sight, deployment_view

from .story import KEY, Story, revision

AT_ONCE: dict[str, Any] = {"blueGreen": {"steps": [100], "bake": "10m"}}


def to(told: Story, version: str, **more: Any) -> None:
    told.deploy(version, "blueGreen", **(more or AT_ONCE))
    told.settle()


def text(told: Story) -> str:
    sight = Sight(seen=told.seen(), seen_at=told.now)
    return deployment_view(told.world, told.deployment, sight, told.now)["status_text"]


def test_the_first_revision_is_blue_and_they_take_turns() -> None:
    told = Story()
    colours = []
    for version in ("v41", "v42", "v43"):
        to(told, version)
        told.later(601)
        colours.append(told.deployment.colour)
    assert colours == ["blue", "green", "blue"]


def test_a_plain_switch_moves_all_traffic_in_one_step_and_keeps_the_old_colour_warm() -> None:
    told = Story()
    told.stable("v41")
    to(told, "v42")
    rollout = told.deployment.active
    assert rollout is not None
    assert [step.title() for step in rollout.plan] == [
        "candidate × 2",
        "healthy",
        "100 %",
        "bake 10m00",
        "base × 0",
    ]
    assert told.deployment.colours() == {revision("v41").id: "blue", revision("v42").id: "green"}
    assert text(told).startswith("v41→v42 (green) at 100 %")


def test_a_switch_that_was_turned_back_leaves_the_colour_it_had() -> None:
    told = Story()
    to(told, "v41")
    to(told, "v42")
    told.ask(cmd.Abort(deployment=KEY))
    told.settle()
    assert told.deployment.colour == "blue"
    assert text(told) == "aborted v42: 100 % on v41 (blue, healthy)"


def test_a_rollback_takes_the_other_colour_again() -> None:
    told = Story()
    for version in ("v41", "v42"):
        to(told, version)
        told.later(601)
    told.ask(cmd.Rollback(deployment=KEY, why="slow"))
    told.settle()
    told.later(31)
    assert told.deployment.stable == revision("v41")
    assert told.deployment.colour == "blue"


def test_what_is_never_switched_has_no_colour() -> None:
    told = Story()
    told.stable("v41")
    told.stable("v42")
    assert told.deployment.colour == ""
    assert text(told) == "100 % on v42 (healthy)"


def test_a_person_has_to_promote_the_idle_colour_where_nothing_is_automatic() -> None:
    told = Story()
    told.stable("v41")
    to(told, "v42", blueGreen={"steps": [100], "autoPromotion": False})
    assert told.deployment.weights() == {revision("v41").id: 100}
    assert told.later(60) == []
    told.ask(cmd.Promote(deployment=KEY))
    told.settle()
    assert told.deployment.weights() == {revision("v42").id: 100}


@pytest.mark.parametrize(("said", "expected"), [({"rollbackBake": "5m"}, 300.0), ({}, 30.0)])
def test_a_rollback_is_watched_as_long_as_the_config_of_what_it_leaves_says(
    said: dict[str, Any], expected: float
) -> None:
    told = Story()
    told.stable("v41")
    told.deploy("v42", "rolling", **said)
    told.settle()
    told.later(3600)
    told.ask(cmd.Rollback(deployment=KEY, why="slow"))
    rollout = told.deployment.active
    assert rollout is not None
    assert [step.duration_s for step in rollout.plan if isinstance(step, Bake)] == [expected]


def test_a_deployment_from_an_older_journal_has_no_colour() -> None:
    told = Story()
    told.stable("v41")
    old = told.deployment.model_dump(mode="json")
    del old["colour"]
    del old["rollout"]["colour"], old["rollout"]["spec"]["colours"]
    assert Deployment.model_validate(old) == told.deployment
