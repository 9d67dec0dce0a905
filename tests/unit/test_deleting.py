"""A deployment is taken away: traffic first, then replicas; gone from sight, not from history."""

from __future__ import annotations

from pathlib import Path

import pytest

from gaesup_tui.domain import commands as cmd
from gaesup_tui.domain.errors import Moved, NotFound, Refused
from gaesup_tui.domain.preview import preview
from gaesup_tui.domain.viewing import Sight, deployment_view

from .engine_rig import KEY, KIM, MARA, Rig
from .story import Story


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path)


def test_what_moves_or_is_stopped_is_not_deleted() -> None:
    told = Story()
    told.stable("v41")
    told.deploy("v42")
    with pytest.raises(Refused, match="v42 is on its way"):
        told.ask(cmd.Delete(deployment=KEY))
    told.ask(cmd.Abort(deployment=KEY))
    told.settle()
    told.ask(cmd.Stop(mode="freeze"))
    with pytest.raises(Refused, match="release it first"):
        told.ask(cmd.Delete(deployment=KEY))


def test_the_question_names_what_ends_and_asks_for_the_name() -> None:
    told = Story()
    told.stable("v41")
    shown = preview(told.world, "delete", KEY, Sight(), told.now)
    assert shown["typed"] == KEY
    assert ("Forgets", "its known good releases (1): there is no way back to them") in shown[
        "lines"
    ]
    with pytest.raises(Moved):
        told.ask(cmd.Delete(deployment=KEY, expect_seq=1))


def test_a_deleted_deployment_takes_no_command_but_a_deploy_that_begins_anew() -> None:
    told = Story()
    told.stable("v41")
    told.ask(cmd.Delete(deployment=KEY, why="moved away"))
    assert told.deployment.weights() == {}
    assert told.deployment.replica_wishes() == {}
    view = deployment_view(told.world, told.deployment, Sight(seen=told.seen()), told.now)
    assert view["status_text"] == "deleted by kim: its replicas leave"
    for command in (cmd.Rollback(deployment=KEY), cmd.Retry(deployment=KEY)):
        with pytest.raises(NotFound, match="there is no deployment"):
            told.ask(command)
    told.deploy("v42", "canary", replicas=None)
    rollout = told.deployment.active
    assert rollout is not None
    assert rollout.id == f"{KEY}#2", "its rollouts are counted on"
    assert (rollout.spec.strategy, rollout.base) == ("initial", None)
    told.settle()
    assert told.deployment.deleted is None


def test_what_begins_anew_has_no_colour_of_what_was_there() -> None:
    told = Story()
    told.stable("v41")
    told.deploy("v42", "blueGreen")
    told.settle()
    told.ask(cmd.Promote(deployment=KEY, full=True))
    told.settle()
    told.later(3600)
    told.settle()
    assert told.deployment.colour
    told.ask(cmd.Delete(deployment=KEY))
    told.deploy("v43", "canary")
    assert told.deployment.active
    assert told.deployment.active.colour == ""


def test_its_traffic_ends_before_its_replicas_and_another_life_leaves_it_gone(rig: Rig) -> None:
    async def story(rig: Rig) -> None:
        await rig.deploy("v41", replicas=2)
        await rig.until(lambda: rig.deployment.stable)
        rig.backend.calls.clear()
        await rig.engine.submit(cmd.Delete(deployment=KEY), MARA)
        await rig.until(lambda: not rig.fleet.places[KEY].revisions)
        assert rig.fleet.places[KEY].weights == {}
        assert rig.backend.calls[:2] == ["traffic []", "ensure v41 0"]
        await rig.restart(clean=False)
        assert rig.engine.world.find(KEY) is None
        await rig.deploy("v42", replicas=1)
        await rig.until(lambda: rig.deployment.stable)
        assert rig.live == [100]
        with pytest.raises(Refused, match="no stable version"):
            await rig.engine.submit(cmd.Rollback(deployment=KEY), KIM)

    rig.run(story)
