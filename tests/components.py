"""Programs a test needs beside Python: found, or said to be missing, never skipped silently."""

from __future__ import annotations

import os
import shutil

import pytest

HOW = {"tmux": "install tmux (Debian: apt install tmux)"}


def need(program: str) -> str:
    """The path of ``program``. Without it the test is skipped and says how to run it; where
    GAESUP_REQUIRE_ALL is set (CI) it fails instead."""
    path = shutil.which(program)
    if path:
        return path
    reason = f"{program} is not here; to run this test, {HOW.get(program, f'install {program}')}"
    if os.environ.get("GAESUP_REQUIRE_ALL"):
        pytest.fail(reason)
    pytest.skip(reason)
