"""``gaesup judge``: why it says what it says, and what other settings would have said."""

from __future__ import annotations

import argparse
import json
from itertools import groupby
from pathlib import Path

from gaesup_tui.cli import targets
from gaesup_tui.cli.connecting import connect
from gaesup_tui.cli.output import Output
from gaesup_tui.cli.settings import changed
from gaesup_tui.domain.errors import Invalid, NotFound, Unavailable
from gaesup_tui.domain.judged import verdict_of
from gaesup_tui.domain.judged_record import Record, read_record, replay
from gaesup_tui.domain.judged_story import story_of
from gaesup_tui.domain.judging import Judgement, Start, State
from gaesup_tui.domain.judging.flips import flips
from gaesup_tui.domain.remedies import commands
from gaesup_tui.domain.text import duration, milliseconds, percent
from gaesup_tui.domain.verdict import Finding
from gaesup_tui.domain.verdict_views import TurnView
from gaesup_tui.service.client import Client

_STYLE = {"PROMOTE": "ok", "CONTINUE": "", "ABORT": "bad", "NO EVIDENCE": "warn"}


def run(args: argparse.Namespace, out: Output) -> int:
    """Goes through the record here, not in the engine: a replay costs nobody else anything."""
    engine = connect(args)
    rollout = targets.rollout_id(engine, args.target, args.environment)
    lines = engine.judged(rollout)
    try:
        record = read_record(lines)
    except ValueError as error:
        raise Unavailable(str(error)) from None
    if args.what == "explain":
        if args.set or args.config:
            name = "--set" if args.set else "--config"
            raise Invalid(f"{name} is for replay", hint="explain says what was said")
        if args.history:
            return _story(record, args.json, out)
        return _explain(record, _possible(engine, record.rollout), args.json, out)
    if args.history:
        raise Invalid("--history is for explain", hint="replay shows how it would have gone")
    return _replay(record, args.set or [], args.config, args.json, out)


# Why.


def _possible(engine: Client, rollout: str) -> tuple[str, ...] | None:
    """Of what helps, what the engine would accept now; None: nothing moves any more, so nothing
    that is said about the future holds."""
    try:
        view = engine.rollout(rollout)
    except NotFound:
        return None  # the deployment was deleted, its record was kept
    if view["phase"] != "forward" or not 0 < view["weight_wished"] < 100:
        return None
    return tuple(view["verdict"]["helps"]) if view["verdict"] else ()


def _explain(record: Record, possible: tuple[str, ...] | None, as_json: bool, out: Output) -> int:
    state, _ = replay(record, record.start)
    verdict = verdict_of(state)
    if possible is None:
        verdict = verdict.when_over()
    else:
        still = tuple(action for action in verdict.helps if action in possible)
        verdict = verdict.model_copy(update={"helps": still})
    if as_json:
        out.raw(json.dumps({"rollout": record.rollout, **verdict.model_dump()}) + "\n")
        return 0
    out.line(_title(record), "bold")
    out.line(f"{verdict.kind}  {verdict.reason}", _STYLE[verdict.kind])
    if verdict.fix:
        out.line(f"fix    {verdict.fix}")
    if helps := commands(verdict.helps, record.rollout.partition("#")[0]):
        out.line(f"helps  {helps}")
    head = ("METRIC", record.base, record.candidate, "DIFFERENCE", "BETWEEN", "LIMIT", "STATE")
    out.table(head, [_row(finding) for finding in verdict.findings])
    if verdict.findings:
        first = verdict.findings[0]
        out.line(f"{first.candidate_requests:,} and {first.base_requests:,} requests compared")
    out.line(
        f"toward abort {percent(verdict.toward_abort)}, "
        f"toward promote {percent(verdict.toward_promote)} (evidence, not probability)"
    )
    for said in flips(state):
        out.line(said)
    return 0


def _story(record: Record, as_json: bool, out: Output) -> int:
    story = story_of(record)
    if as_json:
        out.raw(json.dumps(story) + "\n")
        return 0
    out.line(_title(record), "bold")
    rows = [_turn(turn) for turn in story["turns"]]
    out.table(("AFTER", "VERDICT", "KIND", "REQUESTS", "ERRORS", "P95", "TRAFFIC"), rows)
    if story["left_out"]:
        out.line(f"{story['left_out']} turns in between are not shown", "dim")
    out.line(f"{story['kind']}  {story['reason']}", _STYLE[story["kind"]])
    for said in story["flips"]:
        out.line(said)
    return 0


