"""What moves a rollout, what never does, and how it goes back."""

from __future__ import annotations

from typing import Any

import pytest

from gaesup_tui.domain import commands as cmd
from gaesup_tui.domain.drops import Compared
from gaesup_tui.domain.errors import Invalid, Moved, NotFound, Refused
from gaesup_tui.domain.observation import DeploymentSeen
from gaesup_tui.domain.rollout import Actor
from gaesup_tui.domain.rollout_rules import due
from gaesup_tui.domain.steps import Analyse, Bake, Pause, SetTraffic
from gaesup_tui.domain.telemetry import Delta, Window
from gaesup_tui.domain.verdict import Verdict
from gaesup_tui.domain.waiting import waiting

from .story import KEY, KIM, Story, kinds, revision

GATED: dict[str, Any] = {
    "canary": {
        "steps": [{"weight": 10}, {"pause": None}, {"weight": 50}, {"pause": "60s"}],
        "bake": "10m",
    }
}
V41, V42, V43 = (revision(v).id for v in ("v41", "v42", "v43"))


@pytest.fixture
def story() -> Story:
    told = Story()
    told.stable("v41")
    return told


@pytest.fixture
def waiting_canary(story: Story) -> Story:
    story.deploy("v42", **GATED)
    story.settle()
    assert story.deployment.weights() == {V41: 90, V42: 10}
    return story


def test_a_first_deployment_has_no_base_and_no_canary() -> None:
    told = Story()
    told.deploy("v41", "canary")
    told.settle()
    assert told.deployment.rollout is not None
    assert told.deployment.rollout.spec.strategy == "initial"
    assert told.deployment.weights() == {V41: 100}


def test_a_gate_waits_for_a_person_and_says_what_happens_otherwise(waiting_canary: Story) -> None:
    waiting_canary.later(60)
    why = waiting(waiting_canary.deployment, waiting_canary.seen(), None)
    assert why is not None
    assert why.person
    assert why.then == "aborts"
    assert why.until == pytest.approx(waiting_canary.deployment.active.step_began + 1800)  # type: ignore[union-attr]


def test_promote_passes_one_gate_and_goes_to_the_next_share(waiting_canary: Story) -> None:
    waiting_canary.ask(cmd.Promote(deployment=KEY))
    waiting_canary.settle()
    assert waiting_canary.deployment.weights() == {V41: 50, V42: 50}


def test_a_canary_bakes_with_the_base_warm_and_then_is_stable_and_good(
    waiting_canary: Story,
) -> None:
    waiting_canary.ask(cmd.Promote(deployment=KEY))
    waiting_canary.settle()
    waiting_canary.later(61)
    deployment = waiting_canary.deployment
    assert isinstance(deployment.active and deployment.active.step, Bake)
    assert deployment.weights() == {V42: 100}
    assert deployment.replica_wishes()[V41][1] == 2
    assert deployment.stable is not None
    assert deployment.stable.id == V41
    waiting_canary.later(601)
    deployment = waiting_canary.deployment
    assert deployment.stable is not None
    assert deployment.stable.id == V42
    assert [r.revision.id for r in deployment.good] == [V41, V42]


def test_promote_fully_passes_every_gate_but_not_the_bake(waiting_canary: Story) -> None:
    waiting_canary.ask(cmd.Promote(deployment=KEY, full=True))
    waiting_canary.settle()
    active = waiting_canary.deployment.active
    assert active is not None
    assert isinstance(active.step, Bake)
    assert waiting_canary.deployment.weights() == {V42: 100}


def test_abort_returns_traffic_first_and_then_takes_the_candidate_away(
    waiting_canary: Story,
) -> None:
    waiting_canary.ask(cmd.Abort(deployment=KEY, why="looks odd"))
    assert waiting_canary.deployment.weights() == {V41: 100}
    assert waiting_canary.deployment.replica_wishes()[V42][1] == 2
    waiting_canary.settle()
    rollout = waiting_canary.deployment.rollout
    assert rollout is not None
    assert rollout.outcome == "aborted"
    assert waiting_canary.deployment.replica_wishes() == {V41: (revision("v41"), 2)}


