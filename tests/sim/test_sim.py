"""The whole engine under seeded misfortune: twenty thousand rollouts of every strategy, a hundred
thousand crashes.

``GAESUP_SIM_SEEDS`` says how many seeds (40 rollouts and some 255 crashes each),
``GAESUP_SIM_FIRST`` which is the first, ``GAESUP_SIM_PROCESSES`` how many run side by side.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

ENOUGH_SEEDS = 500
SEEDS = int(os.environ.get("GAESUP_SIM_SEEDS", ENOUGH_SEEDS))
FIRST = int(os.environ.get("GAESUP_SIM_FIRST", "0"))
PROCESSES = int(os.environ.get("GAESUP_SIM_PROCESSES", "1"))
CHUNK = 50
_ROOT = Path(__file__).parents[2]
_STARTS = range(FIRST, FIRST + SEEDS, CHUNK)
_Outcome = subprocess.CompletedProcess[str]

pytestmark = [pytest.mark.sim, pytest.mark.timeout(900)]


def _run(start: int) -> _Outcome:
    end = min(start + CHUNK, FIRST + SEEDS)
    command = [sys.executable, "-m", "tests.sim", "--json", "--from", str(start), "--to", str(end)]
    environment = {**os.environ, "PYTHONHASHSEED": "0"}
    return subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=_ROOT, env=environment
    )


@pytest.fixture(scope="module")
def chunks() -> Iterator[dict[int, Future[_Outcome]]]:
    with ThreadPoolExecutor(PROCESSES) as pool:
        futures = {start: pool.submit(_run, start) for start in _STARTS}
        yield futures
        for future in futures.values():
            future.cancel()


@pytest.mark.parametrize("start", _STARTS)
def test_every_invariant_holds(chunks: dict[int, Future[_Outcome]], start: int) -> None:
    outcome = chunks[start].result()
    assert outcome.returncode == 0, f"{outcome.stdout}{outcome.stderr[-3000:]}"


def test_there_were_enough_of_them(chunks: dict[int, Future[_Outcome]]) -> None:
    tallies = [json.loads(future.result().stdout) for future in chunks.values()]
    rollouts = sum(tally["rollouts"] for tally in tallies)
    crashes = sum(tally["crashes"] for tally in tallies)
    print(f"{rollouts} rollouts, {crashes} crashes")
    if SEEDS >= ENOUGH_SEEDS:
        assert rollouts >= 20_000
        assert crashes >= 100_000
