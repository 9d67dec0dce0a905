"""What several people attached to one engine see of each other, through the real socket."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import pytest

from gaesup_tui.domain.errors import Moved, Refused
from tests.service_world import Running, Watcher, service, short_folder

CART = "cart@production"


@pytest.fixture
async def running() -> AsyncIterator[Running]:
    with short_folder() as folder:
        async with service(folder) as it:
            yield it


@pytest.fixture
async def gate(running: Running) -> Running:
    """A canary of v2 over v1 that waits for a person at 10 %."""
    await running.deploy(CART, "v1")
    await running.at_rest(CART)
    await running.deploy(CART, "v2")
    await running.at_gate(CART)
    return running


def seqs(watcher: Watcher) -> list[int]:
    return [event["seq"] for event in watcher.of("journal")]


async def test_two_people_attached_see_each_others_decisions(gate: Running) -> None:
    kim, lee = Watcher(gate.client), Watcher(gate.client)
    for each in (kim, lee):
        await each.until(lambda w: w.of("hello"), "attached")
    await gate.call(
        gate.client.command, {"action": "promote", "deployment": CART, "why": "metrics flat"}
    )
    for each in (kim, lee):
        await each.until(
            lambda w: any(e["kind"] == "decision_made" for e in w.of("journal")), "the decision"
        )
        decision = next(e for e in each.of("journal") if e["kind"] == "decision_made")
        assert (decision["why"], decision["deployment"]) == ("metrics flat", CART)
        await each.until(
            lambda w: any(
                d["rollout"]["weight_seen"] == 50 for c in w.of("changes") for d in c["deployments"]
            ),
            "50 % on the route",
        )


async def test_a_second_decision_on_one_gate_is_told_who_decided_and_when(gate: Running) -> None:
    shown = await gate.call(gate.client.preview, "promote", CART)
    decision = {"action": "promote", "deployment": CART, "expect_seq": shown["expect_seq"]}
    await gate.call(gate.client.command, decision)
    with pytest.raises(Moved) as refusal:
        await gate.call(gate.client.command, decision)
    who = (await gate.call(gate.client.history, CART, kinds=["decision_made"]))[-1]["by"]
    assert who in refusal.value.message
    assert "promoted" in refusal.value.message
    assert " ago" in refusal.value.message or " s" in refusal.value.message


async def test_a_decision_without_a_look_is_refused_once_the_gate_is_passed(gate: Running) -> None:
    await gate.call(gate.client.command, {"action": "abort", "deployment": CART})
    with pytest.raises(Refused):
        await gate.call(gate.client.command, {"action": "promote", "deployment": CART})


async def test_the_same_key_decides_once(gate: Running) -> None:
    promote = {"action": "promote", "deployment": CART}
    first = await gate.call(gate.client.command, promote, "key-1")
    await gate.at_gate(CART)
    again = await gate.call(gate.client.command, promote, "key-1")
    assert (again["seq"], again["repeated"], first["repeated"]) == (first["seq"], True, False)
    decisions = await gate.call(gate.client.history, CART, kinds=["decision_made"])
    assert len(decisions) == 1


async def test_resuming_by_id_leaves_no_gap_and_repeats_nothing(gate: Running) -> None:
    before = Watcher(gate.client, 0)
    last = gate.engine.world.seq
    await before.until(lambda w: seqs(w)[-1:] == [last], "all that happened")
    seen = seqs(before)[: last // 2]
    await gate.call(gate.client.command, {"action": "promote", "deployment": CART})
    await gate.at_gate(CART)
    last = gate.engine.world.seq
    after = Watcher(gate.client, seen[-1])
    await after.until(lambda w: seqs(w)[-1:] == [last], "what was missed")
    assert seen + seqs(after) == list(range(1, last + 1))


async def test_events_committed_while_a_client_catches_up_come_once_and_in_order(
    gate: Running,
) -> None:
    watchers = []
    for number in range(30):
        action = "pause" if number % 2 == 0 else "resume"
        watchers.append(Watcher(gate.client, 0))
        await gate.call(gate.client.command, {"action": action, "deployment": CART})
    last = gate.engine.world.seq
    for each in watchers:
        await each.until(lambda w: seqs(w)[-1:] == [last], "everything")
        assert seqs(each) == list(range(1, last + 1))


async def test_last_event_id_says_the_same_as_after(gate: Running) -> None:
    reader, writer = await asyncio.open_unix_connection(str(gate.socket))
    writer.write(b"GET /v1/stream HTTP/1.1\r\nhost: x\r\nlast-event-id: 2\r\n\r\n")
    async with asyncio.timeout(5):
        while (line := await reader.readline()).startswith(b"id: ") is False:
            assert line
    writer.close()
    assert line == b"id: 3\n"


async def test_what_changed_between_snapshot_and_stream_comes_first(gate: Running) -> None:
    snapshot = await gate.call(gate.client.snapshot)
    await gate.call(gate.client.command, {"action": "pause", "deployment": CART})
    late = Watcher(
        gate.client, snapshot["seq"], rev=snapshot["rev"], boot=snapshot["engine"]["boot"]
    )
    await late.until(lambda w: w.of("changes"), "what was missed")
    assert [d["status"] for d in late.of("changes")[0]["deployments"]] == ["paused"]


async def test_after_another_boot_everything_counts_as_changed(gate: Running) -> None:
    other = Watcher(gate.client, gate.engine.world.seq, rev=10_000, boot="another")
    await other.until(lambda w: w.of("changes"), "everything")
    assert [d["key"] for d in other.of("changes")[0]["deployments"]] == [CART]


async def test_a_number_behind_the_journals_end_is_refused(running: Running) -> None:
    lost = Watcher(running.client, 4711)
    await lost.until(lambda w: w.over, "an answer")
    assert "read /v1/snapshot again" in str(lost.error)


async def test_telemetry_and_beats_come_while_nothing_happens(gate: Running) -> None:
    quiet = Watcher(gate.client)
    await quiet.until(lambda w: w.of("telemetry") and w.of("beat"), "signs of life")
    rps, errors, _p50, _p95, ready, wanted = quiet.of("telemetry")[-1]["rows"][CART]
    assert (errors, ready, wanted) == (0.0, 1, 1)
    assert rps > 0
    assert quiet.of("beat")[0]["frozen"] is None


async def test_a_client_that_stops_reading_is_cut_off_and_slows_nobody(gate: Running) -> None:
    reader, writer = await asyncio.open_unix_connection(str(gate.socket), limit=1024)
    writer.write(b"GET /v1/stream?after=0 HTTP/1.1\r\nhost: x\r\n\r\n")
    await reader.readline()
    watching = Watcher(gate.client, 0)
    pause = {"action": "pause", "deployment": CART, "why": "x" * 500}
    resume = {"action": "resume", "deployment": CART, "why": "x" * 500}
    orders = []
    for number in range(3000):
        command = pause if number % 2 == 0 else resume
        orders.append(_submit(gate, command))
        if len(orders) == 300:
            await asyncio.gather(*orders)
            orders.clear()
    last = gate.engine.world.seq
    await watching.until(lambda w: seqs(w)[-1:] == [last], "everything, for the one who reads")
    metrics = await gate.call(gate.client.metrics)
    assert "gaesup_engine_streams_cut_total 1" in metrics
    # It reads again: what was on its way, then the end, with no event out of order.
    async with asyncio.timeout(10):
        rest = await reader.read(-1)
    ids = [int(line[4:]) for line in rest.split(b"\n") if line.startswith(b"id: ")]
    assert ids == list(range(1, len(ids) + 1))
    assert len(ids) < last
    writer.close()


async def _submit(running: Running, command: dict[str, str]) -> None:
    from gaesup_tui.domain.commands import COMMAND
    from gaesup_tui.domain.rollout import Actor

    await running.engine.submit(COMMAND.validate_python(command), Actor(name="kim"))


async def test_open_streams_end_when_the_engine_stops(running: Running) -> None:
    watching = Watcher(running.client)
    await watching.until(lambda w: w.of("hello"), "attached")
    began = asyncio.get_running_loop().time()
    running.service.stop("test")
    await watching.until(lambda w: w.over, "the end of the stream")
    assert asyncio.get_running_loop().time() - began < 3.0
    assert watching.error is None


async def test_an_event_is_one_line_of_json(gate: Running) -> None:
    await gate.call(
        gate.client.command, {"action": "pause", "deployment": CART, "why": "a\nb\x1b[2J c"}
    )
    watching = Watcher(gate.client, 0)
    await watching.until(lambda w: any(e["why"] for e in w.of("journal")), "the pause")
    paused = next(e for e in watching.of("journal") if e["kind"] == "rollout_paused")
    assert paused["why"] == "a·b c"
    assert json.dumps(paused).isprintable()
