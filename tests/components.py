"""Programs a test needs beside Python: found, or said to be missing, never skipped silently."""

from __future__ import annotations

import os
import shutil
from typing import NoReturn

import pytest

HOW = {"tmux": "install tmux (Debian: apt install tmux)"}


def missing(reason: str) -> NoReturn:
    """Ends the test: skipped, saying how to run it; failed where GAESUP_REQUIRE_ALL is set (CI),
    since there every component is promised."""
    if os.environ.get("GAESUP_REQUIRE_ALL"):
        pytest.fail(reason)
    pytest.skip(reason)


def need(program: str) -> str:
    """The path of ``program``; without it, see ``missing``."""
    path = shutil.which(program)
    if path is None:
        how = HOW.get(program, f"install {program}")
        missing(f"{program} is not here; to run this test, {how}")
    return path
