"""A lock: one person has the next word on a deployment. It binds people, not the automation, and
never a way to safety."""

from __future__ import annotations

from gaesup_tui.domain.deployment import Deployment, Lock
from gaesup_tui.domain.lock_views import LockView, lock_words
from gaesup_tui.domain.rollout import Actor

FORWARD = frozenset(
    {
        *("deploy", "queue", "promote", "promote_full"),
        *("retry", "retry_failed", "resume", "unhold"),
    }
)
"""What leads forward: only the holder of a lock may do it."""


def same_person(one: Actor, other: Actor) -> bool:
    """By what the kernel says; by name only where it said nothing."""
    if one.uid is None or other.uid is None:
        return one.uid is other.uid and one.name == other.name
    return one.uid == other.uid


def lock_of(state: Deployment | None, now: float) -> Lock | None:
    """The lock in force: one that ran out is none."""
    lock = state.lock if state else None
    return None if lock is None or (lock.until is not None and lock.until <= now) else lock


def locked_for(state: Deployment, action: str, by: Actor | None, now: float) -> str | None:
    """Why the lock keeps ``by`` from an action; None when it does not. ``by`` None: nobody in
    particular asks, and somebody may."""
    lock = lock_of(state, now)
    if lock is None or by is None or action not in FORWARD or same_person(lock.by, by):
        return None
    rollout = state.active
    if action == "resume" and rollout and rollout.spec.strategy == "rollback":
        return None
    return f"{lock_words(lock_view(lock), now)}; ask, or unlock it with a reason"


def lock_view(lock: Lock) -> LockView:
    return LockView(by=lock.by.name, at=lock.at, until=lock.until, why=lock.why)
