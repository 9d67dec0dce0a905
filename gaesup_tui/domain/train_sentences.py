"""What happened to a release train, as sentences."""

from __future__ import annotations

from gaesup_tui.domain import events as ev
from gaesup_tui.domain.text import some
from gaesup_tui.domain.train_fold import TrainEvent
from gaesup_tui.domain.views import Level


def train_sentence(event: TrainEvent) -> tuple[str, Level]:
    """What happened, without the who."""
    text, level = _told(event)
    return f"train {event.train}: {text}", level


def _told(event: TrainEvent) -> tuple[str, Level]:
    match event:
        case ev.TrainStarted(groups=groups, environment=environment):
            many = sum(map(len, groups))
            units = f"{many} {'unit' if many == 1 else 'units'}"
            shown = f" in {len(groups)} groups" if len(groups) > 1 else ""
            return f"{units}{shown} to {environment}", "info"
        case ev.TrainMoved(group=group, groups=groups, begins=begins):
            keys = some([begun.partition("#")[0] for begun in begins])
            return f"group {group + 1} of {groups}{f': {keys} begun' if keys else ''}", "info"
        case ev.TrainStood(what=what):
            return f"at a gate: {what}, waits for you", "warn"
        case ev.TrainPromoted(aside=aside, note=note, glass=glass):
            left = f", without {some(aside)}" if aside else ""
            broken = f"; glass broken: {glass}" if glass else ""
            return f"goes on{left}{': ' + note if note else ''}{broken}", "bad" if glass else "ok"
        case ev.TrainSetAside(units=units, why=why):
            return f"goes on without {some(units)}: {why}", "warn"
        case ev.TrainTurned(to="held", cause=cause):
            return f"held, nothing more begins: {cause}", "bad"
        case ev.TrainTurned(cause=cause):
            return f"goes back: {cause}", "bad"
        case ev.TrainWentBack(group=group, groups=groups, late=late):
            slow = f"; not at rest in time: {some(late)}" if late else ""
            return f"group {group + 1} of {groups} goes back{slow}", "bad" if late else "warn"
    note = f": {event.note}" if event.note else ""
    levels: dict[str, Level] = {"arrived": "ok", "returned": "warn", "partly": "bad"}
    return f"{event.outcome}{note}", levels[event.outcome]