def test_abort_beats_a_full_promotion(waiting_canary: Story) -> None:
    waiting_canary.ask(cmd.Promote(deployment=KEY, full=True))
    waiting_canary.look()
    waiting_canary.ask(cmd.Abort(deployment=KEY))
    waiting_canary.settle()
    assert waiting_canary.deployment.weights() == {V41: 100}


def test_abort_needs_no_up_to_date_screen_but_promote_does(waiting_canary: Story) -> None:
    old = waiting_canary.deployment.seq - 1
    with pytest.raises(Moved):
        waiting_canary.ask(cmd.Promote(deployment=KEY, expect_seq=old))
    waiting_canary.ask(cmd.Abort(deployment=KEY, expect_seq=old))
    assert waiting_canary.deployment.weights() == {V41: 100}


def test_after_an_abort_nothing_goes_forward(waiting_canary: Story) -> None:
    waiting_canary.ask(cmd.Abort(deployment=KEY))
    for command in (
        cmd.Promote(deployment=KEY),
        cmd.Promote(deployment=KEY, full=True),
        cmd.Pause(deployment=KEY),
    ):
        with pytest.raises(Refused):
            waiting_canary.ask(command)


def test_time_alone_never_goes_forward(waiting_canary: Story) -> None:
    waiting_canary.ask(cmd.Promote(deployment=KEY))
    waiting_canary.settle()
    active = waiting_canary.deployment.active
    assert active is not None
    assert isinstance(active.step, Pause)
    waiting_canary.now += 3600
    from gaesup_tui.domain.rollout_rules import decide_time

    assert decide_time(waiting_canary.deployment, waiting_canary.now) == []


def test_an_expired_gate_aborts_when_nobody_came(waiting_canary: Story) -> None:
    waiting_canary.later(1801)
    rollout = waiting_canary.deployment.rollout
    assert rollout is not None
    assert rollout.outcome == "aborted"
    assert rollout.cause is not None
    assert rollout.cause.kind == "expiry"


def test_an_operators_pause_beats_every_timer(waiting_canary: Story) -> None:
    waiting_canary.ask(cmd.Pause(deployment=KEY, why="lunch"))
    assert due(waiting_canary.deployment) is None
    waiting_canary.later(100_000)
    assert waiting_canary.deployment.active is not None
    with pytest.raises(Refused, match="paused by kim"):
        waiting_canary.ask(cmd.Promote(deployment=KEY))


@pytest.mark.parametrize(
    ("window", "reason"),
    [
        (Window(10, 400, 80, 0.01, 0.02), "errors 20.0 % > 5.0 %"),
        (Window(10, 100, 0, 0.9, 2.0), "p95 2.00s > 1.00s"),
    ],
)
def test_a_guard_returns_traffic_at_once_and_holds_automation(
    waiting_canary: Story, window: Window, reason: str
) -> None:
    waiting_canary.windows = {10.0: window}
    slow = Delta(10.0, 100, 0, (0.5, 1.0, 5.0), (40, 0, 60, 0))
    waiting_canary.compared = {10.0: Compared(candidate=slow)}
    waiting_canary.look()
    assert waiting_canary.deployment.weights() == {V41: 100}
    rollout = waiting_canary.deployment.rollout
    assert rollout is not None
    assert rollout.cause is not None
    assert reason in rollout.cause.reason
    assert waiting_canary.deployment.hold is not None


def test_a_guard_acts_on_a_paused_rollout_too(waiting_canary: Story) -> None:
    waiting_canary.ask(cmd.Pause(deployment=KEY))
    waiting_canary.windows = {10.0: Window(10, 100, 50, 0.01, 0.02)}
    waiting_canary.settle()
    assert waiting_canary.deployment.weights() == {V41: 100}


def test_a_ratio_of_too_few_requests_is_no_evidence(waiting_canary: Story) -> None:
    waiting_canary.windows = {10.0: Window(10, 4, 4, 0.01, 0.02)}
    assert waiting_canary.look() == []


def test_health_failures_and_restarts_are_guards(waiting_canary: Story) -> None:
    waiting_canary.see_not_ready("v42", health_failures=3)
    waiting_canary.look()
    assert waiting_canary.deployment.weights() == {V41: 100}


