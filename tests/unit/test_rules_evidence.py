"""Windows over counters, and what the first judge makes of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gaesup_tui.domain.observation import Counters
from gaesup_tui.domain.steps import RolloutSpec
from gaesup_tui.domain.telemetry import Series, Window, quantile
from tests.ratio_judge import RatioJudge

BOUNDS = (0.01, 0.1, 1.0)
SPEC = RolloutSpec(strategy="canary", plan=())


def counters(ok: int, errors: int = 0, buckets: tuple[int, ...] = (0, 0, 0, 0)) -> Counters:
    return Counters(ok=ok, errors=errors, bounds_s=BOUNDS, buckets=buckets)


def test_a_window_is_the_difference_of_two_samples() -> None:
    series = Series()
    series.add(0, "a", counters(100, 0, (100, 0, 0, 0)))
    series.add(10, "a", counters(190, 10, (150, 50, 0, 0)))
    window = series.window(10, 10)
    assert window is not None
    assert (window.requests, window.errors, window.rate) == (100, 10, 10.0)
    assert window.error_ratio == pytest.approx(0.1)
    assert window.p95_s == pytest.approx(0.091)


def test_no_sample_in_time_is_no_data_and_not_zero() -> None:
    series = Series()
    assert series.window(10, 10) is None
    series.add(0, "a", counters(5))
    assert series.window(60, 10) is None


def test_a_young_series_says_how_little_time_it_covers() -> None:
    series = Series()
    series.add(8, "a", counters(0))
    series.add(10, "a", counters(20))
    window = series.window(10, 60)
    assert window is not None
    assert window.seconds == 2
    assert window.rate == 10


def test_a_restarted_backend_and_a_counter_that_fell_begin_anew() -> None:
    series = Series()
    series.add(0, "a", counters(1000))
    series.add(1, "b", counters(5))
    series.add(2, "b", counters(7))
    window = series.window(2, 10)
    assert window is not None
    assert window.requests == 2
    series.add(3, "b", counters(1))
    assert series.window(3, 10) is not None
    assert series.window(3, 10).requests == 0  # type: ignore[union-attr]


def test_a_repeated_or_late_sample_changes_nothing() -> None:
    series = Series()
    series.add(1, "a", counters(10))
    series.add(2, "a", counters(20))
    series.add(2, "a", counters(25))
    series.add(1.5, "a", counters(22))
    window = series.window(2, 10)
    assert window is not None
    assert window.requests == 10


def test_an_idle_revision_has_no_error_ratio() -> None:
    assert Window(10, 0, 0, None, None).error_ratio is None


@given(st.lists(st.integers(0, 1000), min_size=4, max_size=4), st.floats(0.01, 0.99))
def test_a_quantile_lies_within_the_buckets(counts: list[int], share: float) -> None:
    value = quantile(BOUNDS, counts, share)
    if sum(counts) == 0:
        assert value is None
    else:
        assert value is not None
        assert 0 <= value <= BOUNDS[-1]


@given(st.lists(st.integers(0, 1000), min_size=4, max_size=4))
def test_quantiles_never_fall_with_their_share(counts: list[int]) -> None:
    values = [quantile(BOUNDS, counts, share / 20) or 0 for share in range(1, 20)]
    assert values == sorted(values)


def arm(requests: int, errors: int, p95_s: float | None = 0.05) -> Window:
    return Window(60, requests, errors, 0.02, p95_s)


@pytest.mark.parametrize(
    ("base", "candidate", "kind"),
    [
        (arm(1000, 4), None, "NO EVIDENCE"),
        (None, arm(1000, 4), "NO EVIDENCE"),
        (arm(1000, 4), arm(0, 0), "NO EVIDENCE"),
        (arm(1000, 4), arm(10, 10), "CONTINUE"),
        (arm(5000, 20), arm(5000, 21), "PROMOTE"),
        (arm(5000, 20), arm(5000, 250), "ABORT"),
        (arm(5000, 20, 0.05), arm(5000, 20, 0.09), "ABORT"),
        (arm(5000, 20, 0.05), arm(5000, 20, None), "CONTINUE"),
        (arm(200, 0, 0.0007), arm(70, 0, 0.020), "CONTINUE"),
        (arm(2000, 0, 0.0007), arm(1000, 0, 0.020), "CONTINUE"),
        (arm(2000, 0, 0.0007), arm(150, 0, 0.090), "CONTINUE"),
        (arm(2000, 0, 0.0007), arm(250, 0, 0.040), "ABORT"),
    ],
)
def test_the_first_judge(base: Window | None, candidate: Window | None, kind: str) -> None:
    verdict = RatioJudge().judge(SPEC, base, candidate)
    assert verdict.kind == kind, verdict.reason


def test_a_verdict_says_which_metric_and_how_much() -> None:
    verdict = RatioJudge().judge(SPEC, arm(5000, 20), arm(5000, 250))
    assert verdict.reason == "errors 5.0 % against 0.4 % on the base"
    assert [finding.metric for finding in verdict.findings] == ["errors", "p95"]


def test_both_sides_equally_sick_is_no_reason_to_blame_the_candidate() -> None:
    verdict = RatioJudge().judge(SPEC, arm(5000, 1500), arm(5000, 1500))
    assert verdict.kind in ("PROMOTE", "CONTINUE")
