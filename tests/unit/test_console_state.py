"""What the console knows and how it says it: replica, needs, times, effects, copies, watches."""

from __future__ import annotations

import base64
from datetime import UTC, timedelta, timezone
from typing import Any, cast

from gaesup_tui.console.clipboard import MAX_BYTES, copy
from gaesup_tui.console.effects import body_of, seen_in
from gaesup_tui.console.needs import needs
from gaesup_tui.console.replica import SPARK_BAR_S, Replica
from gaesup_tui.console.times import Times
from gaesup_tui.console.watch import Watches, notice
from gaesup_tui.domain.views import Changes, DeploymentView, Overview, Telemetry
from tests.console_world import CannedWorld, canary, deployment


def view(key: str, **more: Any) -> DeploymentView:
    return cast(DeploymentView, deployment(key, **more))


def loaded(rows: int = 5) -> Replica:
    replica = Replica()
    replica.load(cast(Overview, CannedWorld.of(rows).overview()))
    replica.take()
    return replica


def changes(*views: DeploymentView, gone: list[str] | None = None) -> Changes:
    return Changes(rev=2, engine=None, deployments=list(views), gone=gone or [])


def test_many_changes_between_two_ticks_are_one_and_the_last_counts() -> None:
    replica = loaded()
    for ready in range(10):
        replica.change(changes(view("cart@production", ready=ready)))
    diff = replica.take()
    assert diff.deployments == {"cart@production"}
    assert replica.deployments["cart@production"]["ready"] == 9
    assert replica.take().deployments == frozenset()


def test_an_event_that_comes_twice_is_known_once() -> None:
    replica = loaded()
    event = CannedWorld.of(1).event("kim", "promoted", "cart@production", "again")
    replica.journal(cast(Any, {**event, "seq": replica.seq + 1}))
    replica.journal(cast(Any, {**event, "seq": replica.seq}))
    assert [e["text"] for e in replica.events].count("again") == 1


def test_a_snapshot_after_a_break_keeps_the_events_and_drops_what_is_gone() -> None:
    replica = loaded(5)
    before = len(replica.events)
    world = CannedWorld.of(2)
    replica.load(cast(Overview, world.overview()))
    assert set(replica.deployments) == set(world.deployments)
    assert "search@staging" in replica.take().deployments
    assert len(replica.events) >= before


def test_the_age_of_the_data_is_by_our_clock_and_times_by_the_engines() -> None:
    clock = [1000.0]
    replica = Replica(clock=lambda: clock[0])
    assert replica.age_s() is None
    replica.hear(at=5000.0)
    clock[0] = 1010.0
    assert replica.age_s() == 10.0
    assert replica.now() == 5010.0


def test_a_sparkline_is_bars_of_five_seconds_and_a_silence_is_a_gap() -> None:
    replica = loaded()

    def measure(at: float, rps: float | None) -> None:
        row = [rps, None, None, None, None, None]
        replica.measure(Telemetry(at=at, rows={"cart@production": row}, revisions={}))

    for second in range(10):
        measure(1000 + second, 4.0 if second < 5 else 8.0)
    measure(1000 + 4 * SPARK_BAR_S, 1.0)
    assert replica.spark("cart@production") == [4.0, 8.0, None, None]


def test_no_data_is_no_number() -> None:
    assert loaded().numbers("cart@production")["rps"] is None


def test_needs_are_ordered_by_urgency_then_age() -> None:
    found = needs(
        [
            view("held@p", hold={"scope": "", "mode": "hold", "by": "e", "at": 1.0, "why": "x"}),
            view("quiet@p"),
            view("down@p", status="down"),
            cast(DeploymentView, CannedWorld.of(1).deployments["cart@production"]),
        ],
        None,
        1e9,
    )
    assert [need.deployment for need in found] == ["down@p", "cart@production", "held@p"]


def test_times_are_shown_as_age_then_local_then_utc() -> None:
    times = Times(zone=timezone(timedelta(hours=2)))
    at, now = 1_700_000_000.0, 1_700_000_271.0
    assert times.show(at, now) == "4m31"
    assert times.turn() == "local"
    assert times.show(at, now) == "00:13:20"
    assert times.turn() == "UTC"
    assert times.show(at, now) == "22:13:20"
    assert times.show(None, now) == "–"
    assert UTC.utcoffset(None) == timedelta(0)


