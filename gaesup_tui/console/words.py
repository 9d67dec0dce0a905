"""How states look: a symbol, a word and the name of a style, never a colour alone. Pure."""

from __future__ import annotations

from gaesup_tui.domain.views import DeploymentView, EventView, RolloutView, StepView, WaitingView
from gaesup_widgets.cells import Cell, age
from gaesup_widgets.paint import Runs, wrapped
from gaesup_widgets.symbols import Symbols
from gaesup_widgets.timeline import Step, StepState

_STATUS: dict[str, tuple[str, str]] = {
    "healthy": ("ok", "ok"),
    "degraded": ("warn", "warn"),
    "down": ("bad", "bad"),
    "progressing": ("running", "accent"),
    "waiting": ("waiting", "warn"),
    "paused": ("paused", "warn"),
    "baking": ("running", "accent"),
    "returning": ("warn", "warn"),
    "aborted": ("failed", "warn"),
    "failed": ("bad", "bad"),
    "frozen": ("paused", "warn"),
    "unknown": ("unknown", "bad"),
}
LABEL = 11
"""Cells of a label and the blanks around it."""
LEVEL_STYLES = {"info": "", "ok": "ok", "warn": "warn", "bad": "bad"}


def status_cell(view: DeploymentView, symbols: Symbols) -> Cell:
    """``● healthy``."""
    name, style = _STATUS.get(view["status"], ("unknown", "bad"))
    return Cell(f"{getattr(symbols, name)} {view['status']}", style)


def claims(view: DeploymentView) -> list[Cell]:
    """`` held`` and `` locked``, to stand behind a name."""
    held = [Cell(" held", "warn")] if view["hold"] else []
    return [*held, Cell(" locked", "warn")] if view["lock"] else held


def change(rollout: RolloutView, symbols: Symbols) -> str:
    """``v41→v42``."""
    return versions(rollout["base"], rollout["candidate"], symbols)


def versions(base: str | None, candidate: str, symbols: Symbols) -> str:
    """``v41→v42``; ``–`` where there is no base."""
    arrow = "→" if symbols.fill == "█" else ">"
    return f"{base or '–'}{arrow}{candidate}"


def following(view: DeploymentView) -> str:
    """``then v43, canary by mara: the fix``; empty when nothing is queued."""
    queued = view["queued"]
    if queued is None:
        return ""
    why = f": {queued['why']}" if queued["why"] else ""
    return f"then {queued['version']}, {queued['strategy']} by {queued['by']}{why}"


def active_rollout(view: DeploymentView) -> RolloutView | None:
    """The rollout that moves; None when the last one has ended."""
    rollout = view["rollout"]
    return rollout if rollout is not None and rollout["phase"] != "finished" else None


def position(rollout: RolloutView) -> str:
    """``3/7 pause``: which step is at work."""
    steps, index = rollout["steps"], rollout["index"]
    if index >= len(steps):
        return f"{len(steps)}/{len(steps)} done"
    return f"{index + 1}/{len(steps)} {steps[index]['title']}"


def timeline_step(step: StepView, view: DeploymentView, now: float) -> Step:
    """A step as the timeline draws it."""
    state: StepState
    match step["state"]:
        case "done" | "failed" | "skipped":
            state = step["state"]
        case "todo":
            state = "planned"
        case _:
            status = view["status"]
            state = "waiting" if status == "waiting" else "running"
            if status in ("paused", "frozen"):
                state = "paused"
    began, ended = step["began"], step["ended"]
    elapsed_s = None if began is None else max(0.0, (ended or now) - began)
    title = f"{step['title']}: {step['note']}" if step["note"] else step["title"]
    return Step(title, state, elapsed_s, step["planned_s"])


def against(base: float | None, candidate: float | None, least: float, symbols: Symbols) -> Cell:
    """``≈``, ``↑`` or ``↓``: a candidate's number beside its base's; blank when one is missing.

    Less than a tenth, or than ``least``, is the same. It is a hint for the eye; the verdict is
    the judge's.
    """
    if base is None or candidate is None:
        return Cell(" ")
    if abs(candidate - base) <= max(least, 0.1 * abs(base)):
        return Cell(symbols.same, "dim")
    return Cell(symbols.worse, "warn") if candidate > base else Cell(symbols.better, "ok")


def waiting_sentence(waiting: WaitingView, now: float) -> str:
    """``waits for you, since 4m12; aborts in 26m``."""
    text = f"{waiting['what']}, since {age(max(0.0, now - waiting['since']))}"
    if waiting["until"] is not None and waiting["then"]:
        text += f"; {waiting['then']} in {age(max(0.0, waiting['until'] - now))}"
    return text


def said(event: EventView) -> list[Cell]:
    """``promoted to 25 %: metrics flat``: what, and why if that is not said with it."""
    runs = [Cell(event["text"], LEVEL_STYLES[event["level"]])]
    if event["why"] and event["why"] not in event["text"]:
        runs.append(Cell(f": {event['why']}", "dim"))
    return runs


def labelled(label: str, text: str, style: str, width: int, most: int = 3) -> list[Runs]:
    """A label, and beside it a text on at most so many lines; the last one is cut where it is
    drawn."""
    lines = wrapped([Cell(text, style)], max(20, width - LABEL))
    if len(lines) > most:
        rest = [cell for line in lines[most - 1 :] for cell in (Cell(" ", style), *line)]
        lines = [*lines[: most - 1], rest[1:]]
    names = [label, *[""] * (len(lines) - 1)]
    return [[Cell(f" {name:<9} ", "dim"), *line] for name, line in zip(names, lines, strict=True)]
