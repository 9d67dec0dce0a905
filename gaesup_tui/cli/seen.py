"""After a command was recorded: wait until its effect is seen in the world, and say so."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic, sleep

from gaesup_tui.cli.exits import FAILED, LATE, OK
from gaesup_tui.cli.output import Output
from gaesup_tui.cli.rest import POLL_S
from gaesup_tui.domain.text import duration
from gaesup_tui.domain.views import EngineView, Receipt, StatusRow

Effect = tuple[bool, str]
"""Whether it is what was wanted, and what is seen; text that ends in ``seen`` is timed."""
LONGEST_S = 20.0
_SHOWN = 10


def until_seen(
    look: Callable[[], StatusRow],
    effect: Callable[[StatusRow], Effect | None],
    began: float,
    out: Output,
) -> int:
    """Looks until ``effect`` answers, then prints what was seen and after how long (``began`` is
    from ``monotonic``). An effect that did not come true, or not in time, is said with the
    reason."""
    while True:
        row = look()
        answer = effect(row)
        took_s = monotonic() - began
        if answer:
            good, text = answer
            after = f" after {took(took_s)}" if text.endswith("seen") else ""
            out.line(f"{row['key']}  {text}{after}", "ok" if good else "bad")
            return OK if good else FAILED
        if took_s > LONGEST_S:
            late = f"recorded, not seen after {took(took_s)}: {_why(row)}"
            out.line(f"{row['key']}  {late}", "warn")
            out.line(f"`gaesup watch {row['key']}` follows it")
            return LATE
        sleep(POLL_S)


def receipt_line(receipt: Receipt) -> str:
    """What a command did, and what a person must know of how."""
    text = receipt["text"]
    if receipt["repeated"]:
        text += " (asked for before: nothing happened now)"
    if not receipt["durable"]:
        text += " (acts already; recorded as soon as the journal can be written)"
    return text


def took(seconds: float) -> str:
    """A time short enough that hundredths matter."""
    return f"{seconds:.2f} s" if seconds < 1 else duration(seconds)


def _why(row: StatusRow) -> str:
    waiting = row["waiting"]
    return row["problem"] or (waiting["what"] if waiting else row["status_text"])


def promoted(row: StatusRow) -> Effect | None:
    """The share wished is on the live route; or it ended meanwhile."""
    rollout = row["rollout"]
    if rollout is None or (ended := _turned_back(row)):
        return ended if rollout else (False, "has no rollout any more")
    weight = rollout["weight_wished"]
    if rollout["phase"] == "finished":
        return True, f"promoted: {rollout['candidate']} is stable, seen"
    if rollout["weight_seen"] == weight:
        return True, f"promoted: {weight} % of the traffic on {rollout['candidate']}, seen"
    return None


def stepped_back(row: StatusRow) -> Effect | None:
    """The smaller share is on the live route; or it ended meanwhile."""
    rollout = row["rollout"]
    if rollout is None or rollout["phase"] != "forward":
        return _turned_back(row)
    if rollout["weight_seen"] == rollout["weight_wished"]:
        weight = rollout["weight_wished"]
        return True, f"waits for you with {weight} % on {rollout['candidate']}, seen"
    return None


def promoted_fully(row: StatusRow) -> Effect | None:
    """All traffic is on the new revision."""
    rollout = row["rollout"]
    if rollout and rollout["phase"] == "forward" and rollout["weight_wished"] < 100:
        return None
    return promoted(row)


def returned(row: StatusRow) -> Effect | None:
    """No traffic is on the revision that was aborted."""
    rollout = row["rollout"]
    if rollout is None or rollout["phase"] == "forward":
        return None
    base = rollout["base"]
    if rollout["weight_seen"] == 0 or rollout["phase"] == "finished":
        where = f"100 % of the traffic on {base}" if base else "nothing serves"
        return base is not None, f"back: {where}, seen"
    return None


def going_back(row: StatusRow) -> Effect | None:
    """The first smaller share is on the live route."""
    rollout = row["rollout"]
    if rollout is None or rollout["phase"] == "forward":
        return None
    if rollout["phase"] == "finished" or rollout["weight_wished"] == 0:
        return returned(row)
    if rollout["weight_seen"] == rollout["weight_wished"]:
        weight, candidate = rollout["weight_wished"], rollout["candidate"]
        return True, f"going back gradually: {weight} % still on {candidate}, seen"
    return None


def rolled_back(row: StatusRow) -> Effect | None:
    """All traffic is on the revision one went back to, whether it was warm or started anew."""
    rollout = row["rollout"]
    if rollout and rollout["strategy"] == "rollback" and rollout["phase"] != "back":
        if rollout["weight_seen"] == 100 or rollout["phase"] == "finished":
            text = f"back: 100 % of the traffic on {rollout['candidate']}, seen"
            return (True, text) if rollout["outcome"] in (None, "promoted") else _turned_back(row)
        return None
    return returned(row)


def begun(row: StatusRow) -> Effect | None:
    """The backend works on the new revision's replicas."""
    rollout = row["rollout"]
    if rollout is None or rollout["phase"] == "back":
        return _turned_back(row)
    if rollout["step"] > 1 or rollout["phase"] == "finished":
        change = f"{rollout['base'] or '·'}→{rollout['candidate']}"
        return True, f"{change} {rollout['strategy']}: replicas are starting, seen"
    return None


