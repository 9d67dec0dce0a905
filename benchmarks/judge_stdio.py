"""The judge behind a pipe: one JSON object a line in, one answer a line out.

``python benchmarks/judge_stdio.py [--intervals] [--no-history]``. A ``start`` line begins a
judgement and gets no answer, a ``tick`` line gets its verdict; end of input ends the program.
``--intervals`` adds the interval of the excess error ratio to every answer.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from gaesup_tui.domain.judging import Arm, Metrics, Start, State, Tick, begin, step
from gaesup_tui.domain.judging.intervals import error_interval


def start_of(message: dict[str, Any], with_history: bool = True) -> State:
    """The state that a ``start`` line asks for."""
    told = message["tolerance"]
    usual = Metrics()
    start = Start(
        tick_s=message["tick_s"],
        bounds_s=tuple(message["bounds_s"]),
        max_duration_s=message["max_duration_s"],
        soak_s=message.get("soak_s", 0.0),
        warmup_s=message.get("warmup_s", 0.0),
        alpha_abort=message["alpha_abort"],
        felt_s=0.0,  # the protocol knows tolerances only
        confidence_promote=message["confidence_promote"],
        metrics=Metrics(
            errors=usual.errors._replace(tolerance=told["error_abs"]),
            latency=usual.latency._replace(tolerance=told["latency_rel"]),
            conversion=usual.conversion._replace(tolerance=told["conversion_rel"]),
            traffic=usual.traffic._replace(tolerance=told["traffic_rel"]),
        ),
    )
    return begin(start, history_of(message.get("history")) if with_history else ())


def history_of(history: dict[str, Any] | None) -> list[Arm]:
    if history is None:
        return []
    columns = (history["requests"], history["errors"], history["latency"], history["conversions"])
    return [Arm(n, e, tuple(h), v) for n, e, h, v in zip(*columns, strict=True)]


def tick_of(message: dict[str, Any]) -> Tick:
    return Tick(
        number=message["i"],
        end_s=message["t_s"],
        weight=message["weight"],
        canary=arm_of(message["canary"]),
        baseline=arm_of(message["baseline"]),
    )


def arm_of(counts: dict[str, Any] | None) -> Arm | None:
    if counts is None:
        return None
    return Arm(
        requests=counts["requests"],
        errors=counts["errors"],
        latency=tuple(counts["latency"]),
        conversions=counts.get("conversions"),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--intervals", action="store_true", help="add the band of the errors")
    parser.add_argument("--no-history", action="store_true", help="forget the baseline's past")
    given = parser.parse_args()
    state: State | None = None
    for line in sys.stdin:
        message = json.loads(line)
        if message["type"] == "start":
            state = start_of(message, not given.no_history)
            continue
        if state is None:
            sys.exit("judge_stdio: a tick came before the start; send a start line first")
        state, verdict = step(state, tick_of(message))
        answer: dict[str, Any] = {
            "decision": verdict.kind,
            "cause": verdict.cause,
            "metric": verdict.metric,
            "evidence": verdict.evidence,
        }
        if given.intervals:
            alpha, beta = state.start.alpha_abort, 1 - state.start.confidence_promote
            low, high = error_interval(state, alpha, beta)
            answer["errors"] = {"lo": low, "hi": high}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
