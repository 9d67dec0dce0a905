"""Stops and global rollbacks, as sentences."""

from __future__ import annotations

from collections.abc import Sequence

from gaesup_tui.domain import events as ev
from gaesup_tui.domain.text import some
from gaesup_tui.domain.turns import Turn
from gaesup_tui.domain.views import Level

StopEvent = ev.StopPressed | ev.StopReleased | ev.GlobalRollbackStarted | ev.GlobalRollbackTurn


def stop_sentence(event: StopEvent) -> tuple[str, Level]:
    """What happened, without the who."""
    match event:
        case ev.StopPressed(scope=scope, mode=mode):
            word = "STOP" if mode == "stop" else "FREEZE"
            return f"{word} {scope or 'everything'}", "bad"
        case ev.StopReleased(scope=scope, left=left):
            rest = f"; not rolled back: {some(left)}" if left else ""
            return f"released {scope or 'everything'}{rest}", "warn" if left else "ok"
        case ev.GlobalRollbackStarted(scope=scope, groups=groups, skipped=skipped):
            many = sum(map(len, groups))
            return f"GLOBAL ROLLBACK {scope or 'everything'}: {many} go back{_left(skipped)}", "bad"
        case ev.GlobalRollbackTurn():
            return _turn(event)


def _left(skipped: Sequence[Turn]) -> str:
    lines = [f"{turn.deployment} ({turn.why})" for turn in skipped]
    return f", left as they are: {some(lines)}" if lines else ""


def _turn(event: ev.GlobalRollbackTurn) -> tuple[str, Level]:
    name = f"global rollback {event.scope or 'everything'}"
    late = f"; not at rest in time: {some(event.late)}" if event.late else ""
    if event.group == event.groups:
        return f"{name}: every group had its turn{late}", "bad" if late else "ok"
    return f"{name}: group {event.group + 1} of {event.groups} begins{late}", "warn"
