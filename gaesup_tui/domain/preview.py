"""What exactly will change, before a key acts."""

from __future__ import annotations

from dataclasses import dataclass, replace

from gaesup_tui.domain.actions import ACTIONS, BY_ID
from gaesup_tui.domain.allowed import why_not, why_nots
from gaesup_tui.domain.claim_preview import breaks, claim_lines
from gaesup_tui.domain.deleting import delete_lines
from gaesup_tui.domain.deployment import Deployment, Release
from gaesup_tui.domain.errors import Invalid, NotFound, Refused
from gaesup_tui.domain.glass_preview import glass_in_the_way, with_glass, with_lines
from gaesup_tui.domain.gradual import gradual_line
from gaesup_tui.domain.ignoring import ignore_lines, meant
from gaesup_tui.domain.offering import offered
from gaesup_tui.domain.queueing import queue_lines
from gaesup_tui.domain.remedies import commands
from gaesup_tui.domain.retrying import retry_lines
from gaesup_tui.domain.returning import rollback_line, way_back_line
from gaesup_tui.domain.rewaving import scale_in_waves_lines
from gaesup_tui.domain.rollout import Actor, Rollout
from gaesup_tui.domain.second_person import approval_line
from gaesup_tui.domain.sight import Sight
from gaesup_tui.domain.stepping_back import share_before, weight_at
from gaesup_tui.domain.steps import Analyse, AwaitTrain, Bake, Compare, Pause, SetTraffic, Step
from gaesup_tui.domain.text import duration, printable_line
from gaesup_tui.domain.views import Preview
from gaesup_tui.domain.waiting import runs_out_at
from gaesup_tui.domain.world import World

NEEDS_REASON = ("unhold", "release", "hold", "lock", "ignore")
UNSEEN = Sight()


def preview(
    world: World,
    action: str,
    key: str,
    sight: Sight,
    now: float,
    *,
    version: str = "",
    replicas: int | None = None,
    by_s: float | None = None,
    by: Actor | None = None,
    check: str = "",
) -> Preview:
    """The dialog for ``action`` on deployment ``key``.

    Args:
        version: of a deploy or a rollback; empty: not said, or the last good one.
        replicas: of a scale; None: not said yet.
        by_s: of an extension, or a lock; None: not said yet.
        by: who asks; None: anybody.
        check: of an ignore; empty: the one that is about to act, or stands in the way.

    Raises:
        Invalid: there is no such action, or it is not one on a deployment.
        NotFound: no such deployment, unless it is to be deployed for the first time.
        Refused: it is not possible now; the message says why.
    """
    known = BY_ID.get(action)
    if known is None or known.scope != "deployment" or not known.mutating:
        names = ", ".join(a.id for a in ACTIONS if a.scope == "deployment" and a.mutating)
        raise Invalid(f"action: there is no {printable_line(action, 40)!r}", hint=f"one of {names}")
    state = world.find(key)
    if state is None and action != "deploy":
        raise NotFound(
            f"there is no deployment {printable_line(key, 130)}",
            hint="`gaesup status` lists what there is",
        )
    if reason := why_not(world, known.asks_engine, key, now, by):
        raise Refused(f"{known.title.lower()} {key}: {reason}")
    glass = glass_in_the_way(world, action, key, now)
    second = approval_line(world, state, action, key)
    if state is None:
        return with_lines(with_glass(_first(key, version), glass), second)
    if action == "ignore" and state.rollout:
        check = meant(state.rollout, check, sight.brewing)
    said = sight.verdict or (state.rollout.verdict if state.rollout else None)
    sight = replace(sight, verdict=offered(said, why_nots(world, key, now)))
    asked = _Asked(action, version, _replicas(state, action, replicas), by_s, check)
    shown = Preview(
        action=action,
        deployment=key,
        title=_title(state, asked),
        lines=[
            ("Now", _now(state, sight, now)),
            *(claim_lines(state, action, by_s, by, now) or _told(state, asked, sight, now)),
        ],
        confirm_key=known.confirm,
        confirm_title=known.title.lower(),
        typed=key if action == "delete" else "",
        needs_reason=action in NEEDS_REASON or breaks(state, action, by, now),
        check=check if action == "ignore" else "",
        glass="",
        expect_seq=None if action in ("abort", "abort_gradual") else state.seq,
    )
    return with_lines(with_glass(shown, glass), second)


@dataclass(frozen=True, slots=True)
class _Asked:
    action: str
    version: str
    replicas: int | None
    by_s: float | None
    check: str = ""


def _replicas(state: Deployment, action: str, replicas: int | None) -> int | None:
    match action:
        case "scale_up":
            return state.replicas + 1
        case "scale_down":
            return max(0, state.replicas - 1)
    return replicas


