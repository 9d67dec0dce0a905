"""What the engine answers to questions and to bad input, through the real socket."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator

import pytest

from gaesup_tui.domain.errors import Invalid, NotFound, Refused
from gaesup_tui.engine.ports import LogLine
from tests.service_world import Running, service, short_folder

CART = "cart@production"


@pytest.fixture
async def running() -> AsyncIterator[Running]:
    with short_folder() as folder:
        async with service(folder) as it:
            yield it


@pytest.fixture
async def gate(running: Running) -> Running:
    await running.deploy(CART, "v1")
    await running.at_rest(CART)
    await running.deploy(CART, "v2", why="new pricing")
    await running.at_gate(CART)
    return running


async def raw(running: Running, request: bytes) -> tuple[int, bytes]:
    """Status and body of whatever is sent."""
    reader, writer = await asyncio.open_unix_connection(str(running.socket))
    writer.write(request)
    async with asyncio.timeout(10):
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0] or 0)
        body = await reader.readexactly(length)
    writer.close()
    return int(head.split()[1]), body


async def post(running: Running, body: bytes, headers: bytes = b"") -> tuple[int, dict[str, str]]:
    head = b"POST /v1/commands HTTP/1.1\r\nhost: x\r\n%scontent-length: %d\r\n\r\n"
    status, answer = await raw(running, head % (headers, len(body)) + body)
    return status, json.loads(answer)


# Bad input: one failure that names the field; nothing changed.


BAD_COMMANDS = [
    (b"", "JSON"),
    (b"{", "JSON"),
    (b"\x00\xff\xfe", "JSON"),
    (b"[]", "object"),
    (b"{}", "action"),
    (b'{"action":"explode","deployment":"cart@production"}', "explode"),
    (b'{"action":"promote"}', "promote.deployment"),
    (b'{"action":"promote","deployment":"cart"}', "UNIT@ENVIRONMENT"),
    (b'{"action":"promote","deployment":"cart@production","by":"root"}', "promote.by"),
    (b'{"action":"scale","deployment":"cart@production","replicas":"many"}', "scale.replicas"),
    (
        b'{"action":"scale","deployment":"cart@production","replicas":-1}',
        "scale.replicas: must be greater",
    ),
    (b"[" * 100_000, "JSON"),
]


async def test_a_bad_command_is_refused_with_the_field_it_is_about(
    running: Running, subtests: pytest.Subtests
) -> None:
    seq = running.engine.world.seq
    for body, says in BAD_COMMANDS:
        with subtests.test(repr(body[:80])):
            status, answer = await post(running, body)
            assert (status, answer["code"]) == (422, "invalid")
            assert says in answer["message"]
            assert running.engine.world.seq == seq


async def test_a_body_over_a_megabyte_is_refused_and_read_no_further(running: Running) -> None:
    status, answer = await post(running, b" " * 1_000_001)
    assert (status, answer["code"]) == (413, "too_large")
    with pytest.raises(Invalid, match="more than 1000000 bytes"):
        await running.call(
            running.client.command,
            {"action": "abort", "deployment": CART, "why": "x" * 10_000_000},
        )


BAD_PARAMETERS = [
    b"/v1/history?limit=many",
    b"/v1/history?limit=0",
    b"/v1/history?limt=3",
    b"/v1/history?after=1&before=2",
    b"/v1/stream?after=-1",
    b"/v1/stream?after=1e3",
    b"/v1/logs",
    b"/v1/series?points=0",
    b"/v1/preview?action=explode&deployment=cart@production",
    b"/v1/preview?action=logs&deployment=cart@production",
    b"/v1/export?since=x",
]


async def test_a_bad_parameter_is_named(gate: Running, subtests: pytest.Subtests) -> None:
    for path in BAD_PARAMETERS:
        with subtests.test(path.decode()):
            status, body = await raw(gate, b"GET %s HTTP/1.1\r\nhost: x\r\n\r\n" % path)
            answer = json.loads(body)
            assert (status, answer["code"]) == (422, "invalid")
            assert answer["message"]


NOT_THERE = [
    b"/v1/nothing",
    b"/v1/status?deployment=cart@moon",
    b"/v1/rollouts/cart@moon%231",
    b"/v1/judged/cart@moon%231",
]


async def test_what_is_not_there_is_said_to_be_not_there(
    running: Running, subtests: pytest.Subtests
) -> None:
    for path in NOT_THERE:
        with subtests.test(path.decode()):
            status, body = await raw(running, b"GET %s HTTP/1.1\r\nhost: x\r\n\r\n" % path)
            assert (status, json.loads(body)["code"]) == (404, "not_found")


@pytest.mark.parametrize("key", [b"x" * 201, b"\xc3\xa4"])
async def test_a_senseless_idempotency_key_is_refused(running: Running, key: bytes) -> None:
    body = b'{"action":"abort","deployment":"cart@production"}'
    status, answer = await post(running, body, b"idempotency-key: %s\r\n" % key)
    assert (status, answer["code"]) == (422, "invalid")


async def test_garbage_instead_of_http_disturbs_nobody(running: Running) -> None:
    for garbage in (b"\x16\x03\x01\x02\x00", b"HELLO\r\n\r\n", b"\0" * 100_000):
        reader, writer = await asyncio.open_unix_connection(str(running.socket))
        writer.write(garbage)
        async with asyncio.timeout(5):
            await reader.read(1000)
        writer.close()
    assert (await running.call(running.client.hello))["name"] == "gaesup"


async def test_a_key_used_for_another_command_is_refused(gate: Running) -> None:
    pause = {"action": "pause", "deployment": CART}
    await gate.call(gate.client.command, pause, "once")
    with pytest.raises(Invalid, match="another command"):
        await gate.call(gate.client.command, {"action": "abort", "deployment": CART}, "once")


# What is asked.


async def test_the_snapshot_holds_everything_a_console_begins_with(gate: Running) -> None:
    shown = await gate.call(gate.client.snapshot)
    (cart,) = shown["deployments"]
    assert (cart["key"], cart["version"], cart["status"]) == (CART, "v1", "waiting")
    assert cart["endpoint"] == "http://127.0.0.1:7411/_/cart@production/"
    assert cart["rollout"]["weight_seen"] == 10
    assert cart["actions"]["promote"] is None
    assert shown["engine"]["moving"] == [CART]
    assert shown["recent"][-1]["seq"] == shown["seq"]
    assert set(shown) >= {"seq", "rev", "engine", "deployments", "recent"}


async def test_a_status_row_is_the_view_without_its_lists(gate: Running) -> None:
    whole = (await gate.call(gate.client.snapshot))["deployments"][0]
    (row,) = (await gate.call(gate.client.status, CART))["deployments"]
    same = row.keys() & whole.keys() - {"rollout", "numbers", "seen_at"}
    assert {name: row[name] for name in same} == {name: whole[name] for name in same}
    line = row["rollout"]
    assert (line["base"], line["candidate"], line["steps"]) == (
        "v1",
        "v2",
        len(whole["rollout"]["steps"]),
    )
    assert line["step_title"] == whole["rollout"]["steps"][whole["rollout"]["index"]]["title"]


async def test_what_is_said_of_waiting_does_not_grow_stale(gate: Running) -> None:
    """Views are kept; a duration inside their words would stand still there."""
    gate.backend.broken = True
    await gate.call(gate.client.command, {"action": "promote", "deployment": CART})
    why = (await gate.call(gate.client.snapshot))["deployments"][0]["actions"]
    assert why["promote"] == "step 5 of 8 is still at work: 50 %"


async def test_history_gives_the_newest_the_next_or_the_earlier(gate: Running) -> None:
    everything = await gate.call(gate.client.history, limit=1000)
    numbers = [event["seq"] for event in everything]
    assert numbers == list(range(1, gate.engine.world.seq + 1))
    assert await gate.call(gate.client.history, limit=3) == everything[-3:]
    assert await gate.call(gate.client.history, after=2, limit=2) == everything[2:4]
    assert await gate.call(gate.client.history, before=5, limit=2) == everything[2:4]
    created = await gate.call(gate.client.history, CART, kinds=["rollout_created"])
    first = "initial v1 begun: no baseline, nothing runs here to compare with"
    assert [event["text"] for event in created] == [first, "canary v1→v2 begun"]


async def test_history_tells_old_events_as_it_told_them_when_they_happened(gate: Running) -> None:
    told = (await gate.call(gate.client.snapshot))["recent"]
    await gate.call(gate.client.command, {"action": "abort", "deployment": CART})
    await gate.at_rest(CART)
    assert (await gate.call(gate.client.history, limit=1000))[: len(told)] == told


async def test_a_past_rollout_can_still_be_looked_at(gate: Running) -> None:
    for number in range(3, 16):
        await gate.call(gate.client.command, {"action": "abort", "deployment": CART})
        await gate.at_rest(CART)
        await gate.deploy(CART, f"v{number}")
    first, second = [await gate.call(gate.client.rollout, f"{CART}#{n}") for n in (1, 2)]
    assert (first["candidate"], first["outcome"]) == ("v1", "promoted")
    assert (second["candidate"], second["outcome"], second["why"]) == (
        "v2",
        "aborted",
        "new pricing",
    )
    assert second["steps"][0]["state"] == "done"


async def test_series_come_for_one_with_revisions_and_for_all(gate: Running) -> None:
    await gate.until(
        lambda: any(gate.engine.observer.points(gate.engine.world.deployments[CART])), "a point"
    )
    one = await gate.call(gate.client.series, CART)
    assert set(one) == {
        "at", "step_s", "rps", "error_ratio", "p50_s", "p95_s", "memory", "revisions",
    }  # fmt: skip
    assert len(one["revisions"]) == 2
    status, body = await raw(gate, b"GET /v1/series?points=5 HTTP/1.1\r\nhost: x\r\n\r\n")
    assert status == 200
    assert list(json.loads(body)) == [CART]


async def test_previews_say_what_will_happen(gate: Running) -> None:
    promote = await gate.call(gate.client.preview, "promote", CART)
    assert promote["title"] == f"Promote {CART} to 50 %"
    assert promote["expect_seq"] == gate.engine.world.deployments[CART].seq
    lines = dict(promote["lines"])
    assert lines["Then"].startswith("v1 50 %   v2 50 %")
    assert "abort: v1 is warm, 1 of 1: " in lines["Way back"]
    assert lines["Way back"].endswith(" s")
    up = await gate.call(gate.client.preview, "scale_up", CART)
    assert up["title"] == f"Scale {CART} to 2"
    nothing = await gate.call(gate.client.preview, "scale", CART, replicas=0)
    assert "503" in dict(nothing["lines"])["Beware"]
    new = await gate.call(gate.client.preview, "deploy", "cart@staging", version="v9")
    assert (new["title"], new["expect_seq"]) == ("Deploy cart@staging", 0)
    with pytest.raises(Refused, match="v2 is on its way"):
        await gate.call(gate.client.preview, "deploy", CART, version="v3")
    with pytest.raises(NotFound):
        await gate.call(gate.client.preview, "promote", "cart@moon")


async def test_the_stop_dialog_gets_every_scope_with_what_it_would_take(gate: Running) -> None:
    shown = await gate.call(gate.client.stop_preview)
    assert [(s["scope"], s["rollouts"]) for s in shown["scopes"]] == [
        ("", [CART]),
        ("production", [CART]),
        (CART, [CART]),
    ]
    assert shown["switch_s"] is not None


async def test_a_stop_says_what_has_not_come_to_rest_until_all_has(gate: Running) -> None:
    await gate.call(gate.client.command, {"action": "stop", "why": "fire"})
    await gate.at_rest(CART)
    await gate.until(
        lambda: gate.backend.weights[CART] == gate.engine.world.deployments[CART].weights(),
        "the route at stable",
    )
    shown = (await gate.call(gate.client.snapshot))["engine"]
    assert [(s["mode"], s["why"]) for s in shown["stops"]] == [("stop", "fire")]
    assert (shown["still"], shown["actions"]["release"]) == ([], None)


# Logs, export, backup.


def lines_of(gate: Running, **asked: object) -> list[dict[str, object]]:
    return list(gate.client.logs(CART, **asked))  # type: ignore[arg-type]


async def test_log_lines_are_safe_to_print(gate: Running) -> None:
    gate.backend.lines = [LogLine(1.0, "v1", "v1-0", "stderr", "\x1b]0;owned\x07red\x1b[31m\r\n")]
    (line,) = await asyncio.to_thread(lines_of, gate)
    assert line == {
        "at": 1.0, "revision": "v1", "replica": "v1-0", "stream": "stderr", "line": "red",
    }  # fmt: skip


async def test_a_follower_that_reads_slowly_is_told_how_many_lines_it_missed(
    gate: Running,
) -> None:
    gate.backend.chatty = True
    reader, writer = await asyncio.open_unix_connection(str(gate.socket), limit=1024)
    writer.write(b"GET /v1/logs?deployment=cart@production&follow=1 HTTP/1.1\r\nhost: x\r\n\r\n")
    await reader.readline()
    dropped = b""
    async with asyncio.timeout(20):
        while b'{"dropped":' not in dropped:
            await asyncio.sleep(0.05)
            dropped = dropped[-20:] + await reader.read(200_000)
    writer.close()


async def test_logs_of_a_revision_that_does_not_run_name_those_that_do(gate: Running) -> None:
    with pytest.raises(NotFound, match=r"runs v\d, v\d"):
        await asyncio.to_thread(lines_of, gate, revision="v77")


async def test_an_export_is_the_journal_line_by_line(gate: Running) -> None:
    lines = await gate.call(lambda: list(gate.client.export(2)))
    numbers = [json.loads(line)["seq"] for line in lines]
    assert numbers == list(range(3, gate.engine.world.seq + 1))


async def test_a_backup_is_a_journal_and_never_overwrites(gate: Running) -> None:
    copy = await gate.call(gate.client.backup, gate.folder / "copy.db")
    assert copy.read_bytes().startswith(b"SQLite format 3")
    with pytest.raises(Invalid, match="there already"):
        await gate.call(gate.client.backup, gate.folder / "copy.db")
    with pytest.raises(Invalid, match=r"there is no folder .*slip: make it: mkdir -p"):
        await gate.call(gate.client.backup, gate.folder / "slip" / "copy.db")
    assert not (gate.folder / "slip").exists()
    with pytest.raises(Invalid, match="is a folder"):
        await gate.call(gate.client.backup, gate.folder)
    named = await gate.call(gate.client.backup)
    assert named.parent.name == "backups"


async def test_metrics_are_prometheus_text(gate: Running) -> None:
    text = await gate.call(gate.client.metrics)
    assert f"gaesup_engine_journal_seq_total {gate.engine.world.seq}\n" in text
    assert 'gaesup_engine_backend_age_seconds{backend="local"}' in text


async def test_a_thousand_deployments_are_shown_within_thirty_milliseconds(
    running: Running,
) -> None:
    first = await running.deploy("u0@production", "v1")
    assert first["seq"]
    await running.at_rest("u0@production")
    template = running.engine.world.deployments["u0@production"]
    world = running.engine.world.copy()
    for number in range(1000):
        key = f"u{number}@production"
        world.deployments[key] = template.model_copy(update={"key": key})
    running.engine._conductor.world = world  # a thousand rollouts would take this test a minute
    running.engine._hub.touch()
    async with asyncio.timeout(10):
        while len((await running.call(running.client.snapshot))["deployments"]) < 1000:
            pass  # a busy machine answers with what it knows until all views are made
    took = []
    for _ in range(5):
        began = time.perf_counter()
        status, body = await raw(running, b"GET /v1/snapshot HTTP/1.1\r\nhost: x\r\n\r\n")
        took.append(time.perf_counter() - began)
        assert status == 200
        assert len(json.loads(body)["deployments"]) == 1000
    assert min(took) < 0.030, took
