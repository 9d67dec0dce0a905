"""``gaesup load``: open-loop HTTP traffic to one unit, and what clients saw of it."""

from __future__ import annotations

import argparse
import json
import signal
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from gaesup_tui.cli import rest, targets
from gaesup_tui.cli.connecting import connect
from gaesup_tui.cli.output import Output
from gaesup_tui.domain.errors import Invalid, Unavailable
from gaesup_tui.domain.route import NAME
from gaesup_tui.domain.text import milliseconds
from gaesup_tui.domain.views import StatusRow

if TYPE_CHECKING:
    from gaesup_tui.cli.load_mix import Users
    from gaesup_tui.cli.load_report import LoadReport
    from gaesup_tui.cli.load_traffic import LoadTarget

MAX_RPS = 10_000.0
MAX_USERS = 10_000_000
SILENCE_S = 60.0


def run(args: argparse.Namespace, out: Output) -> int:
    """Sends until the time is over or Ctrl-C; prints a line a second and a report at the end."""
    if not 0 < args.rps <= MAX_RPS:
        raise Invalid(f"--rps: {args.rps:g} is not possible", hint=f"give 0.1 to {MAX_RPS:g}")
    duration_s = rest.seconds(args.duration, "--duration") if args.duration else None
    if duration_s == 0:
        raise Invalid(f"--duration: {args.duration} is not possible", hint="give more than 0")
    engine = connect(args)
    row = targets.find(engine.status()["deployments"], args.unit, args.environment)
    target = replace(_target(row), users=_users(args.users, args.cookie))
    report = _send(target, args.rps, duration_s, out, quiet=args.json)
    if args.json:
        from dataclasses import asdict

        out.raw(json.dumps(asdict(report)) + "\n")
    else:
        _summary(report, out)
    return 0


def _target(row: StatusRow) -> LoadTarget:
    """Where the deployment's traffic enters: its front's address; its name goes into ``Host``."""
    from gaesup_tui.cli.load_traffic import LoadTarget

    entry = urlsplit(row["endpoint"])
    if not entry.port:
        raise Unavailable(
            f"{row['key']} has no address to send to",
            hint="its backend is not seen: `gaesup status` says since when",
        )
    return LoadTarget(unit=row["unit"], environment=row["environment"], port=entry.port)


def _users(count: int | None, cookie: str) -> Users | None:
    from gaesup_tui.cli.load_mix import Users

    if count is None:
        return None
    if not 0 < count <= MAX_USERS:
        raise Invalid(f"--users: {count} is not possible", hint=f"give 1 to {MAX_USERS:,}")
    if not NAME.fullmatch(cookie):
        raise Invalid("--cookie: that is no name of a cookie", hint="use A-Z, a-z, 0-9, - and _")
    return Users(count, cookie)


def _send(
    target: LoadTarget, rps: float, duration_s: float | None, out: Output, *, quiet: bool
) -> LoadReport:
    import asyncio

    from gaesup_tui.cli.load_traffic import run_load

    async def send() -> LoadReport:
        stop = asyncio.Event()
        silence = Silence(SILENCE_S)

        def each_second(report: LoadReport) -> None:
            if silence.is_over(report.answered, report.to_s):
                stop.set()
            if not quiet:
                out.line(_second(report))

        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, stop.set)
        whole = await run_load(target, rps, duration_s, each_second, stop)
        if silence.gave_up:
            raise Unavailable(
                f"nothing answered for {SILENCE_S:g} s at {target.address}:{target.port}",
                hint="`gaesup status` says what serves; the load has ended",
            )
        return whole

    return asyncio.run(send())


class Silence:
    """Whether nothing has answered for so long that sending on makes no sense: load that was
    forgotten ends with what it was sent to."""

    def __init__(self, patience_s: float) -> None:
        self.gave_up = False
        self._patience_s = patience_s
        self._answered_at_s = 0.0

    def is_over(self, answered: int, at_s: float) -> bool:
        """``answered`` in the last second, which ended ``at_s`` after the beginning."""
        if answered:
            self._answered_at_s = at_s
        self.gave_up = at_s - self._answered_at_s >= self._patience_s
        return self.gave_up


def _second(report: LoadReport) -> str:
    latency = report.latency
    p95 = milliseconds(latency.p95_s) if latency else "–"
    split = "  ".join(f"{name} {share.answered}" for name, share in report.by_revision.items())
    wrong = _wrong(report)
    errors = f"  {wrong} errors" if wrong else ""
    return f"{report.to_s:5.0f} s  {report.answered} answered  p95 {p95}  {split}{errors}"


def _wrong(report: LoadReport) -> int:
    failed = sum(count for status, count in report.by_status.items() if status >= 500)
    return failed + sum(report.errors.values())


def _summary(report: LoadReport, out: Output) -> None:
    took_s = max(report.to_s - report.from_s, 0.001)
    out.line()
    out.line(
        f"{report.sent} sent in {took_s:.1f} s, {report.answered / took_s:.0f} answered a second"
    )
    for status, count in sorted(report.by_status.items()):
        out.line(f"  status {status}   {count}", "bad" if status >= 500 else "")
    for kind, count in sorted(report.errors.items()):
        out.line(f"  {kind}   {count}", "bad")
    if report.late:
        were = "was" if report.late == 1 else "were"
        out.line(f"  {report.late} {were} sent late: this machine did not keep up", "warn")
    if latency := report.latency:
        names = ("p50", "p90", "p95", "p99", "max")
        values = (latency.p50_s, latency.p90_s, latency.p95_s, latency.p99_s, latency.max_s)
        pairs = [f"{n} {milliseconds(v)}" for n, v in zip(names, values, strict=True)]
        out.line("latency from due to read  " + "  ".join(pairs))
    for name, share in report.by_revision.items():
        part = 100 * share.answered / max(report.answered, 1)
        out.line(
            f"  {name}  {part:.1f} %  {share.server_errors} errors  "
            f"p95 {milliseconds(share.latency.p95_s)}"
        )
