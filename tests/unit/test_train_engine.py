"""Release trains in a whole engine: preflight, lives of the engine, a disk that is full."""

from __future__ import annotations

import asyncio
import hashlib
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from gaesup_tui.domain import commands as cmd
from gaesup_tui.domain.deployment import Deployment
from gaesup_tui.domain.errors import Invalid, NotFound
from gaesup_tui.domain.revision import make_revision
from gaesup_tui.domain.train import Train
from gaesup_tui.domain.train_viewing import train_view
from gaesup_tui.domain.train_views import TrainView

from .engine_rig import KIM, Rig

NEEDS = {"checkout": ("cart",), "cart": ("catalog",), "catalog": ()}
QUICK: dict[str, Any] = {"rolling": {"bake": "2s", "minReady": 0}}
GATED: dict[str, Any] = {
    "canary": {"steps": [{"weight": 25}, {"pause": None}], "bake": "2s"},
    "autoAbort": False,
}


class Yard(Rig):
    """Checkout asks cart, which asks catalog; all run v1."""

    def order(self, unit: str, version: str, **fields: Any) -> cmd.Deploy:
        body = f"{unit} {version}".encode()
        path = self.files / f"{unit}-{version}.wasm"
        path.write_bytes(body)
        revision = make_revision(unit, version, hashlib.sha256(body).hexdigest(), str(path))
        more = {"spec": QUICK, "depends_on": NEEDS[unit], **fields}
        return cmd.Deploy.model_validate(
            {"deployment": f"{unit}@production", "revision": revision, **more}
        )

    async def opened(self) -> None:
        for unit in NEEDS:
            await self.engine.submit(self.order(unit, "v1"), KIM)
        await self.until(partial(self.all_run, "v1"))

    async def start(self, *orders: cmd.Deploy, **fields: Any) -> None:
        given = orders or tuple(self.order(unit, "v2") for unit in NEEDS)
        await self.engine.submit(
            cmd.TrainStart.model_validate(
                {"train": "spring", "environment": "production", "orders": given, **fields}
            ),
            KIM,
        )

    async def promote(self) -> None:
        await self.engine.submit(cmd.TrainPromote(train="spring"), KIM)

    def of(self, unit: str) -> Deployment:
        return self.engine.world.deployments[f"{unit}@production"]

    def runs(self, unit: str) -> str:
        state = self.of(unit)
        return state.stable.version if state.stable and not state.active else ""

    def all_run(self, version: str) -> bool:
        return all(self.runs(unit) == version for unit in NEEDS)

    def share(self, unit: str, version: str) -> int:
        place = self.fleet.places[f"{unit}@production"]
        return sum(w for r, w in place.weights.items() if r.startswith(f"{version}-"))

    @property
    def train(self) -> Train:
        return self.engine.world.trains[-1]

    @property
    def view(self) -> TrainView:
        return train_view(self.engine.world, self.train, self.now)

    def went_back(self) -> list[str]:
        return [
            e.deployment.partition("@")[0]
            for e in self.disk.events
            if e.event.kind == "retreat_started"
        ]


@pytest.fixture
def yard(tmp_path: Path) -> Yard:
    return Yard(tmp_path)


def test_group_by_group_with_a_gate_between_and_a_view_that_says_so(yard: Yard) -> None:
    async def story(_: Rig) -> None:
        await yard.opened()
        await yard.start(why="spring")
        await yard.until(lambda: yard.train.phase == "gate")
        assert yard.share("catalog", "v2") == 100
        assert yard.share("cart", "v2") == 0
        assert yard.view["text"] == "before group 2 of 3, waits for you"
        assert yard.view["on_promote"] == "begins group 2: cart@production"
        assert yard.view["way_back"] == "catalog"
        await yard.promote()
        await yard.until(lambda: yard.train.group == 1 and yard.train.phase == "gate")
        assert yard.view["way_back"] == "cart, then catalog"
        await yard.promote()
        await yard.until(lambda: yard.train.outcome == "arrived", 60)
        assert yard.all_run("v2")

    yard.run(story)


