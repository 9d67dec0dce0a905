"""What the judge leaves to a person is asked of a person, in words that are true."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import cast

import pytest

from gaesup_tui.cli.judge import _possible
from gaesup_tui.cli.status import _beware, details
from gaesup_tui.domain import commands as cmd
from gaesup_tui.domain.allowed import why_nots
from gaesup_tui.domain.events import WayBackVerified
from gaesup_tui.domain.judged import verdict_of
from gaesup_tui.domain.observation import Counters, DeploymentSeen, ReplicaSeen, RevisionSeen
from gaesup_tui.domain.offering import offered
from gaesup_tui.domain.steps import Cause
from gaesup_tui.domain.telemetry import Series, Window
from gaesup_tui.domain.verdict import NOT_CRITICAL, Verdict
from gaesup_tui.domain.verifying import decide_verification
from gaesup_tui.domain.viewing import Sight, deployment_view
from gaesup_tui.domain.views import DeploymentView, RolloutView
from gaesup_tui.service.client import Client
from gaesup_tui.service.server.rows import status_row

from .judging_rig import Service, Traffic, first, judge, with_metrics
from .story import KEY, Story, revision

ABORT = Verdict(kind="ABORT", reason="errors 5.00 % vs 0.00 %", code="harm")
MILD = Verdict(kind="CONTINUE", reason="sure of harm in p95", code=NOT_CRITICAL)
GATHERING = Verdict(kind="CONTINUE", reason="nothing wrong so far", code="gathering")


def analysed(on_expiry: str = "hold") -> Story:
    """v42 at 10 %, before an analysis whose ABORT does not act by itself."""
    story = Story()
    story.stable("v41")
    analysis = {"duration": "10s", "expiry": "5m", "onExpiry": on_expiry}
    steps = [{"weight": 10}, {"analysis": analysis}, {"weight": 50}, {"pause": None}]
    story.deploy("v42", canary={"steps": steps}, autoAbort=False)
    story.settle()
    return story


def shown(story: Story, seen: DeploymentSeen | None = None, **sight: object) -> DeploymentView:
    look = replace(Sight(seen=seen or story.seen(), seen_at=story.now), **sight)  # type: ignore[arg-type]
    return deployment_view(story.world, story.deployment, look, story.now)


@pytest.mark.parametrize(
    ("verdict", "words"),
    [
        (ABORT, "judge: ABORT, waits for you"),
        (MILD, "judge: harm in what is not critical, waits for you"),
    ],
)
@pytest.mark.parametrize(
    ("on_expiry", "then"), [("hold", "stays so"), ("promote", "stays so"), ("abort", "aborts")]
)
def test_an_objection_that_does_not_act_waits_for_a_person(
    verdict: Verdict, words: str, on_expiry: str, then: str
) -> None:
    story = analysed(on_expiry)
    story.verdict = GATHERING
    story.later(20)
    story.verdict = verdict
    story.settle()
    waiting = shown(story)["waiting"]
    assert waiting is not None
    assert (waiting["what"], waiting["person"], waiting["then"]) == (words, True, then)


@pytest.mark.parametrize("verdict", [ABORT, MILD])
def test_silence_is_no_promotion_against_the_judge(verdict: Verdict) -> None:
    story = analysed("promote")
    story.verdict = verdict
    story.later(3600)
    assert story.deployment.active is not None
    assert story.deployment.active.weight_percent == 10
    story.ask(cmd.Promote(deployment=KEY))
    story.settle()
    assert story.deployment.active.weight_percent == 50, "a person may"


def test_silence_promotes_where_the_judge_does_not_object() -> None:
    story = analysed("promote")
    story.verdict = GATHERING
    story.later(3600)
    assert story.deployment.active is not None
    assert story.deployment.active.weight_percent == 50


# What is offered ----------------------------------------------------------------------------------


def test_only_what_would_be_accepted_is_offered() -> None:
    story = Story()
    story.stable("v41")
    story.deploy("v42", canary={"steps": [{"weight": 10}, {"pause": "10m"}]})
    story.settle()
    helps = ("logs", "pause", "extend", "promote")
    verdict = GATHERING.model_copy(update={"helps": helps})
    refused = why_nots(story.world, KEY, story.now)
    assert refused["extend"], "nothing expires at a timed pause"
    kept = offered(verdict, refused)
    assert kept is not None
    assert kept.helps == ("logs", "pause", "promote")
    rollout = shown(story, verdict=verdict)["rollout"]
    assert rollout is not None
    assert rollout["verdict"] is not None
    assert rollout["verdict"]["helps"] == ["logs", "pause", "promote"]
    assert offered(None, refused) is None


class Asked:
    """A client that knows one rollout."""

    def __init__(self, view: RolloutView) -> None:
        self.view = view

    def rollout(self, rollout_id: str) -> RolloutView:
        assert rollout_id == self.view["id"]
        return self.view


def test_explain_offers_what_the_engine_would_accept_and_nothing_once_it_is_over() -> None:
    story = analysed()
    verdict = GATHERING.model_copy(update={"helps": ("load", "extend")})

    def possible() -> tuple[str, ...] | None:
        view = shown(story, verdict=verdict)["rollout"]
        assert view is not None
        return _possible(cast(Client, Asked(view)), view["id"])

    assert possible() == ("load", "extend")
    story.ask(cmd.Abort(deployment=KEY))
    assert possible() is None
    story.settle()
    assert possible() is None


# What is said -------------------------------------------------------------------------------------


def test_a_metric_that_may_not_be_missing_says_when_that_aborts() -> None:
    start = with_metrics(conversion={"no_data": "fail"})._replace(no_data_limit_s=120.0)
    traffic = Traffic(Service(conversions=None), Service(conversions=None), per_tick=400)
    state, _ = judge(traffic.ticks(6), start)
    said = verdict_of(state).reason
    assert said.endswith("promotion waits for it, aborts when that lasts 2m00")
    blind = [tick._replace(baseline=None, gap="baseline") for tick in traffic.ticks(6)]
    state, _ = judge(blind, start)
    assert verdict_of(state).reason.endswith("promotion stopped, aborts when that lasts 2m00")
    state, _ = judge(blind, with_metrics())
    assert verdict_of(state).reason.endswith("promotion stopped"), "by default it waits"


def test_two_sick_sides_are_not_told_as_nothing_wrong() -> None:
    sick = Service(errors=0.05)
    state, _ = judge(Traffic(sick, sick, per_tick=400).ticks(6))
    said = verdict_of(state).reason
    assert said.startswith("no worse than the baseline so far, but both sides fail: errors ")
    state, verdicts = judge(Traffic(sick, sick, per_tick=4000, weight=0.5).ticks(40))
    assert verdicts[-1].kind == "PROMOTE"
    assert "; but both sides fail: errors " in verdict_of(state).reason
    well, _ = judge(Traffic(per_tick=400).ticks(6))
    assert verdict_of(well).reason.startswith("nothing wrong so far")


def test_the_bands_of_a_promotion_lie_within_the_limits_it_names() -> None:
    """With few requests the traffic's band is wider than what its own bets are sure of."""
    well = Service(errors=0.0, conversions=None)
    ticks = Traffic(well, well, per_tick=300, weight=0.5).ticks(40)
    start = with_metrics(latency={"enabled": False}, errors={"tolerance": 0.05})
    promoted = first(judge(ticks, start)[1], "PROMOTE")
    assert promoted is not None
    state, _ = judge(ticks[: promoted + 1], start)
    verdict = verdict_of(state)
    assert verdict.kind == "PROMOTE"
    for finding in verdict.findings:
        assert finding.state == "ok"
        assert finding.high is not None
        assert finding.high <= finding.tolerance * 1.0001, finding.metric