def test_a_module_that_cannot_start_ends_the_rollout_before_any_traffic(story: Story) -> None:
    story.deploy("v42")
    story.see_not_ready("v42", restarts=3, last_exit="trap unreachable")
    story.settle()
    rollout = story.deployment.rollout
    assert rollout is not None
    assert rollout.outcome == "aborted"
    assert rollout.cause is not None
    assert "restarted 3 times: trap unreachable" in rollout.cause.reason


def test_replicas_that_never_get_ready_meet_the_progress_deadline(story: Story) -> None:
    story.deploy("v42")
    story.see_not_ready("v42")
    story.settle()
    story.later(61)
    rollout = story.deployment.rollout
    assert rollout is not None
    assert rollout.cause is not None
    assert rollout.cause.kind == "deadline"


def test_a_failed_smoke_test_ends_it_before_any_traffic(story: Story) -> None:
    told = story
    told.smoke_passes = False
    told.ask(
        cmd.Deploy.model_validate(
            {
                "deployment": KEY,
                "revision": revision("v42"),
                "strategy": "canary",
                "checks": [{"path": "/health"}],
            }
        )
    )
    told.settle()
    rollout = told.deployment.rollout
    assert rollout is not None
    assert rollout.outcome == "aborted"
    assert rollout.weight_percent == 0
    assert not any(
        isinstance(step, SetTraffic) for step in rollout.spec.plan[: len(rollout.records)]
    )


def test_the_judge_promotes_an_analysis_and_aborts_on_harm(story: Story) -> None:
    spec: dict[str, Any] = {"canary": {"steps": [{"weight": 20}, {"analysis": "30s"}]}}
    story.deploy("v42", **spec)
    story.settle()
    active = story.deployment.active
    assert active is not None
    assert isinstance(active.step, Analyse)
    story.verdict = Verdict(kind="CONTINUE", reason="not yet")
    story.later(31)
    assert story.deployment.weights()[V42] == 20
    story.verdict = Verdict(kind="PROMOTE", reason="no harm")
    story.settle()
    assert story.deployment.weights() == {V42: 100}
    story.verdict = Verdict(kind="ABORT", reason="errors")
    story.settle()
    assert story.deployment.weights() == {V41: 100}


def test_without_evidence_an_analysis_holds_and_never_promotes(story: Story) -> None:
    story.deploy("v42", canary={"steps": [{"weight": 20}, {"analysis": "30s"}]})
    story.verdict = Verdict(kind="NO EVIDENCE", reason="no requests reach the candidate")
    story.settle()
    story.later(100_000)
    assert story.deployment.weights() == {V41: 80, V42: 20}


def test_a_held_unit_does_not_pass_a_timed_step_by_itself(story: Story) -> None:
    story.deploy("v42", canary={"steps": [{"weight": 20}, {"pause": "30s"}]})
    story.settle()
    story.windows = {10.0: Window(10, 100, 50, 0.01, 0.02)}
    story.settle()
    story.windows = {}
    story.deploy("v43", canary={"steps": [{"weight": 20}, {"pause": "30s"}]})
    story.settle()
    story.later(3600)
    assert story.deployment.weights() == {V41: 100}
    story.ask(cmd.Promote(deployment=KEY))
    story.settle()
    story.later(3600)
    assert story.deployment.weights() == {V41: 80, V43: 20}
    with pytest.raises(Invalid, match="needs a reason"):
        story.ask(cmd.ReleaseHold(deployment=KEY))
    story.ask(cmd.ReleaseHold(deployment=KEY, why="fixed in v43"))
    story.settle()
    assert story.deployment.weights() == {V43: 100}


def test_rolling_without_unavailable_never_asks_for_fewer_than_wanted(story: Story) -> None:
    story.ask(cmd.Scale(deployment=KEY, replicas=4))
    story.deploy("v42", "rolling", replicas=None, rolling={"maxUnavailable": 0})
    lowest = 100
    while story.look():
        if story.deployment.active:
            total = sum(n for _, n in story.deployment.replica_wishes().values())
            lowest = min(lowest, total)
    assert lowest >= 4
    assert story.deployment.weights() == {V42: 100}


