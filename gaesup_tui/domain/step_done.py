"""Whether the step at work is over, and with what: the part of the rules that goes forward."""

from __future__ import annotations

from typing import Literal

from gaesup_tui.domain.abtest import rules as abtest
from gaesup_tui.domain.checking import asks_person, is_unheeded, passed
from gaesup_tui.domain.fresh import copies_missing
from gaesup_tui.domain.ignored import ANALYSIS, SMOKE, ignored_note, is_ignored
from gaesup_tui.domain.look import Look
from gaesup_tui.domain.observation import RevisionSeen
from gaesup_tui.domain.rollout import Rollout
from gaesup_tui.domain.routing import in_force
from gaesup_tui.domain.steps import (
    Analyse,
    AwaitReady,
    Bake,
    Compare,
    Pause,
    Scale,
    SetMatch,
    SetMirror,
    SetTraffic,
    Side,
    SmokeTest,
    Watch,
)
from gaesup_tui.domain.text import duration

Ended = tuple[Literal["done", "skipped"], str]
"""How a step ended, and the note for its record."""

_DONE: Ended = ("done", "")
_FULL: Ended = ("skipped", "promoted fully")


def step_done(rollout: Rollout, look: Look, now: float, *, held: bool) -> Ended | None:
    """How the present step ended; None while it is not over.

    Args:
        now: Unix seconds.
        held: whether automation of the deployment is held: then no gate and no wait passes.
    """
    waited = max(0.0, now - rollout.step_began)
    match rollout.step:
        case Watch():
            return _DONE
        case Scale() as step:
            return _scaled(rollout, step, look)
        case AwaitReady() as step:
            return _ready(rollout, step, look, now)
        case SmokeTest() if is_ignored(rollout, SMOKE):
            return "skipped", ignored_note(rollout, rollout.index)
        case Analyse() if is_ignored(rollout, ANALYSIS):
            return "skipped", ignored_note(rollout, rollout.index)
        case SmokeTest():
            smoke = look.smoke
            here = smoke and (smoke.rollout, smoke.index) == (rollout.id, rollout.index)
            return ("done", smoke.note) if smoke and here and smoke.passed else None
        case SetTraffic() | SetMatch() | SetMirror():
            stale = look.before(rollout, "weight_percent")
            return _DONE if in_force(look.seen, rollout) and not stale else None
        case Pause(duration_s=wait) if rollout.phase == "back":
            return _DONE if waited >= (wait or 0) else None
        case Pause() | Analyse() | Compare() if rollout.full:
            return _FULL
        case Pause() | Analyse() | Compare() | Bake() if held:
            return None
        case Pause() as step:
            return _paused(rollout, step, look, waited)
        case Analyse() as step:
            return _analysed(rollout, step, look, waited)
        case Compare():
            if rollout.answer is None or abtest.then(rollout) != "promote":
                return None
            return "done", rollout.answer.reason
        case Bake(duration_s=wait):
            return _DONE if waited >= wait else None
    return None


def _side(rollout: Rollout, side: Side, look: Look) -> tuple[RevisionSeen | None, int]:
    """What is seen of a side's revision, and how many replicas are wished of it."""
    revision = rollout.candidate if side == "candidate" else rollout.base
    wish = rollout.candidate_replicas if side == "candidate" else rollout.base_replicas
    return look.seen.revision(revision.id if revision else None), wish


def _scaled(rollout: Rollout, step: Scale, look: Look) -> Ended | None:
    there, wish = _side(rollout, step.side, look)
    wanted = there.wanted if there else 0
    gone = step.replicas or not (there and there.replicas)
    stale = look.before(rollout, f"{step.side}_replicas")
    return _DONE if wanted == wish and gone and not stale else None


def _ready(rollout: Rollout, step: AwaitReady, look: Look, now: float) -> Ended | None:
    there, wish = _side(rollout, step.side, look)
    if there is None or look.before(rollout, f"{step.side}_replicas"):
        return None
    if step.side == "candidate" and copies_missing(rollout, look.seen):
        return None
    if there.ready_since(now - step.steady_s if step.steady_s else None) < wish:
        return None
    return "done", f"{there.ready} of {wish} ready"


def _paused(rollout: Rollout, step: Pause, look: Look, waited: float) -> Ended | None:
    if is_unheeded(rollout, look.verdict):
        return None
    if step.duration_s is not None:
        return _DONE if waited >= step.duration_s else None
    if step.on_expiry != "promote" or step.expiry_s is None:
        return None
    limit = step.expiry_s + rollout.extended_s
    return ("done", f"nobody objected within {duration(limit)}") if waited >= limit else None


def _analysed(rollout: Rollout, step: Analyse, look: Look, waited: float) -> Ended | None:
    if waited < step.duration_s:
        return None
    if (said := _cleared(rollout, step, look)) is not None:
        return "done", said
    limit = step.expiry_s + rollout.extended_s
    if step.on_expiry == "promote" and waited >= limit and not asks_person(rollout, look.verdict):
        return "done", f"no ABORT within {duration(limit)}"
    return None


def _cleared(rollout: Rollout, step: Analyse, look: Look) -> str | None:
    """What let an analysis pass; None while something is open. Checks pass with the judge."""
    verdict = look.verdict
    ignored = is_ignored(rollout, ANALYSIS)
    said = "" if ignored else passed(step, rollout, look.seen, look.compared)
    if said is None:
        return None
    if not step.judge:
        return said or ignored_note(rollout, rollout.index)
    if verdict is None or verdict.kind != "PROMOTE":
        return None
    return f"{verdict.reason}; {said}"[:500] if said else verdict.reason
