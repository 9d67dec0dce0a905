"""A person takes a deployment in hand: holds its automation, or has the next word on it."""

from __future__ import annotations

from gaesup_tui.domain import commands as cmd
from gaesup_tui.domain import events as ev
from gaesup_tui.domain.deployment import Deployment
from gaesup_tui.domain.errors import Invalid
from gaesup_tui.domain.locks import lock_of, same_person
from gaesup_tui.domain.rollout import Actor

Claim = cmd.Hold | cmd.Lock | cmd.Unlock


def decide_claim(state: Deployment, command: Claim, by: Actor, now: float) -> list[ev.Event]:
    """What follows from a hold, a lock or an unlock that ``why_not`` allows.

    Raises:
        Invalid: it needs a reason and has none.
    """
    why = command.why.strip()
    match command:
        case cmd.Hold():
            _need(why, "a hold")
            return [ev.HoldSet(deployment=state.key, why=why, by_hand=True)]
        case cmd.Lock(for_s=for_s):
            _need(why, "a lock")
            return [ev.LockSet(deployment=state.key, why=why, for_s=for_s)]
        case cmd.Unlock():
            lock = lock_of(state, now)
            assert lock is not None  # why_not looked
            if same_person(lock.by, by):
                return [ev.LockReleased(deployment=state.key, why=why)]
            _need(why, f"breaking the lock of {lock.by.name}")
            return [ev.LockReleased(deployment=state.key, why=why, broken_of=lock.by.name)]


def _need(why: str, what: str) -> None:
    if not why:
        raise Invalid(f"{what} needs a reason", hint="give one with --reason")
