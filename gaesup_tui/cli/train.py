"""``gaesup train``: several units as one release, in the order in which they need each other."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable

from gaesup_tui.cli import rest, seen
from gaesup_tui.cli.connecting import connect
from gaesup_tui.cli.exits import FAILED, LATE, OK
from gaesup_tui.cli.output import Output
from gaesup_tui.cli.train_start import start
from gaesup_tui.domain.errors import Invalid, NotFound, Unavailable
from gaesup_tui.domain.text import duration, printable_line, short_line
from gaesup_tui.domain.train_views import TrainView
from gaesup_tui.service.client import Client

_STYLES = {"gate": "warn", "held": "bad", "back": "bad"}
_OUTCOMES = {"arrived": "ok", "returned": "warn", "partly": "bad"}


def run(args: argparse.Namespace, out: Output) -> int:
    """Starts, shows, promotes or aborts a train."""
    does: dict[str, Callable[[argparse.Namespace, Output], int]] = {
        "start": _start,
        "status": _status,
        "promote": _decide,
        "abort": _decide,
        "list": _list,
    }
    return does[args.what](args, out)


def _start(args: argparse.Namespace, out: Output) -> int:
    engine = connect(args, start=True)
    name = start(engine, args, out)
    if name is None:
        return OK
    return _follow(engine, name, args, out) if args.wait else _hint(name, args, out)


def _hint(name: str, args: argparse.Namespace, out: Output) -> int:
    if not args.json:
        out.line(f"`gaesup train status {name} --wait` follows it", "dim")
    return OK


def _list(args: argparse.Namespace, out: Output) -> int:
    trains = connect(args).status()["engine"]["trains"]
    if args.json:
        out.raw(json.dumps(trains, ensure_ascii=False, separators=(",", ":")) + "\n")
        return OK
    if not trains:
        out.line("no train was started yet: `gaesup train start NAME`")
        return OK
    rows = [
        (train["name"], train["environment"], _age(train["at"]), train["by"], train["text"])
        for train in trains
    ]
    out.table(("TRAIN", "TO", "SINCE", "BY", "WHAT"), rows, [_style(train) for train in trains])
    return OK


def _status(args: argparse.Namespace, out: Output) -> int:
    engine = connect(args)
    train = _named(engine, args.name)
    if args.wait:
        return _follow(engine, train["name"], args, out)
    if args.json:
        out.raw(json.dumps(train, ensure_ascii=False, separators=(",", ":")) + "\n")
    else:
        show(train, out)
    return OK


def _named(engine: Client, name: str | None) -> TrainView:
    """The train of that name, or the only one that is under way.

    Raises:
        NotFound: there is none.
        Invalid: none was named and several are under way.
    """
    trains = engine.status()["engine"]["trains"]
    if name:
        found = [train for train in trains if train["name"] == name]
    else:
        found = [train for train in trains if train["phase"] != "finished"] or trains[:1]
    if len(found) == 1:
        return found[0]
    names = ", ".join(train["name"] for train in trains) or "none"
    if found:
        raise Invalid("which train?", hint=f"name one of {names}")
    if not name:
        raise NotFound("no train was started yet", hint="`gaesup train start NAME`")
    raise NotFound(f"there is no train {printable_line(name, 80)}", hint=f"trains: {names}")


def show(train: TrainView, out: Output) -> None:
    """A train with its units, group by group."""
    why = f': "{train["why"]}"' if train["why"] else ""
    out.line(f"train {train['name']} to {train['environment']} by {train['by']}{why}", "bold")
    out.line(f"{train['text']}{_until(train)}", _style(train))
    rows = [
        (str(number), car["deployment"], f"{car['leaves'] or '·'} → {car['to']}", car["text"])
        for number, group in enumerate(train["groups"], 1)
        for car in group
    ]
    out.table(("GROUP", "DEPLOYMENT", "CHANGE", "STANDS"), rows)
    if train["phase"] != "finished":
        out.line(f"way back: {train['way_back']}", "dim")
    if train["on_promote"]:
        out.line(f"`gaesup train promote {train['name']}` {train['on_promote']}", "dim")


def _until(train: TrainView) -> str:
    if train["until"] is None:
        return ""
    return f"; goes back in {duration(max(0.0, train['until'] - time.time()))}"


def _style(train: TrainView) -> str:
    return _STYLES.get(train["phase"], _OUTCOMES.get(train["outcome"] or "", ""))


def _age(at: float) -> str:
    return duration(max(0.0, time.time() - at))


def _decide(args: argparse.Namespace, out: Output) -> int:
    """Promotes what was shown, or takes all of it back."""
    engine = connect(args, start=True)
    train = _named(engine, args.name)
    body: dict[str, str | int] = {
        "action": f"train_{args.what}",
        "train": train["name"],
        "why": short_line(args.reason),
    }
    promotes = args.what == "promote"
    if promotes:
        body["expect_seq"] = train["seq"]
        if args.break_glass:
            body["break_glass"] = short_line(args.break_glass)
    if not args.json:
        if promotes:
            out.line(f"  Then      {train['on_promote'] or 'nothing: it stands at no gate'}")
            if train["glass"]:
                out.line(f"  Beware    {train['glass']}: it takes --break-glass WHY", "warn")
        out.line(f"  Way back  {train['way_back']}")
    if args.plan:
        return OK
    began = time.monotonic()
    receipt = engine.command(body)
    if args.json:
        out.raw(json.dumps(receipt, ensure_ascii=False, separators=(",", ":")) + "\n")
    else:
        out.line(seen.receipt_line(receipt), "ok" if promotes else "bad")
    if not args.wait and (promotes or args.no_wait):
        return _hint(train["name"], args, out)
    code = _follow(engine, train["name"], args, out)
    if not args.json:
        out.line(f"seen after {seen.took(time.monotonic() - began)}", "dim")
    return code


def _follow(engine: Client, name: str, args: argparse.Namespace, out: Output) -> int:
    """Tells what changes until the train is over: 0 all arrived (or, asked to go back, all did),
    1 it ended otherwise, 3 too late."""
    until = time.monotonic() + rest.seconds(args.timeout)
    told: set[str] = set()
    train = _named(engine, name)
    while train["phase"] != "finished":
        _tell(train, told, args, out)
        if time.monotonic() >= until:
            out.line(f"not over after {args.timeout}: {train['text']}", "warn")
            return LATE
        time.sleep(4 * rest.POLL_S)
        try:
            train = _named(engine, name)
        except Unavailable:
            # An engine that was killed comes back where it was.
            if time.monotonic() >= until:
                raise
    _tell(train, told, args, out)
    if args.json:
        out.raw(json.dumps(train, ensure_ascii=False, separators=(",", ":")) + "\n")
    wanted = "returned" if args.what == "abort" else "arrived"
    return OK if train["outcome"] == wanted else FAILED


def _tell(train: TrainView, told: set[str], args: argparse.Namespace, out: Output) -> None:
    if not args.json and train["text"] not in told:
        out.line(f"{train['name']}  {train['text']}", _style(train))
        told.add(train["text"])
