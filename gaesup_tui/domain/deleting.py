"""The end of a deployment: nothing serves there any more, and only its history stays."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gaesup_tui.domain.model import Frozen, Text
from gaesup_tui.domain.observation import DeploymentSeen
from gaesup_tui.domain.rollout import Actor

if TYPE_CHECKING:
    from gaesup_tui.domain.deployment import Deployment
    from gaesup_tui.domain.world import World


class Deleted(Frozen):
    """Who took a deployment away. A later deploy begins anew and counts its rollouts on."""

    by: Actor
    at: float
    why: Text = ""


def cleared(by: Actor, at: float, why: str) -> dict[str, object]:
    """What changes of a deployment that is deleted: it wishes for nothing, so traffic goes first
    and then every replica, and there is nothing to go back to."""
    return {
        "deleted": Deleted(by=by, at=at, why=why),
        "stable": None,
        "colour": "",
        "good": (),
        "replicas": 0,
        "queued": None,
        "hold": None,
        "lock": None,
        "notice": None,
    }


def no_delete(world: World, state: Deployment) -> str | None:
    """Why it cannot be deleted now."""
    if state.active:
        return f"{state.active.candidate.version} is on its way: promote or abort it first"
    for train in world.trains:
        if train.active and any(car.key == state.key for group in train.groups for car in group):
            return f"it goes with the train {train.name}: that comes first"
    return None


def has_left(state: Deployment, seen: DeploymentSeen | None) -> bool:
    """Whether nothing of a deleted deployment is seen any more."""
    if state.deleted is None or state.active or seen is None or seen.weights:
        return False
    return not any(revision.replicas for revision in seen.revisions.values())


def delete_lines(state: Deployment) -> list[tuple[str, str]]:
    """What the dialog says of it."""
    what = state.stable.version if state.stable else "what is left"
    replicas = f"{state.replicas} replica{'' if state.replicas == 1 else 's'}"
    return [
        ("Then", f"traffic of {what} ends first, every request is answered 503; then {replicas}"),
        ("Forgets", f"its known good releases ({len(state.good)}): there is no way back to them"),
        ("Keeps", "the history; a later deploy begins anew"),
    ]
