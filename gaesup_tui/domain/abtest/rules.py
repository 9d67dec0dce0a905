"""What an A/B test means for a rollout: when its answer is journaled, and what follows from it.

Nothing acts on an answer that is not in the journal: a look first records it, the next one acts.
"""

from __future__ import annotations

from gaesup_tui.domain import events as ev
from gaesup_tui.domain.abtest.ahead import ahead
from gaesup_tui.domain.abtest.answer import ABAnswer, AnswerKind
from gaesup_tui.domain.abtest.asking import ask
from gaesup_tui.domain.abtest.counts import Arm, Split, Terms
from gaesup_tui.domain.abtest.split import broken, evidence
from gaesup_tui.domain.abtest.words import sentence
from gaesup_tui.domain.observation import DeploymentSeen
from gaesup_tui.domain.rollout import Rollout
from gaesup_tui.domain.steps import Cause, Compare, OnAnswer, compares

FIRST_PROGRESS = 1000
"""Users at which progress is first journaled; then with every doubling."""


def terms_of(step: Compare, extended_s: float = 0.0) -> Terms:
    """``extended_s``: by how much a person put off its end."""
    return Terms(
        share=step.share_percent / 100,
        min_run_s=step.min_run_s,
        max_run_s=step.max_run_s + extended_s,
        min_users=step.min_users,
        min_effect=step.min_effect,
        risk=1 - step.confidence,
    )


def split_of(rollout: Rollout, seen: DeploymentSeen, boot: str) -> Split | None:
    """Both arms as they are counted; None when nothing tells users apart."""
    arms, full = [], False
    for side in (rollout.base, rollout.candidate):
        there = seen.revision(side.id if side else None)
        counted = there.counters if there else None
        if counted is None or counted.users is None or counted.converted_users is None:
            return None
        arms.append(Arm(counted.users, counted.converted_users))
        full = full or counted.users_full
    return Split(arms[0], arms[1], boot, full)


def answer_now(rollout: Rollout, seen: DeploymentSeen, boot: str, now: float) -> ABAnswer | None:
    """What the test at work says at this moment; None when none is."""
    step, known = rollout.step, rollout.answer
    if not isinstance(step, Compare) or rollout.phase != "forward":
        return None
    split = split_of(rollout, seen, boot)
    if known is not None and known.final:
        spoilt = split and split.boot == known.boot and known.kind != "broken split"
        fresh = _said(rollout, step, split, now) if split and spoilt else None
        return fresh if fresh and fresh.kind == "broken split" else known
    if split is None:
        whole = all(seen.revision(s.id) for s in (rollout.base, rollout.candidate) if s)
        return _no_data(rollout, step, known, now) if whole else known
    return _said(rollout, step, split, now)


def _said(rollout: Rollout, step: Compare, split: Split, now: float) -> ABAnswer:
    terms, elapsed = terms_of(step, rollout.extended_s), max(0.0, now - rollout.step_began)
    since, lost = _counted(rollout, split, now)
    found = ask(split, terms, elapsed)
    left = ahead(split, found, terms, elapsed, max(0.0, now - since))
    base = rollout.base.version if rollout.base else "nothing"
    said = sentence(split, found, terms, left, base, rollout.candidate.version)
    again = f" (counted anew: at least {lost:,} users were lost)" if lost else ""
    effect = found.effect
    return ABAnswer(
        kind=found.kind,
        reason=f"{said}{again}"[:500],
        base_users=split.base.users,
        base_converted=split.base.converted,
        candidate_users=split.candidate.users,
        candidate_converted=split.candidate.converted,
        difference=effect and effect.difference,
        low=effect and effect.low,
        high=effect and effect.high,
        lift=effect and effect.lift,
        bound=effect and effect.bound,
        share=terms.share,
        split_evidence=evidence(split, terms.share),
        at_least_s=left.at_least_s,
        at_most_s=left.at_most_s,
        about_s=left.about_s,
        enough_s=left.enough_s,
        enough_users=left.enough_users,
        boot=split.boot,
        counted_from=since,
        lost_users=lost,
    )


