"""What helps when the judge cannot decide: what to mend, and which actions of the table help."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from gaesup_tui.domain.actions import BY_ID
from gaesup_tui.domain.judging.verdicts import Cause

LONG_S = 1800.0
"""Whoever would have to wait longer than this wants to know what makes it shorter."""


class Remedy(NamedTuple):
    """What a person can do about a verdict."""

    fix: str = ""
    """What to look at or to mend, in one clause."""
    helps: tuple[str, ...] = ()
    """Ids of actions, the most helpful first."""


_NOTHING = Remedy()
_REMEDIES: dict[Cause, Remedy] = {
    "late": Remedy("see whether the backend answers: gaesup doctor", ("pause", "extend")),
    "blind": Remedy(
        "see that this side's replicas are ready and its metrics come", ("logs", "pause", "extend")
    ),
    "counter reset": Remedy("see why it restarts: its logs", ("logs", "pause", "extend")),
    "several series": Remedy(
        "name one series per revision in the metrics source", ("pause", "extend")
    ),
    "buckets differ": Remedy(
        "give both versions the same latency buckets", ("pause", "extend", "promote")
    ),
    "bad data": Remedy("see what the metrics source reports", ("pause", "extend")),
    "idle": Remedy("send it requests", ("load", "extend", "pause")),
    "too few requests": Remedy(
        "send it requests, or give it a larger share", ("load", "extend", "promote")
    ),
    "no canary requests": Remedy(
        "load shows whether the route or its clients fail", ("load", "pause", "abort")
    ),
    "no baseline requests": Remedy(
        "load shows whether the route still leads to it", ("load", "pause", "abort")
    ),
    "metric missing": Remedy(
        "see that both versions report this metric", ("pause", "extend", "promote")
    ),
    "inconclusive": Remedy(
        "more time, or more requests, or your own decision", ("extend", "promote", "abort")
    ),
    "not critical": Remedy("decide: the judge does not", ("logs", "abort", "promote")),
    "suspicious": Remedy("", ("logs", "pause", "abort")),
}
_SLOW = Remedy("more requests or a larger share settle it sooner", ("load", "extend"))


def remedy(cause: Cause, left_s: float | None) -> Remedy:
    """What helps; nothing where waiting does. ``left_s`` is the time to PROMOTE, None: unknown."""
    if cause == "gathering" and left_s is not None and left_s > LONG_S:
        return _SLOW
    return _REMEDIES.get(cause, _NOTHING)


def commands(helps: Iterable[str], unit: str) -> str:
    """The same as commands a person can type: ``gaesup load cart …, gaesup pause cart``."""
    known = (BY_ID[action].command for action in helps if action in BY_ID)
    return ", ".join(f"gaesup {command.replace('UNIT', unit)}" for command in known)
