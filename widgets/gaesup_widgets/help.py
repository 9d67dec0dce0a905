"""The help of a screen, made from the same data as its footer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen

from gaesup_widgets.cells import Cell, fit, runs_of
from gaesup_widgets.footer import KeyHint
from gaesup_widgets.grid import Column, Grid, Row
from gaesup_widgets.paint import Lines, wrapped
from gaesup_widgets.symbols import UNICODE, Symbols

Section = tuple[str, Sequence[KeyHint]]
_KEY_WIDTH = 12


def help_rows(sections: Sequence[Section]) -> list[Row]:
    """A heading per section, a row per key: the key, what it does, why it does not now."""
    rows: list[Row] = []
    for number, (title, hints) in enumerate(sections):
        rows.append(Row.heading(f"section-{number}", title))
        for at, hint in enumerate(hints):
            about = hint.about or hint.title
            if hint.about and hint.title:
                about = f"{hint.title}: {hint.about}"
            text = [Cell(about, "dim" if hint.reason is not None else "")]
            if hint.reason is not None:
                text.append(Cell(f" (not now: {hint.reason})", "warn"))
            key = Cell(fit(hint.key, _KEY_WIDTH), "bad" if hint.is_danger else "accent")
            rows.append(Row(f"{number}-{at}", {"key": key, "about": text}))
    return rows


def help_details(sections: Sequence[Section]) -> dict[str, list[Cell]]:
    """In full, by the key of its row: on a narrow terminal a row has room for a part only."""
    rows = help_rows(sections)
    return {row.key: list(runs_of(row.cells["about"])) for row in rows if "about" in row.cells}


class Help(ModalScreen[None]):
    """Every key of a screen and what it does; `q`, Esc or `?` go back."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,question_mark,backspace", "close", "Back", show=False, id="help.close")
    ]
    DEFAULT_CSS = """
    Help { background: $background; }
    Help > Grid { height: 1fr; }
    Help > .detail { height: 2; padding: 0 1; }
    Help > .keys { height: 1; }
    """

    def __init__(self, sections: Sequence[Section], *, symbols: Symbols = UNICODE) -> None:
        super().__init__()
        self._sections = sections
        self._symbols = symbols
        self._details = help_details(sections)
        self._detail = Lines(classes="detail")

    def compose(self) -> ComposeResult:
        columns = (Column("key", min_width=_KEY_WIDTH), Column("about", min_width=20, weight=1))
        yield Grid(columns, symbols=self._symbols)
        yield self._detail
        yield Lines([[Cell(" j k move   Esc, q or ? go back", "dim")]], classes="keys")

    def on_mount(self) -> None:
        self.query_one(Grid).set_rows(help_rows(self._sections))
        self._show_detail()

    def on_resize(self) -> None:
        self.call_after_refresh(self._show_detail)

    def on_grid_highlighted(self, event: Grid.Highlighted) -> None:
        event.stop()
        self._show_detail()

    def _show_detail(self) -> None:
        about = self._details.get(self.query_one(Grid).cursor_key or "", [])
        self._detail.set_lines(wrapped(about, max(20, self.size.width - 2))[:2])

    def action_close(self) -> None:
        self.dismiss(None)