@pytest.mark.parametrize("clean", [True, False])
def test_a_new_life_of_the_engine_goes_on_forward_and_back(yard: Yard, clean: bool) -> None:
    async def story(_: Rig) -> None:
        await yard.opened()
        await yard.start(gate="none")
        await yard.until(lambda: yard.train.group == 1)
        await yard.restart(clean=clean)
        await yard.until(lambda: yard.train.group == 2, 60)
        checkout = yard.of("checkout")
        assert checkout.active is not None
        yard.fleet.unready.add(checkout.active.candidate.id)
        await yard.until(lambda: yard.train.phase == "back", 120)
        await yard.restart(clean=clean)
        await yard.until(lambda: yard.train.outcome == "returned", 120)
        await yard.until(lambda: yard.all_run("v1"))
        assert yard.went_back() == ["checkout", "cart", "catalog"]

    yard.run(story)


def test_one_module_that_is_not_there_and_nothing_starts(yard: Yard) -> None:
    async def story(_: Rig) -> None:
        await yard.opened()
        good, bad = yard.order("catalog", "v2"), yard.order("cart", "v2")
        Path(bad.revision.artifact).unlink()  # noqa: ASYNC240 - a test's own folder
        with pytest.raises(Invalid, match="cannot read the artifact"):
            await yard.start(good, bad)
        with pytest.raises(NotFound, match="no backend is called moon"):
            await yard.start(good, yard.order("cart", "v3", backend="moon"))
        await asyncio.sleep(5)
        assert yard.engine.world.trains == ()
        assert yard.all_run("v1")

    yard.run(story)


def test_it_goes_back_group_by_group_also_while_nothing_can_be_recorded(yard: Yard) -> None:
    async def story(_: Rig) -> None:
        await yard.opened()
        await yard.start(gate="none")
        await yard.until(lambda: yard.share("checkout", "v2") == 100)
        yard.disk.full_until = yard.now + 1000
        await yard.engine.submit(cmd.TrainAbort(train="spring", why="bad"), KIM)
        await yard.until(lambda: all(yard.share(unit, "v1") == 100 for unit in NEEDS))
        assert yard.engine.frozen
        yard.disk.full_until = 0.0
        await yard.until(lambda: yard.train.outcome == "returned", 60)
        await yard.until(lambda: yard.all_run("v1"), 60)
        assert yard.went_back() == ["checkout", "cart", "catalog"]

    yard.run(story)


def test_a_backend_that_hangs_does_not_keep_the_rest_where_they_are(yard: Yard) -> None:
    async def story(_: Rig) -> None:
        await yard.opened()
        await yard.start(gate="none")
        await yard.until(lambda: yard.share("checkout", "v2") == 100)
        yard.backend.hanging.add("traffic")
        await yard.engine.submit(cmd.TrainAbort(train="spring"), KIM)
        await yard.until(lambda: yard.went_back() == ["checkout", "cart"], 100)
        assert yard.train.late == ("checkout@production",)
        yard.backend.hanging.clear()
        await yard.until(lambda: yard.train.outcome == "returned", 200)
        await yard.until(lambda: yard.all_run("v1"), 60)

    yard.run(story)


def test_a_bad_canary_takes_all_of_the_set_back_within_seconds(yard: Yard) -> None:
    async def story(_: Rig) -> None:
        await yard.opened()
        orders = [yard.order(unit, "v2", strategy="canary", spec=GATED) for unit in NEEDS]
        await yard.start(*orders, gate="none")
        for _group in range(2):
            await yard.until(lambda: yard.train.phase == "gate")
            await yard.promote()
            await yard.until(lambda: yard.train.phase == "forward")
        await yard.until(lambda: yard.share("checkout", "v2") == 25)
        began = yard.now
        await yard.engine.submit(cmd.Abort(deployment="checkout@production", why="bad"), KIM)
        await yard.until(lambda: all(yard.share(unit, "v1") == 100 for unit in NEEDS))
        assert yard.now - began < 10
        await yard.until(lambda: yard.train.outcome == "returned")
        assert yard.train.cause == "checkout@production v2: bad"

    yard.run(story)
