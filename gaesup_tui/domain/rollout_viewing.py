"""From a rollout and what was seen of it to its view."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from gaesup_tui.domain.abtest.showing import ab_view
from gaesup_tui.domain.ignoring import meant, no_ignore_of
from gaesup_tui.domain.offering import offered
from gaesup_tui.domain.returning import way_back_line
from gaesup_tui.domain.rollout import Rollout
from gaesup_tui.domain.sight import Sight, digits
from gaesup_tui.domain.step_views import step_views
from gaesup_tui.domain.verdict import Verdict
from gaesup_tui.domain.verdict_views import FindingView, VerdictView
from gaesup_tui.domain.views import RolloutView


def rollout_view(rollout: Rollout, sight: Sight, refused: Mapping[str, str | None]) -> RolloutView:
    """One rollout with all its steps, those of the way back after those that were made.
    ``refused``: as ``why_nots`` gives it."""
    seen = sight.seen
    verdict = (sight.verdict if rollout.active else None) or rollout.verdict
    if verdict and not (rollout.phase == "forward" and rollout.weight_percent < 100):
        verdict = verdict.when_over()
    steps = step_views(rollout)
    at_work = next((i for i, step in enumerate(steps) if step["state"] == "now"), len(steps))
    return RolloutView(
        id=rollout.id,
        strategy=rollout.spec.strategy,
        base=rollout.base.version if rollout.base else None,
        candidate=rollout.candidate.version,
        by=rollout.by.name,
        at=rollout.at,
        why=rollout.why,
        phase=rollout.phase,
        outcome=rollout.outcome,
        finished_at=rollout.finished_at,
        steps=steps,
        index=at_work,
        weight_wished=rollout.weight_percent,
        weight_seen=seen.weights.get(rollout.candidate.id, 0) if seen else None,
        paused_by=rollout.paused.by.name if rollout.paused else None,
        full=rollout.full,
        glass=_glass(rollout),
        verdict=_verdict_view(offered(verdict, refused), rollout.verdict_at),
        ab=ab_view(rollout, sight.answer, sight.seen_at),
        cause=rollout.cause.reason if rollout.cause else None,
        cause_by=rollout.cause_by.name if rollout.cause_by else None,
        way_back=way_back_line(rollout, sight),
        verified=rollout.verified.note if rollout.verified else None,
        brewing=[text for _, text in sight.brewing],
        check="" if no_ignore_of(rollout) else meant(rollout, "", sight.brewing),
    )


def _glass(rollout: Rollout) -> str:
    glass = rollout.glass
    return f"in {glass.window} by {glass.by.name}: {glass.why}" if glass else ""


def _verdict_view(verdict: Verdict | None, at: float | None) -> VerdictView | None:
    if verdict is None:
        return None
    return VerdictView(
        kind=verdict.kind,
        reason=verdict.reason,
        at=at,
        toward_abort=digits(verdict.toward_abort),
        toward_promote=digits(verdict.toward_promote),
        left_s=digits(verdict.left_s),
        left_span_s=[round(s, 1) for s in verdict.left_span_s] if verdict.left_span_s else None,
        whole_s=digits(verdict.whole_s),
        findings=[cast(FindingView, finding.model_dump()) for finding in verdict.findings],
        code=verdict.code,
        fix=verdict.fix,
        helps=list(verdict.helps),
    )
