"""What docs/commands.md says is what the commands take."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from gaesup_tui.cli import exits

ROOT = Path(__file__).resolve().parents[2]


def test_the_list_of_commands_is_that_of_the_grammar() -> None:
    done = subprocess.run(
        [sys.executable, "scripts/command_docs.py", "--check"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_exit_code_is_written_down() -> None:
    page = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    written = {int(code) for code in re.findall(r"^\| (\d+) \|", page, re.M)}
    codes = {value for name, value in vars(exits).items() if name.isupper()}
    assert written == codes
