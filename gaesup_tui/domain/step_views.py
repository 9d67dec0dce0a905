"""The steps of a rollout as its timeline shows them."""

from __future__ import annotations

from typing import Literal

from gaesup_tui.domain.ignored import ignored_note
from gaesup_tui.domain.rollout import Rollout
from gaesup_tui.domain.steps import Analyse, Bake, Compare, Pause, Step
from gaesup_tui.domain.views import StepView


def _planned(step: Step) -> float | None:
    if isinstance(step, Compare):
        return step.max_run_s
    return step.duration_s if isinstance(step, Pause | Analyse | Bake) else None


def step_views(rollout: Rollout) -> list[StepView]:
    """All its steps, those of the way back after those that were made."""
    views: list[StepView] = []
    for index, (step, record) in enumerate(zip(rollout.spec.plan, rollout.records, strict=False)):
        views.append(
            StepView(
                title=step.title(),
                state=_state(rollout, step, index),
                began=record.began,
                ended=record.ended,
                planned_s=_planned(step),
                note=_step_note(rollout, index, record.note),
            )
        )
    if rollout.phase == "finished" and rollout.cause is None:
        return views
    plan = rollout.plan
    first = rollout.index if rollout.cause is None else 0
    for index in range(first, len(plan)):
        active = rollout.active and index == rollout.index
        done = index < rollout.index
        views.append(
            StepView(
                title=("↩ " if rollout.cause else "") + plan[index].title(),
                state="now" if active else "done" if done else "todo",
                began=rollout.step_began if active else None,
                ended=None,
                planned_s=_planned(plan[index]),
                note=ignored_note(rollout, index) if rollout.phase == "forward" else "",
            )
        )
    return views


def _state(rollout: Rollout, step: Step, index: int) -> Literal["done", "skipped", "failed"]:
    """A gate that somebody passed is done: to be passed is what it is for."""
    result = rollout.records[index].result
    gate = isinstance(step, Pause) and step.duration_s is None
    return "done" if gate and result == "skipped" else result


def _step_note(rollout: Rollout, index: int, note: str) -> str:
    """With what was ignored there, which the timeline shows as long as it exists."""
    ignored = ignored_note(rollout, index)
    return note if not ignored or ignored in note else f"{ignored}; {note}" if note else ignored
