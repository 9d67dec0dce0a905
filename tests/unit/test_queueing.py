"""A revision that comes while another one moves: refused, queued, or instead of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gaesup_tui.domain import commands as cmd
from gaesup_tui.domain.errors import Refused
from gaesup_tui.domain.preview import preview
from gaesup_tui.domain.viewing import Sight, deployment_view
from gaesup_tui.domain.windows import FreezeWindow
from gaesup_tui.domain.world import World
from gaesup_tui.engine.decisions import decide_queues
from gaesup_tui.engine.draft import Draft

from .engine_rig import Rig
from .story import KEY, KIM, Story, kinds, revision

GATE: dict[str, Any] = {"canary": {"steps": [{"weight": 10}, {"pause": {}}], "bake": 0}}
QUEUE, REPLACE = {"whileMoving": "queue", **GATE}, {"whileMoving": "replace", **GATE}


class Queueing(Story):
    """A story in which what is queued begins as it does in the engine."""

    def settle(self) -> list[Any]:
        happened = super().settle()
        draft = Draft.on(self.world)
        decide_queues(draft, self.now)
        for entry in draft.entries:
            self.world.apply(entry.recorded)
            happened.append(entry.recorded.event)
        return happened + (super().settle() if draft.entries else [])

    def moving(self) -> str:
        return self.deployment.active.candidate.version if self.deployment.active else ""

    def queued(self) -> str:
        queued = self.deployment.queued
        return queued.deploy.revision.version if queued else ""


@pytest.fixture
def told() -> Queueing:
    story = Queueing()
    story.stable("v41")
    return story


def at_gate(told: Queueing, **spec: Any) -> None:
    told.deploy("v42", **spec)
    told.settle()


def test_where_nothing_is_said_a_second_revision_is_refused_with_what_config_could_say(
    told: Queueing,
) -> None:
    at_gate(told, **GATE)
    with pytest.raises(Refused, match="v42 is on its way") as refusal:
        told.deploy("v43", **GATE)
    assert "whileMoving: queue" in refusal.value.hint


def test_a_queued_revision_begins_once_the_one_before_finished(told: Queueing) -> None:
    at_gate(told, **QUEUE)
    assert kinds(told.deploy("v43", **QUEUE)) == ["deploy_queued"]
    told.settle()
    assert (told.moving(), told.queued()) == ("v42", "v43")
    told.ask(cmd.Promote(deployment=KEY))
    told.settle()
    assert (told.moving(), told.queued()) == ("v43", "")
    assert told.deployment.active is not None
    assert told.deployment.active.by == KIM
    assert told.deployment.active.base == revision("v42")


def test_what_is_queued_with_broken_glass_names_who_broke_it_when_it_begins(
    told: Queueing,
) -> None:
    at_gate(told, **QUEUE)
    day = {"begins": "1970-01-01T00:00", "ends": "2090-01-01T00:00"}
    window = FreezeWindow.model_validate({"name": "audit", **day})
    told.ask(cmd.AddWindow(scope="production", window=window, why="audit"))
    order = cmd.Deploy.model_validate(
        {"deployment": KEY, "revision": revision("v43"), "spec": QUEUE, "break_glass": "it burns"}
    )
    told.ask(order)
    told.ask(cmd.Abort(deployment=KEY))
    told.settle()
    assert told.moving() == "v43"
    assert told.deployment.active is not None
    assert told.deployment.active.glass is not None
    assert told.deployment.active.glass.by == KIM


def test_it_begins_from_the_base_when_the_one_before_was_aborted(told: Queueing) -> None:
    at_gate(told, **QUEUE)
    told.deploy("v43", **QUEUE)
    told.ask(cmd.Abort(deployment=KEY))
    told.settle()
    assert told.moving() == "v43"
    assert told.deployment.active is not None
    assert told.deployment.active.base == revision("v41")


def test_replacing_leads_all_traffic_back_before_the_new_one_begins(told: Queueing) -> None:
    at_gate(told, **REPLACE)
    happened = kinds(told.deploy("v43", **REPLACE))
    assert happened == ["deploy_queued", "retreat_started"]
    assert told.deployment.weights() == {revision("v41").id: 100}
    assert told.moving() == "v42"
    told.settle()
    assert told.moving() == "v43"
    assert told.deployment.hold is None  # nobody found fault with v42
    assert told.deployment.past[-1].cause is not None
    assert told.deployment.past[-1].cause.reason == "v43 takes its place"


def test_a_rollback_is_not_turned_round_by_what_replaces(told: Queueing) -> None:
    at_gate(told, **QUEUE)
    told.ask(cmd.Promote(deployment=KEY, full=True))
    told.settle()
    told.ask(cmd.Rollback(deployment=KEY, why="slow"))
    told.settle()
    assert kinds(told.deploy("v43", **REPLACE)) == ["deploy_queued"]
    told.later(31)
    assert told.moving() == "v43"


def test_only_the_newest_is_kept(told: Queueing) -> None:
    at_gate(told, **QUEUE)
    told.deploy("v43", **QUEUE)
    told.deploy("v44", **QUEUE)
    assert told.queued() == "v44"


def test_the_revision_that_moves_is_not_queued_behind_itself(told: Queueing) -> None:
    at_gate(told, **QUEUE)
    with pytest.raises(Refused, match="v42 is on its way already"):
        told.deploy("v42", **QUEUE)


def test_what_the_queue_brings_is_said_in_all_places(told: Queueing) -> None:
    at_gate(told, **QUEUE)
    told.deploy("v43", **QUEUE)
    sight = Sight(seen=told.seen(), seen_at=told.now)
    view = deployment_view(told.world, told.deployment, sight, told.now)
    assert view["status_text"].endswith("waits for you; then v43")
    assert view["queued"] is not None
    assert (view["queued"]["version"], view["queued"]["by"]) == ("v43", "kim")
    assert view["actions"]["unqueue"] is None
    assert view["actions"]["deploy"] is None
    shown = dict(preview(told.world, "abort", KEY, sight, told.now)["lines"])
    assert shown["After"] == "v43 begins, queued by kim: drop it first if not"
    again = dict(preview(told.world, "deploy", KEY, sight, told.now, version="v44")["lines"])
    assert again["Then"] == "v44 waits and begins once v42 came to rest"
    assert again["Forgets"] == "v43, queued by kim"


def test_it_can_be_taken_out_again(told: Queueing) -> None:
    at_gate(told, **QUEUE)
    told.deploy("v43", **QUEUE)
    told.ask(cmd.Unqueue(deployment=KEY, why="not today"))
    assert told.queued() == ""
    told.ask(cmd.Abort(deployment=KEY))
    told.settle()
    assert told.moving() == ""
    with pytest.raises(Refused, match="no revision is queued"):
        told.ask(cmd.Unqueue(deployment=KEY))


def test_a_stop_clears_the_queue(told: Queueing) -> None:
    at_gate(told, **QUEUE)
    told.deploy("v43", **QUEUE)
    happened = told.ask(cmd.Stop(why="fire"))
    assert "queue_dropped" in kinds(happened)
    told.settle()
    told.ask(cmd.Release(why="over"))
    told.settle()
    assert (told.moving(), told.queued()) == ("", "")


def test_a_global_rollback_clears_the_queue(told: Queueing) -> None:
    at_gate(told, **QUEUE)
    told.deploy("v43", **QUEUE)
    told.ask(cmd.GlobalRollback(why="fire"))
    assert told.queued() == ""


def test_an_automatic_rollback_holds_it_until_somebody_releases(told: Queueing) -> None:
    at_gate(told, **QUEUE)
    told.deploy("v43", **QUEUE)
    told.see_not_ready("v42", health_failures=9)
    told.settle()
    told.later(5)
    assert (told.moving(), told.queued()) == ("", "v43")
    sight = Sight(seen=told.seen(), seen_at=told.now)
    view = deployment_view(told.world, told.deployment, sight, told.now)
    assert view["waiting"] is not None
    assert view["waiting"]["person"]
    assert view["waiting"]["what"].startswith("v43 is queued: its automation is held by")
    told.ask(cmd.ReleaseHold(deployment=KEY, why="v43 has the fix"))
    told.settle()
    assert told.moving() == "v43"


def test_a_queue_that_would_change_nothing_says_so_and_ends(told: Queueing) -> None:
    at_gate(told, **QUEUE)
    told.deploy("v41", **QUEUE)
    told.ask(cmd.Abort(deployment=KEY))
    happened = told.settle()
    dropped = [event for event in happened if event.kind == "queue_dropped"]
    assert "runs v41 already" in dropped[0].why


def test_it_is_still_queued_in_a_world_restored_from_a_snapshot(told: Queueing) -> None:
    at_gate(told, **QUEUE)
    told.deploy("v43", **QUEUE)
    again = World.restore(told.world.snapshot())
    assert again.queued == frozenset({KEY})
    assert again.deployments[KEY] == told.deployment


def test_the_queue_outlives_the_engine(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        await rig.deploy("v41", replicas=2)
        await rig.until(lambda: rig.deployment.stable)
        await rig.deploy("v42", strategy="canary", spec=QUEUE)
        await rig.until(lambda: rig.deployment.active and rig.deployment.active.index == 3)
        await rig.deploy("v43", strategy="canary", spec=QUEUE)
        await rig.restart(clean=False)
        assert rig.deployment.queued is not None
        await rig.engine.submit(cmd.Abort(deployment=KEY), KIM)

        def moves() -> bool:
            rollout = rig.deployment.active
            return rollout is not None and rollout.candidate.version == "v43"

        await rig.until(moves)

    Rig(tmp_path).run(story)
