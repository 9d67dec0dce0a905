"""Traffic beside weights on the whole system: beta testers, copies, the preview address, the way
back."""

from __future__ import annotations

import http.client
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from .stack import CART, Stack, running_stack, waits_for_person
from .traffic import flowing, wrong

pytestmark = pytest.mark.real

STEERED: dict[str, Any] = {
    "strategy": "canary",
    "canary": {
        "steps": [
            {"match": [{"header": "X-Beta", "equals": "1"}]},
            {"mirror": 50},
            {"pause": None},
            {"weight": 50},
            {"pause": None},
        ]
    },
    "autoAbort": False,
}


@pytest.fixture
def stack() -> Iterator[Stack]:
    with running_stack() as stack:
        stack.write_project({"cart": STEERED})
        yield stack


def version_at(stack: Stack, path: str, **more: str) -> str:
    """The version that answers, or what is said instead."""
    headers = {name.replace("_", "-"): value for name, value in more.items()}
    connection = http.client.HTTPConnection("127.0.0.1", stack.port, timeout=10)
    try:
        connection.request("GET", path, headers=headers)
        reply = connection.getresponse()
        body = reply.read().decode()
        return str(json.loads(body)["version"]) if reply.status == 200 else f"{reply.status} {body}"
    finally:
        connection.close()


def metric(stack: Stack, name: str, version: str) -> float:
    """The sum of a metric over the series of a version."""
    connection = http.client.HTTPConnection("127.0.0.1", stack.port, timeout=10)
    try:
        connection.request("GET", "/metrics")
        lines = connection.getresponse().read().decode().splitlines()
    finally:
        connection.close()
    wanted = [x for x in lines if x.startswith(name + "{") and f'revision="{version}-' in x]
    return sum(float(line.rpartition(" ")[2]) for line in wanted)


def test_testers_and_copies_reach_a_candidate_that_has_no_share(stack: Stack) -> None:
    port = stack.serve("cart", "v41")
    cart, preview = f"/_/{CART}/hello", f"/_/{CART}:preview/hello"
    assert version_at(stack, preview).startswith("404 cart@production has no candidate")
    with flowing(port, rps=200) as traffic:
        stack.deploy("cart", "v42")
        row = stack.until(CART, waits_for_person, "at the gate")
        assert row["preview"] == f"http://127.0.0.1:{port}{preview.removesuffix('hello')}"
        assert {version_at(stack, cart, X_Beta="1") for _ in range(5)} == {"v42"}
        assert {version_at(stack, cart) for _ in range(20)} == {"v41"}
        assert version_at(stack, preview) == "v42"
        host = "preview.cart.production.localhost"
        assert version_at(stack, "/hello", Host=host) == "v42"
        for _ in range(3):
            traffic.next_second()
        assert metric(stack, "gaesup_mirrored_requests_total", "v42") > 50
        assert metric(stack, "gaesup_requests_total", "v42") == 5
        (view,) = stack.client.snapshot()["deployments"]
        copies = {each["version"]: each["copies"] for each in view["revisions"]}
        assert copies["v41"] == ""
        assert re.fullmatch(r"[1-9]\d+ answered, 0 failed, \d+ dropped", copies["v42"])
        stack.kill_engine()
        stack.start()
        assert version_at(stack, cart, X_Beta="1") == "v42"
        stack.ask("abort", why="seen enough")
        stack.until(CART, lambda row: row["status"] == "aborted", "back on v41")
        assert version_at(stack, cart, X_Beta="1") == "v41"
        assert version_at(stack, preview).startswith("404 ")
        report = traffic.end()
    assert wrong(report) == {}
    assert [revision.partition("-")[0] for revision in report.by_revision] == ["v41"]


FRESH: dict[str, Any] = {
    "strategy": "canary",
    "canary": {
        "steps": [{"weight": 20}, {"pause": None}],
        "freshBaseline": True,
        "bake": "1s",
    },
    "autoAbort": False,
}


def test_a_fresh_copy_of_the_base_serves_beside_the_candidate_and_is_judged(stack: Stack) -> None:
    stack.write_project({"cart": FRESH})
    port = stack.serve("cart", "v41")
    with flowing(port, rps=200) as traffic:
        stack.deploy("cart", "v42")
        stack.until(CART, waits_for_person, "at the gate")
        (view,) = stack.client.snapshot()["deployments"]
        seen = {each["role"]: (each["weight_seen"], each["ready"]) for each in view["revisions"]}
        assert seen == {"base": (60, 2), "candidate": (20, 2), "fresh copy": (20, 2)}
        stack.until(CART, lambda row: judged(stack) > 100, "judged")
        (rollout,) = (view["rollout"] for view in stack.client.snapshot()["deployments"])
        assert rollout is not None
        assert rollout["verdict"] is not None
        for finding in rollout["verdict"]["findings"][:1]:
            base, candidate = finding["base_requests"], finding["candidate_requests"]
            assert base is not None
            assert candidate is not None
            assert 0.7 < base / candidate < 1.4  # not three times as many, as the base has
        stack.ask("promote")
        stack.until(CART, lambda row: row["version"] == "v42", "on v42")
        stack.until(CART, lambda row: stack.workers("v41") == [], "v41 and its copy gone")
        report = traffic.end()
    assert wrong(report) == {}


def judged(stack: Stack) -> int:
    """Requests of the candidate that were judged so far."""
    (view,) = stack.client.snapshot()["deployments"]
    rollout = view["rollout"]
    verdict = rollout["verdict"] if rollout else None
    findings = verdict["findings"] if verdict else []
    return findings[0]["candidate_requests"] or 0 if findings else 0
