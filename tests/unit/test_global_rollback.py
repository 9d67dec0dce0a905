"""The global rollback: groups, what cannot go back, what hangs, and lives of the engine between."""

from __future__ import annotations

import asyncio
import hashlib
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from gaesup_tui.domain import commands as cmd
from gaesup_tui.domain.deployment import Deployment
from gaesup_tui.domain.errors import Frozen, NotFound, Refused
from gaesup_tui.domain.events import GlobalRollbackTurn
from gaesup_tui.domain.revision import make_revision
from gaesup_tui.domain.rollback_views import rollback_view
from gaesup_tui.domain.stop_views import RollbackView
from gaesup_tui.domain.turns import GROUP_DEADLINE_S, Course

from .engine_rig import KIM, Rig

NEEDS = {"shop": ("cart",), "cart": ("search",), "search": ()}
"""The shop asks the cart, which asks the search."""
QUICK: dict[str, Any] = {"rolling": {"bake": 0, "minReady": 0}}
GATED: dict[str, Any] = {"canary": {"steps": [{"weight": 10}, {"pause": None}], "bake": 0}}


class Shop(Rig):
    """Units that need each other, each with two good versions."""

    async def give(self, unit: str, version: str, **fields: Any) -> None:
        body = f"{unit} {version}".encode()
        path = self.files / f"{unit}-{version}.wasm"
        path.write_bytes(body)
        revision = make_revision(unit, version, hashlib.sha256(body).hexdigest(), str(path))
        more = {"spec": QUICK, "depends_on": NEEDS.get(unit, ()), **fields}
        await self.engine.submit(
            cmd.Deploy.model_validate(
                {"deployment": f"{unit}@production", "revision": revision, **more}
            ),
            KIM,
        )

    async def opened(self) -> None:
        for version in ("v1", "v2"):
            for unit in NEEDS:
                await self.give(unit, version)
            await self.until(partial(self.all_run, version))

    def all_run(self, version: str) -> bool:
        return all(self.runs(unit) == version for unit in NEEDS)

    def of(self, unit: str) -> Deployment:
        return self.engine.world.deployments[f"{unit}@production"]

    def runs(self, unit: str) -> str:
        """What a unit has come to rest on."""
        state = self.of(unit)
        return state.stable.version if state.stable and not state.active else ""

    def share(self, unit: str, version: str) -> int:
        """Live traffic on a version, in percent."""
        place = self.fleet.places[f"{unit}@production"]
        return sum(w for r, w in place.weights.items() if r.startswith(f"{version}-"))

    async def back(self, scope: str = "") -> None:
        await self.engine.submit(cmd.GlobalRollback(scope=scope, why="all of it"), KIM)

    @property
    def course(self) -> Course:
        [stop] = self.engine.world.stops
        assert stop.course is not None
        return stop.course

    @property
    def view(self) -> RollbackView:
        [stop] = self.engine.world.stops
        view = rollback_view(self.engine.world, stop)
        assert view is not None
        return view

    def order(self) -> list[str]:
        """Units in the order in which their way back began."""
        return [
            e.deployment.partition("@")[0]
            for e in self.disk.events
            if e.event.kind == "retreat_started"
            or (e.event.kind == "rollout_created" and e.event.rollout.spec.strategy == "rollback")
        ]


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


def test_dependents_go_back_first_and_each_group_waits_for_the_traffic_of_the_one_before(
    shop: Shop,
) -> None:
    async def story(_: Rig) -> None:
        await shop.opened()
        await shop.back()
        await shop.until(lambda: shop.order() == ["shop", "cart"])
        assert shop.share("shop", "v1") == 100
        assert shop.share("search", "v2") == 100
        await shop.until(lambda: shop.course.over)
        assert shop.order() == ["shop", "cart", "search"]
        assert shop.view["text"] == "3 of 3 back"
        await shop.until(lambda: all(shop.runs(unit) == "v1" for unit in NEEDS), 120)

    shop.run(story)


