"""The strategies of a ``gaesup.yaml``: whether its lists can run, and whether every name is one."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator

from gaesup_tui.domain.config import ProjectFile
from gaesup_tui.domain.planning import BUILT_IN, RESERVED
from gaesup_tui.domain.step_rules import strategy_fault

Where = tuple[str | int, ...]
Wrong = tuple[Where, str, str]
"""Where in the file, what is wrong, and what to do."""


def list_fault(project: ProjectFile) -> Wrong | None:
    """The first list that cannot run; None when all can."""
    for name, steps in project.strategies.items():
        at: Where = ("strategies", name)
        if name in BUILT_IN or name in RESERVED:
            return at, f"{name} is built in", "give your list another name"
        if fault := strategy_fault(steps):
            where = (*at, fault.step) if fault.step < len(steps) else at
            return where, fault.message, fault.hint
    return None


def names_used(project: ProjectFile) -> Iterator[tuple[Where, str]]:
    """Every strategy that is named, and where."""
    for kind, settings in (("environments", project.environments), ("units", project.units)):
        for name, each in settings.items():
            if each.strategy:
                yield (kind, name, "strategy"), each.strategy


def unknown_names(project: ProjectFile) -> list[tuple[Where, str]]:
    """Those that are neither built in nor in the file: they have to be installed."""
    known = {*BUILT_IN, *project.strategies}
    return [(where, name) for where, name in names_used(project) if name not in known]


def nearest(project: ProjectFile, name: str, installed: Collection[str]) -> str:
    """What to say about a name that is none."""
    known = [*BUILT_IN, *project.strategies, *sorted(installed)]
    near = difflib.get_close_matches(name, known, 1)
    return f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"
