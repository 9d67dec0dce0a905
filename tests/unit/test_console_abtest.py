"""An A/B test on the rollout's screen, on its own page, and as the command tells it."""

from __future__ import annotations

import time
from typing import Any

import pytest

from gaesup_tui.console.ab import band_runs, panel
from gaesup_tui.domain.abtest import telling
from gaesup_tui.domain.abtest.views import ABView
from gaesup_widgets.symbols import ASCII
from tests.console_driver import console_on
from tests.console_world import CannedWorld

SAID = "v42 converts 3.42 %, v41 3.10 %: +0.32 points (+0.05 to +0.59, +10 %), better"


def made(**more: Any) -> ABView:
    now = time.time()
    view: dict[str, Any] = {
        "kind": "better",
        "reason": SAID,
        "metric": "conversion",
        "base": _arm("v41", 12_340, 383),
        "candidate": _arm("v42", 12_298, 421),
        "difference": 0.0032,
        "low": 0.0005,
        "high": 0.0059,
        "lift": 0.103,
        "bound": 0.00155,
        "confidence": 0.95,
        "split_evidence": 0.0,
        "min_users": 1000,
        "min_effect": 0.05,
        "counted_from": now - 7500,
        "lost_users": 0,
        "earliest": None,
        "latest": None,
        "expected": None,
        "enough": None,
        "enough_users": None,
        "key": "cookie shopper",
        "follows": {
            "better": "hold",
            "worse": "abort",
            "no difference": "hold",
            "undecided": "promote",
        },
        "next": "hold",
    }
    return {**view, **more}  # type: ignore[typeddict-item]


def _arm(version: str, users: int, converted: int) -> dict[str, Any]:
    seen = {"share": 0.5, "share_seen": users / 24_638, "ratio": converted / users}
    return {"version": version, "users": users, "converted": converted, **seen}


def world(view: ABView | None) -> CannedWorld:
    canned = CannedWorld.of(4)
    canned.deployments["cart@production"]["rollout"]["ab"] = view
    return canned


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_the_rollout_shows_the_answer_the_arms_and_the_split(size: tuple[int, int]) -> None:
    async with console_on(world(made()), size=size) as console:
        await console.press("enter")
        await console.expects("A/B better", "3.42 %, v41 3.10 %", "better  limit", "50 % planned")


async def test_v_opens_the_answer_in_full_and_q_closes_it() -> None:
    async with console_on(world(made()), size=(80, 24)) as console:
        await console.press("enter", "V")
        await console.expects("better: waits for you", SAID[:40], "+0.32 points (+0.05 to +0.59)")
        await console.expects("95 %, however often one looks", "undecided: promotes")
        await console.press("q")
        await console.expects("Way back")


async def test_the_command_line_opens_it_too() -> None:
    async with console_on(world(made())) as console:
        await console.press("colon")
        await console.type("ab cart")
        await console.press("enter")
        await console.expects("better: waits for you")


async def test_where_there_is_no_test_it_says_so() -> None:
    async with console_on(world(None)) as console:
        await console.press("V")
        await console.expects("A/B answer: its last rollout was no A/B test")
        await console.press("colon")
        await console.type("ab cart@production")
        await console.press("enter")
        await console.expects("cart@production: its last rollout was no A/B test")


def test_the_band_fits_and_tells_zero_the_limits_and_the_point_apart() -> None:
    text = "".join(cell.text for cell in band_runs(made(), 60, ASCII))
    assert text.startswith("worse [")
    band = text[text.index("[") + 1 : text.index("]")]
    middle = len(band) // 2
    assert band[middle] == ASCII.band_zero
    assert band.index(ASCII.band_point) > middle
    assert band.count(ASCII.band_limit) == 2
    worse = made(difference=-0.09, low=-0.1, high=-0.08)
    text = "".join(cell.text for cell in band_runs(worse, 60, ASCII))
    assert text.index(ASCII.band_point) < len("worse [") + middle


def test_before_the_first_user_nothing_is_made_up() -> None:
    nobody = {"version": "v42", "users": 0, "converted": 0, "ratio": None}
    empty = made(
        kind="not begun",
        reason="the traffic is not split yet",
        base={**nobody, "version": "v41", "share": 0.5, "share_seen": None},
        candidate={**nobody, "share": 0.5, "share_seen": None},
        difference=None,
        low=None,
        high=None,
        lift=None,
        bound=None,
        counted_from=None,
        next=None,
    )
    text = "\n".join(text for _, text in telling.told(empty, time.time()))
    assert "no users yet, 50 % planned on v42" in text
    assert "points" not in text
    shown = "".join(cell.text for line in panel(empty, time.time(), 60, ASCII) for cell in line)
    assert "A/B not begun" in shown


def test_what_is_to_come_is_said_as_times_from_now() -> None:
    now = 1000.0
    view = made(kind="measuring", earliest=now + 600, latest=now + 86400, expected=now + 7200)
    said = dict(telling.told(view, now))
    assert said["Time"] == "at least 10m00, at most 1d00h; in about 2h00 if it stays so"


def test_a_broken_split_and_lost_users_are_said() -> None:
    view = made(kind="broken split", split_evidence=1.0, lost_users=3400, counted_from=900.0)
    said = dict(telling.told(view, 1000.0))
    assert said["Split"] == "49.9 % of users on v42, 50 % planned: BROKEN"
    assert "lost keys" in said["Look at"]
    assert "at least 3,400 users of before a restart are lost" in said["Counted"]


def test_a_test_that_cannot_end_in_time_says_so_while_there_is_time() -> None:
    view = made(kind="measuring", latest=1000.0 + 3600, enough=1000.0 + 7200, enough_users=126_000)
    said = dict(telling.told(view, 1000.0))
    assert said["Enough"] == (
        "126,000 users tell 5 %: in 2h00, which is after its end: a longer maxRun, or a larger "
        "minEffect"
    )
    view = made(kind="measuring", latest=1000.0 + 9000, enough=1000.0 + 7200, enough_users=126_000)
    assert dict(telling.told(view, 1000.0))["Enough"] == "126,000 users tell 5 %: in 2h00"
    assert said["Users"] == "told apart by the cookie shopper"
