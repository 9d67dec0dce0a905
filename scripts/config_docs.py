"""Writes the tables of docs/configuration.md and docs/gaesup.schema.json from the models.

``python scripts/config_docs.py`` writes; with ``--check`` it only says what differs.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gaesup_tui.domain.config_schema import json_schema

DOCS = Path(__file__).resolve().parents[1] / "docs"
PAGE, SCHEMA = DOCS / "configuration.md", DOCS / "gaesup.schema.json"
BEGIN, END = "<!-- fields: begin, written by scripts/config_docs.py -->", "<!-- fields: end -->"

SECTIONS = (
    ("The file", None),
    ("environments.NAME", "EnvironmentSpec"),
    ("units.NAME", "UnitSpec"),
    ("units.NAME.versions.VERSION", "VersionSpec"),
    ("canary", "CanarySpec"),
    ("canary.steps[]", "CanaryStep"),
    ("strategies.NAME[]", "StrategyStep"),
    ("ready", "ReadySpec"),
    ("smoke", "SmokeSpec"),
    ("approve", "ApproveSpec"),
    ("pause", "PauseSpec"),
    ("analysis", "AnalysisSpec"),
    ("rolling", "RollingSpec"),
    ("blueGreen", "BlueGreenSpec"),
    ("check", "CheckSpec"),
    ("background", "BackgroundSpec"),
    ("judge", "JudgeSpec"),
    ("judge.errors, p95, conversion, traffic", "MetricSpec"),
    ("guards[]", "Guard"),
    ("smokeTests[]", "Check"),
    ("match[]", "MatchSpec"),
    ("sticky", "KeySpec"),
    ("conversion", "ConversionSpec"),
)


def fields(schema: dict[str, Any]) -> str:
    """One table per model."""
    parts = []
    for title, name in SECTIONS:
        model = schema["$defs"][name] if name else schema
        about = model.get("description", "").replace("``", "`")
        parts.append(f"### `{title}`\n\n{about}\n" if name else f"### {title}\n")
        parts.append("| Field | Value | Default | Meaning |\n|---|---|---|---|")
        parts.append("\n".join(_rows(model)) + "\n")
    return "\n".join(parts)


def _rows(model: dict[str, Any]) -> Iterator[str]:
    required = set(model.get("required", ()))
    for name, spec in model["properties"].items():
        default = "**required**" if name in required else _default(spec)
        meaning = " ".join(spec.get("description", "").split()).replace("``", "`")
        cells = (f"`{name}`", _kind(spec), default, meaning)
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _default(spec: dict[str, Any]) -> str:
    value = spec.get("default")
    if isinstance(value, list) and value:
        return "see below"
    return "–" if value in (None, "", [], {}) else f"`{json.dumps(value)}`"


def _kind(spec: dict[str, Any]) -> str:
    if "const" in spec:
        return f"`{spec['const']}`"
    if "enum" in spec:
        return ", ".join(f"`{value}`" for value in spec["enum"])
    if "$ref" in spec:
        return _named(spec["$ref"])
    if "anyOf" in spec:
        kinds = dict.fromkeys(_kind(s) for s in spec["anyOf"] if s.get("type") != "null")
        return " or ".join(kinds)
    kind = spec.get("type")
    if isinstance(kind, list):
        examples = spec.get("examples", ())
        if "25%" in examples:
            return "`2` or `25%`"
        return "`64Mi`" if "64Mi" in examples else "`90s`, or seconds"
    if kind == "array":
        return f"list of {_kind(spec['items'])}"
    if kind == "object":
        inner = spec.get("additionalProperties") or next(iter(spec["patternProperties"].values()))
        return "names with values" if inner is True else f"names with {_kind(inner)}"
    low, high = spec.get("minimum"), spec.get("maximum")
    words = {
        "string": "text",
        "integer": "whole number",
        "number": "number",
        "boolean": "`true`, `false`",
    }
    span = f" {low:g}…{high:g}" if low is not None and high is not None else ""
    return words.get(str(kind), "`true`, `false`") + span


def _named(reference: str) -> str:
    name = reference.rpartition("/")[2]
    title = next((title for title, model in SECTIONS if model == name), name)
    return f"`{title}`"


def page(old: str, schema: dict[str, Any]) -> str:
    """The page with its tables written anew."""
    before, _, rest = old.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{fields(schema)}\n{END}{after}"


def main() -> int:
    """The exit code: 1 when ``--check`` found a difference."""
    schema = json_schema()
    wanted = {
        PAGE: page(PAGE.read_text(encoding="utf-8"), schema),
        SCHEMA: json.dumps(schema, indent=2, ensure_ascii=False) + "\n",
    }
    differ = [p for p, text in wanted.items() if not p.exists() or p.read_text() != text]
    for path in differ:
        if "--check" in sys.argv:
            print(f"{path.name} is not what the models say: run python scripts/config_docs.py")
        else:
            path.write_text(wanted[path], encoding="utf-8")
            print(f"wrote {path.name}")
    return 1 if differ and "--check" in sys.argv else 0


if __name__ == "__main__":
    sys.exit(main())
