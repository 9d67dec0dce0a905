"""What needs a person, most urgent first. Pure: from the replica to a list."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from gaesup_tui.console.words import active_rollout
from gaesup_tui.domain.notice_views import in_short
from gaesup_tui.domain.stop_views import STOP_WORDS
from gaesup_tui.domain.views import DeploymentView, EngineView, WaitingView
from gaesup_tui.domain.window_views import until_words
from gaesup_widgets.cells import age

LOCK_ENDS_S = 900.0
"""How long before its end a lock is told of."""


@dataclass(frozen=True, slots=True)
class Need:
    """One thing that waits for somebody."""

    key: str
    """Of the row; unique."""
    deployment: str
    """Empty when it is the engine's."""
    kind: str
    text: str
    since: float | None
    then: str
    """What happens if nobody acts; empty: nothing."""
    urgency: int
    """0 users are hurt now, 1 a decision is awaited, 2 something is not as it should be."""
    name: str = ""
    """Whose it is, when it is not a deployment's; empty: the engine's."""

    @property
    def style(self) -> str:
        return ("bad", "warn", "warn")[self.urgency]


def needs(
    deployments: Iterable[DeploymentView], engine: EngineView | None, now: float
) -> list[Need]:
    """All that needs a person, most urgent first, then what waits longest."""
    views = list(deployments)
    found = [need for view in views if (need := _of(view, now)) is not None]
    found += [need for view in views if (need := _notice(view)) is not None]
    found += [need for view in views if (need := _lock_ends(view, now)) is not None]
    if engine:
        from gaesup_tui.console.train_words import train_needs

        found += [*_of_engine(engine, now), *train_needs(engine, now)]
    return sorted(found, key=lambda need: (need.urgency, need.since or now, need.key))


def _of(view: DeploymentView, now: float) -> Need | None:
    status = view["status"]
    waiting, hold = view["waiting"], view["hold"]
    fine = status in ("healthy", "progressing", "baking") and not hold and not view["problem"]
    if fine and not (waiting and waiting["person"]):
        return None
    if status == "failed":
        return _need(view, "down", view["status_text"], view["since"], "stays so", 0)
    if status == "down":
        return _need(view, "down", view["status_text"], *_ailing(view), 0)
    if waiting is not None and waiting["person"]:
        # A window ends by itself: whoever decides something comes first.
        kind, urgency = ("window", 2) if waiting["then"] == "goes on" else (_kind(view), 1)
        then = _then(waiting, now)
        return _need(view, kind, view["status_text"], waiting["since"], then, urgency)
    if status == "unknown":
        return _need(view, "not seen", view["status_text"], view["seen_at"], "asked again", 1)
    if status == "degraded" or view["problem"]:
        text = view["problem"] or view["status_text"]
        return _need(view, "degraded", text, *_ailing(view), 2)
    if hold is not None and view["notice"] is None:  # the notice says the same first
        text = f"automation held by {hold['by']}: {hold['why']}"
        return _need(view, "held", text, hold["at"], "stays held", 2)
    return None


def _ailing(view: DeploymentView) -> tuple[float | None, str]:
    """Since when replicas that serve are not ready, as far as one sees, and what follows."""
    serving = [there for there in view["revisions"] if there["weight_wished"]]
    sick = [each for there in serving for each in there["replicas"] if each["state"] != "ready"]
    starts = any(each["next_start_at"] for each in sick)
    since = min((each["since"] for each in sick), default=None)
    return since, "restarts go on" if starts else "stays so" if sick else "tried again"


def _lock_ends(view: DeploymentView, now: float) -> Need | None:
    """A lock that is about to end: its holder may want it longer, others may go on soon."""
    lock = view["lock"]
    if lock is None or lock["until"] is None or lock["until"] - now > LOCK_ENDS_S:
        return None
    text = f"lock of {lock['by']}: {lock['why']}"
    then = f"ends in {age(max(0.0, lock['until'] - now))}"
    return Need(f"lock:{view['key']}", view["key"], "lock", text, lock["at"], then, 2)


def _notice(view: DeploymentView) -> Need | None:
    """It went back by itself, and nobody has said to have seen it."""
    notice = view["notice"]
    if notice is None:
        return None
    kind, urgency = ("both sick", 0) if notice["sick"] else ("went back", 1)
    key, text = f"notice:{view['key']}", in_short(notice["text"])
    return Need(key, view["key"], kind, text, notice["at"], "A: seen it", urgency)


def _kind(view: DeploymentView) -> str:
    rollout = active_rollout(view)
    if rollout is None and view["queued"] is not None:
        return "queued"
    return rollout["strategy"] if rollout else "waits"


def _then(waiting: WaitingView, now: float) -> str:
    until, then = waiting["until"], waiting["then"]
    if until is None:
        return then
    return f"{then} in {age(max(0.0, until - now))}"


def _need(
    view: DeploymentView, kind: str, text: str, since: float | None, then: str, urgency: int
) -> Need:
    for colour in (" (blue)", " (green)"):  # the room is for what is waited for
        text = text.replace(colour, "", 1)
    return Need(f"need:{view['key']}", view["key"], kind, text, since, then, urgency)


def _of_engine(engine: EngineView, now: float) -> list[Need]:
    found = []
    if engine["frozen"]:
        text = f"nothing moves forward: {engine['frozen']}"
        found.append(Need("need::frozen", "", "journal", text, None, "ways back still act", 0))
    for window in engine["windows"]:
        if window["is_in_force"]:
            until = window["until"]
            then = f"over in {age(max(0.0, until - now))}" if until else ""
            key = f"need::window:{window['scope']}:{window['name']}"
            where = window["scope"] or "everything"
            text = f"{window['name']} until {until_words(window['ends'], window['timezone'])}"
            found.append(Need(key, "", "window", text, window["since"], then, 2, where))
    for stop in engine["stops"]:
        where = stop["scope"] or "everything"
        what = STOP_WORDS[stop["mode"]]
        text = f"{what} by {stop['by']}"
        key = f"need::{where}:{stop['mode']}"
        found.append(Need(key, "", what, text, stop["at"], "L: let go", 1, where))
    for rollback in engine["rollbacks"]:
        if rollback["problems"]:
            text = f"global rollback: {'; '.join(rollback['problems'])}"
            where = f"need::{rollback['scope']}:problems"
            found.append(Need(where, "", "rollback", text, rollback["at"], "stays so", 0))
    if engine["strangers"]:
        text = ", ".join(engine["strangers"])
        found.append(Need("need::strangers", "", "unknown", text, None, "left alone", 2))
    return found
