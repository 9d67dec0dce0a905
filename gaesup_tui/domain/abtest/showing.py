"""From a rollout and its test's answer to the view people are shown."""

from __future__ import annotations

from collections.abc import Hashable

from gaesup_tui.domain.abtest.answer import ABAnswer
from gaesup_tui.domain.abtest.rules import then
from gaesup_tui.domain.abtest.views import ABView, ArmView
from gaesup_tui.domain.rollout import Rollout
from gaesup_tui.domain.steps import Compare

_NOTHING = ABAnswer(kind="no data", reason="the traffic is not split yet")


def ab_view(rollout: Rollout, answer: ABAnswer | None, now: float | None) -> ABView | None:
    """None for a rollout without a test.

    Args:
        answer: the newest, or None: the journaled one.
        now: when ``answer`` was given, Unix seconds; None: its times are over.
    """
    step = next((s for s in rollout.spec.plan if isinstance(s, Compare)), None)
    if step is None:
        return None
    said = answer or rollout.answer or _NOTHING
    begun = answer is not None or rollout.answer is not None
    share = step.share_percent / 100
    base = rollout.base.version if rollout.base else "nothing"
    waits = now is not None and not said.final
    return ABView(
        kind=said.kind if begun else "not begun",
        reason=said.reason,
        metric=step.metric,
        base=_arm(base, said.base_users, said.base_converted, 1 - share, said.users),
        candidate=_arm(
            rollout.candidate.version,
            said.candidate_users,
            said.candidate_converted,
            share,
            said.users,
        ),
        difference=said.difference,
        low=said.low,
        high=said.high,
        lift=said.lift,
        bound=said.bound,
        confidence=step.confidence,
        split_evidence=round(said.split_evidence, 3),
        min_users=step.min_users,
        min_effect=step.min_effect,
        counted_from=said.counted_from if begun else None,
        lost_users=said.lost_users,
        earliest=_at(now, said.at_least_s) if waits else None,
        latest=_at(now, said.at_most_s) if waits else None,
        expected=_at(now, said.about_s) if waits else None,
        enough=_at(now, said.enough_s) if waits else None,
        enough_users=said.enough_users if waits else None,
        key=_key(rollout),
        follows={
            "better": step.on_better,
            "worse": step.on_worse,
            "no difference": step.on_no_difference,
            "undecided": step.on_undecided,
        },
        next=then(rollout) if rollout.active else None,
    )


def _key(rollout: Rollout) -> str:
    sticky = rollout.spec.sticky
    if isinstance(sticky, bool):
        return "cookie of the router"
    key = sticky.key()
    return f"{key.where} {key.name}"


def _arm(version: str, users: int, converted: int, share: float, of: int) -> ArmView:
    return ArmView(
        version=version,
        users=users,
        converted=converted,
        ratio=converted / users if users else None,
        share=share,
        share_seen=users / of if of else None,
    )


def _at(now: float | None, left_s: float | None) -> float | None:
    return None if now is None or left_s is None else round(now + left_s, 1)


def mark(answer: ABAnswer | None, now: float) -> Hashable:
    """Equal while nothing worth sending again has changed: users come all the time."""
    if answer is None:
        return None
    digits = [f"{x:.1e}" for x in (answer.low, answer.high, answer.split_evidence) if x is not None]
    return answer.kind, f"{answer.users:.1e}", *digits, 0 if answer.final else int(now / _AGAIN_S)


_AGAIN_S = 10.0
"""Times to come are right to about so much."""
