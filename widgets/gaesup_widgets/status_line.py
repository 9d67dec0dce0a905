"""One line of fields, each its own widget: a clock that ticks repaints eight cells, not a line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textual.app import ComposeResult
from textual.containers import Horizontal

from gaesup_widgets.cells import Align, Value, fit_runs, runs_of
from gaesup_widgets.drawn import DrawnLines
from gaesup_widgets.paint import Runs


@dataclass(frozen=True, slots=True)
class Field:
    """A place in a status line: `width` cells, or a share of what is left when 0."""

    name: str
    width: int = 0
    align: Align = "left"


class FieldView(DrawnLines):
    """One field, drawn at its own width."""

    DEFAULT_CSS = "FieldView { height: 1; }"

    def __init__(self, field: Field) -> None:
        super().__init__(id=f"field-{field.name}")
        self.field = field
        self.value: Value = ""
        self.styles.width = field.width or "1fr"

    def lines_for(self, width: int) -> Sequence[Runs]:
        return [fit_runs(runs_of(self.value), width, self.field.align)]


class StatusLine(Horizontal):
    """Named fields in a row."""

    DEFAULT_CSS = "StatusLine { height: 1; width: 1fr; }"

    def __init__(
        self,
        fields: Sequence[Field],
        *,
        name: str | None = None,
        id: str | None = None,  # noqa: A002 - Textual's own parameter name
        classes: str | None = None,
    ) -> None:
        super().__init__(name=name, id=id, classes=classes)
        self._views = {field.name: FieldView(field) for field in fields}

    def compose(self) -> ComposeResult:
        yield from self._views.values()

    def set_field(self, name: str, value: Value) -> None:
        """Show `value` in the field `name`.

        Raises:
            KeyError: There is no such field.
        """
        view = self._views[name]
        if value != view.value:
            view.value = value
            view.redraw()

    def set_width(self, name: str, width: int) -> None:
        """Give the field another width (0: a share of what is left)."""
        self._views[name].styles.width = width or "1fr"

    def text(self, name: str) -> str:
        """What the field shows."""
        return self._views[name].text.strip()
