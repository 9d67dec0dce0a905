"""Everything that waits says why, for whom, since when, and what happens when nobody acts."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any, cast

import pytest

from gaesup_tui.console.needs import needs
from gaesup_tui.domain import commands as cmd
from gaesup_tui.domain import events as ev
from gaesup_tui.domain.observation import DeploymentSeen, ReplicaSeen, RevisionSeen
from gaesup_tui.domain.policy import Policy
from gaesup_tui.domain.sentences import sentence
from gaesup_tui.domain.steps import SetTraffic
from gaesup_tui.domain.telemetry import Window
from gaesup_tui.domain.verdict import Verdict
from gaesup_tui.domain.viewing import Sight, deployment_view
from gaesup_tui.domain.views import DeploymentView
from gaesup_tui.domain.windows import FreezeWindow
from tests.console_world import deployment

from .story import KEY, KIM, Story, revision

GATE: dict[str, Any] = {"canary": {"steps": [{"weight": 10}, {"pause": None}]}}


@pytest.fixture
def story() -> Story:
    told = Story()
    told.stable("v41")
    return told


def shown(story: Story, seen: DeploymentSeen | None = None) -> DeploymentView:
    return deployment_view(
        story.world, story.deployment, Sight(seen=seen or story.seen()), story.now
    )


def told(story: Story, seen: DeploymentSeen | None = None) -> tuple[str, str, str]:
    """Kind, text and what follows, as Now has it."""
    (need,) = needs([shown(story, seen)], None, story.now)
    return need.kind, need.text.partition(", ")[2] or need.text, need.then


def canary(story: Story, spec: dict[str, Any]) -> None:
    story.deploy("v42", **spec)
    story.settle()


def test_a_gate_aborts_when_nobody_comes(story: Story) -> None:
    canary(story, GATE)
    assert told(story) == ("canary", "waits for you", "aborts in 30m")


def test_a_gate_that_holds_says_so_and_that_its_time_is_over(story: Story) -> None:
    canary(
        story,
        {"canary": {"steps": [{"weight": 10}, {"pause": {"expiry": "10m", "onExpiry": "hold"}}]}},
    )
    assert told(story) == ("canary", "waits for you", "stays so")
    story.later(660)
    assert told(story) == ("canary", "nobody decided within 10m00: waits for you", "stays so")


def test_a_verdict_that_never_comes_waits_for_a_person_once_its_time_is_over(
    story: Story,
) -> None:
    canary(story, {"canary": {"steps": [{"weight": 10}, {"analysis": {"expiry": "10m"}}]}})
    assert needs([shown(story)], None, story.now) == []
    story.verdict = Verdict(kind="NO EVIDENCE", reason="no requests")
    story.later(600)
    assert told(story) == ("canary", "no clear verdict within 10m00: waits for you", "stays so")


def test_a_second_person_is_waited_for(story: Story) -> None:
    story.ask(cmd.TakePolicies(policies=(Policy(environment="production", two_persons=True),)))
    canary(story, GATE)
    assert told(story) == (
        "canary",
        "asked for by kim: waits for a second person",
        "aborts in 30m",
    )


def test_a_lock_says_for_whom_it_waits(story: Story) -> None:
    canary(story, GATE)
    story.ask(cmd.Lock(deployment=KEY, why="mine"))
    assert told(story) == ("canary", "waits for kim, locked", "aborts in 30m")


def test_a_hold_and_a_pause_stay(story: Story) -> None:
    canary(story, GATE)
    story.ask(cmd.Pause(deployment=KEY, why="lunch"))
    assert told(story) == ("canary", "paused by kim: lunch", "stays so")
    story.ask(cmd.Resume(deployment=KEY))
    story.ask(cmd.Hold(deployment=KEY, why="looking"))
    assert told(story) == ("canary", "held by kim: waits for you", "aborts in 30m")


def test_a_hold_in_a_timed_wait_promises_no_end_of_it(story: Story) -> None:
    canary(story, {"canary": {"steps": [{"weight": 10}, {"pause": "60s"}]}})
    story.ask(cmd.Hold(deployment=KEY, why="looking"))
    assert told(story) == ("canary", "held by kim: waits for you", "stays so")


def test_a_freeze_and_a_window_say_who_and_until_when(story: Story) -> None:
    story.now = datetime(2026, 11, 21, 12, tzinfo=UTC).timestamp()
    canary(story, GATE)
    story.ask(cmd.Stop(mode="freeze", why="smoke"))
    assert told(story) == ("canary", "frozen by kim", "stays so")
    story.ask(cmd.Release(why="over"))
    window = FreezeWindow(name="weekend", begins="Fri 16:00", ends="Mon 08:00")
    story.ask(cmd.AddWindow(window=window, why="it is the weekend"))
    story.settle()
    assert told(story) == (
        "window",
        "freeze window weekend until Mon 08:00 UTC",
        "goes on in 44h00",
    )
    assert shown(story)["status"] == "frozen"


def test_what_went_back_by_itself_is_told_and_then_that_it_is_held(story: Story) -> None:
    canary(story, GATE)
    story.windows = {10.0: Window(10, 100, 50, 0.01, 0.02)}
    story.settle()
    story.windows = {}
    found = needs([shown(story)], None, story.now)
    assert [need.kind for need in found] == ["went back"]
    story.ask(cmd.Ack(deployment=KEY))
    (need,) = needs([shown(story)], None, story.now)
    assert (need.kind, need.then) == ("held", "stays held")
    assert "errors 50" in need.text


def test_replicas_that_do_not_come_say_which_and_why(story: Story) -> None:
    story.deploy("v42", replicas=4, **GATE)
    story.look()
    seen = story.seen()
    replicas = (
        *(ReplicaSeen(id=f"v42-{n}", state="ready", since=story.now) for n in (1, 2)),
        ReplicaSeen(
            id="v42-3",
            state="backoff",
            since=story.now,
            restarts=3,
            last_exit="exit 137 (memory limit)",
        ),
        ReplicaSeen(id="v42-4", state="starting", since=story.now),
    )
    sick = RevisionSeen(wanted=4, replicas=replicas)
    seen = DeploymentSeen(seen.weights, {**seen.revisions, revision("v42").id: sick})
    view = shown(story, seen)
    assert view["waiting"]
    assert (
        view["waiting"]["what"]
        == "2 of 4 replicas not ready: v42-3 restarts, exit 137 (memory limit)"
    )
    assert view["waiting"]["then"] == "aborts"


def test_a_way_back_says_where_it_leads_also_when_nobody_sees_it(story: Story) -> None:
    canary(story, GATE)
    story.ask(cmd.Abort(deployment=KEY, why="bad"))
    view = deployment_view(story.world, story.deployment, Sight(seen=None), story.now)
    assert view["waiting"]
    assert view["waiting"]["what"] == "going back to v41: the local backend does not answer"


def test_whoever_decides_at_a_gate_is_told_that_the_new_replicas_fell(story: Story) -> None:
    canary(story, GATE)
    fell = ReplicaSeen("v42-1", "backoff", story.now, 2, "trap unreachable")
    seen = story.seen()
    wanted = len(seen.revisions[revision("v42").id].replicas)
    sick = RevisionSeen(wanted=wanted, replicas=(fell,))
    seen = DeploymentSeen(seen.weights, {**seen.revisions, revision("v42").id: sick})
    missing = f"{wanted} of {wanted} replicas not ready: v42-1 restarts, trap unreachable"
    assert told(story, seen) == ("canary", f"waits for you; {missing}", "aborts in 30m")


def test_what_serves_and_is_down_says_why(story: Story) -> None:
    ended = "unhealthy: gsu_health answered 1"
    falls = ReplicaSeen("v41-1", "backoff", story.now - 7, 4, ended, next_start_at=story.now + 3)
    seen = story.seen()
    sick = RevisionSeen(wanted=1, replicas=(falls,))
    view = shown(story, DeploymentSeen(seen.weights, {revision("v41").id: sick}))
    missing = story.deployment.replicas
    (need,) = needs([view], None, story.now)
    assert (need.kind, need.urgency) == ("down", 0)
    assert (need.since, need.then) == (story.now - 7, "restarts go on")
    assert need.text == (
        f"100 % on v41 (down: {missing} of {missing} replicas not ready: v41-1 restarts, {ended})"
    )


def test_a_replica_that_refuses_to_be_ready_says_what_it_answers(story: Story) -> None:
    story.deploy("v42", replicas=1, **GATE)
    story.look()
    refuses = ReplicaSeen("v42-1", "unready", story.now, problem="gsu_ready answered 1")
    sick = RevisionSeen(wanted=1, replicas=(refuses,))
    seen = story.seen()
    view = shown(story, DeploymentSeen(seen.weights, {**seen.revisions, revision("v42").id: sick}))
    assert view["waiting"]
    assert (
        view["waiting"]["what"] == "1 of 1 replicas not ready: v42-1 unready: gsu_ready answered 1"
    )


def test_replicas_that_are_all_ready_are_not_counted_as_missing(story: Story) -> None:
    story.deploy("v42", replicas=2, **GATE)
    story.look()
    seen = story.seen()
    replicas = tuple(ReplicaSeen(id=f"v42-{n}", state="ready", since=story.now) for n in (1, 2))
    all_ready = RevisionSeen(wanted=2, replicas=replicas)
    seen = DeploymentSeen(seen.weights, {**seen.revisions, revision("v42").id: all_ready})
    view = shown(story, seen)
    assert view["waiting"]
    assert view["waiting"]["what"] == "2 of 2 replicas ready"


def test_a_lock_that_ends_soon_is_told() -> None:
    now = time.time()
    lock = {"by": KIM.name, "at": now - 60, "why": "I watch", "until": now + 601}
    view = cast("DeploymentView", deployment("cart@production", lock=lock))
    (need,) = needs([view], None, now)
    assert (need.kind, need.text, need.then) == ("lock", "lock of kim: I watch", "ends in 10m")
    later = cast(
        "DeploymentView", deployment("cart@production", lock={**lock, "until": now + 7200})
    )
    assert needs([later], None, now) == []


def test_who_decides_comes_before_what_ends_by_itself_and_the_oldest_first(story: Story) -> None:
    now = time.time()

    def view(key: str, since: float, then: str, status: str) -> DeploymentView:
        waiting = {"what": "w", "since": since, "person": True, "until": None, "then": then}
        return cast("DeploymentView", deployment(key, status=status, waiting=waiting))

    views = [
        view("a@p", now - 900, "goes on", "frozen"),
        view("b@p", now - 60, "stays so", "waiting"),
        view("c@p", now - 600, "aborts", "waiting"),
        cast("DeploymentView", deployment("d@p", status="down")),
    ]
    assert [need.deployment for need in needs(views, None, now)] == ["d@p", "c@p", "b@p", "a@p"]


def test_a_share_that_was_reached_is_told_with_whose_it_is(story: Story) -> None:
    story.deploy("v42", **GATE)
    rollout, told = story.deployment.active, []
    assert rollout
    for index, step in enumerate(rollout.plan):
        if isinstance(step, SetTraffic):
            event = ev.StepCompleted(deployment=KEY, index=index)
            told.append(sentence(event, rollout)[0])
    assert told[-1] == "100 % of the traffic on v42"
