"""What exactly will change, before a key acts."""

from __future__ import annotations

from gaesup_tui.domain.actions import BY_ID
from gaesup_tui.domain.allowed import why_not
from gaesup_tui.domain.deployment import Deployment
from gaesup_tui.domain.errors import NotFound, Refused
from gaesup_tui.domain.rollout import Rollout
from gaesup_tui.domain.steps import SetTraffic, Step
from gaesup_tui.domain.text import duration
from gaesup_tui.domain.viewing import Sight, way_back_line
from gaesup_tui.domain.views import Preview
from gaesup_tui.domain.world import World

NEEDS_REASON = ("unhold", "release")


def preview(world: World, action: str, key: str, sight: Sight, now: float) -> Preview:
    """The dialog for ``action`` on deployment ``key``.

    Raises:
        NotFound: no such deployment.
        Refused: it is not possible now; the message says why.
    """
    state = world.deployments.get(key)
    if state is None:
        raise NotFound(f"there is no deployment {key}")
    engine_name = BY_ID[action].asks_engine
    if reason := why_not(world, engine_name, key, now):
        raise Refused(f"{BY_ID[action].title.lower()} {key}: {reason}")
    return Preview(
        action=action,
        deployment=key,
        title=_title(state, action),
        lines=[("Now", _now(state, sight, now)), *_lines(state, action, sight)],
        confirm_key=BY_ID[action].confirm,
        confirm_title=BY_ID[action].title.lower(),
        typed="",
        needs_reason=action in NEEDS_REASON,
        expect_seq=None if action == "abort" else state.seq,
    )


def _title(state: Deployment, action: str) -> str:
    rollout = state.active
    name = BY_ID[action].title
    if action == "promote" and rollout:
        target = _next_weight(rollout)
        if target is not None:
            return f"Promote {state.key} to {target} %"
    if action == "abort" and rollout:
        return f"Abort {state.key} {rollout.candidate.version}"
    if action == "rollback":
        return f"Roll back {state.key}"
    return f"{name} {state.key}"


def _now(state: Deployment, sight: Sight, now: float) -> str:
    if sight.seen is None or sight.seen_at is None:
        return "not seen: the backend does not answer"
    versions = {r.id: r.version for r, _ in state.replica_wishes().values()}
    shares = "   ".join(
        f"{versions.get(revision, revision)} {weight} %"
        for revision, weight in sorted(sight.seen.weights.items(), key=lambda pair: -pair[1])
    )
    return f"{shares or 'no traffic'}   (seen {duration(max(0.0, now - sight.seen_at))} ago)"


def _split(rollout: Rollout, weight_percent: int) -> str:
    base = f"{rollout.base.version} {100 - weight_percent} %   " if rollout.base else ""
    return f"{base}{rollout.candidate.version} {weight_percent} %"


def _next_weight(rollout: Rollout) -> int | None:
    for step in rollout.plan[rollout.index + 1 :]:
        if isinstance(step, SetTraffic):
            return step.weight_percent
    return None


def _moves(rollout: Rollout, weight_percent: int, sight: Sight) -> str:
    rate = sight.total.rate if sight.total else None
    if rate is None:
        return "traffic not measured"
    moved = rate * (weight_percent - rollout.weight_percent) / 100
    more = f"about {abs(moved):.0f} requests/s {'more' if moved >= 0 else 'less'}"
    return f"{more} on {rollout.candidate.version}"


def _titles(steps: tuple[Step, ...]) -> str:
    names = [step.title() for step in steps]
    return ", ".join(names[:4]) + (f", {len(names) - 4} more" if len(names) > 4 else "") or "done"


def _lines(state: Deployment, action: str, sight: Sight) -> list[tuple[str, str]]:
    rollout = state.active
    if rollout is None:
        return _resting_lines(state, action)
    match action:
        case "promote":
            return _promote_lines(rollout, sight)
        case "promote_full":
            then = f"{_split(rollout, 100)}   {_moves(rollout, 100, sight)}"
            return [("Then", then), *_evidence(rollout, sight), _back(rollout, sight)]
        case "abort" | "rollback":
            back = f"{_split(rollout, 0)}   {_moves(rollout, 0, sight)}"
            return [("Then", back), ("Takes", way_back_line(rollout, sight))]
        case "pause":
            return [("Then", "stays as it is until somebody resumes it; guards keep watching")]
        case "resume":
            steps = rollout.plan[rollout.index :]
            return [("Then", _titles(steps)), _back(rollout, sight)]
    return [("Then", BY_ID[action].help)]


def _promote_lines(rollout: Rollout, sight: Sight) -> list[tuple[str, str]]:
    weight = _next_weight(rollout)
    later = rollout.plan[rollout.index + 1 :]
    lines: list[tuple[str, str]] = []
    if weight is not None:
        lines.append(("Then", f"{_split(rollout, weight)}   {_moves(rollout, weight, sight)}"))
        passed = next(i for i, step in enumerate(later) if isinstance(step, SetTraffic))
        later = later[passed + 1 :]
    lines.append(("Next", _titles(later)))
    return [*lines, *_evidence(rollout, sight), _back(rollout, sight)]


def _evidence(rollout: Rollout, sight: Sight) -> list[tuple[str, str]]:
    verdict = sight.verdict or rollout.verdict
    return [("Evidence", f"{verdict.kind}: {verdict.reason}" if verdict else "none yet")]


def _back(rollout: Rollout, sight: Sight) -> tuple[str, str]:
    return "Way back", "abort: " + way_back_line(rollout, sight)


def _resting_lines(state: Deployment, action: str) -> list[tuple[str, str]]:
    stable = state.stable.version if state.stable else "nothing"
    match action:
        case "rollback":
            target = state.last_good()
            assert target is not None  # why_not looked
            good = f"finished healthy, baked {duration(target.baked_s)}, by {target.by.name}"
            version = target.revision.version
            return [("Then", f"{version} 100 %   ({good})"), ("Leaves", stable)]
        case "retry":
            assert state.rollout is not None  # why_not looked
            why = state.rollout.cause.reason if state.rollout.cause else ""
            return [("Then", f"{state.rollout.candidate.version} again"), ("Failed by", why)]
        case "unhold":
            assert state.hold is not None  # why_not looked
            held = f"{state.hold.why} (by {state.hold.by.name})"
            return [("Held", held), ("Then", "timed steps go on by themselves again")]
    return [("Then", BY_ID[action].help)]
