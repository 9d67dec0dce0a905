"""``w``: tell me when it is done. A bell, and a notice for desktops whose terminal shows one."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

from gaesup_tui.console.words import active_rollout
from gaesup_tui.domain.views import DeploymentView


class Watches:
    """Which deployments are watched, and what each was when last looked at."""

    def __init__(self) -> None:
        self._moving: dict[str, bool] = {}
        self._noticed: dict[str, float | None] = {}

    @property
    def keys(self) -> frozenset[str]:
        """What is watched."""
        return frozenset(self._moving)

    def turn(self, view: DeploymentView) -> str:
        """Begin or end to watch; what to tell."""
        key = view["key"]
        if self._moving.pop(key, None) is not None:
            return f"{key} is not watched any more"
        moves, needs = active_rollout(view) is not None, _needs(view)
        self._moving[key] = moves and not needs
        self._noticed[key] = _notice_at(view)
        if moves and needs:
            return f"watching {key}: it waits for a person now; a bell when it moved on and is done"
        if not moves:
            return f"watching {key}: nothing moves there now; you are told when it moves and ends"
        return f"watching {key}: a bell when it is done or needs you"

    def look(self, views: Mapping[str, DeploymentView], changed: Iterable[str]) -> list[str]:
        """What came to rest, or began to wait for a person, among what changed."""
        told = []
        for key in self.keys & frozenset(changed):
            view = views.get(key)
            if view is None:
                del self._moving[key]
                told.append(f"{key} is gone")
                continue
            moves = active_rollout(view) is not None
            needs = _needs(view)
            notice, before = view["notice"], self._noticed.get(key)
            self._noticed[key] = _notice_at(view)
            if notice is not None and notice["at"] != before:
                told.append(f"{key}: {notice['text']}")
            elif self._moving[key] and (not moves or needs):
                told.append(f"{key}: {view['status_text']}")
            # What waits for a person moves on only after that person acted.
            self._moving[key] = moves and not needs
        return told


def _needs(view: DeploymentView) -> bool:
    return bool(view["waiting"] and view["waiting"]["person"])


def _notice_at(view: DeploymentView) -> float | None:
    return view["notice"]["at"] if view["notice"] else None


def notice(text: str, environ: Mapping[str, str] = os.environ) -> str:
    """A bell, OSC 9 and OSC 777 with ``text``, wrapped where tmux needs it."""
    plain = text.replace(";", ",")
    sequences = [f"\x1b]9;{plain}\x07", f"\x1b]777;notify;gaesup;{plain}\x07"]
    if environ.get("TMUX"):
        sequences = [
            "\x1bPtmux;" + each.replace("\x1b", "\x1b\x1b") + "\x1b\\" for each in sequences
        ]
    return "\x07" + "".join(sequences)
