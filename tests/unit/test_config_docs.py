"""What is written about ``gaesup.yaml`` is what the models say."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from gaesup_tui.cli.init import TEMPLATE
from gaesup_tui.domain.config_schema import json_schema
from gaesup_tui.service import project

ROOT = Path(__file__).resolve().parents[2]


def test_the_tables_and_the_schema_are_those_of_the_models() -> None:
    done = subprocess.run(
        [sys.executable, "scripts/config_docs.py", "--check"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_field_says_what_it_means() -> None:
    schema = json_schema()
    silent = [
        f"{name}.{field}"
        for name, model in [("file", schema), *schema["$defs"].items()]
        for field, spec in model["properties"].items()
        if not spec.get("description")
    ]
    assert not silent


@pytest.mark.parametrize("where", ["docs", "init"])
def test_the_examples_people_copy_are_valid(where: str, tmp_path: Path) -> None:
    if where == "docs":
        page = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
        found = re.search(r"```yaml\n(apiVersion.*?)```", page, re.DOTALL)
        assert found
        text = found[1]
    else:
        text = TEMPLATE
    path = tmp_path / "gaesup.yaml"
    path.write_text(text, encoding="utf-8")
    assert project.load(path).file.units