def _first(key: str, version: str) -> Preview:
    """Where nothing runs yet."""
    what = version or "its first version"
    return Preview(
        action="deploy",
        deployment=key,
        title=f"Deploy {key}",
        lines=[
            ("Now", "nothing runs here"),
            ("Then", f"{what} starts, is tested, and gets 100 %"),
            ("Baseline", "none: there is nothing to compare it with"),
            ("Way back", "none: abort takes it away"),
        ],
        confirm_key=BY_ID["deploy"].confirm,
        confirm_title="deploy",
        typed="",
        needs_reason=False,
        check="",
        glass="",
        expect_seq=0,
    )


def _title(state: Deployment, asked: _Asked) -> str:
    rollout, action = state.active, asked.action
    name = BY_ID[action].title
    if action.startswith("scale") and asked.replicas is not None:
        return f"Scale {state.key} to {asked.replicas}"
    if action == "deploy" and asked.version:
        return f"Deploy {asked.version} to {state.key}"
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
        for revision, weight in sorted(
            sight.seen.weights.items(), key=lambda pair: _place(state, pair)
        )
    )
    return f"{shares or 'no traffic'}   (seen {duration(max(0.0, now - sight.seen_at))} ago)"


def _place(state: Deployment, shown: tuple[str, int]) -> tuple[bool, int]:
    """The candidate last, as in what will be; the others by their share."""
    revision, weight = shown
    rollout = state.active
    return rollout is not None and revision == rollout.candidate.id, -weight


def _split(rollout: Rollout, weight_percent: int) -> str:
    base = f"{rollout.base.version} {100 - weight_percent} %   " if rollout.base else ""
    return f"{base}{rollout.candidate.version} {weight_percent} %"


def _next_weight(rollout: Rollout) -> int | None:
    """The share one promotion leads to; None when something else is waited for before."""
    for step in rollout.plan[rollout.index + 1 :]:
        if isinstance(step, SetTraffic):
            return step.weight_percent
        if isinstance(step, Pause | Analyse | Compare | AwaitTrain | Bake):
            return None
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


def _told(state: Deployment, asked: _Asked, sight: Sight, now: float) -> list[tuple[str, str]]:
    queue = queue_lines(state, asked.action, asked.version)
    if queue and asked.action in ("unqueue", "deploy"):
        return queue
    return [*_lines(state, asked, sight, now), *queue]


def _lines(state: Deployment, asked: _Asked, sight: Sight, now: float) -> list[tuple[str, str]]:
    rollout, action = state.active, asked.action
    if action.startswith("scale"):
        return _scale_lines(state, asked.replicas, sight)
    if action == "delete":
        return delete_lines(state)
    if action == "ack" and state.notice:
        return [("Seen", state.notice.text), ("Then", "it leaves the list of what needs you")]
    if action == "ignore" and state.rollout:
        lines = ignore_lines(state.rollout, asked.check)
        return [*lines, *([_back(rollout, sight)] if rollout else [])]
    if rollout is None:
        return _resting_lines(state, asked, sight)
    match action:
        case "promote":
            return _promote_lines(rollout, sight)
        case "promote_full":
            then = f"{_split(rollout, 100)}   {_moves(rollout, 100, sight)}"
            return [("Then", then), _back(rollout, sight), *_evidence(rollout, sight)]
        case "abort" | "rollback":
            back = f"{_split(rollout, 0)}   {_moves(rollout, 0, sight)}"
            return [("Then", back), ("Takes", way_back_line(rollout, sight))]
        case "abort_gradual":
            shares = ("Then", gradual_line(rollout))
            return [
                shares,
                ("Faster", "abort takes the rest at once"),
                ("Takes", f"at the end: {way_back_line(rollout, sight)}"),
            ]
        case "extend":
            return _extend_lines(rollout, asked.by_s, now)
        case "step_back":
            return _step_back_lines(rollout, sight)
        case "pause":
            return [("Then", "stays as it is until somebody resumes it; guards keep watching")]
        case "resume":
            steps = rollout.plan[rollout.index :]
            return [("Then", _titles(steps)), _back(rollout, sight)]
    return [("Then", BY_ID[action].help)]


def _extend_lines(rollout: Rollout, by_s: float | None, now: float) -> list[tuple[str, str]]:
    at = runs_out_at(rollout)
    assert at is not None  # why_not looked
    step = rollout.step
    outcome = step.on_expiry if isinstance(step, Pause | Analyse) else ""
    outcome = step.on_undecided if isinstance(step, Compare) else outcome
    then = {"promote": "promotes", "hold": "asks you"}.get(outcome, "")
    left = max(0.0, at - now)
    lines = [("Expires", f"{then or 'aborts'} in {duration(left)} when nobody decides")]
    if now >= at:
        lines = [("Expires", f"its time was over {duration(now - at)} ago: it waits for you")]
    if by_s is None:
        return [*lines, ("Then", "as much later as you say")]
    return [*lines, ("Then", f"in {duration(left + by_s)}: {duration(by_s)} later")]


def _step_back_lines(rollout: Rollout, sight: Sight) -> list[tuple[str, str]]:
    index = share_before(rollout)
    assert isinstance(index, int)  # why_not looked
    weight = weight_at(rollout, index)
    return [
        ("Then", f"{_split(rollout, weight)}   {_moves(rollout, weight, sight)}"),
        ("Next", f"waits for you; resumed, {_titles(rollout.plan[index + 1 :])}"),
        _back(rollout, sight),
    ]


