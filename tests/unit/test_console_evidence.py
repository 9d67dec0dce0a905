"""How the judge's figures look on the rollout."""

from __future__ import annotations

from gaesup_tui.console.evidence import evidence_of, meter_cells
from gaesup_tui.domain.verdict_views import FindingView, VerdictView
from gaesup_widgets.symbols import UNICODE
from tests.console_driver import console_on


def finding(metric: str, base: float, candidate: float, tolerance: float) -> FindingView:
    return FindingView(
        metric=metric,
        base=base,
        candidate=candidate,
        difference=0.0,
        low=-0.1,
        high=0.1,
        tolerance=tolerance,
        base_requests=900,
        candidate_requests=300,
        state="unsure",
    )


def test_each_metric_is_told_in_its_own_terms() -> None:
    shown = [
        evidence_of(each)
        for each in (
            finding("errors", 0.0, 0.0112, 0.005),
            finding("p95", 0.0005, 0.0123, 10.0),
            finding("traffic", 15400.0, 870.0, 0.25),
            finding("conversion", 0.06, 0.05, 0.1),
        )
    ]
    assert [(e.baseline, e.candidate, e.tolerance_text) for e in shown] == [
        ("0.00%", "1.12%", "+0.5 pt"),
        ("0.5ms", "12ms", "+5.0ms"),
        ("15k", "870", "-25 %"),
        ("6.00%", "5.00%", "-10 %"),
    ]


def verdict(toward_abort: float | None, toward_promote: float | None) -> VerdictView:
    return VerdictView(
        kind="CONTINUE",
        reason="",
        at=None,
        findings=[],
        toward_abort=toward_abort,
        toward_promote=toward_promote,
        left_s=None,
        left_span_s=None,
        whole_s=None,
        code="gathering",
        fix="",
        helps=[],
    )


def test_both_keys_are_seen_and_none_is_drawn_that_is_not_known() -> None:
    lines = meter_cells(verdict(0.0, 0.62), UNICODE)
    texts = ["".join(cell.text for cell in line) for line in lines]
    assert texts == [
        "to abort   ░░░░░░░░░░░░░░░░░░░░   0 %",
        "to promote ████████████░░░░░░░░  62 %",
    ]
    assert meter_cells(verdict(None, None), UNICODE) == []
    assert meter_cells(None, UNICODE) == []


async def test_a_verdict_from_before_the_way_back_is_not_shown_as_todays() -> None:
    async with console_on() as console:
        await console.press("enter")
        await console.expects("CONTINUE")
        view = console.engine.world.deployments["cart@production"]
        view["rollout"].update(phase="back", cause="v42 errors 4.8 % > 3.0 % over 10 s")
        console.engine.change("cart@production")
        await console.expects("Before the way back:")
