"""The engine's port to the node: started, left alone, found again, started anew."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from gaesup_backends.local.backend import LocalBackend
from gaesup_backends.local.client import NodeClient, NodeGone
from gaesup_tui.domain.errors import Invalid, Unavailable
from gaesup_tui.domain.observation import Observation
from gaesup_tui.domain.revision import Limits, Revision, make_revision
from gaesup_tui.domain.route import Route
from gaesup_tui.domain.steps import Check
from gaesup_tui.engine.ports import Places

from .node_rig import CART, alive, fetch, gone
from .node_units import build, revision, wat

pytestmark = pytest.mark.real


@pytest.fixture
async def places() -> AsyncIterator[Places]:
    """Directories of their own; the node that lives there is ended afterwards."""
    directory = Path(tempfile.mkdtemp(prefix="gsu-"))
    places = Places(runtime=directory / "run", state=directory / "state")
    yield places
    with contextlib.suppress(NodeGone):
        client = await NodeClient.connect(places.runtime / "local" / "node.sock")
        pid = (await client.request("hello"))["pid"]
        await client.request("shutdown")
        await client.close()
        with contextlib.suppress(ChildProcessError):
            await asyncio.to_thread(os.waitpid, pid, 0)
        await gone(pid)
    shutil.rmtree(directory, ignore_errors=True)


def cart(places: Places, text: str, version: str = "v41") -> Revision:
    places.state.mkdir(parents=True, exist_ok=True)
    path = build(places.state, version, text)
    digest = revision(path, version)["sha256"]
    return make_revision("cart", version, digest, str(path), Limits(deadline_ms=100))


async def seen(backend: LocalBackend, holds: Callable[[Observation], bool]) -> Observation:
    observations = backend.observations()
    try:
        async with asyncio.timeout(15):
            async for observation in observations:
                if holds(observation):
                    return observation
    finally:
        await observations.aclose()  # type: ignore[attr-defined]
    raise AssertionError("observations ended")


def is_ready(revision_id: str, count: int = 1) -> Callable[[Observation], bool]:
    def holds(observation: Observation) -> bool:
        deployment = observation.deployments.get(CART)
        found = deployment.revision(revision_id) if deployment else None
        return found is not None and found.ready == count

    return holds


async def test_a_revision_goes_live_through_the_port(places: Places) -> None:
    backend = LocalBackend(places)
    await backend.start()
    revision = cart(places, wat("hello\n"))
    await backend.ensure(CART, revision, 2)
    await seen(backend, is_ready(revision.id, 2))
    probe = await backend.probe(CART, revision.id, Check(path="/"), 2.0)
    assert (probe.status, probe.body) == (200, b"hello\n")
    await backend.set_traffic(CART, Route({revision.id: 100}))
    observation = await seen(backend, lambda o: bool(o.deployments[CART].weights))
    host, _, port = observation.endpoint.partition(":")
    assert host == "127.0.0.1"
    assert (await fetch(int(port), f"/_/{CART}/")).body == b"hello\n"
    after = await seen(
        backend, lambda o: o.deployments[CART].revisions[revision.id].counters.requests == 1
    )
    counters = after.deployments[CART].revisions[revision.id].counters
    assert (counters.ok, counters.errors, sum(counters.buckets)) == (1, 0, 1)
    assert len(counters.buckets) == len(counters.bounds_s) + 1
    await backend.ensure(CART, revision, 0)
    await seen(backend, lambda o: not o.deployments[CART].revisions)
    await backend.close()


async def test_the_node_outlives_its_engine_and_is_adopted(places: Places) -> None:
    first = LocalBackend(places)
    await first.start()
    revision = cart(places, wat())
    await first.ensure(CART, revision, 1)
    before = await seen(first, is_ready(revision.id))
    await first.close()
    second = LocalBackend(places)
    await second.start()
    after = await seen(second, is_ready(revision.id))
    assert after.boot == before.boot
    await second.close()


async def test_a_killed_node_is_started_again_empty_with_a_new_boot(places: Places) -> None:
    backend = LocalBackend(places)
    await backend.start()
    revision = cart(places, wat())
    await backend.ensure(CART, revision, 1)
    before = await seen(backend, is_ready(revision.id))
    client = await NodeClient.connect(places.runtime / "local" / "node.sock")
    pid = (await client.request("hello"))["pid"]
    await client.close()
    os.kill(pid, signal.SIGKILL)
    after = await seen(backend, lambda o: o.boot != before.boot)
    assert after.deployments == {}
    assert after.endpoint == before.endpoint
    assert not alive(pid)
    await backend.ensure(CART, revision, 1)
    await seen(backend, is_ready(revision.id))
    await backend.close()


async def test_a_node_that_hangs_is_named_with_what_to_do(places: Places) -> None:
    backend = LocalBackend(places)
    await backend.start()
    revision = cart(places, wat())
    await backend.ensure(CART, revision, 1)
    await seen(backend, is_ready(revision.id))
    client = await NodeClient.connect(places.runtime / "local" / "node.sock")
    pid = (await client.request("hello"))["pid"]
    await client.close()
    os.kill(pid, signal.SIGSTOP)
    try:
        with pytest.raises(Unavailable, match=r"did not answer probe") as silent:
            await backend.probe(CART, revision.id, Check(path="/"), 0.05)
    finally:
        os.kill(pid, signal.SIGCONT)
    assert f"kill -9 {pid}" in str(silent.value)
    assert alive(pid)
    await backend.close()


async def test_two_engines_starting_at_once_get_one_node(places: Places) -> None:
    backends = [LocalBackend(places) for _ in range(4)]
    await asyncio.gather(*(backend.start() for backend in backends))
    boots = {(await seen(backend, lambda _: True)).boot for backend in backends}
    assert len(boots) == 1
    for backend in backends:
        await backend.close()


async def test_a_refused_module_is_seen_with_its_reason(places: Places) -> None:
    backend = LocalBackend(places)
    await backend.start()
    revision = cart(places, wat(imports='(import "env" "system" (func))'))
    await backend.ensure(CART, revision, 1)
    observation = await seen(
        backend, lambda o: bool(o.deployments[CART].revisions[revision.id].error)
    )
    error = observation.deployments[CART].revisions[revision.id].error
    assert error == "import env.system is not allowed for a unit; build it without"
    await backend.close()


async def test_what_can_never_work_is_invalid_and_what_may_is_unavailable(places: Places) -> None:
    backend = LocalBackend(places)
    await backend.start()
    revision = cart(places, wat())
    with pytest.raises(Unavailable, match="not on this node"):
        await backend.set_traffic(CART, Route({revision.id: 100}))
    with pytest.raises(Invalid, match="expected a whole number from 0 to"):
        await backend.ensure(CART, revision, 100_000)
    await backend.close()


async def test_lines_of_a_replica_come_through_the_port(places: Places) -> None:
    backend = LocalBackend(places)
    await backend.start()
    fails = '(func (export "gsu_init") (param i32 i32) (result i32) (i32.const 7))'
    revision = cart(places, wat(functions=fails))
    await backend.ensure(CART, revision, 1)
    lines = backend.logs(CART, revision=None, replica=None, tail=10, follow=True)
    async with asyncio.timeout(10):
        async for line in lines:
            if "gsu_init answered 7" in line.line:
                break
    await lines.aclose()  # type: ignore[attr-defined]
    past = backend.logs(CART, revision=revision.id, replica=None, tail=10, follow=False)
    assert any("gsu_init answered 7" in line.line for line in [line async for line in past])
    await backend.close()


async def test_a_directory_that_cannot_be_used_is_told(places: Places) -> None:
    deep = Places(runtime=places.runtime / ("x" * 120), state=places.state)
    with pytest.raises(Unavailable, match="too long for a socket"):
        await LocalBackend(deep).start()
