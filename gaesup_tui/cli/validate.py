"""``gaesup validate``: whether a ``gaesup.yaml`` is right, modules included."""

from __future__ import annotations

import argparse
from pathlib import Path

from gaesup_tui.cli.output import Output


def run(args: argparse.Namespace, out: Output) -> int:
    """Says what is there, or the one error that comes first; or prints the JSON schema."""
    if args.schema:
        import json

        from gaesup_tui.domain.config_schema import json_schema

        out.raw(json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n")
        return 0
    from gaesup_tui.service import modules, project

    loaded = project.load(Path(args.file) if args.file else project.find())
    versions = project.check_artifacts(loaded)
    modules.check_modules(loaded)
    units, places = len(loaded.file.units), ", ".join(loaded.file.environments)
    there = f"{units} unit{'' if units == 1 else 's'}, "
    there += f"{versions} version{'' if versions == 1 else 's'}"
    out.line(f"{loaded.path}: valid. {there}, for {places}", "ok")
    backends = modules.installed()
    for name, where in loaded.file.environments.items():
        if where.backend not in backends:
            line = loaded.document.line(("environments", name, "backend"))
            missing = f"no backend is called {where.backend} here, there are {', '.join(backends)}"
            out.line(f"line {line}: environments.{name}.backend: {missing}", "warn")
    unpinned = [
        f"{unit} {version}"
        for unit, spec in loaded.file.units.items()
        for version, one in spec.versions.items()
        if one.sha256 is None
    ]
    if unpinned:
        shown = ", ".join(unpinned[:6]) + (" …" if len(unpinned) > 6 else "")
        out.line(f"without a digest, so any module of that name is taken: {shown}", "warn")
    return 0
