"""What several people attached to one engine see of each other, through the real socket."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator

import pytest

from gaesup_tui.domain.errors import Moved, Refused
from gaesup_tui.engine.journal import Batch
from gaesup_tui.service.server import hub
from tests.service_world import Running, Watcher, service, short_folder

CART = "cart@production"


@pytest.fixture
async def running(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Running]:
    monkeypatch.setattr(hub, "TELEMETRY_EVERY_S", 0.1)
    monkeypatch.setattr(hub, "BEAT_EVERY_S", 0.2)
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


async def decide_often(running: Running, times: int) -> None:
    """As many events as it takes to fill every buffer on the way to a client."""
    commands = [
        {"action": action, "deployment": CART, "why": "x" * 500} for action in ("pause", "resume")
    ]
    for _ in range(times // 300):
        await asyncio.gather(*(_submit(running, commands[n % 2]) for n in range(300)))


async def deaf(running: Running) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A client that asks for everything and reads nothing of it."""
    reader, writer = await asyncio.open_unix_connection(str(running.socket), limit=1024)
    writer.write(b"GET /v1/stream?after=0 HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
    await reader.readline()
    return reader, writer


def ids(received: bytes) -> list[int]:
    return [int(line[4:]) for line in received.split(b"\n") if line.startswith(b"id: ")]


async def test_a_client_that_does_not_read_slows_nobody_and_gets_it_all_later(
    gate: Running,
) -> None:
    reader, writer = await deaf(gate)
    watching = Watcher(gate.client, 0)
    await decide_often(gate, 3000)
    last = gate.engine.world.seq
    await watching.until(lambda w: seqs(w)[-1:] == [last], "everything, for the one who reads")
    received = b""
    async with asyncio.timeout(20):
        while b"id: %d\n" % last not in received:
            received += await reader.read(100_000)
    assert ids(received)[:last] == list(range(1, last + 1))
    writer.close()


async def test_a_client_that_never_reads_is_cut_off(
    gate: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gaesup_tui.service.server.mailbox.STALLED_S", 0.5)
    monkeypatch.setattr("gaesup_tui.service.server.stream.SEND_BUFFER", 2**16)  # full sooner
    reader, writer = await deaf(gate)
    await decide_often(gate, 3000)
    watching = Watcher(gate.client)
    await watching.until(lambda w: len(w.of("beat")) >= 6, "more time than it is given")
    assert "gaesup_engine_streams_cut_total 1\n" in await gate.call(gate.client.metrics)
    # It reads again: what was on its way, then the end, with no event out of order.
    async with asyncio.timeout(20):
        received = await reader.read(-1)
    assert ids(received) == list(range(1, len(ids(received)) + 1))
    assert len(ids(received)) < gate.engine.world.seq
    writer.close()


async def test_more_events_at_once_than_are_kept_reach_everybody(gate: Running) -> None:
    """A stop of a thousand rollouts is one batch of thousands of events."""
    from gaesup_tui.domain.events import HoldReleased, Recorded
    from gaesup_tui.domain.rollout import Actor

    watchers = [Watcher(gate.client) for _ in range(3)]
    for each in watchers:
        await each.until(lambda w: w.of("hello"), "attached")
    batch: list[Recorded] = []
    first = gate.engine.world.seq + 1
    for seq in range(first, first + 3000):
        event = HoldReleased(deployment=CART, why="many")
        batch.append(Recorded(seq=seq, at=time.time(), by=Actor(name="kim"), event=event))
    await gate.journal.append(Batch(tuple(batch)))
    gate.engine._on_committed(tuple(batch))
    for each in watchers:
        await each.until(lambda w: seqs(w)[-1:] == [first + 2999], "all of it")
        assert seqs(each) == list(range(first, first + 3000))


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


async def test_after_a_flood_of_changes_all_of_them_are_shown(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub, "FLOOD", 3)
    keys = [f"u{number}@production" for number in range(6)]
    for key in keys:
        await running.deploy(key, "v1")
    for key in keys:
        await running.at_rest(key)
        await running.deploy(key, "v2")
    for key in keys:
        await running.at_gate(key)
    kim = Watcher(running.client)
    await kim.until(lambda w: w.of("hello"), "attached")
    await running.call(running.client.command, {"action": "stop", "why": "enough"})

    def back(watcher: Watcher) -> set[str]:
        views = [view for each in watcher.of("changes") for view in each["deployments"]]
        return {view["key"] for view in views if view["rollout"]["weight_seen"] == 0}

    await kim.until(lambda w: back(w) == set(keys), "all shown at stable")
