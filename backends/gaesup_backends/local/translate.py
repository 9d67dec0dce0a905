"""The node's JSON state as the engine's `Observation`."""

from __future__ import annotations

from typing import Any

from gaesup_tui.domain.observation import (
    Copies,
    Counters,
    DeploymentSeen,
    Observation,
    ReplicaSeen,
    RevisionSeen,
)
from gaesup_tui.domain.route import rules_from_json


def observation(state: dict[str, Any]) -> Observation:
    """Everything the node sees."""
    return Observation(
        at=state["at"],
        boot=state["boot"],
        deployments={name: _deployment(seen) for name, seen in state["deployments"].items()},
        endpoint=f"127.0.0.1:{state['data_port']}",
    )


def _deployment(seen: dict[str, Any]) -> DeploymentSeen:
    return DeploymentSeen(
        weights=seen["weights"],
        rules=rules_from_json(seen["rules"]),
        revisions={key: _revision(facts) for key, facts in seen["revisions"].items()},
    )


def _revision(facts: dict[str, Any]) -> RevisionSeen:
    return RevisionSeen(
        wanted=facts["wanted"],
        replicas=tuple(_replica(replica) for replica in facts["replicas"]),
        counters=_counters(facts),
        error=facts["error"],
        copies=_copies(facts["mirrored"]),
    )


def _copies(mirrored: dict[str, Any]) -> Copies | None:
    replies, dropped = mirrored["requests"], mirrored["dropped"]
    total = sum(replies.values())
    if not total and not dropped:
        return None
    return Copies(answered=total - replies["5xx"], failed=replies["5xx"], dropped=dropped)


def _replica(facts: dict[str, Any]) -> ReplicaSeen:
    return ReplicaSeen(
        id=facts["id"],
        state=facts["state"],
        since=facts["since"],
        restarts=facts["restarts"],
        last_exit=facts["last_exit"],
        problem=facts.get("problem"),
        health_failures=facts["consecutive_health_failures"],
        inflight=facts["inflight"],
        memory_bytes=facts["memory_bytes"],
        cpu_s=facts["cpu_s"],
        next_start_at=facts["next_start_at"],
    )


def _counters(facts: dict[str, Any]) -> Counters:
    requests = facts["requests"]
    return Counters(
        ok=requests["2xx"] + requests["3xx"] + requests["4xx"],
        errors=requests["5xx"],
        client_errors=requests["4xx"],
        bounds_s=tuple(facts["duration_buckets"]["le"]),
        buckets=tuple(facts["duration_buckets"]["counts"]),
        conversions=facts["conversions"],
        users=facts["users"],
        converted_users=facts["converted_users"],
        users_full=facts.get("users_full", False),
    )