def test_a_moving_rollout_is_aborted_and_what_has_no_good_version_is_left_and_told(
    shop: Shop,
) -> None:
    async def story(_: Rig) -> None:
        await shop.opened()
        await shop.give("cart", "v3", strategy="canary", spec=GATED)
        await shop.until(lambda: shop.share("cart", "v3") == 10)
        await shop.give("mail", "v1")
        await shop.until(lambda: shop.runs("mail") == "v1")
        await shop.back("production")
        await shop.until(lambda: shop.course.over)
        assert shop.share("cart", "v2") == 100
        assert shop.runs("mail") == "v1"
        assert shop.view["skipped"] == ["mail@production: no stable version before v1"]
        assert shop.view["problems"] == []

    shop.run(story)


def test_nothing_goes_forward_while_it_waits_for_its_turn(shop: Shop) -> None:
    async def story(_: Rig) -> None:
        await shop.opened()
        await shop.give("search", "v3", strategy="canary", spec=GATED)
        await shop.until(lambda: shop.share("search", "v3") == 10)
        shop.backend.hanging.add("ensure")
        await shop.back()
        with pytest.raises(Refused, match="rolled back by kim: release it first"):
            await shop.engine.submit(cmd.Promote(deployment="search@production"), KIM)
        with pytest.raises(Refused, match="rolled back by kim"):
            await shop.give("mail", "v1")
        await asyncio.sleep(5)
        assert shop.share("search", "v3") == 10
        why = shop.engine.waiting("search@production")
        assert why is not None
        assert why.what == "held for its turn in the global rollback by kim"

    shop.run(story)


def test_a_group_that_hangs_is_given_up_and_the_next_begins(shop: Shop) -> None:
    async def story(_: Rig) -> None:
        await shop.opened()
        shop.backend.hanging.add("ensure")
        began = shop.now
        await shop.back()
        await shop.until(lambda: shop.course.group == 1, GROUP_DEADLINE_S + 5)
        assert shop.now - began >= GROUP_DEADLINE_S
        assert shop.course.late == ("shop@production",)
        assert shop.view["problems"] == ["shop@production: not at rest within 1m30"]
        shop.backend.hanging.clear()
        await shop.until(lambda: shop.course.over, 60)
        await shop.until(lambda: shop.view["problems"] == [], 60)

    shop.run(story)


@pytest.mark.parametrize("clean", [True, False])
def test_a_new_life_of_the_engine_goes_on_where_the_last_one_ended(shop: Shop, clean: bool) -> None:
    async def story(_: Rig) -> None:
        await shop.opened()
        await shop.back()
        await shop.until(lambda: shop.course.group == 1)
        await shop.restart(clean=clean)
        assert shop.course.group == 1
        await shop.until(lambda: shop.course.over, 60)
        assert shop.order() == ["shop", "cart", "search"]

    shop.run(story)


def test_pressed_twice_nothing_goes_back_two_versions(shop: Shop) -> None:
    async def story(_: Rig) -> None:
        await shop.opened()
        for unit in NEEDS:
            await shop.give(unit, "v3")
        await shop.until(lambda: all(shop.runs(unit) == "v3" for unit in NEEDS))
        await shop.back()
        for scope in ("", "production", "cart@production"):
            with pytest.raises(Refused, match="by kim already"):
                await shop.back(scope)
        await shop.until(lambda: all(shop.runs(unit) == "v2" for unit in NEEDS), 200)
        with pytest.raises(Refused, match="by kim already"):
            await shop.back()

    shop.run(story)


def test_a_stop_pressed_meanwhile_forgets_nothing(shop: Shop) -> None:
    async def story(_: Rig) -> None:
        await shop.opened()
        await shop.back()
        await shop.engine.submit(cmd.Stop(why="now"), KIM)
        assert {stop.mode for stop in shop.engine.world.stops} == {"rollback", "stop"}
        await shop.until(lambda: all(shop.runs(unit) == "v1" for unit in NEEDS), 200)

    shop.run(story)


