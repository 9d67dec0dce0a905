"""The keys that work here, as one line; what cannot be done now is dim and can say why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gaesup_widgets.cells import Cell, fit_runs, width_of
from gaesup_widgets.drawn import DrawnLines
from gaesup_widgets.paint import Runs
from gaesup_widgets.symbols import UNICODE, Symbols


@dataclass(frozen=True, slots=True)
class KeyHint:
    """A key and what it does. `reason` says why it does nothing now (`None`: it works).

    `is_pinned` ones stand at the right end and never give way; `is_danger` ones stand out.
    `about` is a sentence for the help.
    """

    key: str
    title: str
    reason: str | None = None
    is_pinned: bool = False
    is_danger: bool = False
    about: str = ""


def hint_runs(hint: KeyHint) -> list[Cell]:
    """`p Promote`: two runs, or one when it is dim."""
    if hint.reason is not None:
        return [Cell(f"{hint.key} {hint.title}", "dim")]
    return [Cell(hint.key, "bad" if hint.is_danger else "accent"), Cell(f" {hint.title}")]


def footer_runs(hints: Sequence[KeyHint], width: int, symbols: Symbols = UNICODE) -> list[Cell]:
    """As many hints as fit into `width` cells, in their order; pinned ones at the right."""
    right: list[Cell] = []
    for hint in (hint for hint in hints if hint.is_pinned):
        right += [Cell("  "), *hint_runs(hint)]
    room = width - sum(width_of(cell.text) for cell in right) - 1
    left: list[Cell] = []
    used = 0
    for hint in (hint for hint in hints if not hint.is_pinned):
        runs = [Cell("  " if left else " "), *hint_runs(hint)]
        size = sum(width_of(cell.text) for cell in runs)
        if used + size > room - 2:
            left.append(Cell(f" {symbols.ellipsis}", "dim"))
            break
        left += runs
        used += size
    runs = fit_runs(left, max(0, room), ellipsis=symbols.ellipsis) + right
    return fit_runs(runs, width, ellipsis=symbols.ellipsis)


class KeyFooter(DrawnLines):
    """One line of key hints."""

    DEFAULT_CSS = "KeyFooter { height: 1; width: 1fr; }"

    _hints: tuple[KeyHint, ...] = ()

    def show(self, hints: Sequence[KeyHint]) -> None:
        """Show `hints`, the most needed first."""
        self._hints = tuple(hints)
        self.redraw()

    def reason(self, key: str) -> str | None:
        """Why `key` does nothing now; `None` when it works or is not in the line."""
        return next((hint.reason for hint in self._hints if hint.key == key), None)

    def lines_for(self, width: int) -> Sequence[Runs]:
        return [footer_runs(self._hints, width, self._symbols)]
