"""Whether a deployment came to rest, and how it ended, for people and for exit codes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import monotonic, sleep

from gaesup_tui.cli.exits import FAILED, LATE, OK
from gaesup_tui.domain.errors import Invalid, Unavailable
from gaesup_tui.domain.text import parse_duration, printable_line
from gaesup_tui.domain.views import StatusRow

POLL_S = 0.05
SETTLE_S = 5.0
"""How long replicas may be missing before that counts as an end."""


def seconds(text: str, name: str = "--timeout") -> float:
    """A duration of a command line: ``90s``, ``10m``, or a number of seconds.

    Raises:
        Invalid: it is none.
    """
    bare = text.replace(".", "", 1)
    try:
        return float(text) if bare.isascii() and bare.isdigit() else parse_duration(text)
    except ValueError as error:
        raise Invalid(f"{name}: {error}") from None


def length(text: str, name: str, most_days: int) -> float:
    """A duration that is more than nothing, in seconds.

    Raises:
        Invalid: it is none, is nothing, or is longer than so many days.
    """
    found = seconds(text, name)
    if not 0 < found <= most_days * 86400:
        shown = printable_line(text, 40)
        hint = f"give more than 0 and at most {most_days}d"
        raise Invalid(f"{name}: {shown} is not possible", hint=hint)
    return found


def outcome(row: StatusRow) -> int | None:
    """Exit code of a deployment at rest: 0 healthy, 1 aborted, failed or degraded. None while it
    moves, or while its backend is not seen and nobody can say."""
    rollout = row["rollout"]
    if rollout and rollout["phase"] != "finished":
        return None
    if row["status"] == "unknown":
        return None
    return OK if row["status"] == "healthy" else FAILED


class Settling:
    """``outcome`` with patience: replicas that start again are not the end of it."""

    def __init__(self, patience_s: float = SETTLE_S) -> None:
        self._patience_s = patience_s
        self._since: dict[str, float] = {}

    def outcome(self, row: StatusRow, now: float) -> int | None:
        """``now`` is from ``monotonic``."""
        end = outcome(row)
        if end != FAILED or row["status"] not in ("degraded", "down"):
            self._since.pop(row["key"], None)
            return end
        since = self._since.setdefault(row["key"], now)
        return end if now - since >= self._patience_s else None


def wait(
    look: Callable[[], Sequence[StatusRow]],
    timeout_s: float,
    on_change: Callable[[StatusRow], None],
) -> int:
    """Looks until all deployments are at rest; the worst exit code, or 3 when it is too late.
    ``on_change`` is called whenever a deployment's line of status changed."""
    until = monotonic() + timeout_s
    told: dict[str, str] = {}
    settling = Settling()
    pause_s = POLL_S
    while True:
        try:
            rows = look()
        except Unavailable:
            # An engine that was killed comes back where it was; what is waited for goes on.
            if not told or monotonic() >= until:
                raise
            sleep(0.2)
            continue
        for row in rows:
            if told.get(row["key"]) != row["status_text"]:
                told[row["key"]] = row["status_text"]
                on_change(row)
        now = monotonic()
        ends = [settling.outcome(row, now) for row in rows]
        known = [end for end in ends if end is not None]
        if len(known) == len(ends):
            return max(known, default=OK)
        if now >= until:
            return LATE
        sleep(min(pause_s, max(0.0, until - monotonic())))
        # Something that takes minutes need not be asked for twenty times a second.
        pause_s = min(0.5, pause_s * 1.2)
