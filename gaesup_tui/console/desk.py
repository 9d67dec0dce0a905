"""What every view shares: the replica it reads, how things are written, what may be done."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gaesup_tui.console.link import Link
from gaesup_tui.console.offers import NO_SUBJECT, no_reading
from gaesup_tui.console.options import Options
from gaesup_tui.console.outbox import Outbox
from gaesup_tui.console.remote import Engine
from gaesup_tui.console.replica import Replica
from gaesup_tui.console.times import Times
from gaesup_tui.domain.actions import BY_ID
from gaesup_widgets.footer import KeyHint
from gaesup_widgets.symbols import Symbols

if TYPE_CHECKING:
    from gaesup_tui.domain.views import DeploymentView

_SHOWN_KEYS = {
    "exclamation_mark": "!",
    "question_mark": "?",
    "slash": "/",
    "colon": ":",
    "plus": "+",
    "minus": "-",
    "equals_sign": "=",
    "space": "Space",
    "enter": "Enter",
    "escape": "Esc",
    "backspace": "Backspace",
    "delete": "Del",
}


def shown_key(key: str) -> str:
    """A key as a person reads it, from the name Textual has for it."""
    return _SHOWN_KEYS.get(key, key)


@dataclass(slots=True)
class Desk:
    """The console without its screen."""

    options: Options
    engine: Engine
    replica: Replica
    link: Link
    outbox: Outbox
    times: Times
    symbols: Symbols
    keys: dict[str, str] = field(default_factory=dict)
    """Action id to the first key it is bound to."""
    watched: set[str] = field(default_factory=set)

    def now(self) -> float:
        """The engine's time."""
        return self.replica.now()

    def deployments(self) -> Iterable[DeploymentView]:
        """What is in scope."""
        chosen = self.options.environment
        views = self.replica.deployments.values()
        return (view for view in views if view["environment"] == chosen) if chosen else views

    def why_not(self, action_id: str, view: DeploymentView | None) -> str | None:
        """None when the action is possible now, else why not; the engine's own words."""
        action = BY_ID[action_id]
        if refusal := self.engine.refusal(action_id):
            return refusal
        if action.scope == "everything":
            engine = self.replica.engine
            if not action.asks_engine or engine is None:
                return None
            return engine["actions"].get(action.asks_engine)
        if action.scope == "view":
            return None
        if not action.mutating:
            return no_reading(action_id, view)
        if view is None:
            return NO_SUBJECT
        return view["actions"].get(action.asks_engine)

    def hint(self, action_id: str, view: DeploymentView | None) -> KeyHint:
        """An action as the footer and the help show it."""
        action = BY_ID[action_id]
        key = shown_key(self.keys.get(action_id, action.key))
        return KeyHint(
            key or ":",
            action.title,
            self.why_not(action_id, view),
            is_pinned=action_id in ("help", "stop"),
            is_danger=action_id in ("stop", "abort"),
            about=action.help if key else f":{action.command}: {action.help}",
        )
