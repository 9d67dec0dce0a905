"""The judge behind a pipe, as other programs drive it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.judging_rig import BOUNDS_S, Service, Traffic

pytestmark = pytest.mark.real
ROOT = Path(__file__).resolve().parents[2]


def start_line() -> dict[str, object]:
    history = Traffic().history()
    return {
        "type": "start",
        "tick_s": 5,
        "max_duration_s": 3600,
        "bounds_s": BOUNDS_S,
        "tolerance": {
            "error_abs": 0.005,
            "latency_rel": 0.1,
            "traffic_rel": 0.25,
            "conversion_rel": 0.1,
        },
        "alpha_abort": 0.01,
        "confidence_promote": 0.95,
        "history": {
            "requests": [arm.requests for arm in history],
            "errors": [arm.errors for arm in history],
            "conversions": [arm.conversions for arm in history],
            "latency": [arm.latency for arm in history],
        },
    }


def test_every_tick_is_answered_in_order_and_a_new_start_begins_anew() -> None:
    bad = [
        {
            "type": "tick",
            "i": tick.number,
            "t_s": tick.end_s,
            "weight": tick.weight,
            "canary": tick.canary and tick.canary._asdict(),
            "baseline": tick.baseline and tick.baseline._asdict(),
        }
        for tick in Traffic(Service(errors=1.0)).ticks(3)
    ]
    lines = [start_line(), *bad, start_line(), bad[0]]
    done = subprocess.run(
        [sys.executable, "benchmarks/judge_stdio.py", "--intervals"],
        input="".join(json.dumps(line) + "\n" for line in lines),
        capture_output=True,
        text=True,
        timeout=60,
        cwd=ROOT,
        check=True,
    )
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert [answer["decision"] for answer in answers] == ["CONTINUE", "ABORT", "ABORT", "CONTINUE"]
    assert answers[1]["metric"] == "errors"
    assert all(answer["errors"]["lo"] <= answer["errors"]["hi"] for answer in answers)
