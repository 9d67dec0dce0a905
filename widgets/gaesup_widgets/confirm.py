"""The question before a key acts.

What goes wrong with such dialogs elsewhere, and cannot here: Cancel has the focus and Enter never
confirms; the confirming key is chosen by the caller and is never the one that opened the dialog;
a held or bouncing key does not act, nor does pasted text; and the dialog stays until the engine
has answered, because a keypress is not yet an effect.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import ClassVar, Literal

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Input

from gaesup_widgets.cells import Cell, Value, fit, runs_of, width_of
from gaesup_widgets.paint import Lines, Runs, wrapped
from gaesup_widgets.symbols import UNICODE, Symbols

Line = tuple[str, Value]
"""A label and what it says: `("Now", "v41 75 %   v42 25 %")`."""

_WIDTH = 80
_BESIDE = 14
"""Of its width, what labels, frame and a blank at the end take."""
_MOST_ROWS = 4
"""Of one line's text: all of a verdict with its figures."""
_NEVER = frozenset({"enter", "escape", "space", "tab", "shift+tab", "backspace", "q"})


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked.

    `confirm_key` acts and `opening_key` is what the person just pressed. With `reason` a line
    for it is there, or must be filled in; with `typed_name` that text must be typed first.
    """

    title: str
    lines: Sequence[Line]
    confirm_key: str
    confirm_title: str
    opening_key: str
    reason: Literal["none", "optional", "required"] = "none"
    typed_name: str = ""
    is_danger: bool = False

    def __post_init__(self) -> None:
        if self.confirm_key == self.opening_key or self.confirm_key in _NEVER:
            raise ValueError(
                f"{self.confirm_key!r} cannot confirm {self.title!r}: it opens the dialog, moves "
                "in it or leaves it; choose another key"
            )


class _TypedName(Input):
    def _on_paste(self, event: events.Paste) -> None:
        # The name is typed to make a person read it; a pasted one proves nothing.
        event.stop()
        event.prevent_default()


class CancelChoice(Lines, can_focus=True):
    """`[ Cancel ]`: has the focus first, so that Enter cancels. Space does not: it stands between
    the words of somebody who types a reason without having gone to its line, and what follows it
    would act on the screen below."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "screen.cancel", "Cancel", show=False)
    ]