def test_a_limit_that_is_felt_is_said_as_a_time_and_not_as_a_share_of_nearly_nothing() -> None:
    bounds_s = tuple(0.0002 * 1.4**i for i in range(16))
    fast, slow = (Service(errors=0.0, conversions=None, median_s=s) for s in (0.06, 0.066))
    traffic = Traffic(slow, fast, per_tick=1000, weight=0.5)
    start = with_metrics()._replace(bounds_s=bounds_s, felt_s=0.004)  # the same, 50 times faster
    state, verdicts = judge(traffic.ticks(20), start)
    assert verdicts[-1].kind == "PROMOTE"
    (latency,) = (each for each in verdict_of(state).findings if each.metric == "p95")
    assert latency.tolerance > 1
    said = verdict_of(state).reason
    assert re.search(r"p95 within \+[\d.]+ ms \([+-][\d.]+ ms at most\)", said), said


# The world behind it ------------------------------------------------------------------------------


def test_whoever_decides_is_told_that_the_way_back_is_down() -> None:
    story = analysed()
    seen, base = story.seen(), revision("v41").id
    falls = ReplicaSeen("v41-1", "backoff", story.now, 3, "trap unreachable")
    sick = RevisionSeen(wanted=2, replicas=(falls,))
    waiting = shown(story, DeploymentSeen(seen.weights, {**seen.revisions, base: sick}))["waiting"]
    assert waiting is not None
    assert waiting["what"].endswith(
        "; of v41, the way back, 2 of 2 replicas not ready: v41-1 restarts, trap unreachable"
    )


@pytest.mark.parametrize("check", ["noData", "trafficDrop", "trafficDrop#2"])
def test_requests_that_stay_away_after_the_way_back_are_not_called_well(check: str) -> None:
    story = analysed()
    cause = Cause(kind="guard", reason="v42 got no request for 20 s", check=check)
    plan = story.deployment.active
    assert plan is not None
    story.ask(cmd.Abort(deployment=KEY))
    story.settle()
    state = story.deployment
    assert state.rollout is not None
    state = state.model_copy(update={"rollout": state.rollout.model_copy(update={"cause": cause})})
    now, silent = story.now + 11, Window(10.0, 0, 0, None, None)
    (event,) = decide_verification(state, story.seen(), silent, now)
    assert isinstance(event, WayBackVerified)
    assert not event.healthy
    assert event.note == (
        "still failing after the way back: v41 got no request in 10 s. "
        "Look at what sends the requests, and at what leads them here"
    )
    served = Window(10.0, 500, 0, 0.01, 0.02)
    (event,) = decide_verification(state, story.seen(), served, now)
    assert isinstance(event, WayBackVerified)
    assert event.healthy


def test_conversions_count_from_the_first_request_also_where_they_were_not_asked_for_before() -> (
    None
):
    """A revision is told what a conversion is with its first route, after it is ready."""
    series = Series()
    series.add(0.0, "b", Counters())
    series.add(5.0, "b", Counters(ok=30, conversions=4))
    gained = series.delta(5.0, 60.0)
    assert gained is not None
    assert (gained.requests, gained.conversions) == (30, 4)


def test_a_guard_that_is_about_to_act_stands_in_the_status() -> None:
    story = analysed()
    line = "v42 errors 4.9 % > 3.0 % over 10 s: aborts when it holds for 8 s"
    row = status_row(shown(story, brewing=[("errorRatio", line)]))
    assert _beware(row) == [(f"{KEY}: beware, {line}", "bad")]
    assert ("beware", line) in details(row, story.now)
    assert _beware(status_row(shown(story))) == []