def test_traffic_has_changed_when_the_route_says_so_not_when_it_was_asked_for() -> None:
    rollout = canary() | {"weight_wished": 50, "weight_seen": 25}
    asked = view("cart@production", rollout=rollout, seq=12)
    assert seen_in("promote", asked, 12) == ""
    assert seen_in("promote", asked, 13) == ""
    rollout["weight_seen"] = 50
    assert seen_in("promote", asked, 12) == "50 % v42 seen on the route"
    assert seen_in("abort", asked, 12) == ""
    rollout |= {"weight_wished": 0, "weight_seen": 0, "phase": "back"}
    assert seen_in("abort", view("cart@production", rollout=rollout, seq=12), 12) == (
        "100 % v41 seen on the route"
    )


def test_replicas_are_there_when_they_are_ready_not_when_they_were_asked_for() -> None:
    asked = view("cart@production", rollout=None, seq=12, replicas=3, ready=2)
    for action in ("scale", "scale_up", "scale_down"):
        assert seen_in(action, asked, 12) == ""
        assert seen_in(action, {**asked, "ready": 3}, 12) == "3 of 3 ready"
    moving = view("cart@production", rollout=canary(), seq=12, replicas=3, ready=2)
    assert seen_in("scale", moving, 12) == "done"


def test_an_abort_goes_out_without_a_check_and_others_with_what_was_looked_at() -> None:
    assert "expect_seq" not in body_of("abort", "cart@production", None, "", {})
    assert body_of("promote_full", "c@p", 7, "why", {}) == {
        "action": "promote",
        "deployment": "c@p",
        "why": "why",
        "expect_seq": 7,
        "full": True,
    }


def test_a_copy_goes_by_osc_52_through_tmux_and_never_too_large() -> None:
    plain = copy("cart@production", {})
    assert base64.b64encode(b"cart@production").decode() in plain.sequence
    assert copy("cart", {"TMUX": "1"}).sequence.startswith("\x1bPtmux;\x1b\x1b]52")
    large = copy("x" * (MAX_BYTES + 1), {})
    assert large.sequence == ""
    assert "not copied" in large.notice
    assert "nothing to copy" in copy("", {}).notice


def test_a_watch_tells_once_when_it_is_done_or_needs_somebody() -> None:
    moving = view("cart@production", rollout=canary(waits=False), status="progressing")
    watches = Watches()
    assert "a bell" in watches.turn(moving)
    views = {"cart@production": moving}
    assert watches.look(views, ["cart@production"]) == []
    views["cart@production"] = view("cart@production", status_text="100 % on v42 (healthy)")
    assert watches.look(views, ["cart@production"]) == ["cart@production: 100 % on v42 (healthy)"]
    assert watches.look(views, ["cart@production"]) == []


def test_what_waits_for_somebody_already_rings_when_it_is_done_and_not_at_once() -> None:
    waiting = {"what": "waits for you", "since": 1.0, "person": True, "until": None, "then": ""}
    waits = view("cart@production", rollout=canary(), status="waiting", waiting=waiting)
    watches = Watches()
    assert "it waits for a person now" in watches.turn(waits)
    views = {"cart@production": waits}
    assert watches.look(views, ["cart@production"]) == []
    views["cart@production"] = view("cart@production", rollout=canary(waits=False))
    assert watches.look(views, ["cart@production"]) == []
    views["cart@production"] = view("cart@production", status_text="100 % on v42 (healthy)")
    assert watches.look(views, ["cart@production"]) == ["cart@production: 100 % on v42 (healthy)"]


def test_a_notice_rings_and_carries_no_sequence_of_its_own() -> None:
    text = notice("cart@production: done; all fine", {})
    assert text.startswith("\x07")
    assert "\x1b]9;cart@production: done, all fine\x07" in text


def test_a_chart_has_a_past_when_one_begins_to_look() -> None:
    replica = loaded()
    replica.backfill("cart@production", 2000.0, 1.0, [2.0] * 21)
    assert replica.spark("cart@production") == [2.0] * 4
    row = [9.0, None, None, None, None, None]
    for second in range(6):
        replica.measure(Telemetry(at=2001.0 + second, rows={"cart@production": row}, revisions={}))
    assert replica.spark("cart@production")[:4] == [2.0] * 4
    assert replica.spark("nobody@production") == []
