"""Generated traffic against a real node that serves the shop: clients see what each version is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gaesup_tui.cli.load_report import LoadReport
from gaesup_tui.cli.load_traffic import LoadTarget, run_load

from .node_rig import Rig, ready, running_node

pytestmark = pytest.mark.real

ARTIFACTS = Path(__file__).resolve().parents[2] / "examples" / "shop" / "artifacts"


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    async with running_node() as rig:
        yield rig


async def canary(rig: Rig, unit: str, stable: str, new: str, weight_percent: int) -> None:
    """Both versions ready, the new one at its weight."""
    deployment = f"{unit}@production"
    for version in (stable, new):
        module = ARTIFACTS / f"{unit}-{version}.wasm"
        await rig.apply(module, version, deployment=deployment)
    await rig.until(
        lambda state: ready(state, stable) == ready(state, new) == 1, deployment=deployment
    )
    weights = {stable: 100 - weight_percent, new: weight_percent}
    await rig.ask("set_traffic", deployment=deployment, weights=weights)


async def load(rig: Rig, unit: str, rps: float, duration_s: float) -> LoadReport:
    target = LoadTarget(unit, "production", rig.port)
    return await run_load(target, rps, duration_s, lambda report: None, asyncio.Event())


@pytest.mark.parametrize(
    ("unit", "stable", "new"),
    [
        ("cart", "v41", "v42"),
        ("catalog", "v21", "v22"),
        ("checkout", "v12", "v13"),
        ("search", "v7", "v8"),
    ],
)
async def test_a_good_canary_answers_its_share_without_errors(
    rig: Rig, unit: str, stable: str, new: str
) -> None:
    await canary(rig, unit, stable, new, 25)
    report = await load(rig, unit, rps=400, duration_s=1.5)
    assert (report.answered, report.errors) == (600, {})
    assert not [status for status in report.by_status if status >= 500]
    # 600 draws of 25 %: outside 90 to 220 once in a billion runs.
    assert 90 < report.by_revision[new].answered < 220
    assert report.by_revision[stable].answered + report.by_revision[new].answered == 600


async def test_the_errors_of_a_bad_canary_are_its_own(rig: Rig) -> None:
    await canary(rig, "cart", "v41", "v43", 50)
    report = await load(rig, "cart", rps=400, duration_s=1.5)
    bad = report.by_revision["v43"]
    assert report.by_revision["v41"].server_errors == 0
    assert bad.server_errors == bad.answered // 20
    assert report.by_status[500] == bad.server_errors > 5


async def test_a_slow_canary_raises_its_own_p95(rig: Rig) -> None:
    await canary(rig, "cart", "v41", "v44", 50)
    report = await load(rig, "cart", rps=100, duration_s=2)
    slow, fast = report.by_revision["v44"].latency, report.by_revision["v41"].latency
    assert slow.p95_s > 0.015
    assert slow.p95_s > 2 * fast.p50_s
    assert slow.p50_s < slow.p95_s / 2


async def test_a_canary_that_traps_costs_the_stable_version_nothing(rig: Rig) -> None:
    await canary(rig, "cart", "v41", "v46", 50)
    report = await load(rig, "cart", rps=200, duration_s=1.5)
    bad = report.by_revision["v46"]
    assert bad.server_errors == bad.answered > 100
    assert report.by_revision["v41"].server_errors == 0
    assert set(report.by_status) <= {200, 201, 502, 503}
