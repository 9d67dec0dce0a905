"""Promoting and aborting a release train: the question first, then the engine's answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gaesup_tui.console.asking import tell
from gaesup_tui.console.train_keys import train_reason
from gaesup_tui.console.train_words import train_named, trains_of
from gaesup_tui.domain.actions import BY_ID
from gaesup_tui.domain.train_views import TrainView
from gaesup_widgets.confirm import Confirm, Question

if TYPE_CHECKING:
    from gaesup_tui.console.app import Console


def decide(console: Console, action_id: str, name: str = "") -> None:
    """Asks whether to promote or abort a train: the named one, or the only one it is possible
    for; says why not when it is not."""
    desk = console.desk
    title = BY_ID[action_id].title.lower()
    train = train_named(desk.replica.engine, name) if name else None
    if not name:
        trains = trains_of(desk.replica.engine)
        able = [t for t in trains if train_reason(desk, action_id, t) is None]
        if len(able) > 1:
            console.foot.say(f"{title}: several are under way: T lists them", "warn")
            return
        under_way = able or [t for t in trains if t["phase"] != "finished"]
        train = under_way[0] if under_way else None
    if reason := train_reason(desk, action_id, train):
        console.foot.say(f"{title}: {reason}", "warn")
        return
    assert train is not None  # train_reason says so when there is none
    _ask(console, action_id, train)


def _ask(console: Console, action_id: str, train: TrainView) -> None:
    desk = console.desk
    promotes = action_id == "train_promote"
    key = "promote" if promotes else "abort"
    back = train["way_back"]
    glass = train["glass"] if promotes else ""
    lines = [("Now", train["text"])]
    if promotes:
        lines += [("Then", train["on_promote"]), ("Way back", f"abort: {back}")]
        if glass:
            lines.append(("Beware", f"{glass}; a reason breaks the glass up to the next gate"))
    else:
        lines += [("Then", f"back to what ran before: {back}")]
    opening = desk.hint(key, None).key
    dialog = Confirm(
        Question(
            title=f"{BY_ID[key].title} train {train['name']}",
            lines=lines,
            confirm_key="Y" if opening == "y" else "y",
            confirm_title=f"{key} the train",
            opening_key=opening,
            reason="required" if glass else "optional",
            is_danger=not promotes,
        ),
        lambda why: _send(console, dialog, action_id, train, why),
        symbols=desk.symbols,
    )
    console.push_screen(dialog, lambda text: console.foot.say(text, "ok") if text else None)


def _send(console: Console, dialog: Confirm, action_id: str, train: TrainView, why: str) -> None:
    body: dict[str, str | int] = {"action": action_id, "train": train["name"], "why": why}
    if action_id == "train_promote":
        body["expect_seq"] = train["seq"]
        if train["glass"]:
            body["break_glass"] = why
    sending = console.desk.outbox.send(body, f"{action_id.replace('_', ' ')} {train['name']}")
    dialog.set_busy("sent: waiting for the engine's answer")
    console.start(tell(console, dialog, sending), action_id)
