"""From the table of actions to key bindings, and the guard against keys nobody meant."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

from textual.binding import Binding

from gaesup_tui.domain.actions import ACTIONS

EMERGENCY_KEY = "f12"
"""Opens the stop even while one types."""
BURST_KEYS = 8
BURST_S = 0.1
# A wheel that a terminal turns into arrow keys comes in bursts, and moving harms nobody.
_MOVEMENT = frozenset(["up", "down", "left", "right", "pageup", "pagedown", "home", "end"])
# Other ways back, for those whose Esc is slow or taken by a multiplexer. They never leave the
# console: one Esc too many, or a hand on hjkl, is not the wish to go.
_BACK_KEYS = ("escape", "backspace", "h")


def bindings(keymap: Mapping[str, str]) -> list[Binding]:
    """A binding for every action of the table, under the keys of ``keymap`` where it has some."""
    found = [
        Binding(EMERGENCY_KEY, "emergency", "STOP", show=False, priority=True),
        Binding("ctrl+p", "act('palette')", "Palette", show=False),
        Binding("ctrl+c", "act('how_to_leave')", "Leave", show=False),
        Binding("ctrl+l", "redraw", "Paint anew", show=False),
        Binding("ctrl+e", "act('export')", "Export", show=False),
    ]
    for action in ACTIONS:
        keys = keymap.get(action.id, action.key)
        if action.id == "stop":
            found.append(Binding(keys, "stop_key", "STOP", show=False, priority=True))
            continue
        if action.id == "back" and action.id not in keymap:
            taken = {key for each in keymap.values() for key in each.split(",")}
            steps = ",".join(key for key in _BACK_KEYS if key not in taken)
            found.append(Binding(steps, "act('step_out')", "Back", show=False))
        if keys:
            found.append(Binding(keys, f"act('{action.id}')", action.title, show=False))
    return found


class BurstGuard:
    """Drops keys that come faster than a person types: pasted text, a fallen book, a stuck key."""

    def __init__(self) -> None:
        self.is_told = False
        """Whether somebody is about to say that keys were dropped."""
        self._recent: deque[float] = deque(maxlen=BURST_KEYS)
        self._is_burst = False

    def admits(self, key: str, at_s: float) -> bool:
        """Whether ``key``, which arrived at ``at_s`` of any steady clock, may act."""
        if key in _MOVEMENT:
            return True
        last_s = self._recent[-1] if self._recent else at_s - BURST_S
        full = len(self._recent) == BURST_KEYS and at_s - self._recent[0] < BURST_S
        self._recent.append(at_s)
        # Once it was a burst, only a pause ends it.
        self._is_burst = full or (self._is_burst and at_s - last_s < BURST_S)
        return not self._is_burst


def first_keys(keymap: Mapping[str, str]) -> dict[str, str]:
    """The key to show for each action."""
    return {a.id: keymap.get(a.id, a.key).split(",")[0] for a in ACTIONS}
