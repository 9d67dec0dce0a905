"""What filters can ask of deployments and events. Pure."""

from __future__ import annotations

from gaesup_tui.console.filtering import Facts
from gaesup_tui.console.words import active_rollout
from gaesup_tui.domain.views import DeploymentView, EventView, Numbers


def deployment_facts(
    view: DeploymentView, numbers: Numbers, ready: int | None, now: float
) -> Facts:
    """A deployment: its name, version, status, people and reasons; its numbers."""
    rollout = active_rollout(view)
    words = {
        "unit": view["unit"],
        "environment": view["environment"],
        "status": view["status"],
        "health": view["health"],
        "version": view["version"] or "",
        "by": rollout["by"] if rollout else "",
    }
    more = [view["key"], view["status_text"], view["problem"] or ""]
    if rollout:
        more += [rollout["candidate"], rollout["why"]]
    text = " ".join([*words.values(), *more]).casefold()
    since = rollout["at"] if rollout else view["since"]
    return Facts(
        text,
        words,
        {
            "rps": numbers["rps"],
            "error_ratio": numbers["error_ratio"],
            "p50_s": numbers["p50_s"],
            "p95_s": numbers["p95_s"],
            "ready": None if ready is None else float(ready),
            "replicas": float(view["replicas"]),
            "traffic": float(rollout["weight_wished"]) if rollout else None,
            "age_s": None if since is None else now - since,
        },
    )


def event_facts(event: EventView, now: float) -> Facts:
    """An event: who, where, what and why; its age."""
    unit, _, environment = event["deployment"].partition("@")
    words = {
        "unit": unit,
        "environment": environment,
        "by": event["by"],
        "kind": event["kind"],
        "status": event["level"],
    }
    text = " ".join([*words.values(), event["deployment"], event["text"], event["why"]])
    return Facts(text.casefold(), words, {"age_s": now - event["at"]})
