"""``gaesup watch``: one deployment's events as they happen, until it came to rest."""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator

from gaesup_tui.cli import rest, targets
from gaesup_tui.cli.connecting import connect, row_of
from gaesup_tui.cli.exits import LATE
from gaesup_tui.cli.output import Output
from gaesup_tui.domain.errors import Unavailable
from gaesup_tui.domain.text import duration, percent
from gaesup_tui.domain.views import EventView, StatusRow
from gaesup_tui.service.client import Client

_STYLE = {"info": "", "ok": "ok", "warn": "warn", "bad": "bad"}

_RINGS = ("retreat_started", "way_back_verified")


def run(args: argparse.Namespace, out: Output) -> int:
    """Prints a line per event; the exit code says how it ended, like ``status --wait``."""
    until = time.monotonic() + rest.seconds(args.timeout)
    engine = connect(args)
    view = engine.status()
    row = targets.find(view["deployments"], args.unit, args.environment)
    out.line(f"{row['key']}  {row['status_text']}")
    watch = _Watch(engine, row["key"], out, live=out.terminal and not args.plain)
    watch.last = row["status_text"]
    code = watch.until_rest(row, view["seq"], until)
    if code == LATE:
        out.line(f"{row['key']}  not at rest after {args.timeout}", "warn")
    return code


class _Watch:
    def __init__(self, engine: Client, key: str, out: Output, *, live: bool) -> None:
        self._engine = engine
        self._key = key
        self._out = out
        self._live = live
        self._told = ""
        self.last = ""
        """How it stands, as it was printed last: it is not said twice in a row."""

    def until_rest(self, row: StatusRow, seq: int, until: float) -> int:
        settling = rest.Settling()
        code = settling.outcome(row, time.monotonic())
        while code is None and time.monotonic() < until:
            try:
                for event in self._events(seq):
                    seq = event["seq"]
                    self._clear()
                    bell = "\a" if self._live and event["kind"] in _RINGS else ""
                    self._out.raw(bell)
                    self._out.line(line_of(event), _STYLE[event["level"]])
                    self.last = ""
                row = row_of(self._engine, self._key)
            except Unavailable as error:
                self._say(f"{error.message}; trying again")
            else:
                self._progress(row)
                code = settling.outcome(row, time.monotonic())
            if code is None:
                time.sleep(0.2)
        self._clear()
        if code is None:
            return LATE
        if row["status_text"] != self.last:
            self._out.line(f"{self._key}  {row['status_text']}", "ok" if code == 0 else "bad")
        return code

    def _events(self, seq: int) -> Iterator[EventView]:
        yield from self._engine.history(deployment=self._key, after=seq, limit=500)

    def _progress(self, row: StatusRow) -> None:
        waiting = row["waiting"]
        if self._live:
            rollout = row["rollout"]
            seen = rollout["weight_seen"] if rollout else None
            numbers = row["numbers"]
            rps = "–" if numbers["rps"] is None else f"{numbers['rps']:.0f}"
            age = duration(time.time() - waiting["since"]) if waiting else ""
            self._say(
                f"{row['status_text']}  {age}  seen {'–' if seen is None else seen} %  "
                f"{rps} req/s  errors {percent(numbers['error_ratio'])}"
            )
        elif waiting and waiting["person"]:
            then = f"; else {waiting['then']}" if waiting["then"] else ""
            self._say(f"{waiting['what']}{then}")

    def _say(self, text: str) -> None:
        """A line that the next one replaces on a terminal; elsewhere said once."""
        if self._live:
            from gaesup_tui.cli.output import cut
            from gaesup_tui.domain.text import printable_line

            self._out.raw(f"\r\x1b[2K{cut(printable_line(text), self._out.width)}")
        elif text != self._told:
            self._out.line(f"{time.strftime('%H:%M:%S')}  {text}", "warn")
        self._told = text

    def _clear(self) -> None:
        if self._live and self._told:
            self._out.raw("\r\x1b[2K")


def line_of(event: EventView) -> str:
    """``14:02:07  kim  promoted one step: "looks good"``."""
    at = time.strftime("%H:%M:%S", time.localtime(event["at"]))
    why = f': "{event["why"]}"' if event["why"] and event["why"] not in event["text"] else ""
    return f"{at}  {event['by']}  {event['text']}{why}"