def _turn(turn: TurnView) -> tuple[str, ...]:
    found = {view["metric"]: Finding.model_validate(view) for view in turn["findings"]}
    requests = next((finding.candidate_requests for finding in found.values()), 0)
    return (
        duration(turn["end_s"]),
        turn["kind"],
        turn["code"],
        f"{requests:,}",
        *(_effect(found.get(metric)) for metric in ("errors", "p95", "traffic")),
    )


def _effect(finding: Finding | None) -> str:
    """The difference and its interval."""
    if finding is None or finding.difference is None:
        return "–"
    said = _size(finding, finding.difference)
    if finding.low is None or finding.high is None:
        return said
    return f"{said} ({_size(finding, finding.low)} to {_size(finding, finding.high)})"


def _title(record: Record) -> str:
    tick_s, history = record.start.tick_s, len(record.history)
    past = f"{duration(history * tick_s)} of the base's past" if history else "no past of the base"
    return (
        f"{record.rollout}  {record.base}→{record.candidate}  "
        f"{len(record.entries)} ticks of {duration(tick_s)}, {past}"
    )


def _row(finding: Finding) -> tuple[str, ...]:
    between = "–"
    if finding.low is not None and finding.high is not None:
        between = f"{_size(finding, finding.low)} to {_size(finding, finding.high)}"
    return (
        finding.metric,
        _value(finding.metric, finding.base),
        _value(finding.metric, finding.candidate),
        "–" if finding.difference is None else _size(finding, finding.difference),
        between,
        _size(finding, finding.tolerance),
        finding.state,
    )


def _value(metric: str, value: float | None) -> str:
    if metric == "p95":
        return milliseconds(value)
    if metric == "traffic":
        return "–" if value is None else f"{value:,.0f}"
    return "–" if value is None else f"{value * 100:.2f} %"


def _size(finding: Finding, harm: float) -> str:
    if finding.metric == "errors":
        return f"{harm * 100:+.2f} points"
    if finding.metric == "p95" and finding.tolerance > 1 and finding.base is not None:
        # A fast unit's limit is a time one feels; as a share of its p95 it reads like none at all.
        return f"{harm * finding.base * 1000:+.1f}ms"
    return f"{(harm if finding.metric == 'p95' else -harm) * 100:+.0f} %"


# What if.


def _replay(
    record: Record, changes: list[str], config: str | None, as_json: bool, out: Output
) -> int:
    start = changed(_by_config(record, config) if config else _today(record.start), changes)
    lived, was = replay(record, record.start)
    state, said = replay(record, start)
    if as_json:
        told = {
            "rollout": record.rollout,
            "recorded": [_short(judgement) for judgement in was],
            "replayed": [_short(judgement) for judgement in said],
        }
        out.raw(json.dumps(told) + "\n")
        return 0
    out.line(_title(record), "bold")
    out.line(f"as it was set:  {_decision(lived, was)}")
    usual = [f"as {config} has it"] if config else []
    settings = ", ".join([*usual, *changes]) or "today's defaults, the rollout's own tolerances"
    out.line(f"replayed:       {_decision(state, said)}")
    out.line(f"({settings})", "dim")
    out.table(
        ("AFTER", "TICKS", "VERDICT", "CAUSE"),
        [
            (duration(first.end_s), str(1 + len(rest)), first.kind, first.cause)
            for (_, _), (first, *rest) in (
                (key, list(group)) for key, group in groupby(said, lambda j: (j.kind, j.cause))
            )
        ],
    )
    out.line(verdict_of(state).reason, _STYLE[state.verdict.kind])
    return 0


def _by_config(record: Record, path: str) -> Start:
    from gaesup_tui.service.replaying import start_by  # reads YAML: only where it is asked for

    return start_by(record, Path(path))


def _today(start: Start) -> Start:
    """What a rollout that asks for the same would be judged by now."""
    usual = Start()
    policies = [
        policy._replace(tolerance=asked.tolerance, enabled=asked.enabled)
        for policy, asked in zip(usual.metrics, start.metrics, strict=True)
    ]
    return usual._replace(
        tick_s=start.tick_s, bounds_s=start.bounds_s, metrics=type(usual.metrics)(*policies)
    )


def _short(judgement: Judgement) -> dict[str, object]:
    return {"end_s": judgement.end_s, "kind": judgement.kind, "cause": judgement.cause}


def _decision(state: State, said: list[Judgement]) -> str:
    """``ABORT after 35 s (harm: errors)``: the first one anybody would have acted on."""
    for judgement in said:
        if judgement.kind in ("ABORT", "PROMOTE"):
            about = f": {judgement.metric}" if judgement.metric else ""
            return f"{judgement.kind} after {duration(judgement.end_s)} ({judgement.cause}{about})"
    return f"no decision in {duration(state.end_s)}"
