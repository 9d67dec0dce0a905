"""What people ask for when they deploy: every strategy, in every shape it can have."""

from __future__ import annotations

from random import Random
from typing import Any

STRATEGIES = ("canary", "canary", "rolling", "rolling", "blueGreen", "abTest", "careful")


def spec(random: Random) -> dict[str, Any]:
    """What ``gaesup.yaml`` might say about strategies."""
    deadline = random.choice((4.0, 10.0))
    return {
        "canary": {
            "steps": _canary_steps(random),
            "bake": random.choice((0.0, 1.0, 3.0)),
            "progressDeadline": deadline,
            "freshBaseline": random.random() < 0.2,
        },
        "rolling": _rolling(random, deadline),
        "blueGreen": _blue_green(random, deadline),
        "abTest": _ab_test(random, deadline),
        "whileMoving": random.choice(("refuse", "queue", "replace")),
        "autoAbort": random.random() < 0.8,
        "sticky": random.choice((False, True, {"cookie": "user"}, {"header": "x-user"})),
        "gradualAbort": random.choice((0.0, 6.0)),
        "rollbackBake": random.choice((0.0, 2.0)),
    }


def _canary_steps(random: Random) -> list[dict[str, Any]]:
    steps: list[dict[str, Any]] = []
    weight = 0
    for _ in range(random.randint(1, 3)):
        weight = min(100, weight + random.choice((5, 10, 25, 40)))
        steps += _steered(random)
        steps.append({"weight": weight})
        luck, expiry = random.random(), random.choice((5.0, 15.0, 40.0))
        then = random.choice(("abort", "promote", "hold"))
        if luck < 0.4:
            steps.append({"pause": {"duration": random.choice((0.0, 0.5, 2.0))}})
        elif luck < 0.75:
            steps.append({"pause": {"expiry": expiry, "onExpiry": then}})
        else:
            steps.append({"analysis": {"duration": 1.0, "expiry": expiry, "onExpiry": then}})
    return steps


def _steered(random: Random) -> list[dict[str, Any]]:
    """Requests beyond the share, now and then."""
    steps: list[dict[str, Any]] = []
    if random.random() < 0.1:
        steps.append({"match": [{"header": "x-beta", "equals": "1"}]})
    if random.random() < 0.1:
        steps.append({"mirror": random.choice((0, 10, 100))})
    return steps


def _rolling(random: Random, deadline: float) -> dict[str, Any]:
    surge, unavailable = random.choice(
        ((1, 1), (1, 0), (0, 1), ("50%", 0), (0, "50%"), (2, 1), ("all", 0))
    )
    return {
        "maxSurge": surge,
        "maxUnavailable": unavailable,
        "minReady": random.choice((0.0, 0.5)),
        "bake": random.choice((0.0, 1.0)),
        "progressDeadline": deadline,
    }


def _blue_green(random: Random, deadline: float) -> dict[str, Any]:
    return {
        "steps": random.choice(((100,), (10, 50, 100), (50, 100))),
        "stabilise": random.choice((0.0, 1.0)),
        "analysis": random.choice((0.0, 1.0)),
        "autoPromotion": random.random() < 0.7,
        "bake": random.choice((0.0, 2.0)),
        "progressDeadline": deadline,
    }


def _ab_test(random: Random, deadline: float) -> dict[str, Any]:
    then = ("hold", "promote", "abort")
    return {
        "share": random.choice((10, 50)),
        "minRun": random.choice((0.5, 2.0)),
        "maxRun": random.choice((6.0, 30.0)),
        "minUsers": random.choice((1, 200)),
        "minEffect": 20,
        "onBetter": random.choice(then),
        "onWorse": random.choice(then),
        "onNoDifference": random.choice(then),
        "onUndecided": random.choice(then),
        "bake": random.choice((0.0, 1.0)),
        "progressDeadline": deadline,
    }


def careful(random: Random) -> list[dict[str, Any]]:
    """A strategy of one's own: replicas and shares grow apart from each other."""
    then = random.choice(("abort", "promote", "hold"))
    fresh: list[dict[str, Any]] = [{"freshBaseline": True}] if random.random() < 0.3 else []
    return [
        *fresh,
        {"deploy": random.choice((1, "50%", "all"))},
        {"ready": {"timeout": 4.0}},
        *([{"smoke": {}}] if random.random() < 0.3 else []),
        {"weight": random.choice((0, 5, 30))},
        {"stabilise": 0.5},
        {"replicas": "all"},
        {"approve": {"expiry": random.choice((5.0, 20.0)), "onExpiry": then}},
        *([{"weight": 60}] if random.random() < 0.5 else []),
        {"weight": 100},
        {"bake": random.choice((0.0, 1.0))},
        {"retire": True},
    ]