def test_rollback_goes_to_the_last_that_finished_healthy_not_the_one_before(story: Story) -> None:
    story.deploy("v42")
    story.settle()
    story.ask(cmd.Abort(deployment=KEY))
    story.settle()
    story.stable("v43")
    story.ask(cmd.Rollback(deployment=KEY, why="slow"))
    story.settle()
    assert story.deployment.weights() == {V41: 100}
    story.later(60)
    assert [r.revision.id for r in story.deployment.good] == [V41]
    with pytest.raises(Refused, match="no stable version"):
        story.ask(cmd.Rollback(deployment=KEY))


def test_rollback_to_a_version_that_never_was_good_names_those_that_were(story: Story) -> None:
    story.stable("v42")
    with pytest.raises(NotFound, match="known good, newest first: v42, v41"):
        story.ask(cmd.Rollback(deployment=KEY, version="v7"))


def test_retry_from_the_failed_step_skips_what_had_passed(waiting_canary: Story) -> None:
    waiting_canary.ask(cmd.Promote(deployment=KEY))
    waiting_canary.settle()
    waiting_canary.ask(cmd.Abort(deployment=KEY))
    waiting_canary.settle()
    waiting_canary.ask(cmd.Retry(deployment=KEY, start="failed"))
    waiting_canary.settle()
    active = waiting_canary.deployment.active
    assert active is not None
    assert waiting_canary.deployment.weights() == {V41: 50, V42: 50}
    assert active.step == Pause(duration_s=60, expiry_s=1800)


def test_stop_returns_every_rollout_and_blocks_new_ones_until_released(
    waiting_canary: Story,
) -> None:
    waiting_canary.ask(cmd.Stop(why="incident 7"))
    assert waiting_canary.deployment.weights() == {V41: 100}
    waiting_canary.settle()
    with pytest.raises(Refused, match="stopped by kim"):
        waiting_canary.deploy("v43")
    with pytest.raises(Invalid, match="needs a reason"):
        waiting_canary.ask(cmd.Release())
    waiting_canary.ask(cmd.Release(why="over"))
    waiting_canary.deploy("v43")


def test_a_stop_of_an_environment_leaves_others_alone(waiting_canary: Story) -> None:
    with pytest.raises(NotFound, match="production"):
        waiting_canary.ask(cmd.Stop(scope="staging"))
    waiting_canary.ask(cmd.Stop(scope="production"))
    assert waiting_canary.world.stop_for("cart@staging") is None
    assert waiting_canary.world.stop_for(KEY) is not None


def test_freeze_holds_everything_where_it_stands_but_abort_works(waiting_canary: Story) -> None:
    waiting_canary.ask(cmd.Stop(mode="freeze"))
    waiting_canary.windows = {10.0: Window(10, 100, 50, 0.01, 0.02)}
    waiting_canary.later(100_000)
    assert waiting_canary.deployment.weights() == {V41: 90, V42: 10}
    waiting_canary.ask(cmd.Abort(deployment=KEY))
    waiting_canary.settle()
    assert waiting_canary.deployment.weights() == {V41: 100}


def test_two_people_promote_the_same_gate_and_the_second_is_refused(waiting_canary: Story) -> None:
    seq = waiting_canary.deployment.seq
    waiting_canary.ask(cmd.Promote(deployment=KEY, expect_seq=seq))
    with pytest.raises(Moved):
        waiting_canary.ask(cmd.Promote(deployment=KEY, expect_seq=seq), by=Actor(name="lee"))


def test_the_same_revision_is_not_deployed_again(story: Story) -> None:
    with pytest.raises(Refused, match="byte for byte"):
        story.deploy("v41")


def test_scale_reaches_both_sides_of_a_moving_rollout(waiting_canary: Story) -> None:
    waiting_canary.ask(cmd.Scale(deployment=KEY, replicas=5))
    assert {n for _, n in waiting_canary.deployment.replica_wishes().values()} == {5}


def test_a_snapshot_restores_the_world_exactly(waiting_canary: Story) -> None:
    from gaesup_tui.domain.world import Snapshot, World

    waiting_canary.ask(cmd.Stop(scope="production", mode="freeze"))
    taken = waiting_canary.world.snapshot()
    again = World.restore(Snapshot.model_validate_json(taken.model_dump_json())).snapshot()
    assert again == taken


