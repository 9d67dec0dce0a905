"""A route as a value: as people write it, as the engine wishes it, as it goes over the wire."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gaesup_tui.domain import commands as cmd
from gaesup_tui.domain.judged import start_of
from gaesup_tui.domain.observation import DeploymentSeen
from gaesup_tui.domain.route import (
    METHODS,
    NAME,
    NO_RULES,
    PATH,
    VALUE,
    Conversion,
    Key,
    Match,
    Rules,
    rules_from_json,
    rules_to_json,
)
from gaesup_tui.domain.route_spec import ConversionSpec
from gaesup_tui.domain.routing import reached, route_of
from gaesup_tui.domain.steps import Pause, SetTraffic
from gaesup_tui.domain.strategy_spec import StrategySpec
from gaesup_tui.domain.waiting import waiting

from .story import KEY, Story, revision

where = st.sampled_from(("cookie", "header"))
names = st.from_regex(NAME, fullmatch=True)
values = st.from_regex(VALUE, fullmatch=True)
rules = st.builds(
    Rules,
    sticky=st.booleans() | st.builds(Key, where, names),
    salt=st.text(max_size=20),
    target=st.text(max_size=20),
    match=st.lists(st.builds(Match, where, names, values), max_size=3).map(tuple),
    mirror_percent=st.integers(0, 100),
    conversion=st.none()
    | st.builds(Conversion, st.sampled_from(METHODS), st.from_regex(PATH, fullmatch=True)),
)


@given(rules)
def test_rules_come_back_from_the_wire_as_they_went(given_rules: Rules) -> None:
    assert rules_from_json(rules_to_json(given_rules)) == given_rules


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ([], "expected an object"),
        ({"sticki": True}, "rules.sticki: unknown"),
        ({"sticky": {"cookie": "a\r\nset-cookie: b"}}, "names no cookie"),
        ({"sticky": {"cookie": "a", "header": "b"}}, "names no cookie"),
        ({"sticky": 1}, "names no cookie"),
        ({"match": {}}, "not a list"),
        ({"match": [{"header": "x-beta"}]}, "names no cookie"),
        ({"match": [{"header": "x-beta", "equals": "a\n"}]}, "no value"),
        ({"mirror_percent": 101}, "0 to 100"),
        ({"mirror_percent": True}, "0 to 100"),
        ({"conversion": {"method": "BREW", "path": "/"}}, "not a method"),
        ({"conversion": {"method": "GET", "path": "/a*b"}}, "not a method"),
        ({"target": 7}, "rules.target"),
    ],
)
def test_rules_that_cannot_be_are_refused_by_name(value: Any, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        rules_from_json(value)


def key_of(sticky: Any) -> bool | Key:
    story = Story()
    story.stable("v41")
    story.deploy("v42", sticky=sticky, canary={"steps": [{"weight": 10}, {"pause": None}]})
    story.settle()
    return route_of(story.deployment).rules.sticky


def test_clients_are_kept_by_what_the_spec_says() -> None:
    assert key_of(False) is False
    assert key_of(True) is True
    assert key_of({"cookie": "basket"}) == Key("cookie", "basket")
    assert key_of({"header": "X-User"}) == Key("header", "x-user")
    again = StrategySpec.model_validate(
        StrategySpec.model_validate({"sticky": {"cookie": "basket"}}).model_dump()
    )
    assert again.sticky == StrategySpec.model_validate({"sticky": {"cookie": "basket"}}).sticky


@pytest.mark.parametrize("wrong", ["yes", 1, [], {}, {"cookie": "a b"}, {"cooky": "a"}])
def test_a_key_of_another_form_is_one_error(wrong: Any) -> None:
    with pytest.raises(ValueError, match="must be true, false") as raised:
        StrategySpec.model_validate({"sticky": wrong})
    assert raised.value.error_count() == 1  # type: ignore[attr-defined]


def test_each_rollout_has_its_salt_and_its_target() -> None:
    story = Story()
    story.stable("v41")
    assert route_of(story.deployment).rules == NO_RULES
    salts = []
    for version in ("v42", "v43"):
        story.deploy(version, sticky={"cookie": "u"}, canary={"steps": [{"pause": None}]})
        story.settle()
        moving = route_of(story.deployment).rules
        assert moving.target == revision(version).id
        salts.append(moving.salt)
        story.later(1800)  # nobody came: it goes back
        assert route_of(story.deployment).rules.target == ""
    assert len(set(salts)) == 2
    assert "" not in salts


def test_a_conversion_is_counted_before_during_and_after_a_rollout() -> None:
    story = Story()
    orders = ConversionSpec(path="/orders")
    for version in ("v41", "v42"):
        story.ask(cmd.Deploy(deployment=KEY, revision=revision(version), conversion=orders))
        story.settle()
        assert route_of(story.deployment).rules.conversion == Conversion("POST", "/orders")
        story.later(3600)
    story.ask(cmd.Rollback(deployment=KEY))
    assert route_of(story.deployment).rules.conversion == Conversion("POST", "/orders")


def test_a_share_is_in_force_when_its_rules_are_too() -> None:
    story = Story()
    story.stable("v41")
    story.deploy("v42", sticky={"cookie": "u"}, canary={"steps": [{"weight": 10}, {"pause": None}]})

    def bare() -> DeploymentSeen:
        return replace(story.seen(), rules=NO_RULES)

    while story.look(bare()):
        pass
    rollout = story.deployment.active
    assert rollout is not None
    assert (rollout.weight_percent, rollout.step) == (10, SetTraffic(weight_percent=10))
    story.look(replace(bare(), rules=route_of(story.deployment).rules))
    assert story.deployment.active is not None
    assert isinstance(story.deployment.active.step, Pause)


def test_a_route_reaches_what_has_a_share_or_is_steered_to() -> None:
    weights = {"v41": 100, "v42": 0}
    beta = (Match("header", "x-beta", "1"),)
    assert not reached(DeploymentSeen(weights), "v42")
    assert not reached(DeploymentSeen(weights, rules=Rules(target="v42")), "v42")
    assert reached(DeploymentSeen(weights, rules=Rules(target="v42", match=beta)), "v42")
    assert reached(DeploymentSeen(weights), "v41")


BETA = [{"header": "X-Beta", "equals": "1"}, {"cookie": "beta", "equals": "yes"}]
STEERED = {
    "steps": [
        {"match": BETA},
        {"pause": None},
        {"mirror": 20},
        {"pause": None},
        {"mirror": 0},
        {"weight": 10},
        {"pause": None},
    ]
}


def steered() -> Story:
    story = Story()
    story.stable("v41")
    story.deploy("v42", canary=STEERED)
    story.settle()
    return story


def promote(story: Story) -> Rules:
    story.ask(cmd.Promote(deployment=KEY))
    story.settle()
    return route_of(story.deployment).rules


def test_steps_steer_requests_to_the_candidate_until_they_are_taken_back() -> None:
    story = steered()
    route = route_of(story.deployment)
    assert route.weights == {revision("v41").id: 100}
    assert route.rules.target == revision("v42").id
    assert route.rules.match == (Match("header", "x-beta", "1"), Match("cookie", "beta", "yes"))
    assert route.rules.mirror_percent == 0
    mirrored = promote(story)
    assert (mirrored.mirror_percent, mirrored.match) == (20, route.rules.match)
    split = promote(story)
    assert (split.mirror_percent, split.match) == (0, route.rules.match)
    assert story.deployment.weights()[revision("v42").id] == 10
    assert not start_of(story.deployment.rollout.spec, ()).metrics.traffic.enabled  # type: ignore[union-attr]


def test_the_way_back_ends_what_steers_before_it_takes_replicas_away() -> None:
    story = steered()
    live = replace(story.seen(), rules=route_of(story.deployment).rules)
    story.ask(cmd.Abort(deployment=KEY, why="no"))
    assert not route_of(story.deployment).rules.steers
    while story.look(live):  # the backend is slow: requests are still steered
        pass
    assert story.deployment.active is not None
    assert story.deployment.active.step == SetTraffic(weight_percent=0)
    story.settle()
    assert story.deployment.active is None


def test_a_backend_that_cannot_steer_is_said_and_not_passed_by() -> None:
    story = Story()
    story.stable("v41")
    story.deploy("v42", canary=STEERED)

    def bare() -> DeploymentSeen:
        return replace(story.seen(), rules=None)

    while story.look(bare()):
        pass
    now = waiting(story.deployment, bare(), None)
    assert now is not None
    assert now.person
    assert now.what.startswith("match X-Beta=1, beta=yes: its backend splits by weight only")


@pytest.mark.parametrize(
    ("step", "says"),
    [
        ({"match": []}, "lists 1 to 16 values; this one lists 0"),
        ({"match": [{"header": "a"}]}, "equals"),
        ({"match": [{"header": "a", "cookie": "b", "equals": "c"}]}, "header"),
        ({"mirror": 101}, "100"),
        (
            {"mirror": 5, "weight": 5},
            "one of weight, .*match, mirror; this one has weight and mirror",
        ),
        ({}, "this one has none"),
    ],
)
def test_a_step_that_cannot_steer_is_refused(step: Any, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        StrategySpec.model_validate({"canary": {"steps": [step]}})
