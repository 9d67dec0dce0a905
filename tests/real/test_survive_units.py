"""Bad units as canaries under traffic: each is taken back by itself, with the reason, and held."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

import pytest
import wasmtime

from gaesup_tui.domain.views import StatusRow

from .stack import DEADLINE_S, Stack, running_stack
from .traffic import flowing, wrong

pytestmark = pytest.mark.real

QUICK = {
    "steps": [{"weight": 25}, {"pause": "10s"}, {"weight": 50}],
    "bake": "0s",
    "progressDeadline": "3s",
}
"""Long enough under way for every guard to see what is wrong."""
GUARDS = [
    {"metric": "healthFailures", "above": 2},
    {"metric": "restarts", "above": 2},
    {"metric": "errorRatio", "above": 0.03, "window": "5s", "minRequests": 40},
    {"metric": "p95", "above": "25ms", "window": "5s", "minRequests": 40},
]
GOOD = {"cart": "v41", "catalog": "v21", "checkout": "v12"}


@pytest.fixture(scope="module")
def shop() -> Iterator[Stack]:
    """One stack for all: each test leaves every unit on its good version."""
    with running_stack() as stack:
        stack.write_project({unit: {"canary": QUICK, "guards": GUARDS} for unit in GOOD})
        for unit, version in GOOD.items():
            stack.deploy(unit, version)
        for unit in GOOD:
            stack.until(f"{unit}@production", lambda row: row["status"] == "healthy", "healthy")
        yield stack


def taken_back(shop: Stack, unit: str, version: str, rps: float = 200.0) -> StatusRow:
    """Deploys a bad version under traffic and waits until it was rolled back; no reply of the
    stable version may be an error meanwhile."""
    key = f"{unit}@production"
    with flowing(shop.port, unit, rps) as traffic:
        shop.deploy(unit, version)
        row = shop.until(key, lambda row: rolled_back(row, version), f"rolled back from {version}")
        later = traffic.next_second()
        report = traffic.end()
    assert row["version"] == GOOD[unit]
    stable = [s for name, s in report.by_revision.items() if name.startswith(GOOD[unit])]
    assert [share.server_errors for share in stable] == [0]
    assert wrong(later) == {}
    assert len(later.by_revision) == 1
    assert row["hold"], "automation is held until a person releases it"
    assert row["rollout"] is not None
    assert row["rollout"]["cause"]
    shop.ask("unhold", key, why="seen")
    return row


def rolled_back(row: StatusRow, version: str) -> bool:
    rollout = row["rollout"]
    return bool(rollout and rollout["candidate"] == version and rollout["outcome"] == "aborted")


def weight(row: StatusRow) -> int | None:
    return row["rollout"]["weight_seen"] if row["rollout"] else None


def cause(row: StatusRow) -> str:
    assert row["rollout"] is not None
    return row["rollout"]["cause"] or ""


@pytest.mark.parametrize(
    ("unit", "version", "reason"),
    [
        ("cart", "v43", r"v43 errors \d+\.\d % > 3\.0 % over 5 s"),
        ("cart", "v44", r"v44 p95 \d+ms > 25ms over 5 s"),
        ("cart", "v45", r"v45 (restarted 3 times|errors)"),
        ("cart", "v46", r"smoke test|GET /hello"),
        ("cart", "v47", r"ready within 3 s|not ready"),
        ("catalog", "v23", r"v23 .*(trap|start)"),
        ("catalog", "v24", r"v24 (errors|p95)"),
        ("catalog", "v25", r"v25 errors"),
        ("checkout", "v14", r"v14 errors"),
    ],
)
def test_a_bad_version_is_taken_back_by_itself_with_the_reason(
    shop: Stack, unit: str, version: str, reason: str
) -> None:
    row = taken_back(shop, unit, version)
    assert re.search(reason, cause(row)), cause(row)
    shown = shop.run("status", unit).stdout
    assert cause(row) in shown
    assert f"aborted {version}" in shown


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ('(import "wasi_snapshot_preview1" "fd_write" (func (param i32)))', "fd_write"),
        ('(import "env" "system" (func (param i32)))', "system"),
        ("(memory 65536)", "memory"),
    ],
)
def test_a_module_that_asks_for_too_much_never_runs(shop: Stack, body: str, reason: str) -> None:
    folder = shop.home / "hostile"
    folder.mkdir(exist_ok=True)
    module = folder / "catalog-v66.wasm"
    module.write_bytes(wasmtime.wat2wasm(f"(module {body})"))
    unit = {"artifact": str(folder / "catalog-{version}.wasm"), "versions": {"v66": {}}}
    shop.write_project({"catalog": unit | {"canary": QUICK}})
    row = taken_back(shop, "catalog", "v66")
    assert "v66 cannot start" in cause(row)
    assert reason in cause(row)


def test_a_leak_ends_at_its_own_memory_limit_and_stable_never_notices(shop: Stack) -> None:
    """64 KiB stay of each request: 4 MiB are gone after some forty of them."""
    strict = [{"metric": "errorRatio", "above": 0.01, "window": "5s", "minRequests": 100}]
    checkout = {"canary": QUICK, "guards": strict, "memory": "4Mi"}
    shop.write_project({"checkout": checkout})
    row = taken_back(shop, "checkout", "v15", rps=300)
    assert re.search(r"v15 errors", cause(row))


def test_escape_sequences_of_a_unit_reach_no_terminal(shop: Stack) -> None:
    """catalog v25 logs its garbage: colours, titles and bells of its own making."""
    key = "catalog@production"
    shop.write_project({"catalog": {"canary": QUICK, "guards": []}})
    with flowing(shop.port, "catalog"):
        shop.deploy("catalog", "v25")
        shop.until(key, lambda row: weight(row) == 25, "at 25 %")
        give_up = time.monotonic() + DEADLINE_S
        shown = ""
        while "\\x1b" not in shown:
            assert time.monotonic() < give_up, shown
            shown = shop.run("logs", "catalog", "--revision", "v25").stdout
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", shown)
    shop.ask("abort", key)
    shop.until(key, lambda row: rolled_back(row, "v25"), "back")
