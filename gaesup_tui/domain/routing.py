"""The route wished for a deployment, and whether the live one is it."""

from __future__ import annotations

from gaesup_tui.domain.abtest.rules import salt_of
from gaesup_tui.domain.deployment import Deployment
from gaesup_tui.domain.observation import DeploymentSeen
from gaesup_tui.domain.rollout import Rollout
from gaesup_tui.domain.route import Key, Match, Route, Rules
from gaesup_tui.domain.steps import SetMatch, SetMirror


def rules_of(rollout: Rollout) -> Rules:
    """What its route says beside the weights, now. Only a rollout that goes forward sends the
    candidate more than its share: the way back begins with the end of that."""
    spec, (match, mirror_percent) = rollout.spec, _steered(rollout)
    sticky: bool | Key = spec.sticky if isinstance(spec.sticky, bool) else spec.sticky.key()
    return Rules(
        sticky=sticky,
        salt=salt_of(rollout) if sticky else "",
        target=rollout.candidate.id if _to_be_seen(rollout) else "",
        match=match,
        mirror_percent=mirror_percent,
        conversion=spec.conversion.conversion() if spec.conversion else None,
    )


def _steered(rollout: Rollout) -> tuple[tuple[Match, ...], int]:
    """What the steps until now say; the plan of a way back says nothing. Base and candidate may be
    one revision: then there is nobody to steer away from."""
    match: tuple[Match, ...] = ()
    percent = 0
    if _to_be_seen(rollout):
        for step in rollout.plan[: rollout.index + 1]:
            if isinstance(step, SetMatch):
                match = tuple(each.match() for each in step.match)
            elif isinstance(step, SetMirror):
                percent = step.percent
    return match, percent


def _to_be_seen(rollout: Rollout) -> bool:
    return rollout.active and rollout.base is not None and rollout.candidate_replicas > 0


def route_of(state: Deployment) -> Route:
    """The whole route wished. After a rollout its clients stay where they are and its conversions
    go on being counted."""
    rules = rules_of(state.rollout) if state.rollout else Rules()
    return Route(state.weights(), rules)


def in_force(seen: DeploymentSeen, rollout: Rollout) -> bool:
    """Whether the live route is the rollout's. A backend that tells no rules has none."""
    if dict(seen.weights) != rollout.weights():
        return False
    wished = rules_of(rollout)
    return seen.rules == wished or (seen.rules is None and not wished.steers)


def reached(seen: DeploymentSeen, revision: str) -> bool:
    """Whether the live route sends requests to a revision."""
    if seen.weights.get(revision):
        return True
    return seen.rules is not None and seen.rules.target == revision and seen.rules.steers
