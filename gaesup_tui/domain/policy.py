"""What an environment asks of everybody who changes something in it."""

from __future__ import annotations

from gaesup_tui.domain.model import Frozen, Name, Text
from gaesup_tui.domain.rollout import Actor
from gaesup_tui.domain.windows import FreezeWindow


class Policy(Frozen):
    """As ``gaesup.yaml`` says it."""

    environment: Name
    windows: tuple[FreezeWindow, ...] = ()
    two_persons: bool = False
    """Whether a second person has to agree before something goes forward."""
    source: str = ""
    """The file it came from."""


class AddedWindow(Frozen):
    """A window somebody added by hand."""

    scope: str
    window: FreezeWindow
    by: Actor
    at: float
    why: Text


class OpenWindow(Frozen):
    """A window that has begun and not ended."""

    scope: str
    name: str
    since: float
    ends: Text


class Calendar(Frozen):
    """What environments ask for, and every freeze window there is."""

    policies: tuple[Policy, ...] = ()
    added: tuple[AddedWindow, ...] = ()
    open: tuple[OpenWindow, ...] = ()

    def policy(self, environment: str) -> Policy | None:
        """What an environment asks for; None: it never said."""
        return next((p for p in self.policies if p.environment == environment), None)
