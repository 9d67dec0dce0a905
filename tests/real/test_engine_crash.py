"""A real engine on a real journal and a real node: killed everywhere, on a full disk, shut out."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from gaesup_backends.local.client import NodeClient, NodeGone
from gaesup_tui.domain.events import Recorded
from gaesup_tui.domain.world import World
from gaesup_tui.engine.sqlite_journal import SqliteJournal

from .traffic import flowing, wrong

pytestmark = [pytest.mark.real, pytest.mark.timeout(240)]

ROOT = Path(__file__).resolve().parents[2]
KEY = "cart@production"
MOST_LIVES = 80


async def _end_node(home: Path) -> None:
    with suppress(NodeGone, OSError):
        node = await NodeClient.connect(home / "runtime" / "local" / "node.sock")
        try:
            await node.request("shutdown")
        finally:
            await node.close()


async def _node_state(home: Path) -> dict[str, Any]:
    node = await NodeClient.connect(home / "runtime" / "local" / "node.sock")
    try:
        state: dict[str, Any] = (await node.request("state"))["state"]
    finally:
        await node.close()
    return state


@pytest.fixture
def home() -> Iterator[Path]:
    # Not below pytest's own directory: a socket's path has little room.
    path = Path(tempfile.mkdtemp(prefix="gsu-"))
    yield path
    asyncio.run(_end_node(path))
    shutil.rmtree(path, ignore_errors=True)


def command(home: Path, *options: str) -> list[str]:
    return [sys.executable, "-m", "tests.real.engine_life", str(home), *options]


def live(home: Path, *options: str, within_s: float = 60.0) -> tuple[int, list[dict[str, Any]]]:
    """One life: its exit code and what it said."""
    try:
        ended = subprocess.run(
            command(home, *options),
            capture_output=True,
            text=True,
            check=False,
            timeout=within_s,
            cwd=ROOT,
        )
    except subprocess.TimeoutExpired as late:
        told = [event.event.model_dump_json() for event in journal(home)[-8:]]
        pytest.fail(f"this life stands still: {late.stdout!r}\n" + "\n".join(told))
    assert "Traceback" not in ended.stderr, ended.stderr
    return ended.returncode, [json.loads(line) for line in ended.stdout.splitlines()]


def journal(home: Path) -> tuple[Recorded, ...]:
    async def read() -> tuple[Recorded, ...]:
        journal = SqliteJournal(home / "state" / "journal.db")
        await journal.open()
        events = await journal.read(0, 10_000)
        await journal.close()
        return events

    return asyncio.run(read())


def kinds(events: tuple[Recorded, ...]) -> list[str]:
    quiet = ("engine_started", "engine_stopped", "verdict_given")
    return [e.event.kind for e in events if e.event.kind not in quiet]


def test_killed_before_and_after_every_point_of_its_journal_a_canary_arrives(home: Path) -> None:
    """Each life is killed beside the first batch it writes: once before, once after the write."""
    acknowledged: dict[str, int] = {}
    lives = [0, 0]
    for number in range(MOST_LIVES):
        code, said = live(home, "--die", ("before", "after")[number % 2])
        for answer in said:
            if "asked" in answer:
                first = acknowledged.setdefault(answer["asked"], answer["seq"])
                assert answer["seq"] == first, "a key was answered twice, differently"
        if code == 0:
            break
        lives[number % 2] += 1
    else:
        pytest.fail(f"it never arrived: {kinds(journal(home))}")
    assert min(lives) >= 9, lives
    events = journal(home)
    assert [e.seq for e in events] == list(range(1, len(events) + 1))
    told = kinds(events)
    assert told.count("rollout_created") == told.count("rollout_finished") == 2
    assert told.count("decision_made") == 1
    world = World()
    world.apply_all(events)
    state = world.deployments[KEY]
    assert state.stable is not None
    assert state.stable.version == "v42"
    seen = asyncio.run(_node_state(home))["deployments"][KEY]
    assert seen["weights"] == {state.stable.id: 100}


def test_traffic_never_stops_while_engines_are_killed(home: Path) -> None:
    code, said = live(home, "--die", "after")
    while not any(e.event.kind == "rollout_finished" for e in journal(home)):
        code, said = live(home, "--die", "after")
    port = int(asyncio.run(_node_state(home))["data_port"])
    with flowing(port, rps=100.0) as traffic:
        while code != 0:
            code, said = live(home, "--die", "after")
    assert said[-1]["done"]
    report = traffic.end()
    assert not wrong(report), report


def test_a_full_disk_stops_what_goes_forward_and_an_abort_acts_all_the_same(home: Path) -> None:
    code, said = live(home, "--full-disk")
    assert code == 0, said
    refused = next(each for each in said if "refused" in each)
    assert refused["refused"] == "frozen"
    assert "cannot write the journal" in refused["why"]
    assert {"still_frozen": True} in said
    abort = next(each for each in said if each.get("asked") == "abort")
    assert abort["durable"] is False
    assert any(each.get("returned") and each["frozen"] for each in said)
    assert said[-1] == {"thawed": True}
    told = kinds(journal(home))
    assert "decision_made" not in told
    assert told[-6:] == ["retreat_started", *["step_completed"] * 4, "rollout_finished"]


def test_a_second_engine_is_told_that_there_is_one(home: Path) -> None:
    first = subprocess.Popen(command(home, "--wait"), stdout=subprocess.PIPE, text=True, cwd=ROOT)
    try:
        assert first.stdout is not None
        assert json.loads(first.stdout.readline())["started"]
        code, said = live(home)
        assert code == 1
        assert "another engine uses the journal" in said[0]["message"]
        assert first.poll() is None
    finally:
        first.kill()
        first.wait()
        if first.stdout:
            first.stdout.close()
    code, said = live(home, "--die", "after")
    assert said[0]["started"], "the lock of a killed engine is free at once"


def test_a_state_directory_that_cannot_be_written_is_named_with_what_to_do(home: Path) -> None:
    state = home / "state"
    state.mkdir(mode=0o700)
    (home / "runtime").mkdir(mode=0o700)
    if os.geteuid() == 0:  # root may write anywhere: the directory itself is mounted read-only
        mounted = f"mount --bind {state} {state} && mount -o remount,ro,bind {state} {state}"
        words = ["unshare", "-m", "sh", "-c", f'{mounted} && exec "$@"', "sh", *command(home)]
        if subprocess.run(["unshare", "-m", "true"], check=False, capture_output=True).returncode:
            pytest.skip("root may write anywhere, and this machine allows no mount of our own")
    else:
        words = command(home)
        state.chmod(0o500)
    ended = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60, cwd=ROOT)
    assert ended.returncode == 1, ended.stderr
    assert "Traceback" not in ended.stderr
    said = json.loads(ended.stdout.splitlines()[0])
    assert str(state) in said["message"]
    assert "writable" in said["hint"]


def test_a_clock_set_back_an_hour_between_two_lives_stops_nothing(home: Path) -> None:
    code, said = live(home, "--ahead-s", "3600", "--die", "after")
    while not any(e.event.kind == "rollout_finished" for e in journal(home)):
        code, said = live(home, "--ahead-s", "3600", "--die", "after")
    code, said = live(home, within_s=30.0)
    assert code == 0
    assert said[-1]["done"]
    times = [e.at for e in journal(home)]
    assert times == sorted(times)