def test_kinds_of_a_first_deployment_in_order() -> None:
    told = Story()
    told.deploy("v41")
    assert kinds(told.settle()) == ["step_completed"] * 3 + ["rollout_finished"]
    assert told.deployment.rollout is not None
    assert told.deployment.rollout.by == KIM


def test_a_route_changed_behind_our_back_stops_the_rollout_and_says_so(
    waiting_canary: Story,
) -> None:
    seen = waiting_canary.seen()
    seen = DeploymentSeen(weights={V41: 37, V42: 63}, revisions=seen.revisions)
    waiting_canary.look(seen)
    active = waiting_canary.deployment.active
    assert active is not None
    assert active.paused is not None
    assert active.paused.engine
    assert "63 %" in active.paused.why
    assert active.paused.why.endswith("resume sets it right")
    waiting_canary.ask(cmd.Promote(deployment=KEY))
    waiting_canary.settle()
    assert waiting_canary.deployment.weights() == {V41: 50, V42: 50}


def test_a_route_that_is_late_or_empty_is_not_taken_for_a_changed_one(
    waiting_canary: Story,
) -> None:
    healthy = waiting_canary.seen()
    for weights in ({}, {V41: 100}, {V41: 50, V42: 50}):
        waiting_canary.look(DeploymentSeen(weights=weights, revisions=healthy.revisions))
        active = waiting_canary.deployment.active
        assert active is not None
        assert active.paused is None


def blue_green(story: Story, **spec: object) -> None:
    story.deploy("v42", "blueGreen", blueGreen=spec)
    story.settle()


def test_blue_green_brings_the_other_colour_up_whole_before_its_first_share(story: Story) -> None:
    blue_green(story, autoPromotion=False)
    story.later(1)
    assert story.deployment.weights() == {V41: 100}
    assert {n for _, n in story.deployment.replica_wishes().values()} == {2}
    why = waiting(story.deployment, story.seen(), None)
    assert why is not None
    assert why.person


def test_blue_green_validates_each_share_then_keeps_the_old_colour_warm(story: Story) -> None:
    blue_green(story, stabilise="10s", analysis="20s", bake="5m")
    story.verdict = Verdict(kind="PROMOTE", reason="no harm")
    for share in (10, 50):
        assert story.deployment.weights() == {V41: 100 - share, V42: share}
        story.later(11)
        story.later(21)
    assert story.deployment.weights() == {V42: 100}
    assert story.deployment.replica_wishes()[V41][1] == 2
    story.ask(cmd.Abort(deployment=KEY))
    assert story.deployment.weights() == {V41: 100}


def test_a_plain_blue_green_switch_is_one_step_and_finishes_after_its_bake(story: Story) -> None:
    blue_green(story, steps=[100], bake="1m")
    assert story.deployment.weights() == {V42: 100}
    story.later(61)
    assert story.deployment.stable is not None
    assert story.deployment.stable.id == V42


def test_shares_that_do_not_grow_to_all_of_it_are_refused(story: Story) -> None:
    for shares in ([50, 10, 100], [10, 50], [10, 10, 100]):
        with pytest.raises(ValueError, match="have to grow and to end with 100"):
            blue_green(story, steps=shares)


def test_a_stop_lets_a_rollback_that_is_under_way_arrive(story: Story) -> None:
    story.stable("v42")
    story.ask(cmd.Rollback(deployment=KEY))
    story.ask(cmd.Stop(why="all of it"))
    story.settle()
    story.later(60)
    assert story.deployment.weights() == {V41: 100}
    assert story.deployment.stable is not None
    assert story.deployment.stable.id == V41


def test_a_rollout_to_fewer_replicas_that_is_aborted_gives_the_base_its_own_number_back(
    story: Story,
) -> None:
    story.ask(cmd.Scale(deployment=KEY, replicas=6))
    story.deploy("v42", replicas=2, **GATED)
    story.settle()
    wishes = story.deployment.replica_wishes()
    assert (wishes[V41][1], wishes[V42][1]) == (6, 2)
    story.ask(cmd.Abort(deployment=KEY))
    story.settle()
    assert story.deployment.replica_wishes() == {V41: (revision("v41"), 6)}
    assert story.deployment.replicas == 6
