"""The light rows of ``gaesup status``, from whole views."""

from __future__ import annotations

from gaesup_tui.domain.views import DeploymentView, RolloutLine, RolloutView, StatusRow


def status_row(view: DeploymentView) -> StatusRow:
    """A deployment without its lists."""
    return StatusRow(
        key=view["key"],
        unit=view["unit"],
        environment=view["environment"],
        seq=view["seq"],
        version=view["version"],
        status=view["status"],
        status_text=view["status_text"],
        health=view["health"],
        since=view["since"],
        replicas=view["replicas"],
        ready=view["ready"],
        rollout=_line(view["rollout"]) if view["rollout"] else None,
        waiting=view["waiting"],
        queued=view["queued"],
        hold=view["hold"],
        lock=view["lock"],
        stop=view["stop"],
        notice=view["notice"],
        endpoint=view["endpoint"],
        preview=view["preview"],
        seen_at=view["seen_at"],
        problem=view["problem"],
        numbers=view["numbers"],
    )


def _line(rollout: RolloutView) -> RolloutLine:
    steps, index = rollout["steps"], rollout["index"]
    verdict = rollout["verdict"]
    return RolloutLine(
        id=rollout["id"],
        strategy=rollout["strategy"],
        base=rollout["base"],
        candidate=rollout["candidate"],
        by=rollout["by"],
        at=rollout["at"],
        why=rollout["why"],
        phase=rollout["phase"],
        outcome=rollout["outcome"],
        finished_at=rollout["finished_at"],
        weight_wished=rollout["weight_wished"],
        weight_seen=rollout["weight_seen"],
        step=min(index + 1, len(steps)),
        steps=len(steps),
        step_title=steps[index]["title"] if index < len(steps) else "",
        verdict=verdict["kind"] if verdict else None,
        glass=rollout["glass"],
        cause=rollout["cause"],
        brewing=rollout["brewing"],
    )