def _counted(rollout: Rollout, split: Split, now: float) -> tuple[float, int]:
    """Since when its users have been counted, and how many are lost that were before.

    A backend that restarted counts from nothing, and knows no user of before. Were both lives added
    up, whoever came in both would be two rows; so the earlier life is no evidence any more."""
    known = rollout.answer
    if known is None or not known.boot:
        return rollout.step_began, 0
    if known.boot == split.boot:
        return known.counted_from, known.lost_users
    return now, known.lost_users + known.users


def _no_data(rollout: Rollout, step: Compare, known: ABAnswer | None, now: float) -> ABAnswer:
    """Nothing is counted. What was before stays, so that its loss is known."""
    late = now - rollout.step_began >= step.max_run_s + rollout.extended_s
    kind: AnswerKind = "undecided" if late else "no data"
    if known is not None and known.kind == kind:
        return known
    why = "the backend tells no users apart, or counts no conversions: nothing can be compared"
    kept = known or ABAnswer(kind="no data", reason=why, share=step.share_percent / 100)
    return kept.model_copy(update={"kind": kind, "reason": why})


def news(rollout: Rollout, seen: DeploymentSeen, boot: str, now: float) -> list[ev.Event]:
    """The answer is journaled when it changes in kind, when counting began anew, and with every
    doubling of its users: that many at most are lost without a word."""
    known, step = rollout.answer, rollout.step
    if not isinstance(step, Compare) or (known and _stands(rollout, step, known, seen, boot, now)):
        return []
    answer = answer_now(rollout, seen, boot, now)
    if answer is None or answer is known:
        return []
    return [ev.ABAnswered(deployment=rollout.deployment, answer=answer)]


def _stands(
    rollout: Rollout, step: Compare, known: ABAnswer, seen: DeploymentSeen, boot: str, now: float
) -> bool:
    """Whether there is nothing new to journal. Asked with every look, so nothing is worded."""
    split = split_of(rollout, seen, boot)
    terms = terms_of(step, rollout.extended_s)
    if split is None:
        return known.final
    if known.final:
        voids = known.kind != "broken split" and split.boot == known.boot
        return not (voids and broken(split, terms.share))
    if split.boot != known.boot:
        return False
    grown = split.users >= max(FIRST_PROGRESS, 2 * known.users)
    return not grown and ask(split, terms, max(0.0, now - rollout.step_began)).kind == known.kind


def then(rollout: Rollout) -> OnAnswer | None:
    """What the step says about the answer in the journal; None while nothing follows from it."""
    step, answer = rollout.step, rollout.answer
    if not isinstance(step, Compare) or answer is None:
        return None
    match answer.kind:
        case "better":
            return step.on_better
        case "worse":
            return step.on_worse
        case "no difference":
            return step.on_no_difference
        case "undecided":
            return step.on_undecided
        case "broken split":
            return "hold"
    return None


def back(rollout: Rollout) -> Cause | None:
    """Why the way back begins, when the answer asks for it."""
    if then(rollout) != "abort" or rollout.full:
        return None
    assert rollout.answer is not None  # it said so
    return Cause(kind="answer", reason=f"A/B test: {rollout.answer.reason}"[:500])


def overdue(rollout: Rollout, step: Compare, waited_s: float) -> bool:
    """Whether it ran out without an answer, and that leads back: also when nothing is seen."""
    decided = rollout.answer is not None and rollout.answer.final
    late = waited_s >= step.max_run_s + rollout.extended_s
    return late and not decided and step.on_undecided == "abort"


def salt_of(rollout: Rollout) -> str:
    """What its route hashes users with. A backend counts users anew with each new salt, so a test
    has one of its own until its traffic is split: whom the base met before is no evidence."""
    waits = rollout.phase == "forward" and not rollout.weight_percent
    return f"{rollout.id} before" if waits and compares(rollout.spec) else rollout.id
