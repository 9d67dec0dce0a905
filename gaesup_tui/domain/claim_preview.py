"""What a hold, a lock and an unlock will change, before they do."""

from __future__ import annotations

from gaesup_tui.domain.deployment import Deployment
from gaesup_tui.domain.lock_views import lock_words
from gaesup_tui.domain.locks import lock_of, lock_view, same_person
from gaesup_tui.domain.rollout import Actor
from gaesup_tui.domain.text import duration


def breaks(state: Deployment, action: str, by: Actor | None, now: float) -> bool:
    """Whether this ends another's lock, which needs a reason."""
    lock = lock_of(state, now)
    return action == "unlock" and bool(lock) and not (by and lock and same_person(lock.by, by))


def claim_lines(
    state: Deployment, action: str, for_s: float | None, by: Actor | None, now: float
) -> list[tuple[str, str]]:
    """Label and text; empty when the action is none of these."""
    match action:
        case "hold":
            stands = "it stands at the next gate, wait, verdict or share until you promote it"
            then = stands if state.active else "the next rollout stands before its first share"
            return [
                ("Then", then),
                ("Acts", "guards, the judge's abort, abort, rollback, stop"),
                ("Way back", "release, with a reason"),
            ]
        case "lock":
            how_long = "until it is unlocked" if for_s is None else f"for {duration(for_s)}"
            return [
                ("Then", f"only you deploy, promote, resume, retry here, {how_long}"),
                ("Others", "may abort, roll back and stop; unlock it with a reason"),
                ("Auto", "goes on: hold it too if it should not"),
            ]
        case "unlock":
            lock = lock_of(state, now)
            assert lock is not None  # why_not looked
            whose = "yours" if by and same_person(lock.by, by) else "another's: say why"
            return [
                ("Locked", lock_words(lock_view(lock), now)),
                ("Then", f"everybody may move it forward again ({whose})"),
            ]
    return []
