"""Whether a backend would ever run a module: asked before anything is deployed.

A backend that can tell from the bytes alone says so in ``refuses`` of what its entry point names
(see ``engine.ports.ModuleGate``). One that is not installed here, or cannot tell, refuses nothing
here; its own gate stands all the same.
"""

from __future__ import annotations

from importlib.metadata import entry_points
from pathlib import Path

from gaesup_tui.domain.revision import Revision
from gaesup_tui.domain.text import printable_line
from gaesup_tui.service.project import Project, deploy_command

GROUP = "gaesup.backends"


def installed() -> list[str]:
    """The names of the backends there are; nothing is imported."""
    return sorted({point.name for point in entry_points(group=GROUP)})


def check_module(project: Project, unit: str, backend: str, revision: Revision) -> None:
    """Looks at the module of a revision as its backend does before it runs anything of it.

    Raises:
        Invalid: the backend would refuse it; file, line and why.
    """
    if why := _refusal(backend, revision):
        raise project.invalid(
            ("units", unit, "versions", revision.version),
            f"{revision.artifact} cannot be a unit: {printable_line(why, 300)}",
            f"backend {backend} never runs it, see docs/units.md",
        )


def check_modules(project: Project) -> None:
    """The same for every version, as each environment would run it."""
    for unit, spec in project.file.units.items():
        for version in spec.versions:
            seen: set[str] = set()
            for name, where in project.file.environments.items():
                if where.backend not in seen:
                    seen.add(where.backend)
                    command = deploy_command(project, unit, version, name)
                    check_module(project, unit, where.backend, command.revision)


def _refusal(backend: str, revision: Revision) -> str:
    found = next(iter(entry_points(group=GROUP, name=backend)), None)
    refuses = getattr(found.load(), "refuses", None) if found else None
    if refuses is None:
        return ""
    module, limits = Path(revision.artifact).read_bytes(), revision.limits
    return str(refuses(module, revision.capabilities, limits.memory_bytes))
