"""What people are told, and what still works, while the journal cannot be written."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from gaesup_tui.domain.errors import Frozen
from gaesup_tui.service.server import hub
from tests.service_world import Running, Watcher, service, short_folder

CART = "cart@production"


@pytest.fixture
async def frozen(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Running]:
    """A canary at its gate whose disk has just become full, and somebody tried to go on."""
    monkeypatch.setattr(hub, "TELEMETRY_EVERY_S", 0.1)
    monkeypatch.setattr(hub, "BEAT_EVERY_S", 0.2)
    with short_folder() as folder:
        async with service(folder) as running:
            await running.deploy(CART, "v1")
            await running.at_rest(CART)
            await running.deploy(CART, "v2")
            await running.at_gate(CART)
            running.journal.full = True
            with pytest.raises(Frozen):
                await running.call(
                    running.client.command, {"action": "promote", "deployment": CART}
                )
            yield running
            running.journal.full = False


async def test_going_forward_is_refused_with_the_reason(frozen: Running) -> None:
    with pytest.raises(Frozen, match="no space left") as refusal:
        await frozen.call(frozen.client.command, {"action": "promote", "deployment": CART})
    assert "abort, stop and rollback still act" in refusal.value.hint
    assert frozen.engine.world.deployments[CART].active is not None
    assert frozen.backend.weights[CART] != {}


async def test_everybody_is_told(frozen: Running) -> None:
    watching = Watcher(frozen.client)
    await watching.until(lambda w: w.of("beat"), "a beat")
    assert "no space left" in watching.of("hello")[0]["frozen"]
    assert "no space left" in watching.of("beat")[0]["frozen"]
    shown = (await frozen.call(frozen.client.snapshot))["engine"]
    assert "no space left" in shown["frozen"]


async def test_abort_acts_at_once_and_is_recorded_later_in_order(frozen: Running) -> None:
    seq = (await frozen.call(frozen.client.snapshot))["seq"]
    watching = Watcher(frozen.client, seq)
    await watching.until(lambda w: w.of("hello"), "attached")
    receipt = await frozen.call(
        frozen.client.command, {"action": "abort", "deployment": CART, "why": "errors"}, "abort-1"
    )
    assert receipt["durable"] is False
    base = next(
        r.revision.id
        for r in frozen.engine.world.deployments[CART].good
        if r.revision.version == "v1"
    )
    await frozen.until(lambda: frozen.backend.weights[CART] == {base: 100}, "all traffic on v1")
    assert not watching.of("journal"), "nothing is told as recorded that is not"
    frozen.journal.full = False
    await watching.until(
        lambda w: any(e["kind"] == "rollout_finished" for e in w.of("journal")), "the whole way"
    )
    numbers = [event["seq"] for event in watching.of("journal")]
    assert numbers == list(range(seq + 1, seq + 1 + len(numbers)))
    assert watching.of("journal")[0]["kind"] == "retreat_started"
    again = await frozen.call(
        frozen.client.command, {"action": "abort", "deployment": CART, "why": "errors"}, "abort-1"
    )
    assert again["repeated"] is True


async def test_a_snapshot_taken_meanwhile_leaves_no_gap_in_what_follows(frozen: Running) -> None:
    await frozen.call(frozen.client.command, {"action": "stop", "why": "fire"})
    shown = await frozen.call(frozen.client.snapshot)
    assert [stop["why"] for stop in shown["engine"]["stops"]] == ["fire"]
    watching = Watcher(frozen.client, shown["seq"])
    await watching.until(lambda w: w.of("hello"), "attached")
    frozen.journal.full = False
    await watching.until(
        lambda w: any(e["kind"] == "rollout_finished" for e in w.of("journal")), "the whole way"
    )
    kinds = [event["kind"] for event in watching.of("journal")]
    assert kinds[:2] == ["stop_pressed", "retreat_started"]
