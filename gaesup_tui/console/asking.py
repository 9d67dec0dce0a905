"""The two questions that are not about one deployment: releasing a stop, running a command."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING

from gaesup_tui.console.outbox import Sending
from gaesup_tui.console.stop_rollback import rollback_of
from gaesup_tui.domain.errors import GaesupError
from gaesup_widgets.confirm import Confirm, Question

if TYPE_CHECKING:
    from gaesup_tui.console.app import Console


_STEPS_WIDTH, _STEPS_ROWS = 52, 4
"""The room for the steps of a dry run, in the question."""
_NAMES = {"stop": "stop", "freeze": "freeze", "rollback": "global rollback"}


def ask_release(console: Console) -> None:
    """Ask whether, and why, the newest stop or freeze ends; says why not when there is none."""
    desk = console.desk
    engine = desk.replica.engine
    if reason := desk.why_not("release", None):
        console.foot.say(f"let go: {reason}", "warn")
        return
    stops = engine["stops"] if engine else []
    if not stops:
        console.foot.say("let go: nothing is stopped or frozen", "warn")
        return
    stop = stops[-1]
    where = stop["scope"] or "everything"
    began = desk.times.clock(stop["at"], desk.now())
    more = [("Also", f"{len(stops) - 1} more stops stay in force")] if len(stops) > 1 else []
    if (rollback := rollback_of(engine, stop["scope"])) and not rollback["is_over"]:
        more.insert(0, ("Beware", f"{rollback['text']}: those not back stay as they are"))
    dialog = Confirm(
        Question(
            title=f"Release the {_NAMES[stop['mode']]} of {where}",
            lines=[
                ("Now", f"by {stop['by']} at {began}{': ' + stop['why'] if stop['why'] else ''}"),
                ("Then", "automation goes on; held rollouts move again"),
                *more,
            ],
            confirm_key="y",
            confirm_title="release",
            opening_key=desk.hint("release", None).key,
            reason="required",
        ),
        lambda why: _release(console, dialog, stop["scope"], why),
        symbols=desk.symbols,
    )
    console.push_screen(dialog, lambda text: console.foot.say(text, "ok") if text else None)


def _release(console: Console, dialog: Confirm, scope: str, why: str) -> None:
    body = {"action": "release", "scope": scope, "why": why}
    sending = console.desk.outbox.send(body, f"release of {scope or 'everything'}")
    dialog.set_busy("sent: waiting for the engine's answer")
    console.start(tell(console, dialog, sending), "release")


async def tell(console: Console, dialog: Confirm, sending: Sending) -> None:
    """Shows the engine's answer in the dialog, or in the footer when that was closed."""
    try:
        text, ok = (await sending.answer)["text"], True
    except GaesupError as error:
        text, ok = str(error), False
    if dialog.is_attached:
        dialog.show_result(text, ok)
    else:
        console.foot.say(text, "ok" if ok else "bad")


def ask_to_run(console: Console, words: Sequence[str]) -> None:
    """Ask before a command that changes something is run."""
    from gaesup_tui.console.output import Output

    line = f"gaesup {shlex.join(words)}"
    lines = [
        ("Runs", line),
        ("Then", "its output is shown; leaving that ends the command, not what it began"),
    ]

    def run(_: str) -> None:
        dialog.show_result("", True)
        console.stack.push(Output(console.desk, words))
        console.show_tabs()

    dialog = Confirm(
        Question(
            title=f"Run {words[0]}",
            lines=lines,
            confirm_key="y",
            confirm_title="run it",
            opening_key=":",
        ),
        run,
        symbols=console.desk.symbols,
    )
    console.push_screen(dialog)
    if words[0] == "deploy" and "--dry-run" not in words:
        console.start(_show_steps(console, dialog, words, lines), "dry run")


async def _show_steps(
    console: Console, dialog: Confirm, words: Sequence[str], lines: list[tuple[str, str]]
) -> None:
    """What the deploy would do, as the command itself says it without doing it."""
    said: list[str] = []
    try:
        async for line in console.desk.engine.run_program((*words, "--dry-run")):
            said.append(line)
    except (GaesupError, OSError) as error:
        said.append(f"gaesup: {error}")
    if dialog.is_attached:
        dialog.update_lines([*lines, *dry_run_lines(said)])


def dry_run_lines(said: Sequence[str]) -> list[tuple[str, str]]:
    """Label and text, from the lines of a dry run or from its error."""
    if wrong := [line.removeprefix("gaesup: ") for line in said if line.startswith("gaesup: ")]:
        return [("Beware", wrong[0])]
    titles = [line.split(maxsplit=1)[1] for line in said if line.startswith("  ")]
    notes = [line for line in said[1:-2] if not line.startswith("  ")]
    steps = [("" if number else "Steps", row) for number, row in enumerate(_rows(titles))]
    return [*(("Deploys", line) for line in said[:1]), *steps, *(("Note", n) for n in notes)]


def _rows(titles: Sequence[str]) -> list[str]:
    """Titles side by side, as many as have room; how many are left out is said."""
    rows: list[str] = []
    for number, title in enumerate(titles):
        if rows and len(rows[-1]) + len(title) < _STEPS_WIDTH:
            rows[-1] += f", {title}"
        elif len(rows) < _STEPS_ROWS:
            rows.append(title)
        else:
            return [*rows[:-1], f"{rows[-1]}, {len(titles) - number} more"]
    return rows