def _promote_lines(rollout: Rollout, sight: Sight) -> list[tuple[str, str]]:
    weight = _next_weight(rollout)
    later = rollout.plan[rollout.index + 1 :]
    lines: list[tuple[str, str]] = []
    if weight is not None:
        lines.append(("Then", f"{_split(rollout, weight)}   {_moves(rollout, weight, sight)}"))
        passed = next(i for i, step in enumerate(later) if isinstance(step, SetTraffic))
        later = later[passed + 1 :]
    else:
        lines.append(("Then", f"{_split(rollout, rollout.weight_percent)}   unchanged"))
    lines.append(("Next", _titles(later)))
    return [*lines, _back(rollout, sight), *_evidence(rollout, sight)]


def _evidence(rollout: Rollout, sight: Sight) -> list[tuple[str, str]]:
    verdict = sight.verdict or rollout.verdict
    said = [("Evidence", f"{verdict.kind}: {verdict.reason}" if verdict else "none yet")]
    helps = commands(verdict.helps, rollout.deployment) if verdict else ""
    if verdict and verdict.kind == "NO EVIDENCE" and helps:
        said.append(("Helps", f"{verdict.fix}: {helps}"))
    if answer := sight.answer or rollout.answer:
        said.append(("A/B", f"{answer.kind}: {answer.reason}"))
    return said


def _back(rollout: Rollout, sight: Sight) -> tuple[str, str]:
    return "Way back", "abort: " + way_back_line(rollout, sight)


def _scale_lines(state: Deployment, replicas: int | None, sight: Sight) -> list[tuple[str, str]]:
    here = f"{sum(r.ready for r in sight.seen.revisions.values())} ready" if sight.seen else ""
    if lines := scale_in_waves_lines(state, replicas, here):
        return lines
    has = f"{state.replicas} of each revision that serves{', ' + here if here else ''}"
    if replicas is None:
        return [("Has", has), ("Then", "as many as you say")]
    rate = sight.total.rate if sight.total else None
    each = f"about {rate / replicas:.0f} requests/s each" if rate and replicas else ""
    then = f"{replicas} of each" if state.active else str(replicas)
    lines = [("Has", has), ("Then", f"{then}{', ' + each if each else ''}")]
    if replicas == 0:
        lines.append(("Beware", "nothing serves: every request is answered 503"))
    elif replicas > state.replicas and sight.start_s is not None:
        lines.append(("Takes", f"about {duration(sight.start_s)} until ready"))
    lines.append(("Way back", f"scale to {state.replicas} again"))
    return lines


def _deploy_lines(state: Deployment, version: str) -> list[tuple[str, str]]:
    what = version or "the version you say"
    if state.stable is None:
        return [("Then", f"{what} 100 %, once healthy"), ("Way back", "abort takes it away")]
    stable = state.stable.version
    return [
        ("Then", f"{what} starts beside {stable}, which keeps all traffic until it is healthy"),
        ("Next", "traffic moves as the unit's strategy in gaesup.yaml says, step by step"),
        ("Way back", f"abort returns all traffic to {stable}, which stays warm for the bake"),
    ]


def _rollback_target(state: Deployment, version: str) -> Release:
    if not version:
        target = state.last_good()
    else:
        target = next((r for r in reversed(state.good) if r.revision.version == version), None)
        if target and state.stable and target.revision.id == state.stable.id:
            raise Refused(f"rollback {state.key}: it runs {version} already")
    if target is None:
        names = ", ".join(dict.fromkeys(r.revision.version for r in reversed(state.good)))
        raise NotFound(
            f"{state.key} has no good release {version}", hint=f"known good: {names or 'none'}"
        )
    return target


def _resting_lines(state: Deployment, asked: _Asked, sight: Sight) -> list[tuple[str, str]]:
    stable = state.stable.version if state.stable else "nothing"
    action = asked.action
    match action:
        case "deploy":
            return _deploy_lines(state, asked.version)
        case "rollback":
            target = _rollback_target(state, asked.version)
            good = f"finished healthy, baked {duration(target.baked_s)}, by {target.by.name}"
            version = target.revision.version
            said = [("Verdict", target.verdict)] if target.verdict else []
            takes = rollback_line(target.revision, max(1, state.replicas), sight)
            then = f"{version} 100 %   ({good})"
            return [("Then", then), ("Takes", takes), *said, ("Leaves", stable)]
        case "retry" | "retry_failed":
            assert state.rollout is not None  # why_not looked
            return retry_lines(state, state.rollout, failed_step=action == "retry_failed")
        case "unhold":
            assert state.hold is not None  # why_not looked
            held = f"{state.hold.why} (by {state.hold.by.name})"
            return [("Held", held), ("Then", "timed steps go on by themselves again")]
    return [("Then", BY_ID[action].help)]
