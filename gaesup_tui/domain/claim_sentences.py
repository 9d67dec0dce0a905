"""Holds, locks, approvals and freeze windows, as sentences."""

from __future__ import annotations

from gaesup_tui.domain import claim_events as ev
from gaesup_tui.domain.claim_events import ClaimEvent
from gaesup_tui.domain.lock_views import APPROVED
from gaesup_tui.domain.policy import Policy
from gaesup_tui.domain.text import duration
from gaesup_tui.domain.views import Level


def claim_sentence(event: ClaimEvent) -> tuple[str, Level]:
    """What happened, without the who and the where."""
    match event:
        case ev.HoldSet(why=why, by_hand=by_hand):
            return "automation held" if by_hand else f"automation held {why}", "warn"
        case ev.LockSet(for_s=for_s):
            return ("locked" if for_s is None else f"locked for {duration(for_s)}"), "warn"
        case ev.LockReleased(broken_of=holder):
            return (f"lock of {holder} broken", "warn") if holder else ("unlocked", "info")
        case ev.HoldReleased():
            return "automation released", "info"
        case ev.ApprovalGiven(full=full):
            all_of_it = " to promote fully" if full else ""
            return f"{APPROVED}{all_of_it}: waits for a second person", "warn"
        case ev.GlassBroken(window=window):
            return f"glass broken in freeze window {window}", "bad"
        case ev.PolicyTaken(policy=policy):
            return _calendar(policy), "info"
        case ev.WindowAdded(scope=scope, window=window):
            span = f"{window.begins} to {window.ends} {window.timezone}"
            return f"freeze window {window.name} of {scope or 'everything'} added: {span}", "warn"
        case ev.WindowRemoved(scope=scope, name=name):
            return f"freeze window {name} of {scope or 'everything'} removed", "warn"
        case ev.WindowBegan(scope=scope, name=name, ends=ends):
            return f"freeze window {name} of {scope or 'everything'} began, until {ends}", "warn"
        case ev.WindowEnded(scope=scope, name=name):
            return f"freeze window {name} of {scope or 'everything'} is over", "info"


def _calendar(policy: Policy) -> str:
    """``production: freeze windows weekend, launch; two persons (from gaesup.yaml)``."""
    windows = ", ".join(window.name for window in policy.windows)
    said = [f"freeze windows {windows}"] if windows else ["no freeze windows"]
    said += ["a second person agrees"] if policy.two_persons else []
    source = f" (from {policy.source})" if policy.source else ""
    return f"{policy.environment}: {'; '.join(said)}{source}"
