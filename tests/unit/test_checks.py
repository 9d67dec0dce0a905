"""Expression checks: how they are read, what they say, and what follows for a rollout."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gaesup_tui.domain import commands as cmd
from gaesup_tui.domain.checking import outcomes
from gaesup_tui.domain.drops import Compared
from gaesup_tui.domain.expressions import METRICS, OPERATORS, parse_expression
from gaesup_tui.domain.judged import start_of
from gaesup_tui.domain.judging.settings import FINE_BOUNDS_S, check_start
from gaesup_tui.domain.observation import DeploymentSeen, ReplicaSeen, RevisionSeen
from gaesup_tui.domain.steps import RolloutSpec
from gaesup_tui.domain.strategy_spec import StrategySpec
from gaesup_tui.domain.telemetry import Delta
from gaesup_tui.domain.verdict import Verdict

from .story import KEY, Story, revision

BOUNDS = (0.05, 0.1, 0.2, 0.4)
V41, V42 = revision("v41").id, revision("v42").id


def delta(requests: int = 200, errors: int = 0, slow: int = 0, seconds: float = 60.0) -> Delta:
    """Replies of 50 to 100 ms, ``slow`` of them of 200 to 400."""
    fast = requests - errors - slow
    return Delta(seconds, requests, errors, BOUNDS, (0, fast, 0, slow, 0))


def compared(candidate: Delta | None, base: Delta | None = None) -> Compared:
    return Compared(candidate=candidate, base=base)


def seen(memory: int = 30 << 20, restarts: int = 0, base_memory: int = 30 << 20) -> DeploymentSeen:
    def side(count: int, again: int) -> RevisionSeen:
        replica = ReplicaSeen("r-1", "ready", 0.0, restarts=again, memory_bytes=count)
        return RevisionSeen(wanted=1, replicas=(replica,))

    return DeploymentSeen(revisions={V42: side(memory, restarts), V41: side(base_memory, 0)})


@pytest.fixture
def told() -> Story:
    story = Story()
    story.stable("v41")
    return story


def at_share(told: Story, *steps: Any, **more: Any) -> None:
    told.deploy("v42", canary={"steps": [{"weight": 20}, *steps], "bake": 0}, **more)
    told.settle()


def says(told: Story, text: str, both: Compared, what: DeploymentSeen | None = None) -> str:
    rollout = told.deployment.active
    assert rollout is not None
    (outcome,) = outcomes([text], rollout, what or seen(), {60.0: both})
    return f"{outcome.state}: {outcome.text}"


# Reading -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "limit", "window_s", "least"),
    [
        ("errorRate <= 1%", 0.01, 60, 20),
        ("p95<=250ms over 2m", 0.25, 120, 20),
        ("p95 <= +10% min 100 over 30s", 0.10, 30, 100),
        ("memory  <=  64Mi", 64 * 2**20, 60, 20),
        ("memory < 80%", 0.8, 60, 20),
        ("rps >= 5", 5, 60, 20),
        ("p50 <= -5%", -0.05, 60, 20),
        ("restarts < 1", 1, 60, 20),
    ],
)
def test_a_check_is_read_as_people_write_it(
    text: str, limit: float, window_s: float, least: int
) -> None:
    check = parse_expression(text)
    assert (check.limit, check.window_s, check.min_requests) == (limit, window_s, least)
    assert parse_expression(check.text) == check


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("errRate <= 1%", "column 1, there is no metric 'errRate': did you mean errorRate?"),
        ("cpu <= 1%", "column 1, there is no metric 'cpu': known are errorRate, p50, p95, rps"),
        ("p95 == 1s", "column 5, '==' compares nothing: use <=, >=, <, >"),
        ("p95 <= 10%", "column 8, '10%' has no sign: write 250ms, or +10%"),
        ("p95 <= fast", "column 8, 'fast' is no limit of p95: write 250ms"),
        ("errorRate <= 0.01", "column 14, '0.01' is no limit of errorRate: write 1%"),
        ("rps >= +10%", "column 8, '+10%' is no limit of rps: write 5"),
        ("p95 <=", "column 7, it ends too early"),
        ("", "column 1, it ends too early"),
        ("p95 <= 1s over", "column 15, nothing follows over"),
        ("p95 <= 1s during 5m", "column 11, 'during' is not expected"),
        ("p95 <= 1s over 1m over 2m", "column 19, 'over' is not expected"),
        ("p95 <= 1s over 1h", "column 16, 1h cannot be looked over: say 1s to 5m"),
        ("p95 <= 1s min many", "column 15, 'many' is no number of requests"),
    ],
)
def test_what_is_no_check_is_answered_with_its_column_and_what_is_known(
    text: str, message: str
) -> None:
    with pytest.raises(ValueError, match="column") as caught:
        parse_expression(text)
    assert message in str(caught.value)


@given(st.text(max_size=60))
def test_whatever_is_typed_is_read_or_answered(text: str) -> None:
    try:
        said = parse_expression(text).text
    except ValueError as error:
        said = str(error)
    assert said


@given(
    st.sampled_from(list(METRICS)),
    st.sampled_from(OPERATORS),
    st.sampled_from(["1%", "+2%", "-3%", "250ms", "64Mi", "5", "0", "100%"]),
    st.sampled_from(["", " over 30s", " min 5", " over 1m min 7", " min 7 over 1m"]),
)
def test_what_was_read_is_read_the_same_again(
    metric: str, operator: str, limit: str, rest: str
) -> None:
    try:
        check = parse_expression(f"{metric}{operator} {limit}{rest}")
    except ValueError:
        return
    assert parse_expression(check.text) == check


# Looking -------------------------------------------------------------------------------------


def test_each_result_is_a_sentence(told: Story) -> None:
    at_share(told, {"pause": {}})
    good, slow, failing = delta(), delta(slow=40), delta(errors=6)
    assert says(told, "errorRate <= 1%", compared(good)) == "ok: errorRate 0.0 % <= 1.0 %"
    assert says(told, "errorRate <= 1%", compared(failing)) == (
        "failed: errorRate 3.0 % is not <= 1.0 %"
    )
    assert says(told, "errorRate <= +0.5%", compared(failing, delta(errors=6))).startswith("ok: ")
    assert says(told, "errorRate <= +0.5%", compared(failing, delta(errors=2))) == (
        "failed: errorRate 3.0 % is not <= 1.5 % (the base +0.5 points)"
    )
    assert says(told, "p95 <= 250ms", compared(slow)).startswith("failed: p95 3")
    assert says(told, "p95 <= +10%", compared(good, good)).endswith("(the base +10 %)")
    assert says(told, "rps >= 5", compared(delta(requests=600))) == "ok: rps 10.0 >= 5.0"
    big = says(told, "memory <= 80%", compared(None), seen(memory=60 << 20))
    assert big == "failed: memory 60.0Mi is not <= 51.2Mi (80.0 % of what it may use)"
    assert says(told, "restarts < 1", compared(None), seen(restarts=2)).startswith("failed: ")


@pytest.mark.parametrize(
    "both",
    [
        compared(None),
        compared(delta(requests=19)),
        compared(delta(seconds=40)),
        compared(delta(requests=0)),
    ],
)
def test_too_little_seen_is_neither_good_nor_bad(told: Story, both: Compared) -> None:
    at_share(told, {"pause": {}})
    assert says(told, "errorRate <= 1%", both).startswith("unknown: ")
    assert says(told, "p95 <= +10%", both).startswith("unknown: ")


# What follows --------------------------------------------------------------------------------


def test_a_check_step_passes_with_its_sentences_once_its_window_is_full(told: Story) -> None:
    at_share(told, {"check": ["errorRate <= 1%", "p95 <= 250ms"]})
    told.compared = {60.0: compared(delta())}
    assert told.later(59) == []
    told.later(2)
    assert told.deployment.weights() == {V42: 100}
    assert told.deployment.rollout is not None
    notes = [record.note for record in told.deployment.rollout.records]
    assert any(note.startswith("errorRate 0.0 % <= 1.0 %; p95 ") for note in notes)


def test_a_check_that_fails_leads_back_and_says_which(told: Story) -> None:
    at_share(told, {"check": "errorRate <= 1%"})
    told.compared = {60.0: compared(delta(errors=6))}
    told.later(61)
    rollout = told.deployment.rollout
    assert rollout is not None
    assert rollout.cause is not None
    assert (rollout.outcome, rollout.cause.kind) == ("aborted", "check")
    assert rollout.cause.reason == "v42 errorRate 3.0 % is not <= 1.0 %"
    assert told.deployment.hold is not None


def test_without_enough_seen_it_waits_and_then_does_what_its_expiry_says(told: Story) -> None:
    check = {"all": ["errorRate <= 1%"], "expiry": "5m", "onExpiry": "abort"}
    at_share(told, {"check": check})
    assert told.later(200) == []
    told.later(101)
    assert told.deployment.rollout is not None
    assert told.deployment.rollout.outcome == "aborted"


def test_a_person_may_pass_a_check_that_cannot_decide(told: Story) -> None:
    at_share(told, {"check": "rps >= 5"}, {"pause": {}})
    told.ask(cmd.Promote(deployment=KEY))
    assert told.deployment.active is not None
    assert told.deployment.active.index == 4


def test_checks_beside_the_judge_act_at_any_step(told: Story) -> None:
    at_share(told, {"pause": {}}, checks=["p95 <= 250ms"])
    told.compared = {60.0: compared(delta())}
    assert told.settle() == []
    told.compared = {60.0: compared(delta(slow=40))}
    told.settle()
    assert told.deployment.rollout is not None
    assert told.deployment.rollout.outcome == "aborted"


def test_the_judge_acts_from_the_background_step_on_and_only_tells_before(told: Story) -> None:
    steps = [{"pause": "1m"}, {"background": None}, {"weight": 50}, {"pause": {}}]
    at_share(told, *steps)
    told.verdict = Verdict(kind="ABORT", reason="errors 9 %")
    told.settle()
    assert told.deployment.active is not None
    assert told.deployment.active.verdict == told.verdict
    assert told.deployment.active.phase == "forward"
    told.later(61)
    assert told.deployment.rollout is not None
    assert told.deployment.rollout.outcome == "aborted"


def test_background_checks_are_looked_at_from_their_step_on(told: Story) -> None:
    steps = [{"pause": "1m"}, {"background": "restarts < 1"}, {"pause": {}}]
    at_share(told, *steps)
    told.see_not_ready("v42", state="ready", restarts=1)
    assert told.settle() == []
    told.later(61)
    assert told.deployment.rollout is not None
    assert told.deployment.rollout.cause is not None
    assert told.deployment.rollout.cause.reason == "v42 restarts 1 is not < 1"


# The judge's settings ------------------------------------------------------------------------


def judged(**judge: Any) -> Any:
    spec = StrategySpec.model_validate({"judge": judge})
    start = start_of(RolloutSpec(strategy="canary", plan=(), judge=spec.judge), FINE_BOUNDS_S)
    assert check_start(start) is None
    return start


def test_nothing_has_to_be_said_about_the_judge() -> None:
    assert judged() == start_of(RolloutSpec(strategy="canary", plan=()), FINE_BOUNDS_S)


def test_each_metric_is_judged_as_the_file_says() -> None:
    start = judged(
        errors={"tolerance": 1, "weight": 60},
        p95={"critical": False, "noData": "fail"},
        traffic={"enabled": False},
        noDataAfter="2m",
    )
    assert (start.metrics.errors.tolerance, start.metrics.errors.weight) == (0.01, 0.6)
    assert (start.metrics.latency.critical, start.metrics.latency.no_data) == (False, "fail")
    assert not start.metrics.traffic.enabled
    assert start.no_data_limit_s == 120


def test_a_judge_that_could_never_abort_is_refused() -> None:
    off = {"critical": False}
    with pytest.raises(ValueError, match="leave one critical, or say `autoAbort: false`"):
        judged(errors=off, p95=off, conversion=off, traffic=off)


def test_what_cannot_be_judged_here_does_not_leave_a_judge_without_a_say() -> None:
    off = {"critical": False}
    spec = StrategySpec.model_validate(
        {"judge": {"errors": off, "conversion": off, "traffic": off}}
    )
    start = start_of(RolloutSpec(strategy="canary", plan=(), judge=spec.judge), ())
    assert check_start(start) is None
    assert start.metrics.errors.critical
