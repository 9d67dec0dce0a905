"""A global rollback as people are shown it: before it begins, and while it is in force."""

from __future__ import annotations

from gaesup_tui.domain.errors import Refused
from gaesup_tui.domain.global_rollback import begin, came_to_rest, course_of, failed
from gaesup_tui.domain.stop_views import RollbackPreview, RollbackView, TurnView
from gaesup_tui.domain.text import duration
from gaesup_tui.domain.turns import GROUP_DEADLINE_S, Turn
from gaesup_tui.domain.world import Stop, World


def rollback_preview(world: World, scope: str, now: float) -> RollbackPreview:
    """Every deployment of the scope: from what to what, or why it cannot."""
    course = course_of(world, scope, now)
    refused = None
    try:
        begin(world, scope, "", now)
    except Refused as refusal:
        refused = str(refusal)
    many = sum(len(group) for group in course.groups)
    go = "1 goes" if many == 1 else f"{many} go"
    return RollbackPreview(
        scope=scope,
        title=f"Global rollback of {scope or 'everything'}: {go} back",
        groups=[[turn_view(turn) for turn in group] for group in course.groups],
        skipped=[turn_view(turn) for turn in course.skipped],
        refused=refused,
    )


def turn_view(turn: Turn) -> TurnView:
    return TurnView(
        deployment=turn.deployment,
        act=turn.act,
        leaves=turn.leaves,
        to=turn.to,
        text=_text(turn),
    )


def _text(turn: Turn) -> str:
    match turn.act:
        case "rollback":
            return f"{turn.leaves} → {turn.to}"
        case "wait":
            return f"{turn.leaves} → {turn.to or 'nothing'}, on its way already"
        case "abort" if turn.to:
            return f"{turn.leaves} → {turn.to}, its rollout is aborted"
        case "abort":
            return f"{turn.leaves} is taken away: it is the first revision"
    return turn.why


def rollback_view(world: World, stop: Stop) -> RollbackView | None:
    """Where it stands; None for a stop or a freeze."""
    course = stop.course
    if course is None:
        return None
    to_come = {turn.deployment for turn in course.to_come}
    begun = [turn for turn in course.turns if turn.deployment not in to_come]
    broken = {turn.deployment: why for turn in begun if (why := failed(world, turn))}
    states = world.deployments
    moving = [t.deployment for t in begun if not came_to_rest(states[t.deployment])]
    back = len(begun) - len({*broken, *moving})
    limit = duration(GROUP_DEADLINE_S)
    late = [f"{key}: not at rest within {limit}" for key in course.late if key in moving]
    return RollbackView(
        scope=stop.scope,
        by=stop.by.name,
        at=stop.at,
        why=stop.why,
        text=_progress(back, len(course.turns), course.group, len(course.groups)),
        total=len(course.turns),
        back=back,
        is_over=course.over,
        problems=[*late, *(f"{key}: {why}" for key, why in broken.items())],
        skipped=[f"{turn.deployment}: {turn.why}" for turn in course.skipped],
    )


def _progress(back: int, total: int, group: int, groups: int) -> str:
    text = f"{back} of {total} back"
    return text if group >= groups else f"{text}, group {max(group, 0) + 1} of {groups}"
