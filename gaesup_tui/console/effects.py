"""What a command is on the wire, and how one sees that it has happened. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gaesup_tui.domain.views import DeploymentView

_SCALE = frozenset({"scale", "scale_up", "scale_down"})
_TRAFFIC = frozenset({"promote", "promote_full", "step_back", "abort", "abort_gradual", "rollback"})


def body_of(
    action_id: str, key: str, expect_seq: int | None, reason: str, more: Mapping[str, Any]
) -> dict[str, Any]:
    """The command of an action on a deployment; ``more`` are its own fields."""
    body: dict[str, Any] = {"action": action_id, "deployment": key, "why": reason, **more}
    if expect_seq is not None:
        body["expect_seq"] = expect_seq
    match action_id:
        case "promote_full":
            body |= {"action": "promote", "full": True}
        case "abort_gradual":
            body |= {"action": "abort", "gradual": True}
        case "retry_failed":
            body |= {"action": "retry", "start": "failed"}
        case _ if action_id in _SCALE:
            body["action"] = "scale"
    return body


def seen_in(action_id: str, view: DeploymentView, seq: int) -> str:
    """What shows in ``view`` that the command recorded as event ``seq`` took effect; empty: not
    yet.

    Traffic counts as changed when it was read back from the route, not when it was asked for.
    """
    if view["seq"] < seq:
        return ""
    rollout = view["rollout"]
    if action_id in _SCALE and (rollout is None or rollout["phase"] == "finished"):
        wanted, ready = view["replicas"], view["ready"]
        return f"{ready} of {wanted} ready" if ready == wanted else ""
    if action_id not in _TRAFFIC or rollout is None:
        return "done"
    seen = rollout["weight_seen"]
    if seen is None or seen != rollout["weight_wished"]:
        return ""
    if action_id in ("abort", "abort_gradual", "rollback") and rollout["phase"] == "forward":
        return ""
    if seen == 0 and rollout["base"]:
        return f"100 % {rollout['base']} seen on the route"
    return f"{seen} % {rollout['candidate']} seen on the route"
