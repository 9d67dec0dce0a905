"""What a person who gives a command can rely on."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from gaesup_tui.domain import commands as cmd
from gaesup_tui.domain.errors import Invalid, Moved, NotFound, Refused, Unavailable
from gaesup_tui.engine.stream import QUEUE_BATCHES, Hub, Overflow

from .engine_rig import GATED, KEY, KIM, MARA, Rig


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path)


def test_a_canary_goes_from_deploy_to_stable(rig: Rig) -> None:
    async def story(rig: Rig) -> None:
        await rig.waiting_canary()
        receipt = await rig.engine.submit(cmd.Promote(deployment=KEY, why="looks good"), KIM)
        assert receipt.durable
        assert [e.event.kind for e in receipt.events] == ["decision_made", "step_completed"]
        await rig.until(lambda: rig.deployment.active is None)
        assert rig.deployment.stable is not None
        assert rig.deployment.stable.version == "v42"
        await rig.until(lambda: len(rig.fleet.places[KEY].revisions) == 1)
        assert rig.live == [100]

    rig.run(story)


def test_the_second_decision_on_a_gate_is_told_who_decided_and_when(rig: Rig) -> None:
    async def story(rig: Rig) -> None:
        await rig.waiting_canary()
        seq = rig.deployment.seq
        await rig.engine.submit(cmd.Promote(deployment=KEY, expect_seq=seq), MARA)
        await asyncio.sleep(12)
        with pytest.raises(Moved, match=r"mara: promoted one step, 12 s ago"):
            await rig.engine.submit(cmd.Promote(deployment=KEY, expect_seq=seq), KIM)

    rig.run(story)


def test_an_abort_needs_no_fresh_look_and_is_decided_before_what_queued_earlier(rig: Rig) -> None:
    async def story(rig: Rig) -> None:
        await rig.waiting_canary()
        promote = asyncio.ensure_future(rig.engine.submit(cmd.Promote(deployment=KEY), KIM))
        abort = asyncio.ensure_future(
            rig.engine.submit(cmd.Abort(deployment=KEY, expect_seq=1), MARA)
        )
        assert (await abort).durable
        with pytest.raises(Refused, match="on the way back"):
            await promote
        assert "decision_made" not in rig.kinds()

    rig.run(story)


def test_the_same_key_returns_the_first_answer_even_after_a_restart(rig: Rig) -> None:
    async def story(rig: Rig) -> None:
        await rig.waiting_canary()
        command = cmd.Promote(deployment=KEY)
        first = await rig.engine.submit(command, KIM, "k1")
        again = await rig.engine.submit(command, KIM, "k1")
        assert (again.events, again.repeated) == (first.events, True)
        await rig.restart(clean=False)
        later = await rig.engine.submit(command, KIM, "k1")
        assert (later.events, later.repeated) == (first.events, True)
        assert rig.kinds().count("decision_made") == 1

    rig.run(story)


def test_the_same_key_at_the_same_time_decides_once(rig: Rig) -> None:
    async def story(rig: Rig) -> None:
        await rig.waiting_canary()
        command = cmd.Promote(deployment=KEY)
        one, two = await asyncio.gather(
            rig.engine.submit(command, KIM, "k1"), rig.engine.submit(command, KIM, "k1")
        )
        assert one.events == two.events
        assert rig.kinds().count("decision_made") == 1

    rig.run(story)


def test_a_key_belongs_to_one_person_and_one_command(rig: Rig) -> None:
    async def story(rig: Rig) -> None:
        await rig.waiting_canary()
        await rig.engine.submit(cmd.Pause(deployment=KEY), KIM, "k1")
        with pytest.raises(Invalid, match="used for another command"):
            await rig.engine.submit(cmd.Resume(deployment=KEY), KIM, "k1")
        assert not (await rig.engine.submit(cmd.Resume(deployment=KEY), MARA, "k1")).repeated

    rig.run(story)


def test_a_caller_who_goes_away_does_not_take_the_decision_back(rig: Rig) -> None:
    async def story(rig: Rig) -> None:
        await rig.waiting_canary()
        gone = asyncio.ensure_future(rig.engine.submit(cmd.Abort(deployment=KEY), KIM))
        await asyncio.sleep(0)
        gone.cancel()
        await rig.until(lambda: rig.live == [100])

    rig.run(story)


def test_bad_input_changes_nothing(rig: Rig) -> None:
    async def story(rig: Rig) -> None:
        await rig.deploy("v41")
        before = len(rig.disk.events)
        with pytest.raises(NotFound, match="no deployment"):
            await rig.engine.submit(cmd.Abort(deployment="nobody@production"), KIM)
        with pytest.raises(NotFound, match="no backend is called moon"):
            await rig.deploy("v42", backend="moon")
        wrong = rig.revision("v43").model_copy(update={"sha256": "0" * 64})
        with pytest.raises(Invalid, match="expected 0000"):
            await rig.engine.submit(cmd.Deploy(deployment=KEY, revision=wrong), KIM)
        added = [e.by.name for e in rig.disk.events[before:]]
        assert "kim" not in added

    rig.run(story)


def test_a_listener_hears_every_committed_event_once_and_in_order(rig: Rig) -> None:
    async def story(rig: Rig) -> None:
        await rig.waiting_canary()
        subscription = rig.engine.subscribe()
        heard: list[int] = []

        async def listen() -> None:
            async for batch in subscription:
                heard.extend(e.seq for e in batch)

        listener = asyncio.ensure_future(listen())
        await rig.engine.submit(cmd.Promote(deployment=KEY), KIM)
        await rig.until(lambda: rig.deployment.active is None)
        await rig.engine.stop()
        await listener
        assert heard == list(range(subscription.seq + 1, len(rig.disk.events) + 1))

    rig.run(story)


def test_a_listener_that_does_not_read_is_told_to_begin_anew(rig: Rig) -> None:
    async def story(rig: Rig) -> None:
        await rig.deploy("v41")
        hub = Hub()
        subscription = hub.subscribe(0)
        for _ in range(QUEUE_BATCHES + 1):
            hub.publish(tuple(rig.disk.events[:1]))
        with pytest.raises(Overflow, match="behind"):
            async for _ in subscription:
                pass

    rig.run(story)


def test_changed_returns_with_every_change_and_waits_without_one(rig: Rig) -> None:
    async def story(rig: Rig) -> None:
        await rig.waiting_canary()
        number = await rig.engine.changed(-1)
        waiter = asyncio.ensure_future(rig.engine.changed(number))
        await asyncio.sleep(0)
        assert not waiter.done()
        await rig.engine.submit(cmd.Pause(deployment=KEY), KIM)
        assert await waiter > number

    rig.run(story)


def test_a_stopping_engine_refuses_and_says_to_come_back(rig: Rig) -> None:
    async def story(rig: Rig) -> None:
        await rig.deploy("v41")
        await rig.engine.stop("upgrade")
        assert rig.kinds()[-1] == "engine_stopped"
        with pytest.raises(Unavailable, match="stopping"):
            await rig.engine.submit(cmd.Abort(deployment=KEY), KIM)

    rig.run(story)


def test_a_stop_waits_for_the_decision_that_is_just_being_written(rig: Rig) -> None:
    async def story(rig: Rig) -> None:
        await rig.waiting_canary()
        rig.disk.slow_until, rig.disk.slow_s = rig.now + 60, 0.5
        promote = asyncio.ensure_future(rig.engine.submit(cmd.Promote(deployment=KEY), KIM))
        await asyncio.sleep(0.01)
        await rig.engine.stop()
        assert (await promote).durable
        assert rig.kinds()[-3:] == ["decision_made", "step_completed", "engine_stopped"]

    rig.run(story)


def test_a_life_after_a_crash_says_so_and_stands_where_the_last_one_stood(rig: Rig) -> None:
    async def story(rig: Rig) -> None:
        await rig.waiting_canary()
        before = rig.deployment
        await rig.restart(clean=False)
        assert rig.deployment == before
        assert rig.disk.events[-1].event.after_crash  # type: ignore[union-attr]
        await rig.restart(clean=True)
        assert not rig.disk.events[-1].event.after_crash  # type: ignore[union-attr]

    rig.run(story)


def test_a_clock_set_back_between_two_lives_stops_no_timer(rig: Rig) -> None:
    async def story(rig: Rig) -> None:
        await rig.deploy("v41")
        await rig.until(lambda: rig.deployment.stable)
        spec = {**GATED, "canary": {"steps": [{"weight": 10}, {"pause": "30s"}], "bake": 0}}
        await rig.deploy("v42", strategy="canary", spec=spec)
        await rig.until(lambda: rig.deployment.active and rig.deployment.active.index == 3)
        await rig.restart(clean=False, ahead_s=-7200.0)
        began = rig.now
        await rig.until(lambda: rig.deployment.active is None, 60)
        assert 25 < rig.now - began < 35
        times = [e.at for e in rig.disk.events]
        assert times == sorted(times)

    rig.run(story)
