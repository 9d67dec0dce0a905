"""What a freeze window keeps from happening, what acts all the same, and how glass is broken."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from gaesup_tui.domain import commands as cmd
from gaesup_tui.domain.calendar_views import window_views
from gaesup_tui.domain.errors import Invalid, NotFound, Refused
from gaesup_tui.domain.freezing import standing_in, window_for
from gaesup_tui.domain.policy import Policy
from gaesup_tui.domain.preview import preview
from gaesup_tui.domain.sentences import sentence
from gaesup_tui.domain.strategy_spec import StrategySpec
from gaesup_tui.domain.telemetry import Window
from gaesup_tui.domain.verdict import Verdict
from gaesup_tui.domain.viewing import Sight, deployment_view
from gaesup_tui.domain.waiting import waiting
from gaesup_tui.domain.windows import FreezeWindow
from gaesup_tui.domain.world import Snapshot, World

from .engine_rig import KIM, Rig
from .story import KEY, Story, kinds, revision

WEEKEND = FreezeWindow(name="weekend", begins="Fri 16:00", ends="Mon 08:00")
POLICY = Policy(environment="production", windows=(WEEKEND,), source="/shop/gaesup.yaml")
THURSDAY = datetime(2026, 11, 19, 12, tzinfo=UTC).timestamp()
FRIDAY = datetime(2026, 11, 20, 15, 50, tzinfo=UTC).timestamp()
SATURDAY = datetime(2026, 11, 21, 12, tzinfo=UTC).timestamp()
MONDAY = datetime(2026, 11, 23, 8, tzinfo=UTC).timestamp()
TIMED: dict[str, Any] = {
    "canary": {"steps": [{"weight": 10}, {"pause": "30m"}, {"weight": 50}], "bake": "60s"}
}
GATED: dict[str, Any] = {
    "canary": {"steps": [{"weight": 10}, {"pause": None}, {"weight": 50}, {"pause": None}]}
}


def deploy(version: str, spec: dict[str, Any], **more: Any) -> cmd.Deploy:
    return cmd.Deploy.model_validate(
        {
            "deployment": KEY,
            "revision": revision(version),
            "strategy": "canary",
            "replicas": 2,
            "spec": StrategySpec.model_validate(spec),
            "policy": POLICY,
            **more,
        }
    )


@pytest.fixture
def story() -> Story:
    told = Story()
    told.now = THURSDAY
    told.stable("v41")
    told.now = FRIDAY
    told.ask(cmd.TakePolicies(policies=(POLICY,)))
    return told


def at(story: Story, when: float) -> list[str]:
    return kinds(story.later(when - story.now))


def weight(story: Story) -> int:
    assert story.deployment.active is not None
    return story.deployment.active.weight_percent


def moving(story: Story, spec: dict[str, Any]) -> None:
    """v42 has 10 % on Friday, ten minutes before the weekend."""
    story.ask(deploy("v42", spec))
    story.settle()
    assert weight(story) == 10


def test_in_a_window_nothing_goes_forward_by_itself_and_after_it_it_does(story: Story) -> None:
    moving(story, TIMED)
    at(story, SATURDAY)
    assert weight(story) == 10
    window = standing_in(story.world, story.deployment, story.now)
    told = waiting(story.deployment, story.seen(), None, window)
    assert told is not None
    assert told.what == "freeze window weekend until Mon 08:00 UTC"
    assert (told.until, told.then) == (MONDAY, "goes on")
    assert (
        deployment_view(story.world, story.deployment, Sight(story.seen()), story.now)["status"]
        == "frozen"
    )
    at(story, MONDAY)
    assert weight(story) == 10, "ten minutes of the thirty had gone by before the weekend"
    at(story, MONDAY + 19 * 60)
    assert weight(story) == 10
    at(story, MONDAY + 20 * 60)
    assert weight(story) == 100


def test_no_gate_expires_in_a_window(story: Story) -> None:
    moving(story, GATED)
    at(story, SATURDAY)
    at(story, MONDAY)
    assert story.deployment.active
    assert story.deployment.active.phase == "forward"
    assert "retreat_started" in at(story, MONDAY + 21 * 60)


def test_a_promote_by_the_judge_waits_for_the_end_of_the_window(story: Story) -> None:
    moving(story, {"canary": {"steps": [{"weight": 10}, {"analysis": "5m"}], "bake": 0}})
    at(story, SATURDAY)
    story.verdict = Verdict(kind="PROMOTE", reason="no harm seen")
    story.settle()
    assert weight(story) == 10
    at(story, MONDAY)
    at(story, MONDAY + 300)
    assert story.deployment.stable
    assert story.deployment.stable.version == "v42"


@pytest.mark.parametrize("how", ["guard", "judge", "abort", "stop", "rollback"])
def test_what_leads_back_acts_in_a_window(story: Story, how: str) -> None:
    moving(story, GATED)
    at(story, SATURDAY)
    match how:
        case "guard":
            story.windows = {10.0: Window(10, 100, 50, 0.01, 0.02)}
            happened = story.settle()
        case "judge":
            story.verdict = Verdict(kind="ABORT", reason="errors")
            happened = story.settle()
        case "abort":
            happened = story.ask(cmd.Abort(deployment=KEY))
        case "stop":
            happened = story.ask(cmd.Stop())
        case _:
            happened = story.ask(cmd.Rollback(deployment=KEY))
    assert "retreat_started" in kinds(happened)
    story.settle()
    assert story.deployment.active is None, "the way back goes all the way"


def test_a_rollback_at_rest_goes_all_the_way_in_a_window(story: Story) -> None:
    story.now = THURSDAY + 7200
    story.stable("v42")
    at(story, SATURDAY)
    story.ask(cmd.Rollback(deployment=KEY))
    story.settle()
    story.later(60)
    assert story.deployment.stable
    assert story.deployment.stable.version == "v41"


def test_nothing_begins_in_a_window(story: Story) -> None:
    moving(story, GATED)
    story.ask(cmd.Abort(deployment=KEY))
    story.settle()
    at(story, SATURDAY)
    for command in (deploy("v43", GATED), cmd.Retry(deployment=KEY)):
        with pytest.raises(Refused, match="freeze window weekend until Mon 08:00 UTC"):
            story.ask(command)
    with pytest.raises(Refused, match="--break-glass REASON"):
        story.ask(deploy("v43", GATED, break_glass="  "))


def test_broken_glass_lets_one_rollout_go_on_and_is_shown(story: Story) -> None:
    at(story, SATURDAY)
    events = story.ask(deploy("v43", TIMED, break_glass="payments are down"))
    assert kinds(events) == ["rollout_created", "glass_broken"]
    assert sentence(events[1], None) == ("glass broken in freeze window weekend", "bad")
    story.settle()
    assert weight(story) == 10
    story.later(1800)
    assert weight(story) == 100
    view = deployment_view(story.world, story.deployment, Sight(), story.now)
    assert view["rollout"]
    assert view["rollout"]["glass"] == "in weekend by kim: payments are down"


def test_glass_broken_for_a_promotion_is_whole_again_at_the_next_gate(story: Story) -> None:
    moving(story, GATED)
    at(story, SATURDAY)
    with pytest.raises(Refused, match="freeze window"):
        story.ask(cmd.Promote(deployment=KEY))
    story.ask(cmd.Promote(deployment=KEY, break_glass="must be out"))
    story.settle()
    assert weight(story) == 50
    with pytest.raises(Refused, match="freeze window"):
        story.ask(cmd.Promote(deployment=KEY))
    window = standing_in(story.world, story.deployment, story.now)
    told = waiting(story.deployment, story.seen(), None, window)
    assert told
    assert told.what.startswith("freeze window weekend")


def test_glass_is_whole_in_the_next_window(story: Story) -> None:
    at(story, SATURDAY)
    story.ask(
        deploy("v43", {"canary": {"steps": [{"weight": 10}, {"pause": "6d"}]}}, break_glass="now")
    )
    story.settle()
    at(story, SATURDAY + 6.5 * 86400)
    assert weight(story) == 10, "it is the second weekend"
    assert standing_in(story.world, story.deployment, story.now)
    at(story, MONDAY + 7 * 86400)
    assert weight(story) == 100


def test_the_dialog_asks_for_the_reason_that_breaks_the_glass(story: Story) -> None:
    moving(story, GATED)
    assert preview(story.world, "promote", KEY, Sight(), story.now)["glass"] == ""
    at(story, SATURDAY)
    for action in ("promote", "promote_full"):
        shown = preview(story.world, action, KEY, Sight(), story.now)
        assert shown["needs_reason"]
        assert shown["glass"] == "freeze window weekend until Mon 08:00 UTC"
        assert "breaks the glass" in shown["lines"][-1][1]
    assert preview(story.world, "abort", KEY, Sight(), story.now)["glass"] == ""


def test_a_file_cannot_lift_the_window_that_is_in_the_way_of_its_own_deploy(story: Story) -> None:
    at(story, SATURDAY)
    lifted = POLICY.model_copy(update={"windows": ()})
    with pytest.raises(Refused, match="freeze window weekend"):
        story.ask(deploy("v43", GATED, policy=lifted))
    story.ask(cmd.TakePolicies(policies=(lifted,)))
    story.ask(deploy("v43", GATED, policy=lifted))


def test_a_window_that_comes_with_a_deploy_holds_for_it_already(story: Story) -> None:
    at(story, SATURDAY)
    always = FreezeWindow(name="audit", begins="2026-11-01T00:00", ends="2026-12-01T00:00")
    policy = POLICY.model_copy(update={"windows": (WEEKEND, always)})
    with pytest.raises(Refused, match="freeze window audit until 2026-12-01 00:00 UTC"):
        story.ask(deploy("v43", GATED, policy=policy))
    assert story.world.calendar.policy("production") == POLICY, "a refusal changed something"


def test_windows_are_added_and_removed_by_hand(story: Story) -> None:
    launch = FreezeWindow(name="launch", begins="2026-11-20T15:00", ends="2026-11-21T00:00")
    with pytest.raises(Invalid, match="needs a reason"):
        story.ask(cmd.AddWindow(scope="production", window=launch))
    with pytest.raises(NotFound):
        story.ask(cmd.AddWindow(scope="mars", window=launch, why="x"))
    with pytest.raises(Refused, match="has a window of that name in its file"):
        story.ask(cmd.AddWindow(window=WEEKEND, why="x"))
    story.ask(cmd.AddWindow(scope=KEY, window=launch, why="the launch"))
    with pytest.raises(Refused, match="freeze window launch"):
        story.ask(deploy("v43", GATED))
    view = window_views(story.world, story.now)[0]
    assert (view["name"], view["is_in_force"], view["source"]) == (
        "launch",
        True,
        "kim: the launch",
    )
    with pytest.raises(Refused, match="take it out there"):
        raise_hint(story, cmd.RemoveWindow(name="weekend", why="x"))
    story.ask(cmd.RemoveWindow(name="launch", why="is over"))
    story.ask(deploy("v43", GATED))


def raise_hint(story: Story, command: cmd.Command) -> None:
    try:
        story.ask(command)
    except Refused as refusal:
        raise Refused(str(refusal.hint)) from None


def test_one_added_for_once_is_gone_when_it_is_over(story: Story) -> None:
    launch = FreezeWindow(name="launch", begins="2026-11-20T15:00", ends="2026-11-20T15:55")
    story.ask(cmd.AddWindow(window=launch, why="the launch"))
    story.later(1)
    assert [w.name for w in story.world.calendar.open] == ["launch"]
    story.later(300)
    assert story.world.calendar.open == ()
    assert story.world.calendar.added == ()


def test_timers_are_put_off_once_though_a_freeze_and_a_pause_overlap_the_window(
    story: Story,
) -> None:
    moving(story, TIMED)
    at(story, SATURDAY)
    story.ask(cmd.Stop(mode="freeze"))
    at(story, MONDAY + 3600)
    story.ask(cmd.Release(why="over"))
    story.later(19 * 60)
    assert weight(story) == 10
    story.later(60)
    assert weight(story) == 100


def test_one_that_is_paused_in_a_window_has_lost_nothing_when_it_is_resumed(story: Story) -> None:
    moving(story, GATED)
    at(story, SATURDAY)
    story.ask(cmd.Pause(deployment=KEY))
    at(story, MONDAY)
    story.now = MONDAY + 86400
    story.ask(cmd.Resume(deployment=KEY))
    story.later(19 * 60)
    assert story.deployment.active
    assert story.deployment.active.phase == "forward"


def test_it_is_all_there_after_a_restart(story: Story) -> None:
    moving(story, TIMED)
    at(story, SATURDAY)
    body = story.world.snapshot().model_dump_json()
    story.world = World.restore(Snapshot.model_validate_json(body))
    assert window_for(story.world, KEY, story.now)
    at(story, MONDAY)
    assert weight(story) == 10
    at(story, MONDAY + 20 * 60)
    assert weight(story) == 100


def in_seconds(rig: Rig, after: float, until: float) -> FreezeWindow:
    begins, ends = (
        datetime.fromtimestamp(int(rig.now + each), UTC).isoformat()[:19] for each in (after, until)
    )
    return FreezeWindow(name="audit", begins=begins, ends=ends)


def test_an_engine_wakes_for_a_window_and_keeps_it_over_a_crash(tmp_path: Path) -> None:
    async def check(rig: Rig) -> None:
        await rig.deploy("v41", replicas=2)
        await rig.until(lambda: rig.deployment.stable)
        await rig.engine.submit(cmd.AddWindow(window=in_seconds(rig, 5, 60), why="audit"), KIM)
        spec = {"canary": {"steps": [{"weight": 10}, {"pause": "20s"}], "bake": 0}}
        await rig.deploy("v42", strategy="canary", spec=spec)
        await rig.until(lambda: rig.live == [90, 10])
        await rig.until(lambda: rig.engine.world.calendar.open, 10)
        await rig.restart(clean=False)
        await rig.until(
            lambda: (why := rig.engine.waiting(KEY)) and why.what.startswith("freeze window audit")
        )
        with pytest.raises(Refused, match="freeze window audit"):
            await rig.engine.submit(cmd.Promote(deployment=KEY), KIM)
        ends = rig.now + 60
        await rig.until(lambda: not rig.engine.world.calendar.open, 80)
        assert rig.now <= ends
        assert rig.live == [90, 10], "its wait was put off by the window"
        await rig.until(lambda: rig.deployment.stable and rig.deployment.stable.version == "v42")

    Rig(tmp_path).run(check)


def test_what_stood_in_a_window_that_is_removed_has_lost_no_time(tmp_path: Path) -> None:
    async def check(rig: Rig) -> None:
        await rig.deploy("v41", replicas=2)
        await rig.until(lambda: rig.deployment.stable)
        gate = {"weight": 10}, {"pause": {"expiry": "30s"}}
        await rig.deploy("v42", strategy="canary", spec={"canary": {"steps": gate}})
        await rig.until(lambda: rig.live == [90, 10])
        await rig.engine.submit(cmd.AddWindow(window=in_seconds(rig, 0, 7200), why="audit"), KIM)
        began = rig.now
        await rig.until(lambda: rig.now > began + 600, 700)
        await rig.engine.submit(cmd.RemoveWindow(name="audit", why="over"), KIM)
        await rig.until(lambda: rig.now > began + 610, 20)
        assert rig.deployment.active
        assert rig.deployment.active.phase == "forward"
        await rig.until(lambda: rig.deployment.active is None, 60)
        assert "retreat_started" in rig.kinds(), "then nobody came"

    Rig(tmp_path).run(check)