def begun_or_queued(version: str) -> Callable[[StatusRow], Effect | None]:
    """The backend works on the replicas of ``version``, or it waits for its turn."""

    def effect(row: StatusRow) -> Effect | None:
        queued, rollout = row["queued"], row["rollout"]
        if queued and queued["version"] == version:
            ahead = rollout["candidate"] if rollout else "what moves"
            return True, f"{version} waits until {ahead} came to rest"
        ours = rollout is not None and rollout["candidate"] == version
        return begun(row) if ours else None

    return effect


def scaled(replicas: int) -> Callable[[StatusRow], Effect | None]:
    """As many replicas are ready as were asked for."""

    def effect(row: StatusRow) -> Effect | None:
        rollout = row["rollout"]
        if rollout and rollout["phase"] != "finished":
            return True, f"{replicas} asked for, {row['ready']} ready of both revisions"
        if row["ready"] == replicas:
            return True, f"{row['ready']} of {replicas} ready, seen"
        return None

    return effect


def recorded(row: StatusRow) -> Effect | None:
    """Nothing in the world has to change."""
    return True, row["status_text"]


def _turned_back(row: StatusRow) -> Effect | None:
    rollout = row["rollout"]
    if rollout is None:
        return None
    if rollout["phase"] == "back" or rollout["outcome"] in ("aborted", "failed"):
        return False, f"went back to {rollout['base'] or 'nothing'}: {rollout['cause'] or ''}, seen"
    return None


def some_moving(lines: list[str], total: int) -> list[str]:
    """As many as one reads, and how much moves in all."""
    more = [f"{len(lines) - _SHOWN} more, {total} in all"] if len(lines) > _SHOWN else []
    return lines[:_SHOWN] + more


def stopped(look: Callable[[], EngineView], began: float, out: Output) -> int:
    """After a stop: tells what is still moving until nothing is."""
    told: list[str] = []
    while True:
        still = look()["still"]
        took_s = monotonic() - began
        if not still:
            out.line(f"everything in scope is at rest, seen after {took(took_s)}", "ok")
            return OK
        if took_s > LONGEST_S:
            out.line(f"still moving after {took(took_s)}; the engine goes on trying", "bad")
            return LATE
        new = [line for line in still if line not in told]
        for line in some_moving(new, len(still)):
            out.line(f"still moving: {line}", "warn")
        told = list(still)
        sleep(POLL_S)