class Confirm(ModalScreen[str | None]):
    """Asks a `Question`; ends with the text of the engine's answer, or `None` when cancelled.

    `on_confirm(reason)` is called once when a person confirms. Its owner then tells how it goes:
    `set_busy`, and at the end `show_result`, which closes the dialog if all is well.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "Cancel", show=False, id="confirm.cancel")
    ]
    DEFAULT_CSS = """
    Confirm { align: center middle; background: transparent; }
    Confirm > Vertical {
        width: 80; max-width: 100%; height: auto; max-height: 100%;
        border: solid $foreground; background: $background;
    }
    Confirm.-danger > Vertical { border: heavy $error; }
    Confirm Lines { height: auto; }
    Confirm Horizontal { height: 1; }
    Confirm .label { width: 11; height: 1; }
    Confirm Input, Confirm Input:focus {
        height: 1; border: none; padding: 0; width: 1fr; background: $background;
        text-style: underline;
    }
    Confirm CancelChoice { width: 12; height: 1; }
    Confirm CancelChoice:focus { text-style: reverse; }
    Confirm #keys { width: 1fr; height: 1; }
    """

    def __init__(
        self,
        question: Question,
        on_confirm: Callable[[str], None],
        *,
        dead_time_s: float = 0.3,
        symbols: Symbols = UNICODE,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        """Keys act no earlier than `dead_time_s` after the dialog came and after the key before
        (add the lag of the line, so that nobody confirms what they cannot see yet)."""
        super().__init__(classes="-danger" if question.is_danger else None)
        self._question = question
        self._on_confirm = on_confirm
        self._dead_time_s = dead_time_s
        self._symbols = symbols
        self._clock = clock
        self._last_key_at = clock()
        self._is_asked = False
        self._is_over = False
        self._lines = question.lines
        self._box = Vertical()
        self._body = Lines()
        self._said = Lines([()])
        self._keys = Lines(id="keys")
        self._cancel = CancelChoice([[Cell("[ Cancel ]", "strong")]])
        self._reason = Input(compact=True, select_on_focus=False)
        self._typed = _TypedName(compact=True, select_on_focus=False)
        for line in (self._reason, self._typed):
            line.cursor_blink = False

    def compose(self) -> ComposeResult:
        question = self._question
        with self._box as box:
            box.border_title = question.title.replace("[", r"\[")
            yield self._body
            if question.reason != "none":
                with Horizontal():
                    yield Lines([[Cell(" Reason", "dim")]], classes="label")
                    yield self._reason
            if question.typed_name:
                yield Lines([[Cell(f" Type {question.typed_name} to go on:", "warn")]])
                with Horizontal():
                    yield Lines([[Cell(" Name", "dim")]], classes="label")
                    yield self._typed
            yield self._said
            with Horizontal():
                yield Lines([()], classes="label")
                yield self._cancel
                yield self._keys

    def on_mount(self) -> None:
        self._show_lines(self._question.lines)
        self._show_keys()
        # What has to be written is where one begins; the confirming key is a letter there.
        (self._reason if self._question.reason == "required" else self._cancel).focus()
        self._last_key_at = self._clock()

    # What the owner tells ------------------------------------------------------------------

    def update_lines(self, lines: Sequence[Line], notice: str = "", title: str = "") -> None:
        """The state moved: show it anew, say so, and let keys rest for the dead time. `title`:
        what the confirming key would do now, where that is something else."""
        self._show_lines(lines)
        if title:
            self._box.border_title = title.replace("[", r"\[")
        self._last_key_at = self._clock()
        if notice:
            self._say(notice, "warn")

    def set_busy(self, text: str) -> None:
        """Confirmed, and not yet done: say what is waited for."""
        self._is_asked = True
        self._show_keys()
        self._say(text, "accent")

    def show_result(self, text: str, ok: bool) -> None:
        """The engine's answer: closes the dialog with `text` if ok, else shows why not."""
        if self._is_over:
            return
        if ok:
            self._is_over = True
            self.dismiss(text)
            return
        self._is_asked = False
        self._last_key_at = self._clock()
        self._show_keys()
        self._say(text, "bad")
        self._cancel.focus()

    # Keys ----------------------------------------------------------------------------------

    def on_resize(self) -> None:
        self._show_lines(self._lines)

    def on_key(self, event: events.Key) -> None:
        now = self._clock()
        quiet_s, self._last_key_at = now - self._last_key_at, now
        if self._key_name(event) != self._question.confirm_key:
            return
        event.stop()
        event.prevent_default()
        if self._is_asked or self._is_over:
            return
        if quiet_s < self._dead_time_s:
            self._say(f"Too soon after another key: press {self._question.confirm_key} again.")
        elif missing := self._missing():
            self._say(missing, "warn")
        else:
            self._is_asked = True
            self._show_keys()
            self._on_confirm(self._reason.value.strip())

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self._last_key_at = self._clock()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        # Enter ends the typing and confirms nothing.
        event.stop()
        if event.input is self._reason and self._question.typed_name:
            self._typed.focus()
        else:
            self._cancel.focus()

    def action_cancel(self) -> None:
        if not self._is_over:
            self._is_over = True
            self.dismiss(None)

    @staticmethod
    def _key_name(event: events.Key) -> str:
        return event.character if event.is_printable and event.character else event.key

    def _missing(self) -> str:
        question = self._question
        if question.reason == "required" and not self._reason.value.strip():
            return "A reason is needed: Tab goes to its line, Enter ends it."
        if question.typed_name and self._typed.value.strip() != question.typed_name:
            return f"Type {question.typed_name} first: Tab goes to its line."
        return ""

    # Drawing -------------------------------------------------------------------------------

    def _show_lines(self, lines: Sequence[Line]) -> None:
        self._lines = lines
        room = min(_WIDTH, self.app.size.width) - _BESIDE
        runs: list[Runs] = []
        for label, value in lines:
            name = fit(f" {label}", 10, ellipsis=self._symbols.ellipsis) + " "
            for line in wrapped(runs_of(value), max(20, room))[:_MOST_ROWS]:
                runs.append([Cell(name, "dim"), *line])
                name = " " * len(name)
        self._body.set_lines(runs)

    def _show_keys(self) -> None:
        question = self._question
        key = "" if self._is_asked else question.confirm_key
        style = "bad" if question.is_danger else "accent"
        text = "" if self._is_asked else f" {question.confirm_title}"
        self._keys.set_lines([[Cell("   "), Cell(key, style), Cell(text)]])
        # What was sent cannot be taken back by closing the dialog.
        name = "[ Close ]" if self._is_asked else "[ Cancel ]"
        self._cancel.set_lines([[Cell(fit(name, width_of("[ Cancel ]")), "strong")]])

    def _say(self, text: str, style: str = "warn") -> None:
        room = max(20, min(_WIDTH, self.app.size.width) - 4)
        lines = wrapped([Cell(text, style)], room)[:_MOST_ROWS]
        self._said.set_lines([[Cell(" "), *line] for line in lines])
