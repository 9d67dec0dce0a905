"""Lines that a widget makes from the data it shows, and makes again when it gets another size."""

from __future__ import annotations

from collections.abc import Sequence

from gaesup_widgets.paint import Lines, Runs
from gaesup_widgets.symbols import UNICODE, Symbols


class DrawnLines(Lines):
    """Lines drawn to the width there is.

    A subclass keeps what it shows, answers `lines_for` from it, and calls `redraw` whenever it
    shows something else.
    """

    def __init__(
        self,
        *,
        symbols: Symbols = UNICODE,
        name: str | None = None,
        id: str | None = None,  # noqa: A002 - Textual's own parameter name
        classes: str | None = None,
    ) -> None:
        super().__init__(name=name, id=id, classes=classes)
        self._symbols = symbols

    def lines_for(self, width: int) -> Sequence[Runs]:
        """What is shown now, drawn for `width` cells (at least 1)."""
        raise NotImplementedError

    def redraw(self) -> None:
        """Draw what is shown now; before the first layout there is no width to draw for."""
        if width := self.content_size.width:
            self.set_lines(self.lines_for(width))

    def on_resize(self) -> None:
        self.redraw()
