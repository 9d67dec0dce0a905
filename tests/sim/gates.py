"""What lets a rollout through its waits, when no person does."""

from __future__ import annotations

from gaesup_tui.domain.steps import Analyse, Compare, Pause, Step

from .broken import must
from .course import Course


def check_gate(key: str, course: Course, step: Step, waited: float) -> None:
    """A step that waits is over after ``waited`` seconds, by itself."""
    match step:
        case Pause(duration_s=None, expiry_s=expiry, on_expiry=then):
            due = expiry is not None and then == "promote" and waited >= expiry + course.extended
            must(due, f"{key}: passed a gate without a decision")
        case Pause(duration_s=wait):
            must(waited >= (wait or 0), f"{key}: a pause was cut short")
        case Compare():
            follows = {
                "better": step.on_better,
                "worse": step.on_worse,
                "no difference": step.on_no_difference,
                "undecided": step.on_undecided,
            }
            promoted = follows.get(course.answer) == "promote"
            must(promoted, f"{key}: passed on {course.answer!r}")
            must(waited >= step.min_run_s, f"{key}: a test was cut short")
        case Analyse(duration_s=wait, expiry_s=expiry, on_expiry=then):
            due = then == "promote" and waited >= expiry + course.extended
            must(due or course.verdict == "PROMOTE", f"{key}: analysis without a verdict")
            must(waited >= wait, f"{key}: analysis was cut short")