def test_a_route_changed_by_somebody_else_meanwhile_does_not_hold_it_up(shop: Shop) -> None:
    async def story(_: Rig) -> None:
        await shop.opened()
        await shop.back()
        place = shop.fleet.places["shop@production"]
        [revision] = place.revisions
        place.weights = {revision: 63, "unknown-1": 37}
        await shop.until(lambda: shop.course.over, 60)
        assert shop.share("shop", "v1") == 100
        assert "rollout_paused" not in shop.kinds()

    shop.run(story)


def test_one_that_a_person_paused_can_be_resumed_while_all_is_rolled_back(shop: Shop) -> None:
    async def story(_: Rig) -> None:
        await shop.opened()
        await shop.back()
        await shop.engine.submit(cmd.Pause(deployment="shop@production"), KIM)
        await asyncio.sleep(5)
        assert shop.course.group == 0
        await shop.engine.submit(cmd.Resume(deployment="shop@production"), KIM)
        await shop.until(lambda: shop.course.over, 60)
        assert shop.view["problems"] == []

    shop.run(story)


def test_without_a_journal_it_goes_group_by_group_all_the_same(shop: Shop) -> None:
    async def story(_: Rig) -> None:
        await shop.opened()
        shop.disk.full_until = shop.now + 1000
        with pytest.raises(Frozen, match="abort, stop and rollback still act"):
            await shop.engine.submit(cmd.Scale(deployment="shop@production", replicas=3), KIM)
        await shop.back()
        await shop.until(lambda: shop.course.over, 100)
        assert all(shop.share(unit, "v1") == 100 for unit in NEEDS)
        assert "global_rollback_started" not in shop.kinds()
        shop.disk.full_until = 0.0
        await shop.until(lambda: shop.engine.frozen is None)
        await shop.until(lambda: all(shop.runs(unit) == "v1" for unit in NEEDS), 100)
        turns = [e.event.group for e in shop.disk.events if isinstance(e.event, GlobalRollbackTurn)]
        assert turns == list(range(len(turns)))

    shop.run(story)


def test_released_before_it_is_over_it_tells_what_did_not_go_back(shop: Shop) -> None:
    async def story(_: Rig) -> None:
        await shop.opened()
        shop.backend.hanging.add("ensure")
        await shop.back()
        done = await shop.engine.submit(cmd.Release(why="found it"), KIM)
        released = done.events[0].event
        assert released.kind == "stop_released"
        assert released.left == ("cart@production", "search@production")
        shop.backend.hanging.clear()
        await shop.until(lambda: shop.runs("shop") == "v1", 120)
        assert shop.runs("cart") == "v2"
        await shop.give("mail", "v1")

    shop.run(story)


def test_one_that_does_not_hold_is_told(shop: Shop) -> None:
    async def story(_: Rig) -> None:
        await shop.opened()
        first = next(r.revision for r in shop.of("shop").good if r.revision.version == "v1")
        shop.fleet.unready.add(first.id)
        await shop.back()
        await shop.until(lambda: shop.course.over, 120)
        [problem] = shop.view["problems"]
        assert problem.startswith("shop@production: v1 did not hold: ")
        assert shop.runs("shop") == "v2"
        assert shop.view["text"] == "2 of 3 back"

    shop.run(story)


def test_where_nothing_can_go_back_it_does_not_begin(shop: Shop) -> None:
    async def story(_: Rig) -> None:
        with pytest.raises(Refused, match="nothing in everything can go back: it is empty"):
            await shop.back()
        await shop.give("mail", "v1")
        await shop.until(lambda: shop.runs("mail") == "v1")
        with pytest.raises(Refused, match="mail@production: no stable version before v1"):
            await shop.back()
        with pytest.raises(NotFound, match="nothing is called 'nowhere'"):
            await shop.back("nowhere")
        assert shop.engine.world.stops == ()

    shop.run(story)
