"""What the keys of a rollout mean on a release train, and whether they do anything now."""

from __future__ import annotations

from gaesup_tui.console.desk import Desk
from gaesup_tui.domain.actions import BY_ID
from gaesup_tui.domain.train_views import TrainView
from gaesup_widgets.footer import KeyHint

ON_TRAIN = {"promote": "train_promote", "abort": "train_abort"}
"""What the keys of a rollout mean on a train."""


def train_reason(desk: Desk, action_id: str, train: TrainView | None) -> str | None:
    """Why ``train_promote`` or ``train_abort`` is not possible now; None when it is."""
    if refusal := desk.engine.refusal(action_id):
        return refusal
    if train is None:
        return "no train is under the cursor"
    return train["actions"].get(action_id)


def train_hint(desk: Desk, action_id: str, train: TrainView | None) -> KeyHint | None:
    """The keys of a rollout as they are shown on a train; None for others."""
    meant = ON_TRAIN.get(action_id)
    if meant is None:
        return None
    about = BY_ID[meant]
    return KeyHint(
        desk.hint(action_id, None).key,
        BY_ID[action_id].title,
        train_reason(desk, meant, train),
        is_danger=action_id == "abort",
        about=about.help,
    )
